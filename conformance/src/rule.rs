//! The rules of the cases, with every number written out.

use serde::{Deserialize, Serialize};

use crate::decimal;

/// The segments of a sliding rule that names none.
const DEFAULT_SEGMENTS: u32 = 14;

/// A rule of a single case: one kind with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Rule {
    /// Units a period, or permits out at once.
    pub limit: u32,
    /// The kind, with the numbers that only it has.
    pub kind: RuleKind,
}

/// The kind of a rule, with the numbers that only this kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// Evenly spaced units with a burst.
    Gcra {
        /// The period in nanoseconds.
        period_ns: u64,
        /// Units that an idle cell admits at once.
        burst: u32,
    },
    /// A count for each aligned window.
    Fixed {
        /// The length of a window in nanoseconds.
        period_ns: u64,
    },
    /// Never more than the limit in any span of a period.
    Sliding {
        /// The length of the span in nanoseconds.
        period_ns: u64,
        /// Segments a period is cut into.
        segments: u32,
    },
    /// Permits that are handed out and given back.
    Concurrency,
}

/// A rule of a plan case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct NamedRule {
    /// The rule's numbers.
    pub rule: Rule,
    /// The dimension whose keys are counted.
    pub by: String,
    /// The name by which answers tell the rule.
    pub name: String,
}

impl Rule {
    /// Rule text such as `gcra 600/60000000000ns burst 600`, for a subject that parses rules.
    pub fn to_text(&self) -> String {
        let limit = self.limit;
        match self.kind {
            RuleKind::Gcra { period_ns, burst } => {
                format!("gcra {limit}/{period_ns}ns burst {burst}")
            }
            RuleKind::Fixed { period_ns } => format!("fixed {limit}/{period_ns}ns"),
            RuleKind::Sliding { period_ns, segments } => {
                format!("sliding {limit}/{period_ns}ns segments {segments}")
            }
            RuleKind::Concurrency => format!("concurrency {limit}"),
        }
    }
}

impl NamedRule {
    /// Rule text such as `r0: fixed 300/60000000000ns by ip`; a plan's text is these joined by `;`.
    pub fn to_text(&self) -> String {
        format!("{}: {} by {}", self.name, self.rule.to_text(), self.by)
    }
}

/// A rule as the files spell it: one flat object.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    kind: KindName,
    limit: u32,
    #[serde(default, with = "decimal::or_null", skip_serializing_if = "Option::is_none")]
    period_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    burst: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segments: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    Gcra,
    Fixed,
    Sliding,
    Concurrency,
}

impl From<Rule> for Fields {
    fn from(rule: Rule) -> Self {
        let (kind, period_ns, burst, segments) = match rule.kind {
            RuleKind::Gcra { period_ns, burst } => {
                (KindName::Gcra, Some(period_ns), Some(burst), None)
            }
            RuleKind::Fixed { period_ns } => (KindName::Fixed, Some(period_ns), None, None),
            RuleKind::Sliding { period_ns, segments } => {
                (KindName::Sliding, Some(period_ns), None, Some(segments))
            }
            RuleKind::Concurrency => (KindName::Concurrency, None, None, None),
        };
        Self { kind, limit: rule.limit, period_ns, burst, segments, by: None, name: None }
    }
}

impl From<NamedRule> for Fields {
    fn from(named: NamedRule) -> Self {
        Self { by: Some(named.by), name: Some(named.name), ..Self::from(named.rule) }
    }
}

impl TryFrom<Fields> for Rule {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        if fields.by.is_some() || fields.name.is_some() {
            return Err("the rule of a single case has no `by` and no `name`".to_owned());
        }
        fields.rule()
    }
}

impl TryFrom<Fields> for NamedRule {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let rule = fields.rule()?;
        match (fields.by, fields.name) {
            (Some(by), Some(name)) => Ok(Self { rule, by, name }),
            _ => Err("a rule of a plan needs `by` and `name`".to_owned()),
        }
    }
}

impl Fields {
    fn rule(&self) -> Result<Rule, String> {
        let kind = match (&self.kind, self.period_ns, self.burst, self.segments) {
            (KindName::Gcra, Some(period_ns), burst, None) => {
                RuleKind::Gcra { period_ns, burst: burst.unwrap_or(self.limit) }
            }
            (KindName::Fixed, Some(period_ns), None, None) => RuleKind::Fixed { period_ns },
            (KindName::Sliding, Some(period_ns), None, segments) => {
                RuleKind::Sliding { period_ns, segments: segments.unwrap_or(DEFAULT_SEGMENTS) }
            }
            (KindName::Concurrency, None, None, None) => RuleKind::Concurrency,
            _ => {
                return Err("gcra has `period_ns` and may have `burst`, fixed has `period_ns`, \
                    sliding has `period_ns` and may have `segments`, concurrency none of them"
                    .to_owned());
            }
        };
        Ok(Rule { limit: self.limit, kind })
    }
}
