//! One quota twice: as the core has it and as the reference has it.

use arbitrary::{Arbitrary, Result, Unstructured};
use ratecell::{ConcurrencyQuota, FixedQuota, GcraQuota, QuotaError, SlidingQuota};
use ratecell_reference::Quota;

/// The longest and the shortest period, and those that people use.
const PERIODS_NS: [u64; 8] = [
    1_000_000,
    10_000_000,
    1_000_000_000,
    60_000_000_000,
    3_600_000_000_000,
    86_400_000_000_000,
    30 * 86_400_000_000_000,
    366 * 86_400_000_000_000,
];

/// One valid quota, as the core and as the reference have it.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// The core's.
    pub core: ratecell::Quota,
    /// The reference's.
    pub reference: Quota,
}

impl Quotas {
    /// Both, if both accept the numbers.
    ///
    /// # Panics
    /// If one accepts what the other refuses. The core alone refuses a fixed limit that does not
    /// fit beside the number of the window.
    pub fn new(reference: Quota) -> Option<Self> {
        let core = match core(&reference) {
            Err(QuotaError::LimitTooLarge { .. }) if matches!(reference, Quota::Fixed { .. }) => {
                return None;
            }
            core => core,
        };
        let checked = reference.check();
        assert_eq!(core.is_ok(), checked.is_ok(), "{reference:?}: {core:?}, {checked:?}");
        Some(Self { core: core.ok()?, reference })
    }

    /// The period in nanoseconds, or a second for concurrency.
    pub fn period_ns(&self) -> u64 {
        self.reference.period_ns().unwrap_or(1_000_000_000)
    }
}

/// Mostly valid numbers, small enough that a few calls use them up.
impl<'a> Arbitrary<'a> for Quotas {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let kind = u.int_in_range(0..=3)?;
        let limit = limit(u)?;
        let period_ns = period_ns(u)?;
        let reference = match kind {
            0 => Quota::Gcra { limit, period_ns, burst: burst(u, limit)? },
            1 => Quota::Fixed { limit, period_ns },
            2 => {
                let segments = if u.ratio(1, 4)? { 14 } else { u.int_in_range(0..=63)? };
                Quota::Sliding { limit, period_ns, segments }
            }
            _ => Quota::Concurrency { limit },
        };
        Self::new(reference).ok_or(arbitrary::Error::IncorrectFormat)
    }
}

/// The numbers of a quota that stands in for another.
#[derive(Clone, Copy, Debug)]
pub struct StandIn {
    limit: u32,
    burst: u32,
    /// For gcra, where it may differ, unless none.
    period_ns: Option<u64>,
    /// Breaks one of the conditions on purpose.
    misfit: bool,
}

impl StandIn {
    /// The quota that stands in for another; none if no quota has these numbers.
    pub fn of(&self, own: &Quotas) -> Option<Quotas> {
        let (limit, other) = (self.limit, self.misfit);
        Quotas::new(match own.reference {
            Quota::Gcra { limit, period_ns, .. } if other => {
                Quota::Sliding { limit, period_ns, segments: 14 }
            }
            Quota::Gcra { period_ns, .. } => {
                let period_ns = self.period_ns.unwrap_or(period_ns);
                Quota::Gcra { limit, period_ns, burst: self.burst }
            }
            Quota::Fixed { period_ns, .. } => {
                Quota::Fixed { limit, period_ns: period_ns + u64::from(other) }
            }
            Quota::Sliding { period_ns, segments, .. } => {
                Quota::Sliding { limit, period_ns, segments: segments + u32::from(other) }
            }
            Quota::Concurrency { .. } if other => Quota::Fixed { limit, period_ns: 1_000_000_000 },
            Quota::Concurrency { .. } => Quota::Concurrency { limit },
        })
    }
}

impl<'a> Arbitrary<'a> for StandIn {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let limit = limit(u)?;
        Ok(Self {
            limit,
            burst: burst(u, limit)?,
            period_ns: if u.arbitrary()? { Some(period_ns(u)?) } else { None },
            misfit: u.ratio(1, 16)?,
        })
    }
}

fn limit(u: &mut Unstructured<'_>) -> Result<u32> {
    Ok(match u.int_in_range(0..=7)? {
        0..=3 => u.int_in_range(1..=20)?,
        4 | 5 => u.int_in_range(1..=2000)?,
        6 => *u.choose(&[0, 1, 1_048_575, 1_048_576, 8_388_607, 8_388_608, u32::MAX])?,
        _ => u.arbitrary()?,
    })
}

fn burst(u: &mut Unstructured<'_>, limit: u32) -> Result<u32> {
    Ok(match u.int_in_range(0..=3)? {
        0 => limit,
        1 | 2 => u.int_in_range(1..=20)?,
        _ => u.arbitrary()?,
    })
}

fn period_ns(u: &mut Unstructured<'_>) -> Result<u64> {
    let period_ns = *u.choose(&PERIODS_NS)?;
    Ok(match u.int_in_range(0..=3)? {
        0 | 1 => period_ns,
        2 => period_ns.saturating_add_signed(u.int_in_range(-3..=3)?),
        _ => u.arbitrary::<u64>()? >> u.int_in_range(8..=44)?,
    })
}

fn core(quota: &Quota) -> core::result::Result<ratecell::Quota, QuotaError> {
    Ok(match *quota {
        Quota::Gcra { limit, period_ns, burst } => GcraQuota::new(limit, period_ns, burst)?.into(),
        Quota::Fixed { limit, period_ns } => FixedQuota::new(limit, period_ns)?.into(),
        Quota::Sliding { limit, period_ns, segments } => {
            SlidingQuota::new(limit, period_ns, segments)?.into()
        }
        Quota::Concurrency { limit } => ConcurrencyQuota::new(limit)?.into(),
    })
}
