//! The Rust side of `bench.c`: the same loop over the same keys, calling `Limiter::acquire`.
//!
//! The boundary is the same on both sides: the limiter, the key's bytes and the cost go into a
//! function that is not inlined, and the answer comes back whole, from which `allowed` and
//! `remaining` are read. Keys are made by C for both.

#![no_std]

extern crate alloc;

use alloc::boxed::Box;
use core::ffi::{CStr, c_char};
use core::hint::black_box;

use ratecell::{CallError, Limiter, PlanDecision};

/// A key as `bench.c` lays it out.
#[repr(C)]
#[derive(Debug)]
pub struct BenchKey {
    /// Its bytes.
    pub data: *const u8,
    /// How many there are.
    pub len: usize,
}

/// Makes the limiter of the Rust side; it is never freed. NULL if the text is no plan.
///
/// # Safety
/// `text` ends in NUL.
// SAFETY: no other symbol of the program has the name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bench_rust_create(text: *const c_char) -> *const Limiter {
    // SAFETY: as promised.
    let text = unsafe { CStr::from_ptr(text) }.to_str().unwrap_or_default();
    Limiter::builder(text).build().map_or(core::ptr::null(), |limiter| Box::leak(Box::new(limiter)))
}

/// Calls once for each key and adds up what is left, so that nothing is optimized away.
///
/// # Safety
/// `limiter` is of [`bench_rust_create`], and `keys` are `count` keys with their bytes.
// SAFETY: no other symbol of the program has the name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bench_rust_loop(
    limiter: *const Limiter,
    keys: *const BenchKey,
    count: usize,
) -> u64 {
    // SAFETY: as promised.
    let limiter = unsafe { &*limiter };
    // SAFETY: as promised.
    let keys = unsafe { core::slice::from_raw_parts(keys, count) };
    let mut sum = 0;
    for key in keys {
        // SAFETY: as promised.
        let key = unsafe { core::slice::from_raw_parts(key.data, key.len) };
        if let Ok(decision) = black_box(acquire as Acquire)(limiter, key, 1) {
            sum += u64::from(decision.allowed()) + u64::from(decision.remaining().unwrap_or(0));
        }
    }
    sum
}

type Acquire = for<'l> fn(&'l Limiter, &[u8], u32) -> Result<PlanDecision<'l>, CallError>;

#[inline(never)]
fn acquire<'l>(limiter: &'l Limiter, key: &[u8], cost: u32) -> Result<PlanDecision<'l>, CallError> {
    limiter.acquire(key, cost)
}
