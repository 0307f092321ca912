//! Keys, made beforehand and shuffled, so that no measured call makes one or walks memory in order.

use std::hash::Hash;
use std::sync::Arc;

/// Something of which a ring can be made.
pub trait Numbered: Send + Sync + 'static + Sized {
    /// The element of a number; different numbers give different elements.
    fn of(number: u64) -> Self;
}

/// A kind of key that a row is about.
pub trait MeasuredKey: Numbered + Hash + Eq + Clone {
    /// What the table calls it.
    const NAME: &'static str;

    /// The key as each limiter takes it best. It folds away where the kind is known.
    fn view(&self) -> KeyView<'_>;
}

/// A borrowed key of either kind.
#[derive(Clone, Copy, Debug)]
pub enum KeyView<'a> {
    /// A number.
    Number(u64),
    /// A text.
    Text(&'a str),
}

impl MeasuredKey for u64 {
    const NAME: &'static str = "u64";

    #[inline(always)]
    fn view(&self) -> KeyView<'_> {
        KeyView::Number(*self)
    }
}

impl MeasuredKey for String {
    const NAME: &'static str = "string";

    #[inline(always)]
    fn view(&self) -> KeyView<'_> {
        KeyView::Text(self)
    }
}

impl Numbered for u64 {
    fn of(number: u64) -> Self {
        mixed(number)
    }
}

impl Numbered for String {
    /// The length and shape of an API key, 20 bytes.
    fn of(number: u64) -> Self {
        format!("key_{:016x}", mixed(number))
    }
}

impl Numbered for (String, String) {
    /// One of the two is an address in text, the other a string as above.
    fn of(number: u64) -> Self {
        let bits = (mixed(number) >> 32) as u32;
        (std::net::Ipv4Addr::from_bits(bits).to_string(), String::of(number))
    }
}

/// `count` different keys in random order, the same in every run.
pub fn shuffled<K: Numbered>(count: usize) -> Arc<[K]> {
    (0..count as u64).map(K::of).collect()
}

/// A bijection of the 64-bit numbers without visible order.
/// SOURCE: the finalizer of `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number
/// generators, 2014). Because consecutive numbers come out unordered, the keys need no shuffle.
fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
