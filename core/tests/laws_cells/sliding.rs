//! S1 to S5.

use proptest::prelude::*;
use ratecell::{AtomicU64, MAX_NOW_NS, MAX_PERIOD_NS, SegmentsIn, SlidingQuota, Verdict};
use ratecell_reference as model;

use crate::cell::{Cell, answer};
use crate::config;
use crate::quotas::{built, sliding};
use crate::steps::{by_newest_clock, edge_time, lived, most_within, steps};

fn tick_ns(period_ns: u64) -> u64 {
    1 << (u64::BITS - period_ns.leading_zeros()).saturating_sub(11)
}

/// How much of the last admissions lie less than `span_ns` before `now_ns`.
fn recent(log: &[(u64, u32)], now_ns: u64, span_ns: u64) -> u32 {
    let within = log.iter().rev().take_while(|(at_ns, _)| now_ns - at_ns < span_ns);
    within.map(|&(_, cost)| cost).sum()
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn s1_in_any_span_of_one_period_at_most_limit_units_pass(
        quota in sliding(), start in edge_time(), steps in steps(true, 100),
    ) {
        let (_, _, log) = lived(&quota, start, &steps);
        let period_ns = quota.period_ns().unwrap();
        let most = most_within(&log, |from_ns, at_ns| at_ns - from_ns < period_ns);
        prop_assert!(most <= u64::from(quota.capacity()));
    }

    #[test]
    fn s5_on_late_clocks_s1_holds_by_the_newest_clock(
        quota in sliding(), start in edge_time(), steps in steps(false, 100),
    ) {
        let (_, _, log) = lived(&quota, start, &steps);
        let (log, period_ns) = (by_newest_clock(&log), quota.period_ns().unwrap());
        let most = most_within(&log, |from_ns, at_ns| at_ns - from_ns < period_ns);
        prop_assert!(most <= u64::from(quota.capacity()));
    }

    #[test]
    fn s2_denied_call_passes_at_retry_after_and_not_one_ns_before(
        quota in sliding(), start in edge_time(), steps in steps(false, 30), share in 1_u32..=16,
    ) {
        let (cell, now_ns, _) = lived(&quota, start, &steps);
        let own = built(&quota).unwrap();
        for cost in [1, quota.capacity() / 16 * share, quota.capacity()] {
            let denied = cell.peek(&own, now_ns, cost);
            let Verdict::Deny = denied.verdict() else { continue };
            let at_ns = now_ns + denied.retry_after_ns().unwrap();
            prop_assume!(at_ns <= MAX_NOW_NS);
            prop_assert!(cell.peek(&own, at_ns, cost).allowed());
            let early = cell.peek(&own, at_ns - 1, cost);
            prop_assert_eq!((early.verdict(), early.retry_after_ns()), (Verdict::Deny, Some(1)));
        }
    }

    /// The client knows its own admissions only, and takes as much as the guarantee gives it.
    #[test]
    fn s3_whoever_keeps_to_limit_per_stretched_period_is_never_denied(
        quota in sliding(), start in 0_u64..1 << 62,
        moves in prop::collection::vec((0_u64..24, 0_u64..3, 1_u32..=16), 1..120),
    ) {
        let model::Quota::Sliding { limit, period_ns, segments } = quota else { unreachable!() };
        let span_ns = period_ns + period_ns / u64::from(segments) + 2 * tick_ns(period_ns);
        let (cell, own) = (Cell::default(), built(&quota).unwrap());
        let (mut now_ns, mut log) = (start, Vec::new());
        for (share, more, part) in moves {
            now_ns += span_ns / 64 * share + more;
            let room = limit - recent(&log, now_ns, span_ns);
            let cost = u64::from(room) * u64::from(part) / 16;
            let cost = u32::try_from(cost).unwrap();
            prop_assert!(cell.acquire(&own, now_ns, cost).allowed());
            log.push((now_ns, cost));
        }
    }

    /// 39 bits of tick come round after 2^39 ticks; nobody is taken for recent by that.
    #[test]
    fn s4_units_of_laps_ago_never_count_again(
        quota in sliding(), start in 0_u64..1 << 40, laps in 1_u64..4, ring in 0_u64..5,
        near in steps(true, 12), then in steps(true, 12),
    ) {
        let period_ns = quota.period_ns().unwrap();
        let (cell, end_ns, _) = lived(&quota, start, &near);
        let far_ns = (laps << 39).checked_mul(tick_ns(period_ns)).unwrap_or(1 << 60);
        let at_ns = start.saturating_add(far_ns).saturating_add(ring * period_ns).max(end_ns);
        prop_assume!(at_ns - end_ns > 3 * period_ns && at_ns < 1 << 62);
        let (own, mut slow) = (built(&quota).unwrap(), model::Cell::new(quota).unwrap());
        let mut driver = crate::steps::Driver::new(&quota, at_ns);
        for step in then {
            let (now_ns, cost) = driver.resolve(step);
            let now_ns = now_ns.min(MAX_NOW_NS);
            let fast = cell.acquire(&own, now_ns, cost);
            prop_assert_eq!(answer(&fast), slow.acquire(now_ns, cost));
            driver.learn(&fast);
        }
    }
}

#[test]
fn a_tick_is_between_a_2048th_and_a_1024th_of_the_period() {
    for period_ns in [1_000_000, 1 << 30, (1 << 30) - 1, 60_000_000_000, MAX_PERIOD_NS] {
        let quota = SlidingQuota::new(1, period_ns, 14).unwrap();
        assert_eq!(quota.tick_ns(), tick_ns(period_ns));
        assert!(quota.tick_ns() * 1024 <= period_ns && period_ns < quota.tick_ns() * 2048);
    }
}

/// Memory that others may write to can hold such a head; a call must end all the same.
#[test]
fn a_cell_too_small_or_with_a_head_that_no_call_leaves_is_full_without_a_known_wait() {
    let second = 1_000_000_000;
    let quota = SlidingQuota::new(5, second, 2).unwrap();
    let words = [const { AtomicU64::new(0) }; 4];
    let refuses = |cell: SegmentsIn<'_>, from: &str| {
        for asked in [cell.acquire(&quota, second, 1), cell.peek(&quota, second, 1)] {
            assert_eq!((asked.verdict(), asked.retry_after_ns()), (Verdict::Full, None), "{from}");
        }
        assert_eq!(cell.acquire(&quota, second, 6).verdict(), Verdict::Never, "{from}");
        assert_eq!(cell.acquire(&quota, second, 0).verdict(), Verdict::Allow, "{from}");
    };
    refuses(SegmentsIn(&words[..3]), "a word too few");
    // The ring has three slots: the last index is 2, the longest distance 3.
    for (index, distance, is_head) in [(2, 0, true), (3, 0, false), (0, 3, true), (0, 4, false)] {
        words[0].store(index << 7 | distance, std::sync::atomic::Ordering::Relaxed);
        if is_head {
            assert!(SegmentsIn(&words).acquire(&quota, second, 1).allowed());
        } else {
            refuses(SegmentsIn(&words), &format!("index {index}, distance {distance}"));
        }
    }
}
