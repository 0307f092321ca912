//! The answer of one rule or cell as C reads it: plain numbers.

use ratecell::Verdict;

/// Stands for "none" or "unknown" where a span in nanoseconds is expected.
pub const RATECELL_UNKNOWN: u64 = u64::MAX;

/// The units were taken.
pub const RATECELL_ALLOW: u32 = 1;
/// Not now. Nothing was taken.
pub const RATECELL_DENY: u32 = 2;
/// Not at any time: the cost is above the capacity. Nothing was taken.
pub const RATECELL_NEVER: u32 = 3;
/// The table had no slot for a new key and is set to refuse then. Nothing was taken.
pub const RATECELL_FULL: u32 = 4;

/// What one rule or cell answers.
///
/// Of an allowed call the numbers hold after it, of a refused one as if it had not been made.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleDecision {
    /// RATECELL_ALLOW, RATECELL_DENY, RATECELL_NEVER or RATECELL_FULL; never 0.
    pub verdict: u32,
    /// The position of the rule in its plan, from 0; 0 for a cell or a table.
    pub rule: u32,
    /// The capacity in units: the limit, or the burst of a gcra rule.
    pub limit: u32,
    /// The largest cost that would be allowed right now; rounded down.
    pub remaining: u32,
    /// The smallest wait in nanoseconds after which the same call would pass if nobody else called,
    /// exact: 0 when allowed, RATECELL_UNKNOWN when no wait helps or nobody can know it.
    pub retry_after_ns: u64,
    /// The wait in nanoseconds until the cell is as good as new if nobody calls; RATECELL_UNKNOWN
    /// for concurrency.
    pub reset_after_ns: u64,
    /// For ratecell_headers and its like; not to be read or written.
    pub words: [u64; 5],
}

const fn verdict_number(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Allow => RATECELL_ALLOW,
        Verdict::Deny => RATECELL_DENY,
        Verdict::Full => RATECELL_FULL,
        // `Verdict` may grow; what this version does not know is refused for good.
        _ => RATECELL_NEVER,
    }
}

const fn or_unknown(span_ns: Option<u64>) -> u64 {
    match span_ns {
        Some(span_ns) => span_ns,
        None => RATECELL_UNKNOWN,
    }
}

impl RuleDecision {
    /// A decision of the core's.
    #[inline(always)]
    pub(crate) fn of(decision: &ratecell::Decision) -> Self {
        Self {
            verdict: verdict_number(decision.verdict()),
            rule: decision.position().into(),
            limit: decision.limit(),
            remaining: decision.remaining(),
            retry_after_ns: or_unknown(decision.retry_after_ns()),
            reset_after_ns: or_unknown(decision.reset_after_ns()),
            words: decision.to_words(),
        }
    }
}
