//! Oracle: the core beside it. Whatever pointers, sizes and numbers C gives in whatever order, a call
//! returns a known status; if it fails nothing is written, and if not the core has the same answer.

#![no_main]
#![expect(clippy::multiple_unsafe_ops_per_block, reason = "a match that makes one call of several")]

use core::ffi::c_void;
use core::ptr::{null, null_mut};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ratecell::{AtomicU64, KeyHash, Seed, words_from_raw};
use ratecell_c::*;

#[derive(Arbitrary, Debug)]
struct Script {
    quota: Numbers,
    /// Bytes of memory for the table, and by how much its address is off.
    size: u16,
    off: u8,
    when_full: u8,
    seed: [u8; 16],
    steps: Vec<Step>,
}

/// The numbers of a quota, good or bad.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Numbers {
    kind: u8,
    limit: u32,
    period_ms: u32,
    period_off: u16,
    burst: u32,
    segments: u8,
    spoilt: Option<(u8, u64)>,
}

/// A pointer to what it should, or not.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Aim {
    Good,
    Good2,
    Good3,
    Null,
    Off,
}

#[derive(Arbitrary, Debug)]
struct Step {
    now_ns: u64,
    cost: u32,
    key: [u8; 4],
    /// How long the key is said to be.
    len: Length,
    object: Aim,
    key_at: Aim,
    out: Aim,
    call: Call,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Length {
    Fitting(u8),
    Beyond,
    Most,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Call {
    TableAcquire,
    TablePeek,
    TableRelease,
    TableReset,
    Attach { size: u16, when_full: u8 },
    Init { size: u16, when_full: u8 },
    Tat,
    Window,
    Held,
    Segments { count: u8 },
    Quota,
}

impl Aim {
    fn at<T>(self, object: *mut T) -> *mut T {
        match self {
            Self::Good | Self::Good2 | Self::Good3 => object,
            Self::Null => null_mut(),
            Self::Off => object.wrapping_byte_add(1),
        }
    }

    fn is_good(self) -> bool {
        matches!(self, Self::Good | Self::Good2 | Self::Good3)
    }
}

impl Length {
    fn of(self) -> usize {
        match self {
            Self::Fitting(len) => usize::from(len % 5),
            Self::Beyond => isize::MAX.unsigned_abs() + 1,
            Self::Most => usize::MAX,
        }
    }
}

impl Numbers {
    /// The quota as C would keep it: made by a function of the library, then perhaps spoilt.
    fn quota(&self) -> Quota {
        let mut quota =
            Quota { kind: 9, limit: 0, period_ns: 0, interval_ns: 0, burst: 0, segments: 0 };
        let period_ns = u64::from(self.period_ms) * 1_000_000 + u64::from(self.period_off);
        let (limit, burst) = (self.limit, self.burst);
        // SAFETY: `quota` is an object of its own.
        let status = unsafe {
            match self.kind % 4 {
                0 => ratecell_quota_gcra(limit, period_ns, burst, &mut quota),
                1 => ratecell_quota_fixed(limit, period_ns, &mut quota),
                2 => ratecell_quota_sliding(limit, period_ns, self.segments.into(), &mut quota),
                _ => ratecell_quota_concurrency(limit, &mut quota),
            }
        };
        known(status);
        assert_eq!(status == RATECELL_OK, quota.kind != 9, "written if and only if it succeeds");
        match self.spoilt {
            Some((0, value)) => quota.kind = value as u32,
            Some((1, value)) => quota.limit = value as u32,
            Some((2, value)) => quota.period_ns = value,
            Some((3, value)) => quota.interval_ns = value,
            Some((4, value)) => quota.burst = value as u32,
            Some((5, value)) => quota.segments = value as u32,
            _ => {}
        }
        quota
    }
}

/// The core's quota of the same numbers, if it accepts them.
fn core_quota(quota: &Quota) -> Option<ratecell::Quota> {
    let Quota { kind, limit, period_ns, interval_ns, burst, segments } = *quota;
    Some(match kind {
        RATECELL_GCRA => {
            let made = ratecell::GcraQuota::new(limit, period_ns, burst).ok()?;
            if made.emission_interval_ns() != interval_ns {
                return None;
            }
            made.into()
        }
        RATECELL_FIXED => ratecell::FixedQuota::new(limit, period_ns).ok()?.into(),
        RATECELL_SLIDING => ratecell::SlidingQuota::new(limit, period_ns, segments).ok()?.into(),
        RATECELL_CONCURRENCY => ratecell::ConcurrencyQuota::new(limit).ok()?.into(),
        _ => return None,
    })
}

fn known(status: Status) {
    assert!((RATECELL_NETWORK..=RATECELL_OUT_OF_MEMORY).contains(&status), "status {status}");
}

/// What stands where an answer goes until a call writes it.
const UNTOUCHED: RuleDecision = RuleDecision {
    verdict: 77,
    rule: 77,
    limit: 77,
    remaining: 77,
    retry_after_ns: 77,
    reset_after_ns: 77,
    words: [77; 5],
};

fuzz_target!(|script: Script| {
    let mut run = Run::new(&script);
    for step in &script.steps {
        run.step(step);
    }
});

struct Run {
    quota: Quota,
    memory: Vec<u64>,
    off: usize,
    seed: [u8; 16],
    table: Table,
    /// The core's table, if C has one.
    twin: Option<ratecell::Table<&'static [AtomicU64]>>,
    twin_memory: Vec<u64>,
    cell: u64,
    words: Vec<u64>,
}

impl Run {
    fn new(script: &Script) -> Self {
        let mut run = Self {
            quota: script.quota.quota(),
            memory: vec![0; usize::from(u16::MAX) / 8 + 2],
            twin_memory: vec![0; usize::from(u16::MAX) / 8 + 2],
            off: usize::from(script.off % 8),
            seed: script.seed,
            table: Table { opaque: [0; 16] },
            twin: None,
            cell: 0,
            words: vec![0; 70],
        };
        run.make(script.size, script.when_full, false);
        run
    }

    /// Makes the table, or attaches to the one that is there.
    fn make(&mut self, size: u16, when_full: u8, attach: bool) {
        let start = self.memory.as_mut_ptr().wrapping_byte_add(self.off).cast::<c_void>();
        let (quota, when_full) = (&self.quota, u32::from(when_full % 4));
        let before = self.table.opaque;
        // SAFETY: the memory is larger than any size by 8 bytes; all else lives here.
        let status = unsafe {
            if attach {
                ratecell_table_attach(&mut self.table, start, size.into(), quota, when_full)
            } else {
                let seed = self.seed.as_ptr();
                ratecell_table_init(&mut self.table, start, size.into(), quota, when_full, seed)
            }
        };
        known(status);
        if status != RATECELL_OK {
            assert_eq!(self.table.opaque, before, "a failure writes nothing");
            return;
        }
        let core = core_quota(quota).expect("what C accepts the core does");
        assert!(self.off == 0 && (1..=2).contains(&when_full));
        let full = match when_full {
            RATECELL_WHEN_FULL_ALLOW => ratecell::WhenFull::Allow,
            _ => ratecell::WhenFull::Deny,
        };
        self.twin = None;
        let start = self.twin_memory.as_mut_ptr().cast();
        // SAFETY: the memory stays where it is for as long as `self` lives, and only one twin at a
        // time looks at it; the twin does not outlive it, as it is dropped first.
        let words = unsafe { words_from_raw(start, size.into()) }.unwrap();
        let table = if attach {
            ratecell::Table::attach(words, core)
        } else {
            ratecell::Table::new(words, core, Seed::from_bytes(self.seed))
        };
        self.twin = Some(table.expect("as in C").when_full(full));
    }

    fn step(&mut self, step: &Step) {
        match step.call {
            Call::Init { size, when_full } => return self.make(size, when_full, false),
            Call::Attach { size, when_full } => return self.make(size, when_full, true),
            Call::Quota => {
                let mut size = 0;
                // SAFETY: both live here, or are NULL or off.
                let status = unsafe {
                    ratecell_table_size(
                        step.object.at(&mut self.quota),
                        step.cost as usize,
                        step.out.at(&mut size),
                    )
                };
                known(status);
                assert!(status == RATECELL_OK || size == 0);
                return;
            }
            _ => {}
        }
        let mut out = UNTOUCHED;
        let (status, expected) = match step.call {
            Call::TableAcquire | Call::TablePeek | Call::TableRelease | Call::TableReset => {
                self.on_table(step, &mut out)
            }
            _ => self.on_cell(step, &mut out),
        };
        known(status);
        let answers = !matches!(step.call, Call::TableRelease | Call::TableReset);
        if status != RATECELL_OK || !answers {
            assert_eq!(out, UNTOUCHED, "written without success: {step:?}");
        }
        assert_eq!(status == RATECELL_OK, expected.is_some(), "{status} on {step:?}");
        if let Some(Some(decision)) = expected {
            let unknown = |ns: Option<u64>| ns.unwrap_or(RATECELL_UNKNOWN);
            assert_eq!(out.verdict, decision.verdict() as u32 + 1);
            assert_eq!((out.limit, out.remaining), (decision.limit(), decision.remaining()));
            assert_eq!(out.retry_after_ns, unknown(decision.retry_after_ns()));
            assert_eq!(out.reset_after_ns, unknown(decision.reset_after_ns()));
        }
    }

    /// The status, and what the core says: none for a failure, none within for no answer.
    fn on_table(
        &mut self,
        step: &Step,
        out: &mut RuleDecision,
    ) -> (Status, Option<Option<ratecell::Decision>>) {
        let mut key = step.key;
        let table = step.object.at(&mut self.table).cast_const();
        // A byte may lie anywhere: off by one is good, if the length still fits.
        let len = step.len.of().min(if step.key_at == Aim::Off { 3 } else { usize::MAX });
        let start = step.key_at.at(key.as_mut_ptr()).cast::<c_void>().cast_const();
        let answer = step.out.at(out);
        // SAFETY: the table was made or is zeros; the key has as many bytes as it is said to, or is
        // longer than any object; the rest lives here, or is NULL or off.
        let status = unsafe {
            match step.call {
                Call::TableAcquire => {
                    ratecell_table_acquire(table, start, len, step.now_ns, step.cost, answer)
                }
                Call::TablePeek => {
                    ratecell_table_peek(table, start, len, step.now_ns, step.cost, answer)
                }
                Call::TableRelease => ratecell_table_release(table, start, len, step.cost),
                _ => ratecell_table_reset(table, start, len),
            }
        };
        let answers = matches!(step.call, Call::TableAcquire | Call::TablePeek);
        let good = step.object.is_good()
            && step.key_at != Aim::Null
            && len <= key.len()
            && (step.out.is_good() || !answers);
        let Some(twin) = self.twin.as_ref().filter(|_| good) else { return (status, None) };
        let first = usize::from(step.key_at == Aim::Off);
        let hash: KeyHash = twin.hash(&key[first..first + len]);
        let expected = match step.call {
            Call::TableAcquire => Some(Some(twin.acquire(hash, step.now_ns, step.cost))),
            Call::TablePeek => Some(Some(twin.peek(hash, step.now_ns, step.cost))),
            Call::TableRelease => twin.release(hash, step.cost).ok().map(|()| None),
            _ => {
                twin.reset(hash);
                Some(None)
            }
        };
        (status, expected)
    }

    fn on_cell(
        &mut self,
        step: &Step,
        out: &mut RuleDecision,
    ) -> (Status, Option<Option<ratecell::Decision>>) {
        let answer = step.out.at(out);
        let quota: *const Quota = &self.quota;
        let cell = step.object.at(&mut self.cell);
        let before = self.cell;
        let (now_ns, cost) = (step.now_ns, step.cost);
        let good = step.object.is_good() && step.out.is_good();
        let core = core_quota(&self.quota).filter(|_| good);
        // SAFETY: the cells, the quota and the answer live here, or are NULL or off.
        unsafe {
            match (step.call, core) {
                (Call::Tat, core) => {
                    let status = ratecell_tat_acquire(cell.cast(), quota, now_ns, cost, answer);
                    let Some(ratecell::Quota::Gcra(quota)) = core else { return (status, None) };
                    let decided = quota.decide(ratecell::Tat(before), now_ns, cost).0;
                    (status, Some(Some(decided)))
                }
                (Call::Window, core) => {
                    let status = ratecell_window_acquire(cell.cast(), quota, now_ns, cost, answer);
                    let Some(ratecell::Quota::Fixed(quota)) = core else { return (status, None) };
                    let decided = quota.decide(ratecell::Window(before), now_ns, cost).0;
                    (status, Some(Some(decided)))
                }
                (Call::Held, core) => {
                    let status = ratecell_held_acquire(cell.cast(), quota, cost, answer);
                    let Some(ratecell::Quota::Concurrency(quota)) = core else {
                        return (status, None);
                    };
                    (status, Some(Some(quota.decide(ratecell::Held(before), cost).0)))
                }
                (Call::Segments { count }, core) => {
                    let words = step.object.at(self.words.as_mut_ptr());
                    let count = usize::from(count) % self.words.len();
                    let twin: Vec<AtomicU64> =
                        self.words.iter().map(|&word| AtomicU64::new(word)).collect();
                    let status =
                        ratecell_segments_acquire(words.cast(), count, quota, now_ns, cost, answer);
                    let Some(ratecell::Quota::Sliding(quota)) = core else { return (status, None) };
                    if count < quota.cell_words() {
                        return (status, None);
                    }
                    (status, Some(Some(ratecell::SegmentsIn(&twin).acquire(&quota, now_ns, cost))))
                }
                _ => (ratecell_tat_reset(null_mut(), null()), None),
            }
        }
    }
}
