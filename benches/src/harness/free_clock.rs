//! The free clock: one load of a word that does not change during a run.
//!
//! It stands for "time is passed in": every side pays one relaxed load that hits the first-level
//! cache, and nobody's result contains the cost of a real clock. The compiler cannot know the
//! value, because the word is an atomic that this module could write.

use std::sync::atomic::{AtomicU64, Ordering};

/// An hour and a bit, so that a limiter which subtracts its tolerance from `now` has room.
static NOW_NS: AtomicU64 = AtomicU64::new(1 << 42);

/// The time in nanoseconds, the same for everybody.
#[inline(always)]
pub fn now_ns() -> u64 {
    // ORDERING: Relaxed. The word publishes no other memory.
    NOW_NS.load(Ordering::Relaxed)
}
