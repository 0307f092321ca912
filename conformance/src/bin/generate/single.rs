//! Cases of `single.jsonl`: one rule, one cell.

use ratecell_conformance::{RuleKind, SingleCase, SingleStep, SingleSubject, reference};

use crate::clock::Clock;
use crate::random::Random;
use crate::rule;

/// The scale of a clock that concurrency does not look at.
const NO_PERIOD_NS: u64 = 1_000_000_000;

/// A case whose answers are the reference's.
pub(crate) fn case(name: String, random: &mut Random) -> SingleCase {
    let rule = rule::draw(random);
    let quota = reference::quota(&rule);
    let mut cell = reference::cell(&rule).expect("a drawn rule can be built");
    let mut clock = Clock::new(quota.period_ns().unwrap_or(NO_PERIOD_NS), random);
    let capacity = quota.capacity();
    let mut remaining = capacity;
    let mut steps = Vec::new();
    for _ in 0..random.pick(&[12, 30, 60]) {
        if rule.kind == RuleKind::Concurrency && random.one_in(3) {
            let cost = released(capacity - remaining, random);
            let ok = cell.release(cost);
            remaining += if ok { cost } else { 0 };
            steps.push(SingleStep::Release { cost, ok });
            continue;
        }
        let now_ns = clock.next(random);
        let cost = rule::cost(capacity, remaining, random);
        let look = random.one_in(8);
        let subject: &mut dyn SingleSubject = &mut cell;
        let expect = if look { subject.peek(now_ns, cost) } else { subject.acquire(now_ns, cost) };
        clock.learn(&expect);
        remaining = expect.remaining;
        steps.push(if look {
            SingleStep::Peek { now_ns, cost, expect }
        } else {
            SingleStep::Acquire { now_ns, cost, expect }
        });
    }
    SingleCase { name, rule, steps }
}

/// What to give back of `held` permits, sometimes too much.
fn released(held: u32, random: &mut Random) -> u32 {
    match random.within(0, 9) {
        0..=3 => 1,
        4 => held.saturating_add(1),
        5 => held.max(1),
        6 if random.one_in(4) => u32::MAX,
        _ => rule::narrow(random.spread(1, u64::from(held.max(1)))),
    }
}
