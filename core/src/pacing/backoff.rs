//! How long to wait before trying again what was refused, and when to give up.
//!
//! SOURCE: RFC 9110 10.2.3 (Retry-After); M. Brooker, "Exponential Backoff And Jitter" (2015), for
//! full and decorrelated jitter. All times are nanoseconds on the caller's clock.
//!
//! - B1: no wait is shorter than the Retry-After that it answers.
//! - B2: without Retry-After no wait is longer than the cap.
//! - B3: there are at most `retries` waits, and none ends beyond the budget.

use core::fmt;

use super::SECOND_NS;
use super::random::{Random, up_to};

/// What chance adds to a wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Jitter {
    /// Nothing: 1 s, 2 s, 4 s exactly.
    #[default]
    None,
    /// Any part of the exponential wait, nothing and all of it included.
    Full,
    /// Between the base and three times the wait before, whatever the number of refusals.
    Decorrelated,
}

/// The settings of a [`Backoff`]; those not named come from [`Self::DEFAULT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BackoffSettings {
    /// The first wait in nanoseconds; each doubles the one before.
    pub base_ns: u64,
    /// The longest wait that is not a Retry-After.
    pub cap_ns: u64,
    /// How many times to try again.
    pub retries: u32,
    /// How long after the first try the last retry may begin.
    pub budget_ns: u64,
    /// What chance does to a wait without Retry-After.
    pub jitter: Jitter,
    /// The most that chance adds on top of a Retry-After, so that many clients do not come back at
    /// once.
    pub retry_after_jitter_ns: u64,
}

impl BackoffSettings {
    /// 1 s, 2 s, 4 s, then give up; up to 1 s on top of a Retry-After; waits of a minute at most,
    /// ten minutes in all.
    pub const DEFAULT: Self = Self {
        base_ns: SECOND_NS,
        cap_ns: 60 * SECOND_NS,
        retries: 3,
        budget_ns: 600 * SECOND_NS,
        jitter: Jitter::None,
        retry_after_jitter_ns: SECOND_NS,
    };
}

impl Default for BackoffSettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Says how long to wait before each retry. One serves any number of calls.
///
/// ```
/// use ratecell::pacing::{Backoff, GiveUp};
///
/// let mut random = || 0;
/// let mut retries = Backoff::DEFAULT.start(0);
/// assert_eq!(retries.wait_ns(0, None, &mut random), Ok(1_000_000_000));
/// // A Retry-After is obeyed, and never cut short.
/// let later = 5_000_000_000;
/// assert_eq!(retries.wait_ns(later, Some(90_000_000_000), &mut random), Ok(90_000_000_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backoff {
    settings: BackoffSettings,
}

impl Backoff {
    /// That of [`BackoffSettings::DEFAULT`].
    pub const DEFAULT: Self = Self { settings: BackoffSettings::DEFAULT };

    /// A backoff of these settings.
    ///
    /// # Errors
    /// [`BackoffError`] for a base or number of retries of 0, or a cap or budget below the base.
    pub const fn new(settings: BackoffSettings) -> Result<Self, BackoffError> {
        if settings.base_ns == 0 {
            return Err(BackoffError::ZeroBase);
        }
        if settings.retries == 0 {
            return Err(BackoffError::ZeroRetries);
        }
        if settings.cap_ns < settings.base_ns {
            let BackoffSettings { base_ns, cap_ns, .. } = settings;
            return Err(BackoffError::CapBelowBase { cap_ns, base_ns });
        }
        if settings.budget_ns < settings.base_ns {
            let BackoffSettings { base_ns, budget_ns, .. } = settings;
            return Err(BackoffError::BudgetBelowBase { budget_ns, base_ns });
        }
        Ok(Self { settings })
    }

    /// Its settings.
    pub const fn settings(&self) -> &BackoffSettings {
        &self.settings
    }

    /// The retries of a call that is first tried at `now_ns`.
    pub const fn start(&self, now_ns: u64) -> Retries {
        let settings = self.settings;
        Retries { settings, started_ns: now_ns, tried: 0, last_ns: settings.base_ns }
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The retries of one call. Made by [`Backoff::start`].
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    settings: BackoffSettings,
    started_ns: u64,
    tried: u32,
    /// The wait before, for decorrelated jitter.
    last_ns: u64,
}

impl Retries {
    /// How long to wait, from `now_ns`, before the next retry of a call that was refused with this
    /// Retry-After if any.
    ///
    /// With one, it is the longer of the exponential wait and of the Retry-After with a jitter on
    /// top: repeated refusals are spread further though the server asks for no more.
    ///
    /// # Errors
    /// [`GiveUp`] if the retries are used up or the wait would end beyond the budget.
    pub fn wait_ns(
        &mut self,
        now_ns: u64,
        retry_after_ns: Option<u64>,
        random: &mut impl Random,
    ) -> Result<u64, GiveUp> {
        if self.tried >= self.settings.retries {
            return Err(GiveUp::Retries);
        }
        let own_ns = self.own_wait_ns(random);
        let wait_ns = match retry_after_ns {
            Some(asked_ns) => {
                let jitter_ns = up_to(self.settings.retry_after_jitter_ns, random);
                own_ns.max(asked_ns.saturating_add(jitter_ns))
            }
            None => own_ns,
        };
        let spent_ns = now_ns.saturating_sub(self.started_ns);
        if spent_ns.saturating_add(wait_ns) > self.settings.budget_ns {
            return Err(GiveUp::Budget { wait_ns });
        }
        self.tried = self.tried.saturating_add(1);
        self.last_ns = own_ns;
        Ok(wait_ns)
    }

    /// How many retries it has given a wait for.
    pub const fn tried(&self) -> u32 {
        self.tried
    }

    fn own_wait_ns(&self, random: &mut impl Random) -> u64 {
        let BackoffSettings { base_ns, cap_ns, jitter, .. } = self.settings;
        let doublings = 1_u64.checked_shl(self.tried).unwrap_or(u64::MAX);
        let exponential_ns = base_ns.saturating_mul(doublings).min(cap_ns);
        match jitter {
            Jitter::None => exponential_ns,
            Jitter::Full => up_to(exponential_ns, random),
            Jitter::Decorrelated => {
                let span_ns = self.last_ns.saturating_mul(3).saturating_sub(base_ns);
                base_ns.saturating_add(up_to(span_ns, random)).min(cap_ns)
            }
        }
    }
}

/// Why a call is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GiveUp {
    /// The retries are used up.
    Retries,
    /// The next retry would begin beyond the budget.
    Budget {
        /// The wait that it would have taken.
        wait_ns: u64,
    },
}

impl fmt::Display for GiveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retries => write!(f, "it was refused as often as it may be retried"),
            Self::Budget { wait_ns } => {
                write!(f, "the next retry is due in {wait_ns} ns, beyond the budget")
            }
        }
    }
}

impl core::error::Error for GiveUp {}

/// Why settings make no backoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BackoffError {
    /// The base is 0 ns: it would retry at once, for ever.
    ZeroBase,
    /// There are 0 retries: nothing to back off for.
    ZeroRetries,
    /// The cap is below the base.
    CapBelowBase {
        /// The cap found.
        cap_ns: u64,
        /// The smallest that is accepted.
        base_ns: u64,
    },
    /// The budget is below the base, so that no retry fits.
    BudgetBelowBase {
        /// The budget found.
        budget_ns: u64,
        /// The smallest that is accepted.
        base_ns: u64,
    },
}

impl fmt::Display for BackoffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroBase => write!(f, "the base is 0 ns, accepted are 1 ns and more"),
            Self::ZeroRetries => write!(f, "the retries are 0, accepted are 1 and more"),
            Self::CapBelowBase { cap_ns, base_ns } => {
                write!(f, "the cap is {cap_ns} ns, accepted are the base of {base_ns} ns and more")
            }
            Self::BudgetBelowBase { budget_ns, base_ns } => write!(
                f,
                "the budget is {budget_ns} ns, accepted are the base of {base_ns} ns and more"
            ),
        }
    }
}

impl core::error::Error for BackoffError {}
