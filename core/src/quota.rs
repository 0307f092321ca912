//! A validated limit of any kind: what a rule counts by.

use crate::concurrency::ConcurrencyQuota;
use crate::fixed::FixedQuota;
use crate::gcra::GcraQuota;
use crate::quota_error::QuotaError;
use crate::sliding::SlidingQuota;

/// The shortest period: 1 ms.
pub const MIN_PERIOD_NS: u64 = 1_000_000;

/// The longest period: 366 days.
pub const MAX_PERIOD_NS: u64 = 366 * 86_400 * 1_000_000_000;

/// The kind of a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Units come back one by one, at most a burst at once.
    Gcra,
    /// A count per window aligned to the clock.
    Fixed,
    /// A count that holds in every span of one period.
    Sliding,
    /// Permits held at once.
    Concurrency,
}

impl Kind {
    /// The word of the rules' text form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gcra => "gcra",
            Self::Fixed => "fixed",
            Self::Sliding => "sliding",
            Self::Concurrency => "concurrency",
        }
    }
}

/// A validated quota of one kind. Made by `From` of each kind's own quota, or parsed in a
/// [`Rule`](crate::Rule).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quota {
    /// See [`GcraQuota`].
    Gcra(GcraQuota),
    /// See [`FixedQuota`].
    Fixed(FixedQuota),
    /// See [`SlidingQuota`].
    Sliding(SlidingQuota),
    /// See [`ConcurrencyQuota`].
    Concurrency(ConcurrencyQuota),
}

impl Quota {
    /// The kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Gcra(_) => Kind::Gcra,
            Self::Fixed(_) => Kind::Fixed,
            Self::Sliding(_) => Kind::Sliding,
            Self::Concurrency(_) => Kind::Concurrency,
        }
    }

    /// The capacity in units: the limit, or the burst for gcra.
    pub const fn capacity(&self) -> u32 {
        match self {
            Self::Gcra(quota) => quota.burst(),
            Self::Fixed(quota) => quota.limit(),
            Self::Sliding(quota) => quota.limit(),
            Self::Concurrency(quota) => quota.limit(),
        }
    }

    /// The period in nanoseconds; none for concurrency.
    pub const fn period_ns(&self) -> Option<u64> {
        match self {
            Self::Gcra(quota) => Some(quota.period_ns()),
            Self::Fixed(quota) => Some(quota.period_ns()),
            Self::Sliding(quota) => Some(quota.period_ns()),
            Self::Concurrency(_) => None,
        }
    }

    /// How many 64-bit words a cell of this quota takes: 1, or segments + 2 for sliding.
    pub const fn cell_words(&self) -> usize {
        match self {
            Self::Sliding(quota) => quota.cell_words(),
            Self::Gcra(_) | Self::Fixed(_) | Self::Concurrency(_) => 1,
        }
    }

    /// Whether a cell of this quota means the same to `other`, so that `other` may decide a call
    /// in its stead: the same kind, and for fixed and sliding the same period and segments.
    pub const fn shares_state_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Gcra(_), Self::Gcra(_)) | (Self::Concurrency(_), Self::Concurrency(_)) => true,
            (Self::Fixed(mine), Self::Fixed(theirs)) => mine.period_ns() == theirs.period_ns(),
            (Self::Sliding(mine), Self::Sliding(theirs)) => {
                mine.period_ns() == theirs.period_ns() && mine.segments() == theirs.segments()
            }
            _ => false,
        }
    }
}

impl From<GcraQuota> for Quota {
    fn from(quota: GcraQuota) -> Self {
        Self::Gcra(quota)
    }
}

impl From<FixedQuota> for Quota {
    fn from(quota: FixedQuota) -> Self {
        Self::Fixed(quota)
    }
}

impl From<SlidingQuota> for Quota {
    fn from(quota: SlidingQuota) -> Self {
        Self::Sliding(quota)
    }
}

impl From<ConcurrencyQuota> for Quota {
    fn from(quota: ConcurrencyQuota) -> Self {
        Self::Concurrency(quota)
    }
}

pub(crate) const fn check_period(period_ns: u64) -> Result<(), QuotaError> {
    if period_ns < MIN_PERIOD_NS || period_ns > MAX_PERIOD_NS {
        return Err(QuotaError::PeriodOutOfRange { found_ns: period_ns });
    }
    Ok(())
}
