//! Quotas as plain numbers that C can keep in a constant.
//!
//! One of the files with `unsafe`: the pointers of its calls.

use core::ffi::c_char;

use ratecell::{ConcurrencyQuota, FixedQuota, GcraQuota, Rule, SlidingQuota};

use crate::boundary::{self, Out, status_of};
use crate::error::Error;
use crate::failure::Failure;
use crate::status::Status;

/// One unit comes back each period / limit, at most a burst at once.
pub const RATECELL_GCRA: u32 = 1;
/// A count for each window of one period, aligned to the clock.
pub const RATECELL_FIXED: u32 = 2;
/// A count that holds in every span of one period.
pub const RATECELL_SLIDING: u32 = 3;
/// Permits held at once.
pub const RATECELL_CONCURRENCY: u32 = 4;

/// A limit: plain numbers, checked whenever they are used.
///
/// Made by ratecell_quota_gcra and its like, by ratecell_quota_parse, or as a constant by
/// RATECELL_QUOTA_GCRA and its like. Copy it as you like; threads may share it.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// RATECELL_GCRA, RATECELL_FIXED, RATECELL_SLIDING or RATECELL_CONCURRENCY.
    pub kind: u32,
    /// Units a period, or permits at once; from 1.
    pub limit: u32,
    /// The period in nanoseconds, 1 ms to 366 days; 0 for concurrency.
    pub period_ns: u64,
    /// Of gcra the nanoseconds between two units: period_ns / limit, rounded up. Else 0.
    pub interval_ns: u64,
    /// Of gcra the units at once, from 1. Else 0.
    pub burst: u32,
    /// Of sliding the number of segments, 1 to 62. Else 0.
    pub segments: u32,
}

impl Quota {
    const EMPTY: Self =
        Self { kind: 0, limit: 0, period_ns: 0, interval_ns: 0, burst: 0, segments: 0 };

    pub(crate) const fn of(quota: &ratecell::Quota) -> Self {
        use ratecell::Quota as Core;

        match quota {
            Core::Gcra(quota) => Self {
                kind: RATECELL_GCRA,
                limit: quota.limit(),
                period_ns: quota.period_ns(),
                interval_ns: quota.emission_interval_ns(),
                burst: quota.burst(),
                ..Self::EMPTY
            },
            Core::Fixed(quota) => Self {
                kind: RATECELL_FIXED,
                limit: quota.limit(),
                period_ns: quota.period_ns(),
                ..Self::EMPTY
            },
            Core::Sliding(quota) => Self {
                kind: RATECELL_SLIDING,
                limit: quota.limit(),
                period_ns: quota.period_ns(),
                segments: quota.segments(),
                ..Self::EMPTY
            },
            Core::Concurrency(quota) => {
                Self { kind: RATECELL_CONCURRENCY, limit: quota.limit(), ..Self::EMPTY }
            }
        }
    }

    #[inline]
    fn check_kind(&self, accepted: u32) -> Result<(), Failure> {
        match self.kind {
            found if found == accepted => Ok(()),
            RATECELL_GCRA..=RATECELL_CONCURRENCY => {
                Err(Failure::Kind { found: self.kind, accepted })
            }
            _ => Err(Failure::NotInitialized { argument: "quota" }),
        }
    }

    /// The core's quota, which takes some multiplications.
    #[inline]
    pub(crate) fn gcra(&self) -> Result<GcraQuota, Failure> {
        self.check_kind(RATECELL_GCRA)?;
        GcraQuota::from_parts(self.limit, self.period_ns, self.burst, self.interval_ns)
            .ok_or(Failure::NotInitialized { argument: "quota" })
    }

    /// The core's quota, which takes a division.
    #[inline]
    pub(crate) fn fixed(&self) -> Result<FixedQuota, Failure> {
        self.check_kind(RATECELL_FIXED)?;
        Ok(FixedQuota::new(self.limit, self.period_ns)?)
    }

    /// The core's quota, which takes a division.
    #[inline]
    pub(crate) fn sliding(&self) -> Result<SlidingQuota, Failure> {
        self.check_kind(RATECELL_SLIDING)?;
        Ok(SlidingQuota::new(self.limit, self.period_ns, self.segments)?)
    }

    #[inline]
    pub(crate) fn concurrency(&self) -> Result<ConcurrencyQuota, Failure> {
        self.check_kind(RATECELL_CONCURRENCY)?;
        Ok(ConcurrencyQuota::new(self.limit)?)
    }

    /// The core's quota of any kind.
    pub(crate) fn any(&self) -> Result<ratecell::Quota, Failure> {
        Ok(match self.kind {
            RATECELL_GCRA => self.gcra()?.into(),
            RATECELL_FIXED => self.fixed()?.into(),
            RATECELL_SLIDING => self.sliding()?.into(),
            RATECELL_CONCURRENCY => self.concurrency()?.into(),
            _ => return Err(Failure::NotInitialized { argument: "quota" }),
        })
    }
}

/// A quota of limit units per period_ns nanoseconds on average and burst units at once.
///
/// Fails with RATECELL_ZERO_LIMIT, RATECELL_ZERO_BURST, RATECELL_PERIOD (1 ms to 366 days),
/// RATECELL_RATE (whole nanoseconds between units would lower the rate by over 1 %) or
/// RATECELL_BURST (it takes over 2^62 ns to come back).
///
/// Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_quota_gcra(
    limit: u32,
    period_ns: u64,
    burst: u32,
    quota: *mut Quota,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota`.
        let out = unsafe { Out::new(quota, "quota") }?;
        out.write(Quota::of(&GcraQuota::new(limit, period_ns, burst)?.into()));
        Ok(())
    })
}

/// A quota of limit units in each window of period_ns nanoseconds.
///
/// Fails with RATECELL_ZERO_LIMIT, RATECELL_PERIOD (1 ms to 366 days) or RATECELL_LIMIT (about one
/// unit a nanosecond; from 2.2 s on, any limit is accepted).
///
/// Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_quota_fixed(
    limit: u32,
    period_ns: u64,
    quota: *mut Quota,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota`.
        let out = unsafe { Out::new(quota, "quota") }?;
        out.write(Quota::of(&FixedQuota::new(limit, period_ns)?.into()));
        Ok(())
    })
}

/// A quota of limit units in any span of period_ns nanoseconds, tracked in so many segments.
///
/// A cell of it takes segments + 2 words of 8 bytes; steady traffic gets at least
/// segments / (segments + 1) of the limit. Rule texts take 14 where none are named.
///
/// Fails with RATECELL_ZERO_LIMIT, RATECELL_LIMIT (8,388,607), RATECELL_PERIOD (1 ms to 366 days)
/// or RATECELL_SEGMENTS (1 to 62).
///
/// Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_quota_sliding(
    limit: u32,
    period_ns: u64,
    segments: u32,
    quota: *mut Quota,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota`.
        let out = unsafe { Out::new(quota, "quota") }?;
        out.write(Quota::of(&SlidingQuota::new(limit, period_ns, segments)?.into()));
        Ok(())
    })
}

/// A quota of limit permits held at once. Fails with RATECELL_ZERO_LIMIT.
///
/// Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_quota_concurrency(limit: u32, quota: *mut Quota) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota`.
        let out = unsafe { Out::new(quota, "quota") }?;
        out.write(Quota::of(&ConcurrencyQuota::new(limit)?.into()));
        Ok(())
    })
}

/// The quota of one rule's text, such as "600/min burst 20"; its name and dimension play no part.
///
/// If it fails, the error is written if it is not NULL; error->offset is the byte that is wrong.
///
/// Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL for text and quota; error may be NULL. Failure: quota is not written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_quota_parse(
    text: *const c_char,
    quota: *mut Quota,
    error: *mut Error,
) -> Status {
    let parse = || -> Result<(), Failure> {
        // SAFETY: P1 for `quota`.
        let out = unsafe { Out::new(quota, "quota") }?;
        // SAFETY: P1 and P3 for `text`.
        let text = unsafe { boundary::text(text, "text") }?;
        out.write(Quota::of(text.parse::<Rule>()?.quota()));
        Ok(())
    };
    status_of(|| {
        let report = if error.is_null() {
            None
        } else {
            // SAFETY: P1 for `error`, whose struct_size is set.
            Some(unsafe { Out::sized(error, "error") }?)
        };
        parse().inspect_err(|failure| {
            if let Some(report) = report {
                report.write(Error::of(failure));
            }
        })
    })
}

/// The bytes of a sliding cell of this quota: 8 for each of segments + 2 words.
///
/// Fails with RATECELL_KIND for a quota that is not sliding.
///
/// Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_segments_size(quota: *const Quota, size: *mut usize) -> Status {
    status_of(|| {
        // SAFETY: P1 for `size`.
        let out = unsafe { Out::new(size, "size") }?;
        // SAFETY: P1 for `quota`; any bytes are one.
        let quota = unsafe { boundary::object(quota, "quota") }?;
        out.write(quota.sliding()?.cell_words().saturating_mul(8));
        Ok(())
    })
}
