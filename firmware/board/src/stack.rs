//! How deep the stack has grown: start-up code paints it, and what is not painted any more was used.

use core::ptr;

/// What `cortex-m-rt` paints with.
const PAINT: u32 = 0xCCCC_CCCC;

unsafe extern "C" {
    /// One past the highest word, where the stack starts to grow down from.
    static mut _stack_start: u32;
    /// The lowest word, above all statics.
    static mut _stack_end: u32;
}

/// The most bytes of stack used so far.
///
/// # Panics
/// If all of it was used: it may have grown into the statics.
pub(crate) fn most_used() -> usize {
    let start = (&raw const _stack_start).addr();
    let mut lowest = &raw const _stack_end;
    // SAFETY: from `_stack_end` up to `_stack_start` is RAM, aligned for words by the linker
    // script, and nothing writes the part below the stack pointer, where the loop ends.
    while lowest.addr() < start && unsafe { ptr::read_volatile(lowest) } == PAINT {
        lowest = lowest.wrapping_add(1);
    }
    let unused = lowest.addr() - (&raw const _stack_end).addr();
    assert!(unused > 0, "the stack has overflowed");
    start - lowest.addr()
}
