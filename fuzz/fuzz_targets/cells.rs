//! Oracle: the reference, field for field, on bare cells through any sequence of calls and times.
//!
//! Also: a denied call passes after its `retry_after`, and not one nanosecond before.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ratecell::{AtomicHeld, AtomicSegments, AtomicTat, AtomicWindow, Decision, Quota};
use ratecell_fuzz::{Clock, Cost, Moment, Quotas, StandIn, answer};
use ratecell_reference::{Answer, Cell, Verdict};

#[derive(Arbitrary, Debug)]
struct Script {
    quotas: Quotas,
    start_ns: u64,
    calls: Vec<(Moment, Call)>,
}

#[derive(Arbitrary, Debug)]
enum Call {
    Acquire(Cost),
    Peek(Cost),
    AcquireWith(StandIn, Cost),
    Release(Cost),
}

/// A bare cell; sliding ones have room for the most segments.
enum Bare {
    Gcra(AtomicTat),
    Fixed(AtomicWindow),
    Sliding(Box<AtomicSegments<64>>),
    Concurrency(AtomicHeld),
}

impl Bare {
    fn new(quota: &Quota) -> Self {
        match quota {
            Quota::Gcra(_) => Self::Gcra(AtomicTat::new()),
            Quota::Fixed(_) => Self::Fixed(AtomicWindow::new()),
            Quota::Sliding(_) => Self::Sliding(Box::default()),
            Quota::Concurrency(_) => Self::Concurrency(AtomicHeld::new()),
        }
    }

    fn acquire(&self, quota: &Quota, now_ns: u64, cost: u32) -> Answer {
        told(&match (self, quota) {
            (Self::Gcra(cell), Quota::Gcra(quota)) => cell.acquire(quota, now_ns, cost),
            (Self::Fixed(cell), Quota::Fixed(quota)) => cell.acquire(quota, now_ns, cost),
            (Self::Sliding(cell), Quota::Sliding(quota)) => cell.acquire(quota, now_ns, cost),
            (Self::Concurrency(cell), Quota::Concurrency(quota)) => cell.acquire(quota, cost),
            _ => unreachable!("a stand-in is of the same kind"),
        })
    }

    fn peek(&self, quota: &Quota, now_ns: u64, cost: u32) -> Answer {
        told(&match (self, quota) {
            (Self::Gcra(cell), Quota::Gcra(quota)) => cell.peek(quota, now_ns, cost),
            (Self::Fixed(cell), Quota::Fixed(quota)) => cell.peek(quota, now_ns, cost),
            (Self::Sliding(cell), Quota::Sliding(quota)) => cell.peek(quota, now_ns, cost),
            (Self::Concurrency(cell), Quota::Concurrency(quota)) => cell.peek(quota, cost),
            _ => unreachable!("a stand-in is of the same kind"),
        })
    }
}

fn told(decision: &Decision) -> Answer {
    answer(decision).expect("a bare cell is never full")
}

fuzz_target!(|script: Script| {
    let Script { quotas, start_ns, calls } = script;
    let bare = Bare::new(&quotas.core);
    let mut cell = Cell::new(quotas.reference).expect("checked before");
    let mut clock = Clock::at(start_ns);
    let mut last = None;
    for (moment, call) in calls {
        clock.go(moment, quotas.period_ns(), last.as_ref());
        let (raw_ns, now_ns) = (clock.raw_ns(), clock.now_ns());
        let units = |cost: Cost, capacity| cost.units(capacity, last.as_ref());
        let (found, under, cost) = match call {
            Call::Acquire(cost) => {
                let cost = units(cost, quotas.reference.capacity());
                let found = bare.acquire(&quotas.core, raw_ns, cost);
                assert_eq!(found, cell.acquire(now_ns, cost), "acquire {cost} at {now_ns}");
                (found, quotas, cost)
            }
            Call::Peek(cost) => {
                let cost = units(cost, quotas.reference.capacity());
                let found = bare.peek(&quotas.core, raw_ns, cost);
                assert_eq!(found, cell.peek(now_ns, cost), "peek {cost} at {now_ns}");
                (found, quotas, cost)
            }
            Call::AcquireWith(stand_in, cost) => {
                let Some(under) = stand_in.of(&quotas) else { continue };
                let fits = quotas.core.shares_state_with(&under.core);
                let cost = units(cost, under.reference.capacity());
                let told = cell.acquire_with(&under.reference, now_ns, cost);
                assert_eq!(fits, told.is_ok(), "{under:?} for {quotas:?}");
                let Ok(told) = told else { continue };
                let found = bare.acquire(&under.core, raw_ns, cost);
                assert_eq!(found, told, "acquire {cost} at {now_ns} with {under:?}");
                (found, under, cost)
            }
            Call::Release(cost) => {
                let Bare::Concurrency(held) = &bare else { continue };
                let cost = units(cost, quotas.reference.capacity());
                assert_eq!(held.release(cost).is_ok(), cell.release(cost), "release {cost}");
                continue;
            }
        };
        let standing = cell.peek(now_ns, 0);
        assert_eq!(bare.peek(&quotas.core, raw_ns, 0), standing, "the state after the call");
        if let (Verdict::Deny, Some(wait_ns)) = (found.verdict, found.retry_after_ns) {
            retry_is_exact(&bare, &under.core, &clock, wait_ns, cost);
        }
        last = Some(found);
    }
});

fn retry_is_exact(bare: &Bare, quota: &Quota, clock: &Clock, wait_ns: u64, cost: u32) {
    let then_ns = clock.after_ns(wait_ns);
    // Beyond its range the clock stands still, and no wait ends.
    if then_ns > ratecell::MAX_NOW_NS {
        return;
    }
    let before = bare.peek(quota, then_ns - 1, cost);
    assert_eq!(before.verdict, Verdict::Deny, "one nanosecond before {then_ns}");
    assert_eq!(before.retry_after_ns, Some(1), "one nanosecond before {then_ns}");
    assert_eq!(bare.peek(quota, then_ns, cost).verdict, Verdict::Allow, "at {then_ns}");
}
