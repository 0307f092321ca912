//! Quotas: what may be taken, and which numbers are refused when a limiter is built.
//!
//! There is no parser here: a quota prints as rule text, and the core reads that text.
//! Periods are nanoseconds from one millisecond to 366 days, both included.

use std::fmt;

const MIN_PERIOD_NS: u64 = 1_000_000;
const MAX_PERIOD_NS: u64 = 366 * 24 * 60 * 60 * 1_000_000_000;
const MAX_SLIDING_LIMIT: u32 = 8_388_607;
const MAX_SEGMENTS: u32 = 62;

/// How much one cell admits. Numbers are free here; [`Quota::check`] says which are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Evenly spaced units, with a burst on top.
    Gcra {
        /// Units a period.
        limit: u32,
        /// The period in nanoseconds.
        period_ns: u64,
        /// Units that an idle cell admits at once.
        burst: u32,
    },
    /// A count for each window, aligned to the zero of the clock.
    Fixed {
        /// Units a window.
        limit: u32,
        /// The length of a window in nanoseconds.
        period_ns: u64,
    },
    /// Never more than the limit in any span of one period.
    Sliding {
        /// Units a span.
        limit: u32,
        /// The length of the span in nanoseconds.
        period_ns: u64,
        /// Segments a period is cut into: 1 to 62.
        segments: u32,
    },
    /// Permits that are handed out and given back.
    Concurrency {
        /// Permits out at once.
        limit: u32,
    },
}

/// Why a quota, a plan or a stand-in for one of its rules is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The limit is zero.
    ZeroLimit,
    /// The burst is zero.
    ZeroBurst,
    /// The period is outside 1 ms to 366 days.
    Period,
    /// The time that a whole burst takes to refill is above 2^62 ns.
    BurstTooLong,
    /// Rounding the emission interval up to a nanosecond would cost over 1 % of the rate.
    Rounding,
    /// The number of segments is outside 1 to 62.
    Segments,
    /// A sliding limit is above 8,388,607.
    SlidingLimit,
    /// A stand-in quota has another kind, or another period or segment count where that matters.
    StandIn,
    /// A plan has no rule, or a call brings another number of rules than the plan has.
    RuleCount,
    /// Two rules of a plan have the same name.
    RepeatedName,
}

impl Quota {
    /// Whether a limiter may be built with these numbers.
    ///
    /// # Errors
    /// The first reason that applies.
    pub fn check(&self) -> Result<(), Refusal> {
        let (Self::Gcra { limit, .. }
        | Self::Fixed { limit, .. }
        | Self::Sliding { limit, .. }
        | Self::Concurrency { limit }) = *self;
        if limit == 0 {
            return Err(Refusal::ZeroLimit);
        }
        if let Self::Gcra { period_ns, .. }
        | Self::Fixed { period_ns, .. }
        | Self::Sliding { period_ns, .. } = *self
            && !(MIN_PERIOD_NS..=MAX_PERIOD_NS).contains(&period_ns)
        {
            return Err(Refusal::Period);
        }
        match *self {
            Self::Gcra { limit, period_ns, burst } => check_gcra(limit, period_ns, burst),
            Self::Sliding { limit, .. } if limit > MAX_SLIDING_LIMIT => Err(Refusal::SlidingLimit),
            Self::Sliding { segments, .. } if !(1..=MAX_SEGMENTS).contains(&segments) => {
                Err(Refusal::Segments)
            }
            Self::Sliding { .. } | Self::Fixed { .. } | Self::Concurrency { .. } => Ok(()),
        }
    }

    /// Whether a call may bring `other` in place of this quota.
    ///
    /// # Errors
    /// [`Refusal::StandIn`] unless the kinds agree and, for fixed and sliding, the period and the
    /// segments too; else what [`Quota::check`] says of `other`.
    pub fn check_stand_in(&self, other: &Self) -> Result<(), Refusal> {
        let fits = match (*self, *other) {
            (Self::Gcra { .. }, Self::Gcra { .. }) => true,
            (Self::Concurrency { .. }, Self::Concurrency { .. }) => true,
            (Self::Fixed { period_ns: a, .. }, Self::Fixed { period_ns: b, .. }) => a == b,
            (
                Self::Sliding { period_ns: a, segments: i, .. },
                Self::Sliding { period_ns: b, segments: j, .. },
            ) => a == b && i == j,
            _ => false,
        };
        if fits { other.check() } else { Err(Refusal::StandIn) }
    }

    /// The largest cost that can ever be allowed: the burst for gcra, else the limit.
    pub fn capacity(&self) -> u32 {
        match *self {
            Self::Gcra { burst, .. } => burst,
            Self::Fixed { limit, .. }
            | Self::Sliding { limit, .. }
            | Self::Concurrency { limit } => limit,
        }
    }

    /// The period in nanoseconds; none for concurrency.
    pub fn period_ns(&self) -> Option<u64> {
        match *self {
            Self::Gcra { period_ns, .. }
            | Self::Fixed { period_ns, .. }
            | Self::Sliding { period_ns, .. } => Some(period_ns),
            Self::Concurrency { .. } => None,
        }
    }

    /// Rule text with every number written out, such as `gcra 600/60000000000ns burst 600`.
    pub fn to_text(&self) -> String {
        match *self {
            Self::Gcra { limit, period_ns, burst } => {
                format!("gcra {limit}/{period_ns}ns burst {burst}")
            }
            Self::Fixed { limit, period_ns } => format!("fixed {limit}/{period_ns}ns"),
            Self::Sliding { limit, period_ns, segments } => {
                format!("sliding {limit}/{period_ns}ns segments {segments}")
            }
            Self::Concurrency { limit } => format!("concurrency {limit}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroLimit => "the limit must be at least 1",
            Self::ZeroBurst => "the burst must be at least 1",
            Self::Period => "the period must be 1 ms to 366 days",
            Self::BurstTooLong => "a whole burst must refill within 2^62 ns",
            Self::Rounding => "the rate would lose over 1 % to rounding; lengthen the period",
            Self::Segments => "segments must be 1 to 62",
            Self::SlidingLimit => "a sliding limit must be at most 8388607",
            Self::StandIn => "a stand-in must have the same kind, period and segments",
            Self::RuleCount => "a plan needs a rule, and a call brings as many as the plan has",
            Self::RepeatedName => "two rules of the plan have the same name",
        })
    }
}

impl std::error::Error for Refusal {}

fn check_gcra(limit: u32, period_ns: u64, burst: u32) -> Result<(), Refusal> {
    if burst == 0 {
        return Err(Refusal::ZeroBurst);
    }
    let (l, p, b) = (i128::from(limit), i128::from(period_ns), i128::from(burst));
    let t = (p + l - 1) / l;
    if b * t > 1 << 62 {
        return Err(Refusal::BurstTooLong);
    }
    if l * t > p + p / 100 {
        return Err(Refusal::Rounding);
    }
    Ok(())
}
