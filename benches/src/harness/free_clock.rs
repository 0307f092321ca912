//! The free clock: one load of a word that does not change during a run.
//!
//! It stands for "time is passed in": every side pays one relaxed load that hits the first-level
//! cache, and nobody's result contains the cost of a real clock. The compiler cannot know the
//! value, because the word is written when a run starts: one that nobody writes becomes a constant.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

static NOW_NS: AtomicU64 = AtomicU64::new(0);

/// Sets the clock to an hour and a bit, so that a limiter which subtracts its tolerance from `now`
/// has room.
pub fn start() {
    // ORDERING: Relaxed. The word publishes no other memory.
    NOW_NS.store(black_box(1 << 42), Ordering::Relaxed);
}

/// The time in nanoseconds, the same for everybody.
#[inline(always)]
pub fn now_ns() -> u64 {
    // ORDERING: Relaxed, as above.
    NOW_NS.load(Ordering::Relaxed)
}
