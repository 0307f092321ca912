//! The error of a thread's last failed call, and the wall that no panic passes.
//!
//! One of the files with `unsafe`: the pointer of its call.

use core::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::boundary::{Out, status_of};
use crate::error::Error;
use crate::failure::Failure;
use crate::status::{RATECELL_OK, Status};

std::thread_local! {
    static LAST: RefCell<Error> = const { RefCell::new(Error::NONE) };
}

/// Runs a call of the limiter level: a panic becomes a failure, a failure this thread's last error.
#[inline(always)]
pub(crate) fn guarded(call: impl FnOnce() -> Result<(), Failure>) -> Status {
    // Unwind safe: after a panic nothing of the call is used again but atomic words, each of which
    // is a whole state.
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(())) => RATECELL_OK,
        Ok(Err(failure)) => keep(&failure),
        Err(_) => keep(&Failure::Internal),
    }
}

#[cold]
#[inline(never)]
fn keep(failure: &Failure) -> Status {
    // It fails only while the thread ends, when nobody can ask any more.
    let _ = LAST.try_with(|last| *last.borrow_mut() = Error::of(failure));
    failure.status()
}

/// Writes what was wrong with this thread's last call of the limiter level that failed: the calls
/// that take a ratecell_limiter or make one. Its status is RATECELL_OK if none has failed yet.
///
/// A call that succeeds leaves it as it is, so ask only after one that failed.
///
/// Fails with RATECELL_STRUCT_SIZE.
///
/// Threads: any; each has its own. Signals: not safe. Memory: allocates nothing. Clock: not read.
/// NULL: RATECELL_NULL. Failure: nothing is written, and the last error stays. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_last_error(error: *mut Error) -> Status {
    status_of(|| {
        // SAFETY: P1 for `error`, whose struct_size is set.
        let out = unsafe { Out::sized(error, "error") }?;
        out.write(LAST.try_with(|last| *last.borrow()).unwrap_or(Error::NONE));
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::RATECELL_INTERNAL;

    #[test]
    fn a_panic_is_a_status_and_the_next_call_works() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(std::boxed::Box::new(|_| {}));
        let status = guarded(|| panic!("a defect"));
        std::panic::set_hook(hook);
        assert_eq!(status, RATECELL_INTERNAL);
        assert_eq!(LAST.with(|last| last.borrow().status), RATECELL_INTERNAL);
        assert_eq!(guarded(|| Ok(())), RATECELL_OK);
    }
}
