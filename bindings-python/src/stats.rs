//! What limiters and guards have counted.

use pyo3::prelude::*;

/// What one rule's key table has counted since the limiter was built. Counters wrap at 2**64.
#[pyclass(frozen, eq, module = "ratecell")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TableStats {
    /// Slots in all: for how many keys there is room.
    #[pyo3(get)]
    slots: usize,
    /// Slots that have a key, those as good as new among them.
    #[pyo3(get)]
    keys: u64,
    /// Keys that were given a slot so far.
    #[pyo3(get)]
    inserted: u64,
    /// Calls refused with the verdict "full": no slot was in reach of the key.
    #[pyo3(get)]
    full_denied: u64,
    /// Calls allowed uncharged because no slot was in reach and ``when_full`` is "allow".
    #[pyo3(get)]
    full_allowed: u64,
    /// Charges that had to stay although their call was refused or tried again.
    #[pyo3(get)]
    stranded: u64,
}

#[pymethods]
impl TableStats {
    fn __repr__(&self) -> String {
        let Self { slots, keys, inserted, full_denied, full_allowed, stranded } = self;
        format!(
            "TableStats(slots={slots}, keys={keys}, inserted={inserted}, full_denied={full_denied}, \
             full_allowed={full_allowed}, stranded={stranded})"
        )
    }
}

impl From<ratecell::TableStats> for TableStats {
    fn from(stats: ratecell::TableStats) -> Self {
        Self {
            slots: stats.slots,
            keys: stats.keys,
            inserted: stats.inserted,
            full_denied: stats.full_denied,
            full_allowed: stats.full_allowed,
            stranded: stats.stranded,
        }
    }
}

/// What one rule of a guard has counted since it was built. Counters wrap at 2**64.
#[pyclass(frozen, eq, module = "ratecell")]
#[derive(PartialEq, Eq)]
pub(crate) struct GuardStats {
    /// Requests that the rule was charged for.
    #[pyo3(get)]
    allowed: u64,
    /// Requests that it refused, as the governing rule.
    #[pyo3(get)]
    refused: u64,
    /// Requests that it would have refused, were it enforced.
    #[pyo3(get)]
    would_have_refused: u64,
    table: TableStats,
}

#[pymethods]
impl GuardStats {
    /// What its key table has counted.
    #[getter]
    fn table(&self) -> TableStats {
        self.table
    }

    fn __repr__(&self) -> String {
        let Self { allowed, refused, would_have_refused, table } = self;
        format!(
            "GuardStats(allowed={allowed}, refused={refused}, \
             would_have_refused={would_have_refused}, table={})",
            table.__repr__()
        )
    }
}

impl From<ratecell_contract::RuleStats<'_>> for GuardStats {
    fn from(stats: ratecell_contract::RuleStats<'_>) -> Self {
        Self {
            allowed: stats.allowed,
            refused: stats.refused,
            would_have_refused: stats.would_have_refused,
            table: stats.table.into(),
        }
    }
}
