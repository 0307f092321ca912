//! A bare cell of any kind behind one pair of calls.

use ratecell::{AtomicHeld, AtomicSegments, AtomicTat, AtomicWindow, Decision, Quota, Verdict};
use ratecell_reference as model;

/// A bare cell of any kind; sliding ones have room for the most segments.
#[derive(Default)]
pub(crate) struct Cell {
    pub(crate) tat: AtomicTat,
    pub(crate) window: AtomicWindow,
    pub(crate) segments: AtomicSegments<64>,
    pub(crate) held: AtomicHeld,
}

impl Cell {
    pub(crate) fn acquire(&self, quota: &Quota, now_ns: u64, cost: u32) -> Decision {
        match quota {
            Quota::Gcra(quota) => self.tat.acquire(quota, now_ns, cost),
            Quota::Fixed(quota) => self.window.acquire(quota, now_ns, cost),
            Quota::Sliding(quota) => self.segments.acquire(quota, now_ns, cost),
            Quota::Concurrency(quota) => self.held.acquire(quota, cost),
        }
    }

    pub(crate) fn peek(&self, quota: &Quota, now_ns: u64, cost: u32) -> Decision {
        match quota {
            Quota::Gcra(quota) => self.tat.peek(quota, now_ns, cost),
            Quota::Fixed(quota) => self.window.peek(quota, now_ns, cost),
            Quota::Sliding(quota) => self.segments.peek(quota, now_ns, cost),
            Quota::Concurrency(quota) => self.held.peek(quota, cost),
        }
    }
}

pub(crate) fn answer(decision: &Decision) -> model::Answer {
    model::Answer {
        verdict: match decision.verdict() {
            Verdict::Allow => model::Verdict::Allow,
            Verdict::Deny => model::Verdict::Deny,
            Verdict::Never => model::Verdict::Never,
            other => panic!("a bare cell does not answer {other}"),
        },
        limit: decision.limit(),
        remaining: decision.remaining(),
        retry_after_ns: decision.retry_after_ns(),
        reset_after_ns: decision.reset_after_ns(),
    }
}
