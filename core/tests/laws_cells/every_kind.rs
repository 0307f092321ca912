//! What holds for a cell of every kind.

use proptest::prelude::*;
use ratecell::{
    AtomicSegments, AtomicTat, AtomicWindow, FixedQuota, GcraQuota, HeapMemory, MAX_NOW_NS,
    Memory as _, Quota, QuotaError, Seed, SlidingQuota, Table, Verdict,
};
use ratecell_reference as model;

use crate::cell::{Cell, answer};
use crate::config;
use crate::quotas::{any_kind, built, concurrency, fixed, fixed_bits, gcra, magnitude, rate};
use crate::quotas::{sliding, stand_in};
use crate::steps::{Call, Driver, Step, edge_time, lived, steps};

fn replay(
    quota: model::Quota,
    other: model::Quota,
    start_ns: u64,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let other = stand_in(quota, other);
    let (own, borrowed) = (built(&quota).unwrap(), built(&other).unwrap());
    prop_assert!(own.shares_state_with(&borrowed));
    let (cell, mut slow) = (Cell::default(), model::Cell::new(quota).unwrap());
    let mut driver = Driver::new(&quota, start_ns);
    for &step in steps {
        let (now_ns, cost) = driver.resolve(step);
        let clamped = now_ns.min(MAX_NOW_NS);
        let used = if matches!(step.2, Call::AcquireWith) { other } else { quota };
        let (fast, told) = match step.2 {
            Call::Acquire => (cell.acquire(&own, now_ns, cost), slow.acquire(clamped, cost)),
            Call::Peek => (cell.peek(&own, now_ns, cost), slow.peek(clamped, cost)),
            Call::AcquireWith => {
                let answer = slow.acquire_with(&other, clamped, cost).unwrap();
                (cell.acquire(&borrowed, now_ns, cost), answer)
            }
            Call::Release => {
                if let Quota::Concurrency(_) = own {
                    prop_assert_eq!(cell.held.release(cost).is_ok(), slow.release(cost));
                }
                (cell.peek(&own, now_ns, cost), slow.peek(clamped, cost))
            }
        };
        prop_assert_eq!(answer(&fast), told, "cost {} at {}", cost, now_ns);
        let one = slow.peek_with(&used, clamped, 1).unwrap();
        prop_assert_eq!(fast.next_unit_after_ns(), one.retry_after_ns, "one unit at {}", now_ns);
        driver.learn(&fast);
    }
    Ok(())
}

fn every_word(words: &[ratecell::AtomicU64]) -> Vec<u64> {
    words.iter().map(|word| word.load(std::sync::atomic::Ordering::SeqCst)).collect()
}

/// Which refusal of the reference a refusal of the core stands for; none where only the core, whose
/// states are words, refuses.
fn refusal(error: QuotaError, quota: &model::Quota) -> Option<model::Refusal> {
    Some(match (error, quota) {
        (QuotaError::ZeroLimit, _) => model::Refusal::ZeroLimit,
        (QuotaError::ZeroBurst, _) => model::Refusal::ZeroBurst,
        (QuotaError::PeriodOutOfRange { .. }, _) => model::Refusal::Period,
        (QuotaError::RateDistorted { .. }, _) => model::Refusal::Rounding,
        (QuotaError::BurstTooLong { .. }, _) => model::Refusal::BurstTooLong,
        (QuotaError::SegmentsOutOfRange { .. }, _) => model::Refusal::Segments,
        (QuotaError::LimitTooLarge { .. }, model::Quota::Sliding { .. }) => {
            model::Refusal::SlidingLimit
        }
        _ => return None,
    })
}

/// Numbers that make a quota about as often as not.
fn wild() -> impl Strategy<Value = model::Quota> {
    let number = prop_oneof![Just(0_u64), magnitude(u64::from(u32::MAX)), 1_u64..100]
        .prop_map(|number| u32::try_from(number).unwrap());
    let period = prop_oneof![
        999_999_u64..1_000_002,
        31_622_399_999_999_999_u64..31_622_400_000_000_002,
        magnitude(u64::MAX),
        Just(0),
    ];
    let large = prop_oneof![8_388_606_u32..8_388_609, 0_u32..9];
    (0..4, number.clone(), period, number, large).prop_map(|(kind, a, period_ns, b, edge)| {
        match kind {
            0 => model::Quota::Gcra { limit: a, period_ns, burst: b },
            1 => model::Quota::Fixed { limit: a, period_ns },
            2 => model::Quota::Sliding { limit: edge, period_ns, segments: b % 65 },
            _ => model::Quota::Concurrency { limit: a },
        }
    })
}

proptest! {
    #![proptest_config(config(160))]

    #[test]
    fn every_gcra_answer_is_the_references(
        quota in gcra(), other in gcra(), start in edge_time(), steps in steps(false, 40),
    ) {
        replay(quota, other, start, &steps)?;
    }

    #[test]
    fn every_fixed_answer_is_the_references(
        quota in fixed(), other in fixed(), start in edge_time(), steps in steps(false, 40),
    ) {
        replay(quota, other, start, &steps)?;
    }

    #[test]
    fn every_sliding_answer_is_the_references(
        quota in sliding(), other in sliding(), start in edge_time(), steps in steps(false, 60),
    ) {
        replay(quota, other, start, &steps)?;
    }

    #[test]
    fn every_concurrency_answer_is_the_references(
        quota in concurrency(), other in concurrency(), start in edge_time(),
        steps in steps(false, 40),
    ) {
        replay(quota, other, start, &steps)?;
    }

    #[test]
    fn a_quota_is_refused_exactly_when_the_reference_refuses_it(quota in wild()) {
        match (built(&quota), quota.check()) {
            (Ok(built), Ok(())) => prop_assert_eq!(built.capacity(), quota.capacity()),
            (Err(error), Err(_)) => {
                // Of several reasons the two may name different ones.
                prop_assert!(refusal(error, &quota).is_some(), "{error}");
            }
            (Err(QuotaError::LimitTooLarge { found, max }), Ok(())) => {
                // A fixed limit that does not fit beside the window's number.
                let model::Quota::Fixed { limit, period_ns } = quota else {
                    return Err(TestCaseError::fail("only fixed limits must fit"));
                };
                prop_assert_eq!(u64::from(max), (1_u64 << fixed_bits(period_ns)) - 1);
                prop_assert!(found == limit && limit > max);
            }
            (fast, slow) => prop_assert!(false, "{quota:?}: {fast:?}, reference {slow:?}"),
        }
    }

    #[test]
    fn remaining_is_the_largest_cost_allowed(
        quota in any_kind(), start in edge_time(), steps in steps(false, 20),
    ) {
        let (cell, now_ns, _) = lived(&quota, start, &steps);
        let own = built(&quota).unwrap();
        let remaining = cell.peek(&own, now_ns, 0).remaining();
        prop_assert!(cell.peek(&own, now_ns, remaining).allowed());
        if let Some(more) = remaining.checked_add(1) {
            prop_assert!(!cell.peek(&own, now_ns, more).allowed());
        }
    }

    #[test]
    fn reset_after_is_when_the_cell_is_as_good_as_new_and_not_one_ns_before(
        quota in rate(), start in edge_time(), steps in steps(false, 20),
    ) {
        let (cell, now_ns, _) = lived(&quota, start, &steps);
        let own = built(&quota).unwrap();
        let wait_ns = cell.peek(&own, now_ns, 0).reset_after_ns().unwrap();
        let at_ns = now_ns + wait_ns;
        prop_assume!(at_ns <= MAX_NOW_NS);
        let fresh = Cell::default().peek(&own, at_ns, quota.capacity());
        prop_assert_eq!(cell.peek(&own, at_ns, quota.capacity()), fresh);
        if wait_ns > 0 {
            let early = cell.peek(&own, at_ns - 1, quota.capacity());
            prop_assert_eq!(early.verdict(), Verdict::Deny);
            prop_assert_eq!(early.reset_after_ns(), Some(1));
        }
    }

    #[test]
    fn clock_going_back_never_grants_more(
        quota in any_kind(), start in edge_time(), steps in steps(false, 20),
        late in edge_time(), share in 0_u64..70,
    ) {
        let (cell, now_ns, _) = lived(&quota, start, &steps);
        let own = built(&quota).unwrap();
        let span = quota.period_ns().unwrap_or(1) / 64 * share;
        for late_ns in [late.min(now_ns), now_ns.saturating_sub(span)] {
            let (then, now) = (cell.peek(&own, late_ns, 0), cell.peek(&own, now_ns, 0));
            prop_assert!(then.remaining() <= now.remaining());
        }
    }

    #[test]
    fn peek_never_writes(
        quota in any_kind(), steps in steps(false, 12), looks in steps(false, 12),
    ) {
        let own = built(&quota).unwrap();
        let memory = HeapMemory::for_keys(&own, 1);
        let words = memory.words();
        let table = Table::new(&memory, own, Seed::from_bytes([7; 16])).unwrap();
        let mut driver = Driver::new(&quota, 0);
        for (position, &step) in steps.iter().chain(&looks).enumerate() {
            let (now_ns, cost) = driver.resolve(step);
            let before = every_word(words);
            let look = table.peek(table.hash("a key"), now_ns, cost);
            prop_assert_eq!(every_word(words), before.clone());
            driver.learn(&look);
            if position < steps.len() {
                // Nor does a denial, nor a cost of 0.
                let taken = table.acquire(table.hash("a key"), now_ns, cost);
                prop_assert_eq!(taken.allowed(), look.allowed());
                if !taken.allowed() || cost == 0 {
                    prop_assert_eq!(taken, look);
                    prop_assert_eq!(every_word(words), before);
                }
            }
        }
    }

    #[test]
    fn another_quota_shares_a_keys_state_exactly_when_the_reference_lets_it(
        quota in any_kind(), other in any_kind(), alike in any::<bool>(), cost in 1_u32..9,
    ) {
        let other = if alike { stand_in(quota, other) } else { other };
        let (own, borrowed) = (built(&quota).unwrap(), built(&other).unwrap());
        let table = Table::new(HeapMemory::for_keys(&own, 1), own, Seed::from_bytes([7; 16]));
        let table = table.unwrap();
        let mut slow = model::Cell::new(quota).unwrap();
        let fast = table.acquire_with(&borrowed, table.hash("a key"), 5, cost);
        let slow = slow.acquire_with(&other, 5, cost).ok();
        prop_assert_eq!(fast.map(|decision| answer(&decision)), slow);
    }
}

#[test]
fn a_reset_cell_is_as_good_as_new_and_its_window_stays() {
    let second = 1_000_000_000;
    let gcra = GcraQuota::new(2, second, 2).unwrap();
    let fixed = FixedQuota::new(2, second).unwrap();
    let sliding = SlidingQuota::new(2, second, 2).unwrap();
    let (tat, window, segments) =
        (AtomicTat::new(), AtomicWindow::new(), AtomicSegments::<4>::new());
    let at = 7 * second;
    let (first, next) = gcra.decide(tat.load(), at, 2);
    assert_eq!((tat.acquire(&gcra, at, 2), tat.load()), (first, next.unwrap()));
    let (first, next) = fixed.decide(window.load(), at, 2);
    assert_eq!((window.acquire(&fixed, at, 2), window.load()), (first, next.unwrap()));
    assert!(segments.acquire(&sliding, at, 2).allowed());
    let peek =
        || [tat.peek(&gcra, at, 2), window.peek(&fixed, at, 2), segments.peek(&sliding, at, 2)];
    assert!(peek().iter().all(|denied| denied.verdict() == Verdict::Deny));
    tat.reset(&gcra);
    window.reset(&fixed);
    segments.reset();
    for fresh in peek() {
        assert_eq!((fresh.remaining(), fresh.reset_after_ns()), (2, Some(0)));
    }
    // A late clock still charges the newest window: were the number forgotten, it would get two
    // units of its own beside those of the window that the others are in.
    assert!(window.acquire(&fixed, at - second, 2).allowed());
    assert!(!window.acquire(&fixed, at, 1).allowed());
}
