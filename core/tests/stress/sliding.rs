//! A sliding cell under clocks that move, some of them late.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ratecell::{AtomicSegments, Clock as _, ManualClock, SlidingQuota};

use crate::{Gate, THREADS, rounds, together};

const PERIOD_NS: u64 = 1_000_000;
const TICK_NS: u64 = 512;

/// An admission happened on the cell's own time somewhere from `from_ns` to `to_ns`.
#[derive(Clone, Copy)]
struct Admission {
    from_ns: u64,
    to_ns: u64,
}

/// The most admissions that certainly fell within one period.
fn most_in_a_period(mut log: Vec<Admission>) -> usize {
    log.sort_by_key(|admission| admission.from_ns);
    let certain = |first: usize| {
        let end_ns = log[first].from_ns + PERIOD_NS;
        let after = log[first..].iter().take_while(|admission| admission.from_ns < end_ns);
        after.filter(|admission| admission.to_ns < end_ns).count()
    };
    (0..log.len()).map(certain).max().unwrap_or(0)
}

struct Run {
    quota: SlidingQuota,
    /// How far each call moves the clock.
    step_ns: u64,
    /// How much later than the true time each thread's clock is.
    late_ns: [u64; THREADS],
    calls: usize,
}

impl Run {
    /// Calls without a pause; returns what was admitted and when it was over.
    fn admissions(&self, cell: &AtomicSegments<64>, start_ns: u64) -> (Vec<Admission>, u64) {
        let clock = ManualClock::new(start_ns);
        let log = Mutex::new(Vec::new());
        let work = |thread: usize, _| {
            let mut own = Vec::new();
            for _ in 0..self.calls {
                clock.advance(self.step_ns);
                let now_ns = clock.now_ns() - self.late_ns[thread];
                let decision = cell.acquire(&self.quota, now_ns, 1);
                let to_ns = clock.now_ns();
                if decision.allowed() {
                    own.push(Admission { from_ns: now_ns, to_ns });
                }
                // Whatever a call finds, it is gone a period after the newest time that any has.
                let gone_ns = now_ns + decision.reset_after_ns().unwrap();
                assert!(gone_ns <= to_ns + PERIOD_NS + TICK_NS, "{decision:?} at {now_ns}");
            }
            log.lock().unwrap().append(&mut own);
        };
        together(1, work, |_| {});
        (log.into_inner().unwrap(), clock.now_ns())
    }

    fn check(&self, start_ns: u64) {
        let cell = AtomicSegments::<64>::new();
        let (log, end_ns) = self.admissions(&cell, start_ns);
        let (limit, admitted) = (self.quota.limit() as usize, log.len());
        let most = most_in_a_period(log);
        assert!(most <= limit, "{most} of {limit} in a period");
        // What the kind guarantees to a steady caller, less what the latest clock adds.
        let stretched_ns = PERIOD_NS + PERIOD_NS / u64::from(self.quota.segments()) + 2 * TICK_NS;
        let latest_ns = self.late_ns.iter().max().unwrap();
        let spans =
            (end_ns - start_ns) / (stretched_ns + latest_ns + THREADS as u64 * self.step_ns);
        let least = limit * usize::try_from(spans).unwrap();
        assert!(admitted >= least, "{admitted} admitted, {least} at the least");
        // And it is as good as new in the end.
        let later_ns = end_ns + 2 * PERIOD_NS;
        assert!(cell.acquire(&self.quota, later_ns, self.quota.limit()).allowed());
    }
}

fn quota(limit: u32, segments: u32) -> SlidingQuota {
    SlidingQuota::new(limit, PERIOD_NS, segments).unwrap()
}

/// Catches: `Ring::exchange` that stores.
#[test]
fn threads_on_time_keep_the_limit_in_every_period() {
    for (limit, segments) in [(1, 1), (50, 14), (50, 62), (200, 3)] {
        for turn in 0..rounds(8) {
            let late_ns = [0; THREADS];
            let run = Run { quota: quota(limit, segments), step_ns: 997, late_ns, calls: 2_000 };
            run.check(turn as u64 * 123_456_789);
        }
    }
}

/// Catches, beside the above: a `SlidingQuota::survey` that lets a late clock look back behind the
/// head (the call then waits for a segment that never opens, and never ends).
#[test]
fn threads_with_late_clocks_keep_the_limit_in_every_period() {
    for (limit, segments) in [(1, 1), (50, 14), (50, 62)] {
        for turn in 0..rounds(8) {
            let late_ns = [0, 0, PERIOD_NS / 9, 3 * PERIOD_NS / 2];
            let run = Run { quota: quota(limit, segments), step_ns: 997, late_ns, calls: 2_000 };
            run.check(4 * PERIOD_NS + turn as u64 * 123_456_789);
        }
    }
}

/// In each round some threads are just before the end of the open segment and some behind it, and
/// all want the one unit there is.
///
/// Catches: `Ring::finish` that does not freeze the closing slot, with a charge that does not look at
/// the head again: it is not counted by those who have gone on. (Either alone leaves a gap of one
/// instruction, which is for the models to find.)
#[test]
fn threads_on_both_sides_of_a_segments_end_share_one_unit() {
    let quota = quota(1, 62);
    let segment_ns = (PERIOD_NS / 62).next_multiple_of(TICK_NS);
    let (cell, gate) = (AtomicSegments::<64>::new(), Gate::default());
    let (admitted, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let count = rounds(4_000);
    let work = |thread: usize, _| {
        for round in 0..count {
            let end_ns = (round as u64 + 1) * segment_ns;
            let now_ns = [end_ns - 1, end_ns, end_ns - 2, end_ns + 1][thread];
            gate.pass(2 * round);
            let allowed = cell.acquire(&quota, now_ns, 1).allowed();
            admitted.fetch_add(allowed.into(), Ordering::SeqCst);
            gate.pass(2 * round + 1);
            if thread == 0 {
                let units = admitted.swap(0, Ordering::SeqCst);
                wrong.fetch_add((units != 1).into(), Ordering::SeqCst);
                cell.reset();
            }
        }
    };
    together(1, work, |_| {});
    assert_eq!(wrong.into_inner(), 0, "of {count} rounds");
}

/// In each round one thread still has the time of the round before, a whole ring ago.
///
/// Catches: a charge that does not look at the head again before its exchange, and so writes the
/// tick of a lap ago into a slot of this one (the key is then denied for 2^39 ticks).
#[test]
fn a_thread_that_is_laps_late_leaves_the_cell_as_it_should_be() {
    for segments in [1, 62] {
        let quota = quota(2, segments);
        let (cell, gate) = (AtomicSegments::<64>::new(), Gate::default());
        let (wrong, count) = (AtomicUsize::new(0), rounds(2_000));
        let work = |thread: usize, _| {
            for round in 0..count {
                let now_ns = (round as u64 + 2) * 3 * PERIOD_NS;
                let late_ns = [0, 3 * PERIOD_NS, 3 * PERIOD_NS, 0][thread];
                gate.pass(2 * round);
                let _ = cell.acquire(&quota, now_ns - late_ns, 1);
                gate.pass(2 * round + 1);
                if thread == 0 {
                    let after = cell.peek(&quota, now_ns + 2 * PERIOD_NS, 2);
                    wrong.fetch_add((!after.allowed()).into(), Ordering::SeqCst);
                }
            }
        };
        together(1, work, |_| {});
        assert_eq!(wrong.into_inner(), 0, "of {count} rounds");
    }
}
