//! The keys that a call brings, one for each dimension it has.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::key::{Key, KeyHash};

/// The keys of a call: one alone, or one for each dimension the call has.
///
/// Made by `From`: whatever is a [`Key`] is one alone, a slice of `(dimension, key)` is several.
///
/// One alone is the key of the dimension `key`, or of the only dimension if the plan has just one.
/// Of several, those of dimensions that no rule counts by are passed over; a rule whose dimension
/// has no key is skipped. With no rule left to apply, the call is allowed and
/// [`PlanDecision::rule`](crate::PlanDecision::rule) is none.
#[derive(Clone, Copy, Debug)]
pub enum Keys<'a> {
    /// One key, without its dimension.
    One(Key<'a>),
    /// Keys with their dimensions.
    Each(&'a [(&'a str, Key<'a>)]),
    /// The hash of one key, without its dimension, as the plan's own [`hash`] gives it.
    ///
    /// [`hash`]: crate::KeyedPlan::hash
    OneHash(KeyHash),
    /// Hashes of keys with their dimensions.
    EachHash(&'a [(&'a str, KeyHash)]),
}

impl<'a> From<&'a [(&'a str, Key<'a>)]> for Keys<'a> {
    #[inline]
    fn from(keys: &'a [(&'a str, Key<'a>)]) -> Self {
        Self::Each(keys)
    }
}

impl<'a, const N: usize> From<&'a [(&'a str, Key<'a>); N]> for Keys<'a> {
    #[inline]
    fn from(keys: &'a [(&'a str, Key<'a>); N]) -> Self {
        Self::Each(keys)
    }
}

impl From<KeyHash> for Keys<'_> {
    #[inline]
    fn from(hash: KeyHash) -> Self {
        Self::OneHash(hash)
    }
}

macro_rules! one_key {
    ($($type:ty),*) => {$(
        impl<'a> From<$type> for Keys<'a> {
            #[inline]
            fn from(key: $type) -> Self {
                Self::One(Key::from(key))
            }
        }
    )*};
}

one_key!(Key<'a>, &'a str, &'a [u8], u32, u64, u128, Ipv4Addr, Ipv6Addr, IpAddr);
