//! A plan: an ordered list of rules, acquired all or nothing.

use core::fmt;
use core::str::FromStr;

use heapless::Vec;

use crate::rule::Rule;
use crate::text::ParseError;

/// The most rules in a plan.
pub const MAX_RULES: usize = 8;

/// An ordered list of 1 to 8 rules with distinct names, acquired all or nothing.
///
/// ```
/// use ratecell::Plan;
///
/// let plan: Plan = "ip: fixed 300/min by ip; key: sliding 600/min; inflight: concurrency 8".parse()?;
/// assert_eq!(plan.rules().len(), 3);
/// assert_eq!(plan.to_string().parse(), Ok(plan));
///
/// let error = "600/fortnight".parse::<Plan>().unwrap_err();
/// assert_eq!(error.offset(), 4);
/// # Ok::<(), ratecell::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    rules: Vec<Rule, MAX_RULES>,
}

impl Plan {
    /// A plan of these rules, in this order.
    ///
    /// # Errors
    /// [`PlanError`] for no rule, more than 8, or two of one name.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Result<Self, PlanError> {
        let mut plan = Self { rules: Vec::new() };
        for rule in rules {
            let position = plan.rules.len();
            if plan.rules.iter().any(|other| other.name() == rule.name()) {
                return Err(PlanError::NameTwice { position });
            }
            if plan.rules.push(rule).is_err() {
                return Err(PlanError::TooManyRules);
            }
        }
        if plan.rules.is_empty() { Err(PlanError::NoRules) } else { Ok(plan) }
    }

    /// The rules, in order.
    #[inline]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule called `name`; none if the plan has no such rule. Case counts.
    pub fn rule_named(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name() == name)
    }

    /// Why `other` cannot stand in for this plan for a call; none if it can.
    pub(crate) fn mismatch(&self, other: &Self) -> Option<Mismatch> {
        let (needed, found) = (self.rules.len(), other.rules.len());
        if needed != found {
            return Some(Mismatch::Length { found, needed });
        }
        self.rules
            .iter()
            .zip(&other.rules)
            .position(|(mine, theirs)| !mine.quota().shares_state_with(theirs.quota()))
            .map(|position| Mismatch::Rule { position })
    }
}

impl FromStr for Plan {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        crate::text::parse_plan(text)
    }
}

impl fmt::Display for Plan {
    /// The canonical text: every name, kind, option and dimension written out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, rule) in self.rules.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{rule}")?;
        }
        Ok(())
    }
}

/// Why rules are not a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// There is no rule. A plan that limits nothing is an error, never "unlimited".
    NoRules,
    /// There are more than 8 rules.
    TooManyRules,
    /// A rule has the name of an earlier one.
    NameTwice {
        /// Its position, counted from 0.
        position: usize,
    },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRules => write!(f, "the plan has no rule, accepted are 1 to {MAX_RULES}"),
            Self::TooManyRules => {
                write!(f, "the plan has more than {MAX_RULES} rules, accepted are 1 to {MAX_RULES}")
            }
            Self::NameTwice { position } => {
                write!(f, "rule {position} (from 0) has the name of an earlier one")
            }
        }
    }
}

impl core::error::Error for PlanError {}

/// Why other rules cannot stand in for a plan's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// There are more or fewer of them.
    Length {
        /// How many there are.
        found: usize,
        /// How many the plan has.
        needed: usize,
    },
    /// One is of another kind, or is fixed or sliding with another period or other segments.
    Rule {
        /// Its position, counted from 0.
        position: usize,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found, needed } => {
                write!(f, "there are {found} rules, accepted are {needed}, as many as the plan has")
            }
            Self::Rule { position } => write!(
                f,
                "rule {position} (from 0) is accepted only with the kind of the rule that it stands \
                 in for, and if fixed or sliding with its period and segments"
            ),
        }
    }
}
