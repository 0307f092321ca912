//! What one caller was answered over time, as the provider saw it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Cells of a timeline: one column of a chart each.
pub(crate) const CELLS: usize = 48;

/// How long a cell is.
pub(crate) const CELL: Duration = Duration::from_millis(500);

/// Answers counted by when they were given. What comes after the last cell is counted in it.
#[derive(Debug)]
pub(crate) struct Timeline {
    start: Instant,
    passed: [AtomicU64; CELLS],
    refused: [AtomicU64; CELLS],
}

impl Timeline {
    pub(crate) fn new(start: Instant) -> Self {
        let empty = || std::array::from_fn(|_| AtomicU64::new(0));
        Self { start, passed: empty(), refused: empty() }
    }

    /// Counts an answer given now.
    pub(crate) fn count(&self, refused: bool) {
        let cell = (self.start.elapsed().as_millis() / CELL.as_millis()) as usize;
        let cells = if refused { &self.refused } else { &self.passed };
        // ORDERING: Relaxed. The chart may show a count a little late, and the table is made after
        // all callers have ended.
        cells[cell.min(CELLS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    /// The time since its start.
    pub(crate) fn age(&self) -> Duration {
        self.start.elapsed()
    }

    /// The requests that passed, by cell.
    pub(crate) fn passed(&self) -> [u64; CELLS] {
        loaded(&self.passed)
    }

    /// The requests that were refused, by cell.
    pub(crate) fn refused(&self) -> [u64; CELLS] {
        loaded(&self.refused)
    }
}

fn loaded(cells: &[AtomicU64; CELLS]) -> [u64; CELLS] {
    std::array::from_fn(|cell| cells[cell].load(Ordering::Relaxed))
}
