//! Which header fields a response carries.

use core::fmt;
use core::ops::BitOr;

/// A set of header fields. The fields and groups are constants, put together with `|`.
///
/// ```
/// use ratecell::http::HeaderStyle;
///
/// let style = HeaderStyle::X_RATELIMIT | HeaderStyle::RETRY_AFTER;
/// assert!(style.contains(HeaderStyle::X_RATELIMIT_LIMIT));
/// assert_eq!(HeaderStyle::named("x-ratelimit"), Some(HeaderStyle::X_RATELIMIT));
/// ```
///
/// Some fields have several forms, of which a response carries one: [`Self::check`] tells a set
/// that holds two. Of such a set the form that stands first below is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct HeaderStyle(u32);

impl HeaderStyle {
    /// No field.
    pub const NONE: Self = Self(0);
    /// `X-RateLimit-Limit`: the capacity in units.
    pub const X_RATELIMIT_LIMIT: Self = Self(1);
    /// `X-RateLimit-Remaining`: units left after the decision.
    pub const X_RATELIMIT_REMAINING: Self = Self(1 << 1);
    /// `X-RateLimit-Reset` as Unix seconds.
    pub const X_RATELIMIT_RESET: Self = Self(1 << 2);
    /// `X-RateLimit-Reset` as seconds from now.
    pub const X_RATELIMIT_RESET_AFTER: Self = Self(1 << 3);
    /// `Retry-After` in seconds; written on refusals with a known wait only.
    pub const RETRY_AFTER: Self = Self(1 << 4);
    /// `X-Concurrency-Limit`: how many requests may be in flight.
    pub const X_CONCURRENCY_LIMIT: Self = Self(1 << 5);
    /// `X-Concurrency-Running`: how many are, after the decision.
    pub const X_CONCURRENCY_RUNNING: Self = Self(1 << 6);
    /// `RateLimit-Policy` of draft 11: every rule with its quota.
    pub const RATELIMIT_POLICY: Self = Self(1 << 7);
    /// `RateLimit` of draft 11: every rule with what is available.
    pub const RATELIMIT: Self = Self(1 << 8);
    /// `RateLimit-Limit` of draft 6.
    pub const DRAFT_6_LIMIT: Self = Self(1 << 9);
    /// `RateLimit-Remaining` of draft 6.
    pub const DRAFT_6_REMAINING: Self = Self(1 << 10);
    /// `RateLimit-Reset` of draft 6, in seconds from now.
    pub const DRAFT_6_RESET: Self = Self(1 << 11);
    /// `RateLimit` of draft 7: limit, remaining and reset in one field.
    pub const DRAFT_7: Self = Self(1 << 12);

    /// The three X-RateLimit fields, with the reset as Unix seconds.
    pub const X_RATELIMIT: Self =
        Self(Self::X_RATELIMIT_LIMIT.0 | Self::X_RATELIMIT_REMAINING.0 | Self::X_RATELIMIT_RESET.0);
    /// Both X-Concurrency fields.
    pub const X_CONCURRENCY: Self =
        Self(Self::X_CONCURRENCY_LIMIT.0 | Self::X_CONCURRENCY_RUNNING.0);
    /// Both fields of draft 11.
    pub const DRAFT_11: Self = Self(Self::RATELIMIT_POLICY.0 | Self::RATELIMIT.0);
    /// The three fields of draft 6.
    pub const DRAFT_6: Self =
        Self(Self::DRAFT_6_LIMIT.0 | Self::DRAFT_6_REMAINING.0 | Self::DRAFT_6_RESET.0);

    /// The words that [`Self::named`] knows, in small letters: groups first, then single fields.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("x-ratelimit", Self::X_RATELIMIT),
        ("x-concurrency", Self::X_CONCURRENCY),
        ("ratelimit", Self::DRAFT_11),
        ("draft-6", Self::DRAFT_6),
        ("draft-7", Self::DRAFT_7),
        ("retry-after", Self::RETRY_AFTER),
        ("x-ratelimit-limit", Self::X_RATELIMIT_LIMIT),
        ("x-ratelimit-remaining", Self::X_RATELIMIT_REMAINING),
        ("x-ratelimit-reset", Self::X_RATELIMIT_RESET),
        ("x-concurrency-limit", Self::X_CONCURRENCY_LIMIT),
        ("x-concurrency-running", Self::X_CONCURRENCY_RUNNING),
        ("ratelimit-policy", Self::RATELIMIT_POLICY),
        ("ratelimit-limit", Self::DRAFT_6_LIMIT),
        ("ratelimit-remaining", Self::DRAFT_6_REMAINING),
        ("ratelimit-reset", Self::DRAFT_6_RESET),
    ];

    /// The fields of a group or of a single name, in letters of any case; none for a name that is
    /// not among [`Self::NAMES`]. `ratelimit` is both fields of draft 11.
    pub fn named(name: &str) -> Option<Self> {
        let entry = Self::NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(entry.1)
    }

    /// The same set with any `X-RateLimit-Reset` in seconds from now.
    #[must_use]
    pub const fn with_reset_after(self) -> Self {
        if self.0 & Self::X_RATELIMIT_RESET.0 == 0 {
            return self;
        }
        Self(self.0 & !Self::X_RATELIMIT_RESET.0 | Self::X_RATELIMIT_RESET_AFTER.0)
    }

    /// The set as bits, for other languages; a bit's meaning never changes.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The set that [`Self::bits`] gave; none if a bit means nothing.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits < Self::DRAFT_7.0 << 1 { Some(Self(bits)) } else { None }
    }

    /// Whether it holds all of the fields of `other`.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Checks that no field is asked for in two forms.
    ///
    /// # Errors
    /// [`StyleClash`] with the name of one that is.
    pub const fn check(self) -> Result<(), StyleClash> {
        if self.contains(Self(Self::X_RATELIMIT_RESET.0 | Self::X_RATELIMIT_RESET_AFTER.0)) {
            return Err(StyleClash { field: "X-RateLimit-Reset" });
        }
        if self.contains(Self(Self::RATELIMIT.0 | Self::DRAFT_7.0)) {
            return Err(StyleClash { field: "RateLimit" });
        }
        Ok(())
    }

    /// The fields of this style that are not of the other.
    ///
    /// ```
    /// use ratecell::http::HeaderStyle;
    ///
    /// let shown = HeaderStyle::X_RATELIMIT | HeaderStyle::RETRY_AFTER;
    /// assert_eq!(shown.without(HeaderStyle::RETRY_AFTER), HeaderStyle::X_RATELIMIT);
    /// ```
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The set without the later form of a field that it holds in two.
    pub(super) const fn without_clash(self) -> Self {
        let mut bits = self.0;
        if self.contains(Self::X_RATELIMIT_RESET) {
            bits &= !Self::X_RATELIMIT_RESET_AFTER.0;
        }
        if self.contains(Self::RATELIMIT) {
            bits &= !Self::DRAFT_7.0;
        }
        Self(bits)
    }

    /// The first field of the set, in the order above, and the set without it.
    pub(super) const fn split_first(self) -> Option<(Self, Self)> {
        let first = self.0 & self.0.wrapping_neg();
        if first == 0 { None } else { Some((Self(first), Self(self.0 & !first))) }
    }
}

impl BitOr for HeaderStyle {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A set of header fields that holds two forms of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StyleClash {
    /// The field's name.
    pub field: &'static str,
}

impl fmt::Display for StyleClash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the field {} is asked for in two forms, accepted is one", self.field)
    }
}

impl core::error::Error for StyleClash {}
