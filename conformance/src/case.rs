//! The cases, typed: what a line of `single.jsonl` and of `plan.jsonl` holds.
//!
//! Reading is strict and writing gives the bytes of the files back, field order included.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{NamedRule, Rule, decimal, ordered_map};

/// One line of `single.jsonl`: steps on one fresh cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SingleCase {
    /// The name that a failure tells.
    pub name: String,
    /// The cell's rule.
    pub rule: Rule,
    /// The calls, in order.
    pub steps: Vec<SingleStep>,
}

/// One call on one cell, with what it must answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub enum SingleStep {
    /// Takes units.
    Acquire {
        /// The clock in nanoseconds.
        #[serde(with = "decimal")]
        now_ns: u64,
        /// The units.
        cost: u32,
        /// The answer.
        expect: Answer,
    },
    /// Only looks.
    Peek {
        /// The clock in nanoseconds.
        #[serde(with = "decimal")]
        now_ns: u64,
        /// The units.
        cost: u32,
        /// The answer.
        expect: Answer,
    },
    /// Gives permits back.
    Release {
        /// The permits.
        cost: u32,
        /// Whether so many were held.
        ok: bool,
    },
}

/// One line of `plan.jsonl`: steps on one fresh plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanCase {
    /// The name that a failure tells.
    pub name: String,
    /// The plan's rules, in order.
    pub rules: Vec<NamedRule>,
    /// The calls, in order.
    pub steps: Vec<PlanStep>,
}

/// One call on a plan, with what it must answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
pub enum PlanStep {
    /// Takes units from every rule or from none.
    Acquire {
        /// The clock in nanoseconds.
        #[serde(with = "decimal")]
        now_ns: u64,
        /// The key of each dimension that the call has.
        #[serde(with = "ordered_map")]
        keys: Vec<(String, String)>,
        /// The units.
        cost: u32,
        /// The answer.
        expect: PlanAnswer,
    },
    /// Only looks.
    Peek {
        /// The clock in nanoseconds.
        #[serde(with = "decimal")]
        now_ns: u64,
        /// The key of each dimension that the call has.
        #[serde(with = "ordered_map")]
        keys: Vec<(String, String)>,
        /// The units.
        cost: u32,
        /// The answer.
        expect: PlanAnswer,
    },
    /// Gives back the permits of an allowed call with the same keys and cost.
    Release {
        /// The keys of that call.
        #[serde(with = "ordered_map")]
        keys: Vec<(String, String)>,
        /// The units of that call.
        cost: u32,
    },
}

/// What one rule answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The outcome.
    pub verdict: Verdict,
    /// The capacity.
    pub limit: u32,
    /// The largest cost that would be allowed right now, after this decision.
    pub remaining: u32,
    /// The wait in nanoseconds until the call passes: 0 when it passed, none when unknown.
    #[serde(with = "decimal::or_null")]
    pub retry_after_ns: Option<u64>,
    /// The wait in nanoseconds until the cell is as good as new; none for concurrency.
    #[serde(with = "decimal::or_null")]
    pub reset_after_ns: Option<u64>,
}

/// What a plan answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanAnswer {
    /// The name of the rule that names the answer; none when every rule was skipped.
    #[serde(deserialize_with = "present")]
    pub governing: Option<String>,
    /// Each applied rule's own answer, by name, in the order of the plan.
    #[serde(with = "ordered_map")]
    pub rules: Vec<(String, Answer)>,
}

/// The outcome of a call, for one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The units were taken.
    Allow,
    /// Not now.
    Deny,
    /// The cost is above the capacity.
    Never,
}

/// Reads a value or null, and refuses a field that is left out.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}
