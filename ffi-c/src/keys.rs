//! The keys that a call brings, as C gives them.
//!
//! One of the files with `unsafe`: what the keys point to.

use core::ffi::{c_char, c_void};

use heapless::Vec;
use ratecell::{Key, Keys};

use crate::boundary;
use crate::failure::Failure;

/// The most keys that a call may bring.
pub const RATECELL_MAX_KEYS: usize = 16;

/// A key of one dimension: whom a limit is counted by. Nothing of it is kept after the call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KeyOf {
    /// What it is a key of, as in "by ip": a text that ends in NUL. NULL only if the call brings no
    /// other key: it is then for the dimension "key", or the only one that the rules have.
    pub dimension: *const c_char,
    /// Its bytes; not NULL even if there are none.
    pub data: *const c_void,
    /// How many bytes it has.
    pub len: usize,
}

/// Keys as the core takes them, in memory of their own.
pub(crate) struct Given<'k> {
    /// The only one, if it came without a dimension.
    alone: Option<Key<'k>>,
    each: Vec<(&'k str, Key<'k>), RATECELL_MAX_KEYS>,
}

impl<'k> Given<'k> {
    /// # Safety
    /// P2 holds for `keys` and `count` and for the bytes of each key, P3 for each dimension.
    pub(crate) unsafe fn new(keys: *const KeyOf, count: usize) -> Result<Self, Failure> {
        // SAFETY: P2 as promised; any bytes are a `KeyOf`.
        let keys = unsafe { boundary::elements(keys, count, "keys") }?;
        if let [KeyOf { dimension, data, len }] = *keys
            && dimension.is_null()
        {
            // SAFETY: P2 as promised.
            let data = unsafe { boundary::bytes(data, len, "data of a key") }?;
            return Ok(Self { alone: Some(Key::from(data)), each: Vec::new() });
        }
        let mut each = Vec::new();
        for key in keys {
            // SAFETY: P3 as promised.
            let dimension = unsafe { boundary::text(key.dimension, "dimension of a key") }?;
            // SAFETY: P2 as promised.
            let data = unsafe { boundary::bytes(key.data, key.len, "data of a key") }?;
            each.push((dimension, Key::from(data))).map_err(|_| Failure::Length {
                argument: "count",
                found: count,
                accepted: RATECELL_MAX_KEYS,
            })?;
        }
        Ok(Self { alone: None, each })
    }

    #[inline]
    pub(crate) fn keys(&'k self) -> Keys<'k> {
        self.alone.map_or(Keys::Each(&self.each), Keys::One)
    }
}
