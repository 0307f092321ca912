//! The reference as a subject: it answers the generated cases and is held to the given ones.
//!
//! The runner does not use it. Another implementation's tests may, to have a second opinion.

use ratecell_reference::{Cell, Plan, Quota, Refusal};

use crate::{Answer, NamedRule, PlanAnswer, PlanSubject, Rule, RuleKind, SingleSubject, Verdict};

/// A fresh cell of the reference under `rule`.
///
/// # Errors
/// Why the rule is refused.
pub fn cell(rule: &Rule) -> Result<Cell, Refusal> {
    Cell::new(quota(rule))
}

/// A fresh plan of the reference with `rules`.
///
/// # Errors
/// Why the plan is refused.
pub fn plan(rules: &[NamedRule]) -> Result<Plan, Refusal> {
    let named = |named: &NamedRule| ratecell_reference::Rule {
        name: named.name.clone(),
        quota: quota(&named.rule),
        by: named.by.clone(),
    };
    Plan::new(rules.iter().map(named).collect())
}

/// The reference's quota with the numbers of `rule`, unchecked.
pub fn quota(rule: &Rule) -> Quota {
    let limit = rule.limit;
    match rule.kind {
        RuleKind::Gcra { period_ns, burst } => Quota::Gcra { limit, period_ns, burst },
        RuleKind::Fixed { period_ns } => Quota::Fixed { limit, period_ns },
        RuleKind::Sliding { period_ns, segments } => Quota::Sliding { limit, period_ns, segments },
        RuleKind::Concurrency => Quota::Concurrency { limit },
    }
}

impl SingleSubject for Cell {
    fn acquire(&mut self, now_ns: u64, cost: u32) -> Answer {
        Self::acquire(self, now_ns, cost).into()
    }

    fn peek(&mut self, now_ns: u64, cost: u32) -> Answer {
        Self::peek(self, now_ns, cost).into()
    }

    fn release(&mut self, cost: u32) -> bool {
        Self::release(self, cost)
    }
}

impl PlanSubject for Plan {
    fn acquire(&mut self, now_ns: u64, keys: &[(&str, &str)], cost: u32) -> PlanAnswer {
        Self::acquire(self, keys, cost, now_ns).into()
    }

    fn peek(&mut self, now_ns: u64, keys: &[(&str, &str)], cost: u32) -> PlanAnswer {
        Self::peek(self, keys, cost, now_ns).into()
    }

    fn release(&mut self, keys: &[(&str, &str)], cost: u32) -> bool {
        Self::release(self, keys, cost)
    }
}

impl From<ratecell_reference::Answer> for Answer {
    fn from(answer: ratecell_reference::Answer) -> Self {
        Self {
            verdict: match answer.verdict {
                ratecell_reference::Verdict::Allow => Verdict::Allow,
                ratecell_reference::Verdict::Deny => Verdict::Deny,
                ratecell_reference::Verdict::Never => Verdict::Never,
            },
            limit: answer.limit,
            remaining: answer.remaining,
            retry_after_ns: answer.retry_after_ns,
            reset_after_ns: answer.reset_after_ns,
        }
    }
}

impl From<ratecell_reference::PlanAnswer> for PlanAnswer {
    fn from(answer: ratecell_reference::PlanAnswer) -> Self {
        let rules = answer.rules.into_iter().map(|(name, answer)| (name, answer.into()));
        Self { governing: answer.governing, rules: rules.collect() }
    }
}
