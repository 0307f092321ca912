//! Every call of core in one library that links only if none of them can panic.
//!
//! The panic handler calls a function that does not exist. After optimization nothing may need the
//! handler, or the linker refuses. Each call is exported with arguments that nobody knows here, so
//! that the optimizer proves the absence of a panic for all values and not for an example.
#![no_std]

/// Functions that the library exports, so that none is left out and none is specialized.
macro_rules! export {
    ($(fn $name:ident $(<$lifetime:lifetime>)? ($($args:tt)*) $(-> $answer:ty)? $body:block)*) => {
        $(
            #[doc = concat!("Roots `", stringify!($name), "`.")]
            // SAFETY: the name is given once in this library, which nobody loads.
            #[unsafe(no_mangle)]
            pub fn $name $(<$lifetime>)? ($($args)*) $(-> $answer)? $body
        )*
    };
}

mod cells;
mod display;
mod http;
mod pacing;
mod plans;
mod quotas;
mod tables;

use core::panic::PanicInfo;

// memcpy and its like are the C library's.
#[link(name = "c")]
unsafe extern "C" {}

unsafe extern "C" {
    /// Defined nowhere; its name is what the linker complains about.
    fn a_call_of_core_can_panic() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: it never runs: there is no such function, so nothing that needs it can be linked.
    unsafe { a_call_of_core_can_panic() }
}

/// Panics for an empty slice.
#[cfg(feature = "canary")]
// SAFETY: the name is this library's alone.
#[unsafe(no_mangle)]
pub fn canary(bytes: &[u8]) -> u8 {
    bytes[0]
}
