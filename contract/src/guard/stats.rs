//! What a rule has counted.

use core::sync::atomic::{AtomicU64, Ordering};

use ratecell::TableStats;

use crate::contract_rule::ContractRule;

/// What a rule has counted since its guard was built; each number wraps at 2^64.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RuleStats<'g> {
    /// The rule.
    pub rule: &'g ContractRule,
    /// Requests that it was charged for.
    pub allowed: u64,
    /// Requests that it refused, as the governing rule.
    pub refused: u64,
    /// Requests that it would have refused, were it enforced.
    pub would_have_refused: u64,
    /// What its key table has counted.
    pub table: TableStats,
}

/// The counters of one rule, on a cache line of their own so that rules do not slow each other.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Counters {
    allowed: AtomicU64,
    refused: AtomicU64,
    would_have_refused: AtomicU64,
}

impl Counters {
    // ORDERING: Relaxed, here and below. Each counter is read by itself and publishes nothing.
    pub(super) fn count_allowed(&self) {
        self.allowed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_would_have_refused(&self) {
        self.would_have_refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read<'g>(&self, rule: &'g ContractRule, table: TableStats) -> RuleStats<'g> {
        RuleStats {
            rule,
            allowed: self.allowed.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            would_have_refused: self.would_have_refused.load(Ordering::Relaxed),
            table,
        }
    }
}
