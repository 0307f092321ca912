//! Cells without a key.

use ratecell::{
    AtomicHeld, AtomicSegments, AtomicTat, AtomicWindow, ConcurrencyQuota, Decision, FixedQuota,
    GcraQuota, ReleaseError, SegmentsIn, SlidingQuota,
};

/// Of another length than some quotas ask for, which is answered and not a panic.
type Segments = AtomicSegments<16>;

export! {
    fn tat_acquire(cell: &AtomicTat, quota: &GcraQuota, now_ns: u64, cost: u32) -> Decision {
        cell.acquire(quota, now_ns, cost)
    }

    fn tat_peek(cell: &AtomicTat, quota: &GcraQuota, now_ns: u64, cost: u32) -> Decision {
        cell.peek(quota, now_ns, cost)
    }

    fn tat_reset(cell: &AtomicTat, quota: &GcraQuota) {
        cell.reset(quota);
    }

    fn window_acquire(cell: &AtomicWindow, quota: &FixedQuota, now_ns: u64, cost: u32) -> Decision {
        cell.acquire(quota, now_ns, cost)
    }

    fn window_peek(cell: &AtomicWindow, quota: &FixedQuota, now_ns: u64, cost: u32) -> Decision {
        cell.peek(quota, now_ns, cost)
    }

    fn window_reset(cell: &AtomicWindow, quota: &FixedQuota) {
        cell.reset(quota);
    }

    fn segments_acquire(cell: &Segments, quota: &SlidingQuota, now_ns: u64, cost: u32) -> Decision {
        cell.acquire(quota, now_ns, cost)
    }

    fn segments_peek(cell: &Segments, quota: &SlidingQuota, now_ns: u64, cost: u32) -> Decision {
        cell.peek(quota, now_ns, cost)
    }

    fn segments_reset(cell: &Segments) {
        cell.reset();
    }

    fn segments_in_acquire(
        cell: &SegmentsIn<'_>,
        quota: &SlidingQuota,
        now_ns: u64,
        cost: u32,
    ) -> Decision {
        cell.acquire(quota, now_ns, cost)
    }

    fn segments_in_peek(
        cell: &SegmentsIn<'_>,
        quota: &SlidingQuota,
        now_ns: u64,
        cost: u32,
    ) -> Decision {
        cell.peek(quota, now_ns, cost)
    }

    fn segments_in_reset(cell: &SegmentsIn<'_>) {
        cell.reset();
    }

    fn held_acquire(cell: &AtomicHeld, quota: &ConcurrencyQuota, cost: u32) -> Decision {
        cell.acquire(quota, cost)
    }

    fn held_peek(cell: &AtomicHeld, quota: &ConcurrencyQuota, cost: u32) -> Decision {
        cell.peek(quota, cost)
    }

    fn held_release(cell: &AtomicHeld, cost: u32) -> Result<(), ReleaseError> {
        cell.release(cost)
    }
}
