//! What one rule answers: a verdict and the numbers that go with it.
//!
//! The numbers are kept as the transition found them; the one that needs a division, `remaining`
//! of a gcra rule, is divided when it is read and not before. All times are nanoseconds, spans
//! from `now`, never instants. SOURCE: SPEC "Verdicts".

use core::fmt;
use core::time::Duration;

/// Stands for "none" in the words of a [`Decision`].
pub(crate) const UNKNOWN: u64 = u64::MAX;

/// The most room that a cell can have; what is above it in two's complement is below 0.
pub(crate) const MAX_ROOM: u64 = 1 << 62;

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// The units were taken.
    Allow,
    /// Not now; nothing was taken.
    Deny,
    /// Not at any time: the cost is above the capacity. Nothing was taken.
    Never,
    /// The key table had no slot for a new key and is set to refuse then. Nothing was taken.
    Full,
}

impl Verdict {
    /// Whether the units were taken.
    #[inline]
    pub const fn allowed(self) -> bool {
        matches!(self, Self::Allow)
    }

    /// The word used for it in every language: `allow`, `deny`, `never` or `full`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Never => "never",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One rule's answer to one call.
///
/// ```
/// use ratecell::{AtomicTat, GcraQuota, Verdict};
///
/// let quota = GcraQuota::new(1, 1_000_000_000, 2)?; // one a second, two at once
/// let cell = AtomicTat::new();
/// assert_eq!(cell.acquire(&quota, 0, 2).remaining(), 0);
///
/// let refused = cell.acquire(&quota, 0, 1);
/// assert_eq!(refused.verdict(), Verdict::Deny);
/// assert_eq!(refused.retry_after_ns(), Some(1_000_000_000));
/// # Ok::<(), ratecell::QuotaError>(())
/// ```
#[derive(Clone, Copy)]
#[must_use = "a refusal that nobody reads limits nothing"]
pub struct Decision {
    verdict: Verdict,
    /// The position of the rule in its plan; 0 where there is none.
    position: u8,
    limit: u32,
    /// `remaining` times `unit`, and up to `unit` more. Of gcra below 0, as [`MAX_ROOM`] says, where
    /// more is owed than the burst: under other rules for a call, or on a clock that went back.
    room: u64,
    /// What one unit takes of `room`: the emission interval of gcra, else 1; or, where less than
    /// one unit is left, what `room` lacks and `room` together, so that `unit - room` is the wait
    /// for one unit. Time plays no part in concurrency, where it stays 1.
    unit: u64,
    retry_after_ns: u64,
    reset_after_ns: u64,
}

/// The numbers of a cell, before or after a charge, from which a [`Decision`] is made.
#[derive(Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) room: u64,
    pub(crate) unit: u64,
    pub(crate) reset_after_ns: u64,
}

impl Decision {
    #[inline]
    pub(crate) const fn new(verdict: Verdict, retry_after_ns: u64, standing: Standing) -> Self {
        let Standing { limit, room, unit, reset_after_ns } = standing;
        Self { verdict, position: 0, limit, room, unit, retry_after_ns, reset_after_ns }
    }

    #[inline]
    pub(crate) const fn allow(standing: Standing) -> Self {
        Self::new(Verdict::Allow, 0, standing)
    }

    #[inline]
    pub(crate) const fn deny(retry_after_ns: u64, standing: Standing) -> Self {
        Self::new(Verdict::Deny, retry_after_ns, standing)
    }

    #[inline]
    pub(crate) const fn never(standing: Standing) -> Self {
        Self::new(Verdict::Never, UNKNOWN, standing)
    }

    /// The same decision as that of the rule at `position` in a plan.
    #[inline]
    pub(crate) const fn of_rule(self, position: u8) -> Self {
        Self { position, ..self }
    }

    /// The position of the rule in its plan, counted from 0; 0 where there is no plan.
    #[inline]
    pub const fn position(&self) -> u8 {
        self.position
    }

    /// The same numbers, refused because no slot is free for `wait_ns` more.
    pub(crate) const fn as_full(self, wait_ns: u64) -> Self {
        Self { verdict: Verdict::Full, retry_after_ns: wait_ns, ..self }
    }

    /// All of it as words, for [`Self::from_words`]: how a binding keeps a decision as numbers of
    /// its language. What each word holds may change with any version.
    #[inline]
    pub const fn to_words(&self) -> [u64; 5] {
        let head = self.verdict as u64 | (self.position as u64) << 8 | (self.limit as u64) << 32;
        [head, self.room, self.unit, self.retry_after_ns, self.reset_after_ns]
    }

    /// The decision of which [`Self::to_words`] gave these words; none if it gave no such words.
    ///
    /// ```
    /// use ratecell::{AtomicTat, Decision, GcraQuota};
    ///
    /// let decision = AtomicTat::new().acquire(&GcraQuota::new(1, 1_000_000_000, 2)?, 0, 1);
    /// assert_eq!(Decision::from_words(decision.to_words()), Some(decision));
    /// assert_eq!(Decision::from_words([4, 0, 0, 0, 0]), None);
    /// # Ok::<(), ratecell::QuotaError>(())
    /// ```
    pub const fn from_words(words: [u64; 5]) -> Option<Self> {
        let [head, room, unit, retry_after_ns, reset_after_ns] = words;
        let [verdict, position, 0, 0, limit @ ..] = head.to_le_bytes() else { return None };
        let verdict = match verdict {
            0 => Verdict::Allow,
            1 => Verdict::Deny,
            2 => Verdict::Never,
            3 => Verdict::Full,
            _ => return None,
        };
        let limit = u32::from_le_bytes(limit);
        Some(Self { verdict, position, limit, room, unit, retry_after_ns, reset_after_ns })
    }

    /// Whether the units were taken.
    #[inline]
    pub const fn allowed(&self) -> bool {
        self.verdict.allowed()
    }

    /// What became of the call.
    #[inline]
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The capacity in units: the quota's limit, or its burst for gcra.
    #[inline]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// The largest cost that would be allowed right now, after this decision; rounded down.
    #[inline]
    pub const fn remaining(&self) -> u32 {
        let room = self.room_left();
        let units = match room.checked_div(self.unit) {
            Some(units) if self.unit > 1 => units,
            _ => room,
        };
        if units > u32::MAX as u64 {
            u32::MAX
        } else {
            #[expect(clippy::cast_possible_truncation, reason = "the branch above bounds it")]
            let units = units as u32;
            units
        }
    }

    /// The smallest wait after which the same call would be allowed if nobody else called
    /// meanwhile: exact, and one nanosecond earlier it is still refused. 0 when allowed; none when
    /// no wait helps or nobody can know it.
    #[inline]
    pub const fn retry_after_ns(&self) -> Option<u64> {
        known(self.retry_after_ns)
    }

    /// [`Self::retry_after_ns`] as a [`Duration`].
    #[inline]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_ns().map(Duration::from_nanos)
    }

    /// The whole seconds of an HTTP Retry-After: the wait rounded up, at least 1. None if it was
    /// allowed, if no wait helps or if nobody can know it.
    #[inline]
    pub const fn retry_after_seconds(&self) -> Option<u64> {
        match self.retry_after_ns() {
            Some(wait_ns) if !self.allowed() => {
                let seconds = wait_ns.div_ceil(1_000_000_000);
                Some(if seconds == 0 { 1 } else { seconds })
            }
            _ => None,
        }
    }

    /// The wait until the cell is as good as new if nobody calls; 0 if it already is, none for
    /// concurrency.
    #[inline]
    pub const fn reset_after_ns(&self) -> Option<u64> {
        known(self.reset_after_ns)
    }

    /// [`Self::reset_after_ns`] as a [`Duration`].
    #[inline]
    pub fn reset_after(&self) -> Option<Duration> {
        self.reset_after_ns().map(Duration::from_nanos)
    }

    /// The smallest wait after which a call of cost 1 would be allowed if nobody else called
    /// meanwhile: exact, and 0 if it would be now. None for concurrency with no permit left, or if
    /// no slot is free for an unknown time.
    ///
    /// ```
    /// use ratecell::{AtomicWindow, FixedQuota};
    ///
    /// let quota = FixedQuota::new(2, 60_000_000_000)?;
    /// let cell = AtomicWindow::new();
    /// assert_eq!(cell.acquire(&quota, 0, 1).next_unit_after_ns(), Some(0));
    /// assert_eq!(cell.acquire(&quota, 1, 1).next_unit_after_ns(), Some(59_999_999_999));
    /// # Ok::<(), ratecell::QuotaError>(())
    /// ```
    #[inline]
    pub const fn next_unit_after_ns(&self) -> Option<u64> {
        if matches!(self.verdict, Verdict::Full) {
            return self.retry_after_ns();
        }
        if self.room_left() >= self.unit {
            return Some(0);
        }
        if self.reset_after_ns == UNKNOWN {
            return None;
        }
        // OVERFLOW: the branch above has found room below unit. Room below 0 adds to the wait what is
        // owed beyond the burst, which is below 2^63 + 2^62, to an interval below 2^55.
        Some(self.unit.wrapping_sub(self.room))
    }

    /// `room`, or 0 where it is below that.
    #[inline]
    const fn room_left(&self) -> u64 {
        if self.room > MAX_ROOM { 0 } else { self.room }
    }

    /// What one unit takes of what is left; of gcra, its emission interval, if any is left.
    pub(crate) const fn unit(&self) -> u64 {
        self.unit
    }

    /// Whether `self` has a smaller share of its capacity left than `other`, compared exactly.
    pub(crate) const fn is_tighter_than(&self, other: &Self) -> bool {
        // OVERFLOW: two u32 factors each.
        let mine = (self.remaining() as u64).saturating_mul(other.limit as u64);
        let theirs = (other.remaining() as u64).saturating_mul(self.limit as u64);
        mine < theirs
    }

    /// As [`Self::is_tighter_than`] but without a division, on what is left down to fractions of a
    /// unit: good enough to choose an order.
    pub(crate) const fn is_likelier_to_refuse_than(&self, other: &Self) -> bool {
        // OVERFLOW: two u64 factors each.
        let mine = (self.room_left() as u128).wrapping_mul(other.whole() as u128);
        let theirs = (other.room_left() as u128).wrapping_mul(self.whole() as u128);
        mine < theirs
    }

    /// What `room` is of a cell as good as new: below 2^62. Where no unit is left, `unit` is a wait
    /// and this may be more; it then saturates, and the share is next to nothing as it should be.
    const fn whole(&self) -> u64 {
        self.unit.saturating_mul(self.limit as u64)
    }
}

const fn known(word: u64) -> Option<u64> {
    if word == UNKNOWN { None } else { Some(word) }
}

impl PartialEq for Decision {
    /// Equal when verdict and numbers are; the position plays no part.
    fn eq(&self, other: &Self) -> bool {
        self.verdict == other.verdict
            && self.limit == other.limit
            && self.remaining() == other.remaining()
            && self.retry_after_ns == other.retry_after_ns
            && self.reset_after_ns == other.reset_after_ns
            && self.next_unit_after_ns() == other.next_unit_after_ns()
    }
}

impl Eq for Decision {}

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("verdict", &self.verdict)
            .field("limit", &self.limit)
            .field("remaining", &self.remaining())
            .field("retry_after_ns", &self.retry_after_ns())
            .field("reset_after_ns", &self.reset_after_ns())
            .finish()
    }
}

impl fmt::Display for Decision {
    /// Says why in a sentence: `denied: 0 of 600 left, retry after 100ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (left, limit) = (self.remaining(), self.limit);
        match (self.verdict, self.retry_after()) {
            (Verdict::Allow, _) => write!(f, "allowed: {left} of {limit} left"),
            (Verdict::Deny, Some(wait)) => {
                write!(f, "denied: {left} of {limit} left, retry after {wait:?}")
            }
            (Verdict::Deny, None) => {
                write!(f, "denied: {left} of {limit} left, until one is given back")
            }
            (Verdict::Never, _) => {
                write!(f, "never: the cost is above the capacity of {limit}")
            }
            (Verdict::Full, Some(wait)) => {
                write!(f, "full: no slot is free for a new key, one will be after {wait:?}")
            }
            (Verdict::Full, None) => write!(f, "full: no slot is free for a new key"),
        }
    }
}
