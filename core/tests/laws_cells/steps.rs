//! Calls in a row: each moves the clock and chooses its cost by what the last was answered.

use proptest::prelude::*;
use proptest::sample::select;
use ratecell::{Decision, MAX_NOW_NS, Quota};
use ratecell_reference as model;

use crate::cell::Cell;
use crate::quotas::{DAY_NS, built, magnitude};

/// How a step moves the clock from where it was, given the last answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Move {
    Stay,
    Forth(u64),
    Back(u64),
    /// By this many 64ths of the period, and some nanoseconds.
    Share(u64, u64),
    /// To the last wait, or one nanosecond short of it.
    Wait(u64),
    To(u64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Cost {
    Units(u32),
    /// What the last answer said remains, and so many more.
    Remaining(u32),
    /// So many 16ths of the capacity.
    Share(u32),
    OverCapacity,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Acquire,
    AcquireWith,
    Peek,
    Release,
}

pub(crate) type Step = (Move, Cost, Call);

pub(crate) fn edge_time() -> impl Strategy<Value = u64> {
    let edges =
        vec![0, 1, 1 << 62, MAX_NOW_NS - DAY_NS, MAX_NOW_NS - 1, MAX_NOW_NS, 1 << 63, u64::MAX];
    prop_oneof![select(edges), any::<u64>(), magnitude(u64::MAX)]
}

/// Only forward if `monotone`.
pub(crate) fn step(monotone: bool) -> impl Strategy<Value = Step> {
    let back = if monotone { 0 } else { 2 };
    let jump = if monotone { 0 } else { 1 };
    let moves = prop_oneof![
        3 => Just(Move::Stay),
        2 => magnitude(u64::MAX >> 2).prop_map(Move::Forth),
        back => magnitude(u64::MAX).prop_map(Move::Back),
        8 => (0_u64..140, 0_u64..3).prop_map(|(share, more)| Move::Share(share, more)),
        6 => (0_u64..2).prop_map(Move::Wait),
        jump => edge_time().prop_map(Move::To),
    ];
    let costs = prop_oneof![
        4 => Just(Cost::Units(1)),
        1 => any::<u32>().prop_map(Cost::Units),
        1 => Just(Cost::Units(0)),
        4 => (0_u32..2).prop_map(Cost::Remaining),
        4 => (0_u32..=16).prop_map(Cost::Share),
        1 => Just(Cost::OverCapacity),
    ];
    let calls = prop_oneof![
        8 => Just(Call::Acquire),
        2 => Just(Call::AcquireWith),
        1 => Just(Call::Peek),
        2 => Just(Call::Release),
    ];
    (moves, costs, calls)
}

pub(crate) fn steps(monotone: bool, len: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(monotone), 1..len)
}

/// Turns steps into calls, by what the last of them was answered.
pub(crate) struct Driver {
    pub(crate) now_ns: u64,
    period_ns: u64,
    wait_ns: u64,
    remaining: u32,
    capacity: u32,
}

impl Driver {
    pub(crate) fn new(quota: &model::Quota, now_ns: u64) -> Self {
        let capacity = quota.capacity();
        let period_ns = quota.period_ns().unwrap_or(1);
        Self { now_ns, period_ns, wait_ns: 0, remaining: capacity, capacity }
    }

    pub(crate) fn resolve(&mut self, (way, cost, _): Step) -> (u64, u32) {
        let now = self.now_ns;
        self.now_ns = match way {
            Move::Stay => now,
            Move::Forth(ns) => now.saturating_add(ns),
            Move::Back(ns) => now.saturating_sub(ns),
            Move::Share(share, more) => {
                now.saturating_add(self.period_ns / 64 * share).saturating_add(more)
            }
            Move::Wait(less) => now.saturating_add(self.wait_ns.saturating_sub(less)),
            Move::To(ns) => ns,
        };
        let cost = match cost {
            Cost::Units(units) => units,
            Cost::Remaining(more) => self.remaining.saturating_add(more),
            Cost::Share(share) => (self.capacity / 16).saturating_mul(share).min(self.capacity),
            Cost::OverCapacity => self.capacity.saturating_add(1),
        };
        (self.now_ns, cost)
    }

    pub(crate) fn learn(&mut self, decision: &Decision) {
        self.remaining = decision.remaining();
        self.wait_ns = match decision.retry_after_ns() {
            Some(wait) if wait > 0 => wait,
            _ => decision.reset_after_ns().unwrap_or(0),
        };
    }
}

/// A cell that has gone through `steps`, the time it ended at, and what it admitted and when.
pub(crate) fn lived(
    quota: &model::Quota,
    start_ns: u64,
    steps: &[Step],
) -> (Cell, u64, Vec<(u64, u32)>) {
    let (cell, own) = (Cell::default(), built(quota).unwrap());
    let mut driver = Driver::new(quota, start_ns);
    let mut log = Vec::new();
    for &step in steps {
        let (now_ns, cost) = driver.resolve(step);
        if let (Call::Release, Quota::Concurrency(_)) = (step.2, &own) {
            let _ = cell.held.release(cost);
            continue;
        }
        let decision = cell.acquire(&own, now_ns, cost);
        if decision.allowed() {
            log.push((now_ns.min(MAX_NOW_NS), cost));
        }
        driver.learn(&decision);
    }
    (cell, driver.now_ns.min(MAX_NOW_NS), log)
}

/// What was admitted, each at the newest time that it or any admitted before it came with.
pub(crate) fn by_newest_clock(log: &[(u64, u32)]) -> Vec<(u64, u32)> {
    let taken = log.iter().filter(|(_, cost)| *cost > 0);
    let newest = |newest: &mut u64, &(at_ns, cost): &(u64, u32)| {
        *newest = at_ns.max(*newest);
        Some((*newest, cost))
    };
    taken.scan(0, newest).collect()
}

/// The most units that `log` has in a span that `within` says of its first and last time.
pub(crate) fn most_within(log: &[(u64, u32)], within: impl Fn(u64, u64) -> bool) -> u64 {
    let units_from = |first: usize| {
        let from_ns = log[first].0;
        let span = log[first..].iter().take_while(|(at_ns, _)| within(from_ns, *at_ns));
        span.map(|&(_, cost)| u64::from(cost)).sum()
    };
    (0..log.len()).map(units_from).max().unwrap_or(0)
}
