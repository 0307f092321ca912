//! Permits with an account: given back once, and only if they were taken.
//!
//! One of the files with `unsafe`: the pointers of its calls and handles.

use std::boxed::Box;

use ratecell::OwnedPermit;

use crate::boundary::{self, Out};
use crate::decision::Decision;
use crate::failure::Failure;
use crate::keys::{Given, KeyOf};
use crate::last_error::guarded;
use crate::limiter::{AnyClock, Limiter};
use crate::other_rules::Rules;
use crate::status::Status;

/// What an allowed call holds of concurrency rules, until ratecell_permit_release.
#[derive(Debug)]
pub struct Permit {
    /// Kept for its drop, which gives the permits back.
    _held: OwnedPermit<AnyClock>,
}

/// # Safety
/// P4 holds for `limiter`, P1 for the others, P2 and P3 for what the keys were made of.
unsafe fn hold(
    limiter: *const Limiter,
    decision: *mut Decision,
    permit: *mut *mut Permit,
    call: impl FnOnce(&Limiter) -> Result<OwnedPermit<AnyClock>, Failure>,
) -> Status {
    guarded(|| {
        // SAFETY: P1 as promised.
        let out = unsafe { Out::sized(decision, "decision") }?;
        // SAFETY: P1 as promised.
        let permit = unsafe { Out::new(permit, "permit") }?;
        // SAFETY: P4 as promised.
        let held = call(unsafe { boundary::object(limiter, "limiter") }?)?;
        out.fill(&held.decision());
        permit.write(if held.allowed() {
            Box::into_raw(Box::new(Permit { _held: held }))
        } else {
            core::ptr::null_mut()
        });
        Ok(())
    })
}

/// As ratecell_acquire_keys, with an account of what the call has taken of concurrency rules:
/// ratecell_permit_release gives it back. Units of rates stay taken. permit is NULL if the call is
/// refused.
///
/// Fails as ratecell_acquire_keys does.
///
/// Threads: any, at once; lock-free but for the allocation. Signals: not safe. Memory: allocates
/// the permit. Clock: read once. NULL: RATECELL_NULL. Failure: nothing is taken or written. Since
/// 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_hold(
    limiter: *const Limiter,
    keys: *const KeyOf,
    count: usize,
    cost: u32,
    decision: *mut Decision,
    permit: *mut *mut Permit,
) -> Status {
    let call = |limiter: &Limiter| {
        // SAFETY: P2 and P3 for `keys`.
        let given = unsafe { Given::new(keys, count) }?;
        Ok(limiter.core.hold_owned(given.keys(), cost)?)
    };
    // SAFETY: P4 for `limiter`, P1 for `decision` and `permit`.
    unsafe { hold(limiter, decision, permit, call) }
}

/// As ratecell_hold under other rules for this call: see ratecell_acquire_with.
///
/// Fails as ratecell_acquire_with does.
///
/// Threads: any, at once; lock-free but for the allocation. Signals: not safe. Memory: allocates
/// the permit. Clock: read once. NULL: RATECELL_NULL. Failure: nothing is taken or written. Since
/// 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_hold_with(
    limiter: *const Limiter,
    rules: *const Rules,
    keys: *const KeyOf,
    count: usize,
    cost: u32,
    decision: *mut Decision,
    permit: *mut *mut Permit,
) -> Status {
    let call = |limiter: &Limiter| {
        // SAFETY: P4 for `rules`.
        let rules = unsafe { boundary::object(rules, "rules") }?;
        // SAFETY: P2 and P3 for `keys`.
        let given = unsafe { Given::new(keys, count) }?;
        Ok(limiter.core.hold_owned_with(&rules.plan, given.keys(), cost)?)
    };
    // SAFETY: P4 for `limiter`, P1 for `decision` and `permit`.
    unsafe { hold(limiter, decision, permit, call) }
}

/// Gives back what a permit holds, and ends the permit. It may be done on any thread, and after the
/// limiter was destroyed.
///
/// Threads: no other call may use the permit meanwhile or later. Signals: not safe. Memory: gives
/// it back. Clock: not read. NULL: does nothing. Failure: none. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_permit_release(permit: *mut Permit) {
    guarded(|| {
        if !permit.is_null() {
            // SAFETY: P4: it came from `Box::into_raw` in hold, and this is its last use.
            drop(unsafe { Box::from_raw(permit) });
        }
        Ok(())
    });
}
