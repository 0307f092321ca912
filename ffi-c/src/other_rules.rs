//! Other rules for single calls: a customer's own cap, parsed once.
//!
//! One of the files with `unsafe`: the pointers of its calls and handles.

use core::ffi::c_char;
use std::boxed::Box;

use ratecell::Plan;

use crate::boundary::{self, Out};
use crate::last_error::guarded;
use crate::status::Status;

/// Rules that stand in for a limiter's for single calls, by position.
#[derive(Debug)]
pub struct Rules {
    pub(crate) plan: Plan,
}

/// Makes rules from their text. They can stand in for those of a limiter that are as many and of
/// the same kinds, and if fixed or sliding of the same periods and segments; names and dimensions
/// play no part.
///
/// Fails with RATECELL_TEXT (ratecell_last_error has the byte) or RATECELL_UTF8.
///
/// Threads: any, at once. Signals: not safe. Memory: allocates. Clock: not read. NULL:
/// RATECELL_NULL. Failure: nothing is made or written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_rules_create(
    text: *const c_char,
    rules: *mut *mut Rules,
) -> Status {
    guarded(|| {
        // SAFETY: P1 for `rules`.
        let out = unsafe { Out::new(rules, "rules") }?;
        // SAFETY: P1 and P3 for `text`.
        let text = unsafe { boundary::text(text, "text") }?;
        out.write(Box::into_raw(Box::new(Rules { plan: text.parse()? })));
        Ok(())
    })
}

/// Ends rules.
///
/// Threads: no other call may use the rules meanwhile or later. Signals: not safe. Memory: gives it
/// back. Clock: not read. NULL: does nothing. Failure: none. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_rules_destroy(rules: *mut Rules) {
    guarded(|| {
        if !rules.is_null() {
            // SAFETY: P4: it came from `Box::into_raw` in create, and this is its last use.
            drop(unsafe { Box::from_raw(rules) });
        }
        Ok(())
    });
}
