//! Seconds as a Python float, never less than the nanoseconds they stand for.

/// The smallest float that is not below `ns` nanoseconds in seconds: who sleeps it does not wake
/// early.
pub(crate) fn seconds(ns: u64) -> f64 {
    let whole = round_up(ns);
    let seconds = whole / 1e9;
    // A fused multiplication is exact up to its sign, so it says whether the quotient was rounded
    // down.
    if seconds.mul_add(1e9, -whole) < 0.0 { seconds.next_up() } else { seconds }
}

fn round_up(ns: u64) -> f64 {
    let nearest = ns as f64;
    if (nearest as u64) < ns { nearest.next_up() } else { nearest }
}
