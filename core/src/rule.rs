//! A rule: a named quota, counted per key of one dimension.

use core::fmt;
use core::str::FromStr;

use crate::name::{Name, NameError};
use crate::plan::Plan;
use crate::quota::Quota;
use crate::text::{ParseError, Period};

/// A named quota, counted per key of one dimension.
///
/// `Display` gives its canonical text, which parses to the same rule:
///
/// ```
/// use ratecell::Rule;
///
/// let rule: Rule = "sliding 600 per minute".parse()?;
/// assert_eq!(rule.to_string(), "sliding: sliding 600/min segments 14 by key");
/// # Ok::<(), ratecell::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    name: Name,
    quota: Quota,
    dimension: Name,
}

impl Rule {
    /// A rule of `quota` called `name`, counted per key of `dimension`.
    ///
    /// # Errors
    /// [`NameError`] if either is not a name.
    pub fn new(name: &str, quota: Quota, dimension: &str) -> Result<Self, NameError> {
        Ok(Self::from_parts(name.parse()?, quota, dimension.parse()?))
    }

    pub(crate) const fn from_parts(name: Name, quota: Quota, dimension: Name) -> Self {
        Self { name, quota, dimension }
    }

    /// The same rule with another quota, such as a customer's own cap.
    ///
    /// ```
    /// use ratecell::{FixedQuota, Rule};
    ///
    /// let rule: Rule = "reads: fixed 60/min".parse()?;
    /// let raised = rule.with_quota(FixedQuota::new(120, 60_000_000_000)?.into());
    /// assert_eq!(raised.to_string(), "reads: fixed 120/min by key");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_quota(&self, quota: Quota) -> Self {
        Self { quota, ..self.clone() }
    }

    /// The same rule, counted per key of the dimension of `other`.
    #[must_use]
    pub fn with_dimension_of(&self, other: &Self) -> Self {
        Self { dimension: other.dimension.clone(), ..self.clone() }
    }

    /// Its name, unlike those of the other rules of its plan.
    #[inline]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// What it counts by.
    #[inline]
    pub const fn quota(&self) -> &Quota {
        &self.quota
    }

    /// The dimension whose keys it counts: `key`, `ip`, ...
    #[inline]
    pub fn dimension(&self) -> &str {
        self.dimension.as_str()
    }
}

impl FromStr for Rule {
    type Err = ParseError;

    /// Reads one rule; a plan of several is an error.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        crate::text::parse_rule(text)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ", self.name, self.quota.kind().as_str())?;
        match &self.quota {
            Quota::Gcra(quota) => {
                let period = Period(quota.period_ns());
                write!(f, "{}/{period} burst {}", quota.limit(), quota.burst())?;
            }
            Quota::Fixed(quota) => {
                write!(f, "{}/{}", quota.limit(), Period(quota.period_ns()))?;
            }
            Quota::Sliding(quota) => {
                let period = Period(quota.period_ns());
                write!(f, "{}/{period} segments {}", quota.limit(), quota.segments())?;
            }
            Quota::Concurrency(quota) => write!(f, "{}", quota.limit())?,
        }
        write!(f, " by {}", self.dimension)
    }
}

impl TryFrom<Rule> for Plan {
    type Error = crate::plan::PlanError;

    fn try_from(rule: Rule) -> Result<Self, Self::Error> {
        Self::new([rule])
    }
}
