//! Quotas of every kind, with their numbers drawn towards the edges.

use proptest::prelude::*;
use proptest::sample::select;
use ratecell::{
    ConcurrencyQuota, FixedQuota, GcraQuota, MAX_NOW_NS, MAX_PERIOD_NS, MIN_PERIOD_NS, Quota,
    QuotaError, SlidingQuota,
};
use ratecell_reference as model;

pub(crate) const MAX_SLIDING: u32 = 8_388_607;
pub(crate) const DAY_NS: u64 = 86_400_000_000_000;

pub(crate) fn built(quota: &model::Quota) -> Result<Quota, QuotaError> {
    Ok(match *quota {
        model::Quota::Gcra { limit, period_ns, burst } => {
            GcraQuota::new(limit, period_ns, burst)?.into()
        }
        model::Quota::Fixed { limit, period_ns } => FixedQuota::new(limit, period_ns)?.into(),
        model::Quota::Sliding { limit, period_ns, segments } => {
            SlidingQuota::new(limit, period_ns, segments)?.into()
        }
        model::Quota::Concurrency { limit } => ConcurrencyQuota::new(limit)?.into(),
    })
}

/// Numbers of every magnitude.
pub(crate) fn magnitude(max: u64) -> impl Strategy<Value = u64> + Clone {
    (0_u32..64, any::<u64>()).prop_map(move |(shift, word)| (word >> shift).clamp(1, max))
}

pub(crate) fn period() -> impl Strategy<Value = u64> + Clone {
    let edges = vec![
        MIN_PERIOD_NS,
        1_000_003,
        (1 << 20) - 1,
        1 << 20,
        2_147_483_647,
        60_000_000_000,
        DAY_NS,
        MAX_PERIOD_NS - 1,
        MAX_PERIOD_NS,
    ];
    let any = magnitude(MAX_PERIOD_NS).prop_map(|ns| ns.max(MIN_PERIOD_NS));
    prop_oneof![2 => select(edges), 1 => any]
}

pub(crate) fn limit(max: u32) -> impl Strategy<Value = u32> + Clone {
    let any = magnitude(u64::from(max)).prop_map(|units| u32::try_from(units).unwrap());
    prop_oneof![3 => select(vec![1, 2, 3, 7, 10, 60, max - 1, max]), 1 => any]
}

pub(crate) fn gcra() -> BoxedStrategy<model::Quota> {
    let numbers = (limit(u32::MAX), period(), limit(u32::MAX), any::<bool>(), 0_u64..3);
    numbers
        .prop_map(|(limit, period_ns, burst, longest, less)| {
            let slowest = u32::try_from(period_ns / 101).unwrap_or(u32::MAX);
            // A unit a nanosecond, or apart by so much that rounding costs less than 1 %.
            let limit = match u32::try_from(period_ns) {
                Ok(whole) if limit == u32::MAX => whole,
                _ => limit.min(slowest),
            };
            let most = (1 << 62) / period_ns.div_ceil(limit.into()) - less;
            let most = u32::try_from(most).unwrap_or(u32::MAX);
            let burst = if longest { most } else { burst.min(most) };
            model::Quota::Gcra { limit, period_ns, burst }
        })
        .boxed()
}

pub(crate) fn fixed() -> BoxedStrategy<model::Quota> {
    let fitting = |(limit, period_ns): (u32, u64)| {
        let max = u32::try_from((1_u64 << fixed_bits(period_ns)) - 1).unwrap_or(u32::MAX);
        model::Quota::Fixed { limit: limit.min(max), period_ns }
    };
    (limit(u32::MAX), period()).prop_map(fitting).boxed()
}

/// Bits that the number of the last window leaves for the count.
pub(crate) fn fixed_bits(period_ns: u64) -> u32 {
    (MAX_NOW_NS / period_ns).leading_zeros()
}

pub(crate) fn sliding() -> BoxedStrategy<model::Quota> {
    let segments = prop_oneof![select(vec![1_u32, 2, 14, 61, 62]), 1_u32..=62];
    (limit(MAX_SLIDING), period(), segments)
        .prop_map(|(limit, period_ns, segments)| model::Quota::Sliding {
            limit,
            period_ns,
            segments,
        })
        .boxed()
}

pub(crate) fn concurrency() -> BoxedStrategy<model::Quota> {
    limit(u32::MAX).prop_map(|limit| model::Quota::Concurrency { limit }).boxed()
}

pub(crate) fn rate() -> impl Strategy<Value = model::Quota> {
    prop_oneof![gcra(), fixed(), sliding()]
}

pub(crate) fn any_kind() -> impl Strategy<Value = model::Quota> {
    prop_oneof![2 => rate(), 1 => concurrency()]
}

/// Another quota that may decide on the same cell.
pub(crate) fn stand_in(quota: model::Quota, other: model::Quota) -> model::Quota {
    let shared = match (quota, other) {
        (model::Quota::Fixed { period_ns, .. }, _) => {
            model::Quota::Fixed { limit: other.capacity(), period_ns }
        }
        (model::Quota::Sliding { period_ns, segments, .. }, _) => {
            model::Quota::Sliding { limit: other.capacity().min(MAX_SLIDING), period_ns, segments }
        }
        _ => other,
    };
    if built(&shared).is_ok() { shared } else { quota }
}
