//! Critical sections that the application provides, for cores without atomics of 64 bits.
//!
//! One of the files with `unsafe`: two functions of the application's.

use critical_section::{Impl, RawRestoreState};

unsafe extern "C" {
    /// To be provided by the application, if the library is made with the feature
    /// "critical-section": keeps everything else that uses this library from running, other cores
    /// included, until ratecell_critical_exit, and returns what that has to restore. Sections may
    /// nest. On one core: read whether interrupts are enabled, disable them, return what was read.
    fn ratecell_critical_enter() -> u32;
    /// To be provided by the application: ends the section whose ratecell_critical_enter has
    /// returned state, by restoring it.
    fn ratecell_critical_exit(state: u32);
}

struct OfTheApplication;

critical_section::set_impl!(OfTheApplication);

// SAFETY: the header asks the application for two functions that keep all else from running between
// them, and that may nest.
unsafe impl Impl for OfTheApplication {
    unsafe fn acquire() -> RawRestoreState {
        // SAFETY: the header asks nothing of its callers.
        unsafe { ratecell_critical_enter() }
    }

    unsafe fn release(state: RawRestoreState) {
        // SAFETY: `state` is what the matching `acquire` returned, as the trait promises.
        unsafe { ratecell_critical_exit(state) }
    }
}
