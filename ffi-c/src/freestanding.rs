//! What a library without std needs so that C can link it.

use core::panic::PanicInfo;

/// The compiler asks for it. Nothing reaches it: no call of this library can panic, which
/// `tests/freestanding` shows by looking for it in what was linked.
#[panic_handler]
fn stop(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
