//! Quotas and their pure transitions, from whatever state.

use ratecell::{
    ConcurrencyQuota, Decision, FixedQuota, GcraQuota, Held, Quota, QuotaError, SlidingQuota, Tat,
    Window,
};

export! {
    fn gcra_new(limit: u32, period_ns: u64, burst: u32) -> Result<GcraQuota, QuotaError> {
        GcraQuota::new(limit, period_ns, burst)
    }

    fn gcra_from_parts(
        limit: u32,
        period_ns: u64,
        burst: u32,
        emission_interval_ns: u64,
    ) -> Option<GcraQuota> {
        GcraQuota::from_parts(limit, period_ns, burst, emission_interval_ns)
    }

    fn fixed_new(limit: u32, period_ns: u64) -> Result<FixedQuota, QuotaError> {
        FixedQuota::new(limit, period_ns)
    }

    fn sliding_new(limit: u32, period_ns: u64, segments: u32) -> Result<SlidingQuota, QuotaError> {
        SlidingQuota::new(limit, period_ns, segments)
    }

    fn concurrency_new(limit: u32) -> Result<ConcurrencyQuota, QuotaError> {
        ConcurrencyQuota::new(limit)
    }

    fn gcra_decide(quota: &GcraQuota, tat: Tat, now_ns: u64, cost: u32) -> (Decision, Option<Tat>) {
        quota.decide(tat, now_ns, cost)
    }

    fn fixed_decide(
        quota: &FixedQuota,
        window: Window,
        now_ns: u64,
        cost: u32,
    ) -> (Decision, Option<Window>) {
        quota.decide(window, now_ns, cost)
    }

    fn concurrency_decide(
        quota: &ConcurrencyQuota,
        held: Held,
        cost: u32,
    ) -> (Decision, Option<Held>) {
        quota.decide(held, cost)
    }

    fn held_released(held: Held, cost: u32) -> Option<Held> {
        held.released(cost)
    }

    fn quota_facts(quota: &Quota, other: &Quota) -> (u32, Option<u64>, usize, bool) {
        (
            quota.capacity(),
            quota.period_ns(),
            quota.cell_words(),
            quota.shares_state_with(other),
        )
    }

    fn decision_numbers(decision: &Decision) -> (u32, u32, Option<u64>, Option<u64>) {
        (
            decision.limit(),
            decision.remaining(),
            decision.retry_after_ns(),
            decision.reset_after_ns(),
        )
    }

    fn decisions_equal(decision: &Decision, other: &Decision) -> bool {
        decision == other
    }
}
