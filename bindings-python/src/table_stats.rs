//! What a rule's key table has counted.

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
