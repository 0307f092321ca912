//! Where chance comes from: the caller, so that tests repeat and no source is built in.

/// A source of random numbers, each uniform over all of `u64`. Any `FnMut() -> u64` is one.
///
/// It spreads clients and keeps no secret, so a fast generator seeded by the system serves well.
pub trait Random {
    /// The next number.
    fn next(&mut self) -> u64;
}

impl<F: FnMut() -> u64> Random for F {
    fn next(&mut self) -> u64 {
        self()
    }
}

/// A number from 0 to `most`, uniform but for 2^-64 of it.
pub(super) fn up_to(most: u64, random: &mut impl Random) -> u64 {
    scaled(most, random.next())
}

/// The part of 0 to `most` that `draw` is of all of `u64`.
pub(super) fn scaled(most: u64, draw: u64) -> u64 {
    // OVERFLOW: two factors of at most 2^64 fit u128; the upper half of the product is at most
    // `most`.
    let product = u128::from(draw).saturating_mul(u128::from(most).saturating_add(1));
    (product >> 64) as u64
}
