//! The answer of one cell to one call.
//!
//! Units are counts of the quota's unit; times are nanoseconds and spans, never instants.

/// What one cell answers to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the units were, or would be, taken.
    pub verdict: Verdict,
    /// The capacity: the burst for gcra, the limit for the other kinds.
    pub limit: u32,
    /// The largest cost that would be allowed right now, after this decision.
    pub remaining: u32,
    /// The smallest wait in nanoseconds after which the same call passes: 0 when it passed, none
    /// when no wait is known or none helps.
    pub retry_after_ns: Option<u64>,
    /// The wait in nanoseconds until the cell is as good as new; none for concurrency.
    pub reset_after_ns: Option<u64>,
}

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The units were taken.
    Allow,
    /// Not now.
    Deny,
    /// The cost is above the capacity, so no wait helps.
    Never,
}

impl Answer {
    /// Narrows the wide numbers of a decision.
    ///
    /// # Panics
    /// When a number leaves its range, which the checks of a quota and of `now` rule out.
    pub(crate) fn new(
        verdict: Verdict,
        limit: i128,
        remaining: i128,
        retry_after_ns: Option<i128>,
        reset_after_ns: Option<i128>,
    ) -> Self {
        let span = |ns: i128| u64::try_from(ns).expect("a span of time fits 64 bits");
        Self {
            verdict,
            limit: u32::try_from(limit).expect("a limit fits 32 bits"),
            remaining: u32::try_from(remaining).expect("remaining is within 0 and the limit"),
            retry_after_ns: retry_after_ns.map(span),
            reset_after_ns: reset_after_ns.map(span),
        }
    }
}
