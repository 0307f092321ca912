//! Oracle: on memory with any content every call returns, soon and with numbers that fit together.
//!
//! `attach` may refuse the memory. If it does not, no call panics or hangs, a look writes nothing,
//! and nothing is written beyond the table.

#![no_main]

use std::sync::atomic::Ordering;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ratecell::{
    AtomicU64, Decision, KeyHash, Seed, Table, TableError, Verdict, WhenFull, table_words,
    words_from_raw,
};
use ratecell_fuzz::{Clock, Cost, Moment, Quotas, StandIn, answer};

#[derive(Arbitrary, Debug)]
struct Script {
    made_for: Quotas,
    attached_for: Option<Quotas>,
    regions: u8,
    /// Bytes that are given to a table besides its words, and by how much the address is off.
    spare: u8,
    misaligned_by: u8,
    start_ns: u64,
    /// What happens before the memory is corrupted.
    before: Vec<(Moment, u8, Call)>,
    corrupt: Vec<Corruption>,
    after: Vec<(Moment, u8, Call)>,
}

/// A word written past the table; slots are counted from the first region on.
#[derive(Arbitrary, Debug)]
enum Corruption {
    /// The word at a position.
    Any(u16, u64),
    /// A bit of the word at a position.
    Flip(u16, u8),
    /// One of the words of the header.
    Header(u8, u64),
    /// A slot's owner: the fingerprint of a key, a nonce and a tag.
    Owner(u8, u8, u16, u8),
    /// A cell of one word.
    Cell(u8, u64),
    /// A sliding cell's head: a segment, or that of the time, an index and a distance.
    Head(u8, Option<u64>, u8, u8),
    /// A slot of a sliding cell's ring: a tick after that of the time, past, frozen and a count.
    Ring(u8, u8, i16, bool, bool, u32),
}

#[derive(Arbitrary, Debug)]
enum Call {
    Acquire(Cost),
    Peek(Cost),
    AcquireWith(StandIn, Cost),
    Release(Cost),
    Reset,
}

fuzz_target!(|script: Script| {
    let quota = script.made_for.core;
    let regions = usize::from(script.regions % 4 + 1);
    let region_words = (quota.cell_words() + 1) * 8;
    let table_len = table_words(&quota, 1) - region_words + regions * region_words;
    // One word more for a misaligned start.
    let mut bytes = vec![u64::MAX; table_len + usize::from(script.spare / 8) + 1];
    let start = bytes.as_mut_ptr().cast::<u8>();
    let off = usize::from(script.misaligned_by % 8);
    // SAFETY: there is one word more than `len` says, so that the offset stays within the bytes,
    // which live to the end of this function; nothing else touches them; they are initialized.
    let words = unsafe { words_from_raw(start.wrapping_add(off), bytes.len() * 8 - 8) };
    let words = match words {
        Ok(words) => words,
        Err(error) => {
            assert!(off > 0 && matches!(error, TableError::Misaligned { .. }), "{error}");
            return;
        }
    };
    assert_eq!((off, words.len()), (0, bytes.len() - 1));
    let mut clock = Clock::at(script.start_ns);
    let table = Table::new(words, quota, Seed::from_bytes([7; 16])).expect("large enough");
    let mut calls = Calls { table, quotas: script.made_for, words, clock };
    calls.make(&script.before);
    clock = calls.clock;

    for corruption in &script.corrupt {
        corruption.write(&calls);
    }
    let quotas = script.attached_for.unwrap_or(script.made_for);
    let before = copy(words);
    let attached = Table::attach(words, quotas.core);
    assert_eq!(copy(words), before, "attaching writes nothing");
    let Ok(table) = attached else { return };
    assert!(table.slots() > 0);
    let mut calls = Calls { table, quotas, words, clock };
    calls.make(&script.after);
});

/// A table whose memory may hold anything.
struct Calls<'m> {
    table: Table<&'m [AtomicU64]>,
    quotas: Quotas,
    words: &'m [AtomicU64],
    clock: Clock,
}

impl Calls<'_> {
    fn hash(&self, key: u8) -> KeyHash {
        self.table.hash(u32::from(key))
    }

    /// Where a slot's owner lies, 0, or a word of its cell, from 1.
    fn place(&self, slot: u8, word: usize) -> usize {
        let cell_words = self.quotas.core.cell_words();
        let slot = usize::from(slot) % self.table.slots();
        let (region, slot) = (slot / 8, slot % 8);
        let within = match (cell_words, word) {
            (1, _) => slot * 2 + word,
            (_, 0) => slot,
            (_, _) => 8 + slot * cell_words + word - 1,
        };
        16 + region * 8 * (cell_words + 1) + within
    }

    fn make(&mut self, calls: &[(Moment, u8, Call)]) {
        let table_len = {
            let quota = self.table.quota();
            16 + self.table.slots() * (quota.cell_words() + 1)
        };
        let beyond = copy(&self.words[table_len..]);
        let mut last = None;
        for (moment, key, call) in calls {
            self.clock.go(*moment, self.quotas.period_ns(), last.as_ref());
            let units = |cost: &Cost| cost.units(self.quotas.reference.capacity(), last.as_ref());
            let (now_ns, hash) = (self.clock.raw_ns(), self.hash(*key));
            let before = copy(self.words);
            let decision = match call {
                Call::Acquire(cost) => {
                    let decision = self.table.acquire(hash, now_ns, units(cost));
                    self.check(&decision, units(cost), self.quotas.core.capacity());
                    decision
                }
                Call::Peek(cost) => {
                    let decision = self.table.peek(hash, now_ns, units(cost));
                    self.check(&decision, units(cost), self.quotas.core.capacity());
                    assert_eq!(copy(self.words), before, "a look writes nothing");
                    decision
                }
                Call::AcquireWith(stand_in, cost) => {
                    let Some(under) = stand_in.of(&self.quotas) else { continue };
                    let cost = units(cost);
                    let decision = self.table.acquire_with(&under.core, hash, now_ns, cost);
                    let Some(decision) = decision else { continue };
                    self.check(&decision, cost, under.core.capacity());
                    decision
                }
                Call::Release(cost) => {
                    if self.table.release(hash, units(cost)).is_err() {
                        assert_eq!(copy(self.words), before, "an error changes nothing");
                    }
                    continue;
                }
                Call::Reset => {
                    self.table.reset(hash);
                    continue;
                }
            };
            last = answer(&decision);
        }
        assert_eq!(copy(&self.words[table_len..]), beyond, "nothing is written beyond the table");
        assert_eq!(self.table.stats().slots, self.table.slots());
    }

    /// What any answer keeps to.
    fn check(&self, decision: &Decision, cost: u32, capacity: u32) {
        assert_eq!(decision.limit(), capacity, "{decision:?}");
        assert!(decision.remaining() <= capacity, "{decision:?}");
        assert_eq!(decision.verdict() == Verdict::Never, cost > capacity, "{cost}: {decision:?}");
        assert!(cost > 0 || decision.allowed(), "{decision:?}");
        let wait_ns = decision.retry_after_ns();
        assert_eq!(decision.allowed(), wait_ns == Some(0), "{decision:?}");
        assert!(decision.verdict() != Verdict::Never || wait_ns.is_none(), "{decision:?}");
        assert!(!decision.to_string().is_empty(), "{decision:?} says nothing");
    }
}

impl Corruption {
    fn write(&self, calls: &Calls<'_>) {
        let quota = calls.quotas.core;
        let (now_ns, period_ns) = (calls.clock.now_ns(), calls.quotas.period_ns());
        let any = |position: u16| usize::from(position) % calls.words.len();
        let (at, value) = match *self {
            Self::Any(position, value) => (any(position), value),
            Self::Flip(position, bit) => {
                let at = any(position);
                (at, calls.words[at].load(Ordering::Relaxed) ^ 1 << (bit % 64))
            }
            Self::Header(position, value) => (usize::from(position % 16), value),
            Self::Owner(slot, key, nonce, tag) => {
                let low = u64::from(nonce & 0x3fff) << 2 | u64::from(tag % 4);
                (calls.place(slot, 0), fingerprint(calls, key) | low)
            }
            Self::Cell(slot, value) => (calls.place(slot, 1), value),
            Self::Head(slot, segment, index, distance) => {
                let segments = quota.cell_words().saturating_sub(2).max(1) as u64;
                let segment = segment.unwrap_or(now_ns / (period_ns / segments));
                let low = u64::from(index % 128) << 7 | u64::from(distance % 128);
                (calls.place(slot, 1), segment << 14 | low)
            }
            Self::Ring(slot, index, after, past, frozen, count) => {
                let at = 2 + usize::from(index) % quota.cell_words().saturating_sub(1).max(1);
                let tick_bits = 53_u32.saturating_sub(period_ns.leading_zeros());
                let tick = (now_ns >> tick_bits).wrapping_add_signed(after.into());
                let flags = u64::from(past) << 24 | u64::from(frozen) << 23;
                (calls.place(slot, at), tick << 25 | flags | u64::from(count & 0x7f_ffff))
            }
        };
        if let Some(word) = calls.words.get(at) {
            word.store(value, Ordering::Relaxed);
        }
    }
}

/// What stands for a key in an owner word, found by giving it a slot in a table of the same seed.
fn fingerprint(calls: &Calls<'_>, key: u8) -> u64 {
    let quota = ratecell::ConcurrencyQuota::new(1).expect("a quota").into();
    let memory: Vec<AtomicU64> = (0..table_words(&quota, 1)).map(|_| AtomicU64::new(0)).collect();
    let table = Table::new(memory.as_slice(), quota, Seed::from_bytes([7; 16]));
    let table = table.expect("large enough").when_full(WhenFull::Deny);
    assert!(table.acquire(calls.hash(key), 0, 1).allowed());
    let owners = copy(&memory).into_iter().skip(16).step_by(2);
    owners.map(|owner| owner & !0xffff).find(|&owner| owner != 0).unwrap_or(0)
}

fn copy(words: &[AtomicU64]) -> Vec<u64> {
    words.iter().map(|word| word.load(Ordering::Relaxed)).collect()
}
