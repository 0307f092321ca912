//! `CountingHeap`: the system allocator, which also counts the bytes that are live.
//!
//! It counts what was asked for, not what the allocator rounds that up to, so that a figure of
//! bytes a key does not depend on the platform's allocator. No measured call allocates, except a
//! first insertion that grows a peer's map; two uncontended atomic additions do not show there.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

// ORDERING: Relaxed. The count is read on the thread that made the allocations it is about.
static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static HEAP: CountingHeap = CountingHeap;

/// Bytes asked of the allocator and not given back, in the whole process.
pub fn live_bytes() -> usize {
    LIVE_BYTES.load(Ordering::Relaxed)
}

struct CountingHeap;

// SAFETY: every method hands its arguments unchanged to `System`, which keeps `GlobalAlloc`'s
// contract, and returns what it returned; counting touches no memory of the caller.
unsafe impl GlobalAlloc for CountingHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE_BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller promises a layout of non-zero size, as `System` asks.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        LIVE_BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the block came from this allocator, so from `System`, with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        LIVE_BYTES.fetch_add(new_size, Ordering::Relaxed);
        LIVE_BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the block came from `System` with this layout; the caller promises that
        // `new_size` is non-zero and fits.
        unsafe { System.realloc(block, layout, new_size) }
    }
}
