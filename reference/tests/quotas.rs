//! Which quotas and plans are refused, on both sides of every line, and how they print.

use ratecell_reference::{Plan, Quota, Refusal, Rule};

const MS: u64 = 1_000_000;
const DAY: u64 = 86_400_000_000_000;

fn gcra(limit: u32, period_ns: u64, burst: u32) -> Result<(), Refusal> {
    Quota::Gcra { limit, period_ns, burst }.check()
}

fn sliding(limit: u32, period_ns: u64, segments: u32) -> Result<(), Refusal> {
    Quota::Sliding { limit, period_ns, segments }.check()
}

#[test]
fn zeros_are_refused() {
    assert_eq!(gcra(0, MS, 1), Err(Refusal::ZeroLimit));
    assert_eq!(gcra(1, MS, 0), Err(Refusal::ZeroBurst));
    assert_eq!(gcra(1, 0, 1), Err(Refusal::Period));
    assert_eq!(Quota::Fixed { limit: 0, period_ns: MS }.check(), Err(Refusal::ZeroLimit));
    assert_eq!(sliding(0, MS, 1), Err(Refusal::ZeroLimit));
    assert_eq!(sliding(1, MS, 0), Err(Refusal::Segments));
    assert_eq!(Quota::Concurrency { limit: 0 }.check(), Err(Refusal::ZeroLimit));
    assert_eq!(Quota::Concurrency { limit: u32::MAX }.check(), Ok(()));
}

#[test]
fn a_period_is_a_millisecond_to_366_days() {
    for (period_ns, expected) in [
        (MS - 1, Err(Refusal::Period)),
        (MS, Ok(())),
        (366 * DAY, Ok(())),
        (366 * DAY + 1, Err(Refusal::Period)),
    ] {
        assert_eq!(gcra(1, period_ns, 1), expected);
        assert_eq!(Quota::Fixed { limit: 1, period_ns }.check(), expected);
        assert_eq!(sliding(1, period_ns, 14), expected);
    }
}

#[test]
fn a_whole_burst_refills_within_2_to_the_62_ns() {
    // One unit every 2^40 ns: 2^22 of them are 2^62 ns.
    assert_eq!(gcra(1, 1 << 40, 1 << 22), Ok(()));
    assert_eq!(gcra(1, 1 << 40, (1 << 22) + 1), Err(Refusal::BurstTooLong));
}

#[test]
fn rounding_costs_at_most_a_hundredth_of_the_rate() {
    // 10,100 units at 100 ns are 1,010,000 ns: over by exactly a hundredth.
    assert_eq!(gcra(10_000, MS, 1), Ok(()));
    assert_eq!(gcra(10_100, MS, 1), Ok(()));
    assert_eq!(gcra(10_101, MS, 1), Err(Refusal::Rounding));
    // The interval falls to 49 ns only at 20,409 units.
    assert_eq!(gcra(20_200, MS, 1), Ok(()));
    assert_eq!(gcra(20_201, MS, 1), Err(Refusal::Rounding));
    assert_eq!(gcra(20_408, MS, 1), Err(Refusal::Rounding));
    assert_eq!(gcra(20_409, MS, 1), Ok(()));
    assert_eq!(gcra(u32::MAX, MS, 1), Err(Refusal::Rounding));
}

#[test]
fn sliding_has_1_to_62_segments_and_at_most_8388607_units() {
    assert_eq!(sliding(8_388_607, MS, 62), Ok(()));
    assert_eq!(sliding(8_388_608, MS, 62), Err(Refusal::SlidingLimit));
    assert_eq!(sliding(1, MS, 63), Err(Refusal::Segments));
}

#[test]
fn plans_are_refused_without_rules_and_with_a_name_twice() {
    let rule = |name: &str| Rule {
        name: name.to_owned(),
        quota: Quota::Concurrency { limit: 8 },
        by: "key".to_owned(),
    };
    assert_eq!(Plan::new(Vec::new()), Err(Refusal::RuleCount));
    assert_eq!(Plan::new(vec![rule("a"), rule("a")]), Err(Refusal::RepeatedName));
    let mut plan = Plan::new(vec![rule("a"), rule("b")]).expect("valid");
    let other = [Quota::Concurrency { limit: 1 }];
    assert_eq!(plan.acquire_with(&other, &[("key", "k")], 1, 0), Err(Refusal::RuleCount));
    assert_eq!(plan.to_text(), "a: concurrency 8 by key; b: concurrency 8 by key");
}

#[test]
fn text_writes_every_number_out() {
    let text = |quota: Quota| quota.to_text();
    assert_eq!(
        text(Quota::Sliding { limit: 600, period_ns: 60_000_000_000, segments: 14 }),
        "sliding 600/60000000000ns segments 14"
    );
    assert_eq!(
        text(Quota::Gcra { limit: 60, period_ns: 60_000_000_000, burst: 10 }),
        "gcra 60/60000000000ns burst 10"
    );
    assert_eq!(text(Quota::Fixed { limit: 5, period_ns: MS }), "fixed 5/1000000ns");
    assert_eq!(text(Quota::Concurrency { limit: 8 }), "concurrency 8");
}
