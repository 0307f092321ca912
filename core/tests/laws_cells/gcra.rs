//! G1 to G5.

use proptest::prelude::*;
use ratecell::{AtomicTat, GcraQuota, MAX_NOW_NS, Quota, Tat, Verdict};
use ratecell_reference as model;

use crate::config;
use crate::quotas::{built, gcra, limit, period};
use crate::steps::{edge_time, lived, most_within, steps};

fn quota_of(quota: &model::Quota) -> GcraQuota {
    match built(quota).unwrap() {
        Quota::Gcra(quota) => quota,
        other => unreachable!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn g1_an_allowed_charge_moves_tat_forward_and_a_denial_returns_no_new_state(
        quota in gcra(), start in edge_time(), steps in steps(false, 20), cost in any::<u32>(),
    ) {
        let (cell, now_ns, _) = lived(&quota, start, &steps);
        let tat = cell.tat.load();
        for cost in [cost, cost % quota.capacity(), 1, 0] {
            let (decision, next) = quota_of(&quota).decide(tat, now_ns, cost);
            prop_assert_eq!(next.is_some(), decision.allowed() && cost > 0);
            prop_assert!(next.is_none_or(|next| next.0 > tat.0));
        }
    }

    #[test]
    fn g2_after_an_allowed_charge_the_backlog_is_at_most_the_burst(
        quota in gcra(), backlog in any::<u64>(), now in edge_time(), cost in any::<u32>(),
    ) {
        let own = quota_of(&quota);
        let burst_ns = own.emission_interval_ns() * u64::from(own.burst());
        let now_ns = now.min(MAX_NOW_NS);
        let tat = Tat(now_ns + backlog % (burst_ns + 1));
        for cost in [cost % own.burst() + 1, 1] {
            let (decision, next) = own.decide(tat, now, cost);
            if let Some(next) = next {
                prop_assert!(next.0 - now_ns <= burst_ns);
                let room = (burst_ns - (next.0 - now_ns)) / own.emission_interval_ns();
                prop_assert_eq!(u64::from(decision.remaining()), room);
            }
        }
    }

    #[test]
    fn g3_denied_call_passes_at_retry_after_and_not_one_ns_before(
        quota in gcra(), start in edge_time(), steps in steps(false, 20), share in 1_u32..=16,
    ) {
        let (cell, now_ns, _) = lived(&quota, start, &steps);
        let own = quota_of(&quota);
        for cost in [1, own.burst() / 16 * share, own.burst()] {
            let denied = cell.tat.peek(&own, now_ns, cost);
            let Verdict::Deny = denied.verdict() else { continue };
            let at_ns = now_ns + denied.retry_after_ns().unwrap();
            prop_assume!(at_ns <= MAX_NOW_NS);
            prop_assert!(cell.tat.peek(&own, at_ns, cost).allowed());
            let early = cell.tat.peek(&own, at_ns - 1, cost);
            prop_assert_eq!((early.verdict(), early.retry_after_ns()), (Verdict::Deny, Some(1)));
        }
    }

    #[test]
    fn g4_in_any_span_at_most_the_burst_and_a_unit_per_interval_pass(
        quota in gcra(), start in edge_time(), steps in steps(true, 60),
    ) {
        let (_, _, log) = lived(&quota, start, &steps);
        let own = quota_of(&quota);
        for first in 0..log.len() {
            let mut units = 0;
            for &(at_ns, cost) in &log[first..] {
                units += u64::from(cost);
                let come_back = (at_ns - log[first].0) / own.emission_interval_ns();
                prop_assert!(units <= u64::from(own.burst()) + come_back);
            }
        }
        prop_assert!(most_within(&log, |from_ns, at_ns| from_ns == at_ns) <= own.burst().into());
    }

    /// From any admission to a later one, whatever their clocks say: so a clock that is late by up to
    /// some time adds what comes back in that time.
    #[test]
    fn g5_on_late_clocks_at_most_the_burst_and_a_unit_per_interval_between_the_clocks_pass(
        quota in gcra(), start in edge_time(), steps in steps(false, 60),
    ) {
        let (_, _, mut log) = lived(&quota, start, &steps);
        log.retain(|&(_, cost)| cost > 0);
        let own = quota_of(&quota);
        let interval_ns = i128::from(own.emission_interval_ns());
        for first in 0..log.len() {
            let mut units = 0;
            for &(at_ns, cost) in &log[first..] {
                units += i128::from(cost);
                let between_ns = i128::from(at_ns) - i128::from(log[first].0);
                prop_assert!((units - i128::from(own.burst())) * interval_ns <= between_ns);
            }
        }
    }

    #[test]
    fn any_tat_leaves_what_the_burst_is_above_it(
        quota in gcra(), tat in prop_oneof![any::<u64>(), Just(u64::MAX)], now in edge_time(),
    ) {
        let own = quota_of(&quota);
        let interval_ns = own.emission_interval_ns();
        let backlog = tat.saturating_sub(now.min(MAX_NOW_NS));
        let room = (interval_ns * u64::from(own.burst())).saturating_sub(backlog);
        let (decision, _) = own.decide(Tat(tat), now, 0);
        prop_assert_eq!(u64::from(decision.remaining()), room / interval_ns);
        prop_assert_eq!(decision.next_unit_after_ns() == Some(0), room >= interval_ns);
    }

    #[test]
    fn from_parts_makes_what_new_makes_and_nothing_else(
        limit in limit(u32::MAX),
        period_ns in period(),
        burst in limit(u32::MAX),
        off in -2_i64..=2,
        within in any::<bool>(),
    ) {
        let limit = if within { limit.min(u32::try_from(period_ns / 101).unwrap_or(limit)) } else { limit };
        let interval_ns = period_ns.div_ceil(limit.into()).wrapping_add_signed(off);
        let expected = GcraQuota::new(limit, period_ns, burst).ok().filter(|_| off == 0);
        prop_assert_eq!(GcraQuota::from_parts(limit, period_ns, burst, interval_ns), expected);
    }
}

#[test]
fn the_longest_burst_is_all_there_and_one_unit_more_is_no_quota() {
    for (limit, period_ns, burst, is_accepted) in [
        // The burst takes 2^62 ns to come back, or one interval more.
        (1, 1 << 32, 1 << 30, true),
        (1, 1 << 32, (1 << 30) + 1, false),
        // Whole nanoseconds make the period 1 % longer, or by more than that.
        (1_010_000, 1_000_000, 1, true),
        (1_010_001, 1_000_000, 1, false),
        (1, 1_000_000_000, 0, false),
        (0, 1_000_000_000, 1, false),
        (1, 999_999, 1, false),
    ] {
        let quota = GcraQuota::new(limit, period_ns, burst).ok();
        assert_eq!(quota.is_some(), is_accepted, "{limit} {period_ns} {burst}");
        let interval_ns = period_ns.div_ceil(u64::from(limit.max(1)));
        assert_eq!(GcraQuota::from_parts(limit, period_ns, burst, interval_ns), quota);
        if let Some(quota) = quota {
            let fresh = AtomicTat::new().peek(&quota, 0, burst);
            assert_eq!((fresh.allowed(), fresh.remaining()), (true, burst));
        }
    }
}
