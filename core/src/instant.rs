//! The range of `now` that every transition takes, in nanoseconds on the caller's clock.
//!
//! SOURCE: SPEC "Time": `now` is below 2^63.

/// The latest time a transition tells apart: 2^63 - 1 ns, 292 years on the clock's base.
pub const MAX_NOW_NS: u64 = (1 << 63) - 1;

/// Brings `now_ns` into range.
///
/// A later `now` counts as [`MAX_NOW_NS`]: the caller's clock then stands still, which is a late
/// clock, and a late clock never admits more than the true one.
#[inline]
pub(crate) const fn clamped(now_ns: u64) -> u64 {
    if now_ns > MAX_NOW_NS { MAX_NOW_NS } else { now_ns }
}
