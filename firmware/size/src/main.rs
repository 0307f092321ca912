//! One gcra check as a firmware would call it, linked with all that it reaches and nothing else.
//!
//! It never runs; `firmware/check` reads the sizes of its sections and symbols.

#![no_std]
#![no_main]

// Linked for the critical section that it provides.
#[cfg(target_arch = "arm")]
use cortex_m as _;
#[cfg(target_arch = "riscv32")]
use riscv as _;

use core::panic::PanicInfo;

use ratecell::{AtomicTat, GcraQuota};

/// The state of one limit.
// SAFETY: no other symbol of this program has the name.
#[unsafe(no_mangle)]
static GCRA_CELL: AtomicTat = AtomicTat::new();

/// The limit itself: constant data, shared by all cells that it applies to.
// SAFETY: no other symbol of this program has the name.
#[unsafe(no_mangle)]
static GCRA_QUOTA: GcraQuota = match GcraQuota::new(10, 60_000_000_000, 3) {
    Ok(quota) => quota,
    Err(_) => panic!("not a quota"),
};

/// Takes `cost` units: 0 if allowed, else how long to wait in ns, `u64::MAX` if no wait helps.
///
/// The quota is an argument, so that no constant folds into the code that is counted.
// SAFETY: no other symbol of this program has the name.
#[unsafe(no_mangle)]
extern "C" fn gcra_check(cell: &AtomicTat, quota: &GcraQuota, now_ns: u64, cost: u32) -> u64 {
    cell.acquire(quota, now_ns, cost).retry_after_ns().unwrap_or(u64::MAX)
}

/// The compiler asks for it; linked only if something above can panic.
#[panic_handler]
fn stop(_: &PanicInfo<'_>) -> ! {
    loop {}
}
