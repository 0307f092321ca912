//! Why a quota is refused when it is built.

use core::fmt;

use crate::quota::{MAX_PERIOD_NS, MIN_PERIOD_NS};

/// Why a quota is refused when it is built: what was found and what is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuotaError {
    /// The limit is 0. A limit of nothing is an error, never "unlimited".
    ZeroLimit,
    /// The burst is 0.
    ZeroBurst,
    /// The period is outside 1 ms to 366 days.
    PeriodOutOfRange {
        /// The period, in nanoseconds.
        found_ns: u64,
    },
    /// The limit does not fit the cell of this kind and period.
    LimitTooLarge {
        /// The limit.
        found: u32,
        /// The largest that fits.
        max: u32,
    },
    /// A gcra rate so near one unit a nanosecond that whole nanoseconds between units would cost
    /// over 1 % of it.
    RateDistorted {
        /// The limit, in units per period.
        limit: u32,
        /// The period, in nanoseconds.
        period_ns: u64,
        /// The rate that whole nanoseconds would give, in units per period, rounded down.
        effective: u32,
    },
    /// A gcra burst that takes longer than 2^62 ns (146 years) to come back.
    BurstTooLong {
        /// The burst.
        found: u32,
        /// The largest accepted at this rate.
        max: u32,
    },
    /// The number of segments is outside 1 to 62.
    SegmentsOutOfRange {
        /// The number of segments.
        found: u32,
    },
}

impl fmt::Display for QuotaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ZeroLimit => write!(f, "the limit is 0, accepted are 1 and more"),
            Self::ZeroBurst => write!(f, "the burst is 0, accepted are 1 and more"),
            Self::PeriodOutOfRange { found_ns } => write!(
                f,
                "the period is {found_ns} ns, accepted are {MIN_PERIOD_NS} ns (1 ms) to \
                 {MAX_PERIOD_NS} ns (366 days)"
            ),
            Self::LimitTooLarge { found, max } => {
                write!(f, "the limit is {found}, accepted are 1 to {max} for this kind and period")
            }
            Self::RateDistorted { limit, period_ns, effective } => write!(
                f,
                "{limit} in {period_ns} ns would be held at {effective}, since units come whole \
                 nanoseconds apart; accepted are rates that this changes by 1 % at most"
            ),
            Self::BurstTooLong { found, max } => write!(
                f,
                "the burst is {found}, accepted are 1 to {max} at this rate (a burst comes back \
                 within 2^62 ns)"
            ),
            Self::SegmentsOutOfRange { found } => {
                write!(f, "the number of segments is {found}, accepted are 1 to 62")
            }
        }
    }
}

impl core::error::Error for QuotaError {}
