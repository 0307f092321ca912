//! An interrupt and the main program take from one cell: neither waits for the other, and together
//! they get exactly the burst.
//!
//! A 64-bit word has no compare-exchange on these cores. A lock in its stead would hang here: the
//! interrupt would spin for a holder that cannot run until it returns. Two halves written one after
//! the other would admit too much.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use ratecell::{AtomicTat, GcraQuota};

const BURST: u32 = 50_000;
/// Each of the two must take this much, or they have not met.
const FEWEST: u32 = 1_000;
/// In cycles: some ten calls of the main program, and prime, so that each interrupt comes at another
/// place of a call. QEMU counts instructions for it (`-icount`), so every run is the same.
const INTERRUPT_PERIOD: u32 = 1_999;

static CELL: AtomicTat = AtomicTat::new();
static QUOTA: GcraQuota = match GcraQuota::new(1_000, 1_000_000_000, BURST) {
    Ok(quota) => quota,
    Err(_) => panic!("not a quota"),
};

// ORDERING: Relaxed. One core; only the interrupt writes, by load and store, since thumbv6m has no
// fetch_add.
static TAKEN: AtomicU32 = AtomicU32::new(0);
static DENIED: AtomicBool = AtomicBool::new(false);

/// What the two got.
pub(crate) struct Shares {
    /// Units that the main program took.
    pub(crate) main: u32,
    /// Units that the interrupt took.
    pub(crate) interrupt: u32,
}

/// Lets both ask until the cell is empty and each has been denied.
pub(crate) fn share(timer: &mut SYST) -> Shares {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(INTERRUPT_PERIOD - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
    let mut main = 0;
    while !DENIED.load(Ordering::Relaxed) {
        if take() {
            main += 1;
        }
    }
    timer.disable_interrupt();
    let interrupt = TAKEN.load(Ordering::Relaxed);
    assert_eq!(main + interrupt, BURST, "units taken from a burst, {interrupt} by the interrupt");
    assert!(main >= FEWEST && interrupt >= FEWEST, "only one of the two took: {main}, {interrupt}");
    Shares { main, interrupt }
}

/// The clock stands still, so that no unit comes back.
fn take() -> bool {
    CELL.acquire(&QUOTA, 1, 1).allowed()
}

#[exception]
fn SysTick() {
    if take() {
        TAKEN.store(TAKEN.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    } else {
        DENIED.store(true, Ordering::Relaxed);
    }
}
