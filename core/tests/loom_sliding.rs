//! Models of cells by themselves: the one-word cells, and above all the sliding ring.
//!
//! Run by `make models`: `RUSTFLAGS="--cfg loom" cargo test --release --test 'loom_*'`. Each model
//! names the mutation that it catches; `.ci/mutants` applies them and expects a failure. The clock
//! is a word of the model, so that a thread can be stopped between reading it and using it.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering::SeqCst};
use loom::thread;
use ratecell::{AtomicHeld, AtomicSegments, AtomicTat, ConcurrencyQuota, GcraQuota, SlidingQuota};

const MS: u64 = 1_000_000;
/// The length of the only segment of a 1 ms sliding quota: 1954 ticks of 512 ns.
const SEGMENT: u64 = 1954 * 512;

/// Explores with at most `preemptions` forced switches.
fn model(preemptions: usize, body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

/// A one-segment sliding quota of `limit` a millisecond: a ring of two slots.
fn sliding(limit: u32) -> SlidingQuota {
    SlidingQuota::new(limit, MS, 1).unwrap()
}

type Sliding = AtomicSegments<3>;

/// Runs the first list of times here and each other in a thread of its own; gives the number of calls admitted.
fn admitted(quota: SlidingQuota, cell: &Arc<Sliding>, calls: &'static [&'static [u64]]) -> u32 {
    let call = move |cell: &Sliding, times: &[u64]| {
        times.iter().filter(|&&now| cell.acquire(&quota, now, 1).allowed()).count() as u32
    };
    let (own, others) = calls.split_first().unwrap();
    let threads: Vec<_> = others
        .iter()
        .map(|times| {
            let cell = cell.clone();
            thread::spawn(move || call(&cell, times))
        })
        .collect();
    let passed = call(cell, own);
    threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u32>() + passed
}

/// Calls that all fall in one period: exactly the limit passes, and what passed is counted.
fn exactly_the_limit(preemptions: usize, limit: u32, calls: &'static [&'static [u64]]) {
    model(preemptions, move || {
        let quota = sliding(limit);
        let cell = Arc::new(Sliding::new());
        let asked: usize = calls.iter().map(|times| times.len()).sum();
        let passed = admitted(quota, &cell, calls);
        assert_eq!(passed, limit.min(asked as u32));
        let last = calls.iter().flat_map(|times| *times).max().unwrap();
        assert_eq!(cell.peek(&quota, *last, 1).remaining(), limit - passed);
    });
}

/// Two times in one period that fall in neighbouring segments.
const BEFORE: u64 = 2 * SEGMENT - 1000;
const AFTER: u64 = 2 * SEGMENT + 1000;

/// Mutation `sliding-no-freeze`: a closing segment's slot is left unfrozen.
#[test]
fn sliding_two_threads_in_two_segments() {
    exactly_the_limit(3, 2, &[&[BEFORE, BEFORE], &[AFTER, AFTER]]);
}

/// Mutation `sliding-no-freeze`.
#[test]
fn sliding_three_threads_in_two_segments() {
    exactly_the_limit(1, 2, &[&[BEFORE], &[AFTER], &[AFTER]]);
}

/// Mutation `sliding-no-freeze`.
#[test]
fn sliding_one_unit_for_three_threads() {
    exactly_the_limit(1, 1, &[&[BEFORE], &[AFTER], &[AFTER]]);
}

/// A call whose clock is late is charged to the newest segment, not to its own.
///
/// Mutation `sliding-no-freeze`.
#[test]
fn sliding_late_clock_does_not_charge_an_expired_segment() {
    late_clock(2 * SEGMENT + MS);
}

/// As above over a gap that is longer than the ring.
///
/// Mutation `sliding-charge-no-head-check`: a charge is not checked against the head, and writes a
/// tick of its own segment into a slot that stands for a later one.
#[test]
fn sliding_late_clock_over_a_gap_longer_than_the_ring() {
    late_clock(9 * SEGMENT);
}

/// One thread reads the clock before another moves it to `later`, where the unit of the first has
/// come back. If the second was done before the first began, it has the only unit.
fn late_clock(later: u64) {
    model(4, move || {
        let quota = sliding(1);
        let cell = Arc::new(Sliding::new());
        let clock = Arc::new(AtomicU64::new(1000));
        let done = Arc::new(AtomicU64::new(0));
        let second = {
            let (cell, clock, done) = (cell.clone(), clock.clone(), done.clone());
            thread::spawn(move || {
                clock.store(later, SeqCst);
                let passed = cell.acquire(&quota, later, 1).allowed();
                done.store(u64::from(passed), SeqCst);
                passed
            })
        };
        let now = clock.load(SeqCst);
        let after_second = done.load(SeqCst) == 1;
        let first = cell.acquire(&quota, now, 1).allowed();
        let second = second.join().unwrap();
        assert!(!(after_second && first), "a late clock admitted more");
        assert!(first || second, "neither was admitted");
        assert_eq!(cell.peek(&quota, later, 1).remaining(), 0, "the last unit is forgotten");
        let all_back = cell.peek(&quota, later + 9 * SEGMENT, 1);
        assert_eq!(all_back.remaining(), 1, "a unit does not come back");
    });
}

/// A peek never sees more room than there is, and never fewer units than were charged before it.
///
/// Mutation `sliding-overlooks`: only the open slot is added up.
#[test]
fn sliding_peek_beside_a_moving_head() {
    model(4, || {
        let quota = sliding(2);
        let cell = Arc::new(Sliding::new());
        assert!(cell.acquire(&quota, BEFORE, 1).allowed());
        let mover = {
            let cell = cell.clone();
            thread::spawn(move || assert!(cell.acquire(&quota, AFTER, 1).allowed()))
        };
        let seen = cell.peek(&quota, AFTER, 1).remaining();
        assert!(seen <= 1, "the first unit was overlooked");
        mover.join().unwrap();
        assert_eq!(cell.peek(&quota, AFTER, 1).remaining(), 0);
    });
}

/// Mutation `word-store`: the charge is a store instead of an exchange.
#[test]
fn two_callers_never_share_a_unit() {
    model(4, || {
        let quota = GcraQuota::new(1, MS, 2).unwrap();
        let cell = Arc::new(AtomicTat::new());
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let cell = cell.clone();
                thread::spawn(move || cell.acquire(&quota, 0, 1).allowed())
            })
            .collect();
        let passed = threads.into_iter().map(|thread| thread.join().unwrap());
        assert_eq!(passed.filter(|&passed| passed).count(), 2);
        assert_eq!(cell.load().0, 2 * MS);
    });
}

/// Mutation `release-store`: the release is a store instead of an exchange.
#[test]
fn permits_given_back_are_neither_lost_nor_minted() {
    model(3, || {
        let quota = ConcurrencyQuota::new(2).unwrap();
        let cell = Arc::new(AtomicHeld::new());
        let inside = Arc::new(AtomicU64::new(0));
        let work = move |cell: &AtomicHeld, inside: &AtomicU64| {
            if cell.acquire(&quota, 1).allowed() {
                assert!(inside.fetch_add(1, SeqCst) < 2, "more inside than may be");
                inside.fetch_sub(1, SeqCst);
                cell.release(1).unwrap();
            }
        };
        let others: Vec<_> = (0..2)
            .map(|_| {
                let (cell, inside) = (cell.clone(), inside.clone());
                thread::spawn(move || work(&cell, &inside))
            })
            .collect();
        work(&cell, &inside);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_eq!(cell.load().0, 0);
        assert!(cell.release(1).is_err());
    });
}
