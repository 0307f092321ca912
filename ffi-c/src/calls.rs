//! The calls on a limiter: take, look, give back, forget.
//!
//! One of the files with `unsafe`: the pointers of its calls.

use core::ffi::c_void;

use ratecell::{CallError, Clock as _, HeapMemory, Key, KeyHash, PlanDecision, Table};

use crate::boundary::{self, Out};
use crate::decision::Decision;
use crate::failure::Failure;
use crate::keys::{Given, KeyOf};
use crate::last_error::guarded;
use crate::limiter::Limiter;
use crate::other_rules::Rules;
use crate::status::Status;

/// A call on a limiter whose answer is a decision, checked.
///
/// # Safety
/// P4 holds for `limiter` and P1 for `decision`, whose struct_size is set.
#[inline(always)]
unsafe fn decided<'l>(
    limiter: *const Limiter,
    decision: *mut Decision,
    call: impl FnOnce(&'l Limiter) -> Result<Result<PlanDecision<'l>, CallError>, Failure>,
) -> Status {
    guarded(|| {
        // SAFETY: P1 as promised.
        let out = unsafe { Out::sized(decision, "decision") }?;
        // SAFETY: P4 as promised.
        let limiter = unsafe { boundary::object(limiter, "limiter") }?;
        out.fill(&call(limiter)??);
        Ok(())
    })
}

/// As [`decided`] with a key alone, which is that of the only rule where there is only one: its
/// answer then needs no plan's around it.
///
/// # Safety
/// As for [`decided`], and P2 for `key`.
#[inline(always)]
unsafe fn decided_alone<'l>(
    limiter: *const Limiter,
    (key, key_len): (*const c_void, usize),
    decision: *mut Decision,
    one: impl FnOnce(&'l Table<HeapMemory>, KeyHash, u64) -> ratecell::Decision,
    several: impl FnOnce(&'l Limiter, Key<'_>) -> Result<PlanDecision<'l>, CallError>,
) -> Status {
    guarded(|| {
        // SAFETY: P1 as promised.
        let out = unsafe { Out::sized(decision, "decision") }?;
        // SAFETY: P4 as promised.
        let limiter = unsafe { boundary::object(limiter, "limiter") }?;
        // SAFETY: P2 as promised.
        let key = Key::from(unsafe { boundary::bytes(key, key_len, "key") }?);
        match limiter.core.keyed().only_table() {
            Some(table) => {
                let now_ns = limiter.core.clock().now_ns();
                out.fill_one(&one(table, table.hash(key), now_ns));
            }
            None => out.fill(&several(limiter, key)?),
        }
        Ok(())
    })
}

/// Takes cost units of every rule that a key applies to, or of none; a cost of 0 takes nothing.
///
/// The key is for the dimension "key", or the only one that the rules have. Permits of concurrency
/// rules stay taken until ratecell_release; ratecell_hold keeps an account of them instead.
///
/// Fails with RATECELL_DIMENSION_MISSING, RATECELL_LENGTH or RATECELL_STRUCT_SIZE. That a limit
/// refuses is no failure: look at decision->allowed.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: read once.
/// NULL: RATECELL_NULL. Failure: nothing is taken or written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_acquire(
    limiter: *const Limiter,
    key: *const c_void,
    key_len: usize,
    cost: u32,
    decision: *mut Decision,
) -> Status {
    let one = |table: &Table<HeapMemory>, hash, now_ns| table.acquire(hash, now_ns, cost);
    let several = |limiter: &'static Limiter, key: Key<'_>| limiter.core.acquire(key, cost);
    // SAFETY: P4 for `limiter`, P2 for `key` and P1 for `decision`.
    unsafe { decided_alone(limiter, (key, key_len), decision, one, several) }
}

/// As ratecell_acquire with a key for each dimension the call has, count in all, up to
/// RATECELL_MAX_KEYS. A rule of another dimension is skipped; a key of one that no rule counts by
/// is passed over.
///
/// Fails with RATECELL_DIMENSION_TWICE, RATECELL_UTF8 for a dimension, or as ratecell_acquire.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: read once.
/// NULL: RATECELL_NULL. Failure: nothing is taken or written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_acquire_keys(
    limiter: *const Limiter,
    keys: *const KeyOf,
    count: usize,
    cost: u32,
    decision: *mut Decision,
) -> Status {
    let call = |limiter: &'static Limiter| {
        // SAFETY: P2 and P3 for `keys`.
        let given = unsafe { Given::new(keys, count) }?;
        Ok(limiter.core.acquire(given.keys(), cost))
    };
    // SAFETY: P4 for `limiter` and P1 for `decision`.
    unsafe { decided(limiter, decision, call) }
}

/// As ratecell_acquire_keys at a time of the caller's: nanoseconds on the base of the limiter's
/// clock, below 2^63. On the state that a key has, a late or stepped-back time never gets more than
/// the true one would; what it takes comes back as much sooner.
///
/// Fails as ratecell_acquire_keys does.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
/// NULL: RATECELL_NULL. Failure: nothing is taken or written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_acquire_at(
    limiter: *const Limiter,
    now_ns: u64,
    keys: *const KeyOf,
    count: usize,
    cost: u32,
    decision: *mut Decision,
) -> Status {
    let call = |limiter: &'static Limiter| {
        // SAFETY: P2 and P3 for `keys`.
        let given = unsafe { Given::new(keys, count) }?;
        Ok(limiter.core.keyed().acquire(now_ns, given.keys(), cost))
    };
    // SAFETY: P4 for `limiter` and P1 for `decision`.
    unsafe { decided(limiter, decision, call) }
}

/// As ratecell_acquire_keys under other rules for this call, such as a customer's own cap. The
/// keys' state stays as it is: a raised rate never applies to the past.
///
/// Fails with RATECELL_OTHER_RULES for rules that cannot stand in, or as ratecell_acquire_keys.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: read once.
/// NULL: RATECELL_NULL. Failure: nothing is taken or written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_acquire_with(
    limiter: *const Limiter,
    rules: *const Rules,
    keys: *const KeyOf,
    count: usize,
    cost: u32,
    decision: *mut Decision,
) -> Status {
    let call = |limiter: &'static Limiter| {
        // SAFETY: P4 for `rules`.
        let rules = unsafe { boundary::object(rules, "rules") }?;
        // SAFETY: P2 and P3 for `keys`.
        let given = unsafe { Given::new(keys, count) }?;
        Ok(limiter.core.acquire_with(&rules.plan, given.keys(), cost))
    };
    // SAFETY: P4 for `limiter` and P1 for `decision`.
    unsafe { decided(limiter, decision, call) }
}

/// As ratecell_acquire_with at a time of the caller's: see ratecell_acquire_at.
///
/// Fails as ratecell_acquire_with does.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
/// NULL: RATECELL_NULL. Failure: nothing is taken or written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_acquire_with_at(
    limiter: *const Limiter,
    now_ns: u64,
    rules: *const Rules,
    keys: *const KeyOf,
    count: usize,
    cost: u32,
    decision: *mut Decision,
) -> Status {
    let call = |limiter: &'static Limiter| {
        // SAFETY: P4 for `rules`.
        let rules = unsafe { boundary::object(rules, "rules") }?;
        // SAFETY: P2 and P3 for `keys`.
        let given = unsafe { Given::new(keys, count) }?;
        let keyed = limiter.core.keyed();
        Ok(keyed.acquire_with(now_ns, &rules.plan, given.keys(), cost))
    };
    // SAFETY: P4 for `limiter` and P1 for `decision`.
    unsafe { decided(limiter, decision, call) }
}

/// Says what ratecell_acquire would answer, with remaining before the charge. Changes nothing.
///
/// Fails as ratecell_acquire does.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: read once.
/// NULL: RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_peek(
    limiter: *const Limiter,
    key: *const c_void,
    key_len: usize,
    cost: u32,
    decision: *mut Decision,
) -> Status {
    let one = |table: &Table<HeapMemory>, hash, now_ns| table.peek(hash, now_ns, cost);
    let several = |limiter: &'static Limiter, key: Key<'_>| limiter.core.peek(key, cost);
    // SAFETY: P4 for `limiter`, P2 for `key` and P1 for `decision`.
    unsafe { decided_alone(limiter, (key, key_len), decision, one, several) }
}

/// Says what ratecell_acquire_keys would answer, with remaining before the charge. Changes nothing.
///
/// Fails as ratecell_acquire_keys does.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: read once.
/// NULL: RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_peek_keys(
    limiter: *const Limiter,
    keys: *const KeyOf,
    count: usize,
    cost: u32,
    decision: *mut Decision,
) -> Status {
    let call = |limiter: &'static Limiter| {
        // SAFETY: P2 and P3 for `keys`.
        let given = unsafe { Given::new(keys, count) }?;
        Ok(limiter.core.peek(given.keys(), cost))
    };
    // SAFETY: P4 for `limiter` and P1 for `decision`.
    unsafe { decided(limiter, decision, call) }
}

/// Says what ratecell_acquire_at would answer, with remaining before the charge. Changes nothing.
///
/// Fails as ratecell_acquire_keys does.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
/// NULL: RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_peek_at(
    limiter: *const Limiter,
    now_ns: u64,
    keys: *const KeyOf,
    count: usize,
    cost: u32,
    decision: *mut Decision,
) -> Status {
    let call = |limiter: &'static Limiter| {
        // SAFETY: P2 and P3 for `keys`.
        let given = unsafe { Given::new(keys, count) }?;
        Ok(limiter.core.keyed().peek(now_ns, given.keys(), cost))
    };
    // SAFETY: P4 for `limiter` and P1 for `decision`.
    unsafe { decided(limiter, decision, call) }
}

/// Says what ratecell_acquire_with would answer, with remaining before the charge. Changes nothing.
///
/// Fails as ratecell_acquire_with does.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: read once.
/// NULL: RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_peek_with(
    limiter: *const Limiter,
    rules: *const Rules,
    keys: *const KeyOf,
    count: usize,
    cost: u32,
    decision: *mut Decision,
) -> Status {
    let call = |limiter: &'static Limiter| {
        // SAFETY: P4 for `rules`.
        let rules = unsafe { boundary::object(rules, "rules") }?;
        // SAFETY: P2 and P3 for `keys`.
        let given = unsafe { Given::new(keys, count) }?;
        Ok(limiter.core.peek_with(&rules.plan, given.keys(), cost))
    };
    // SAFETY: P4 for `limiter` and P1 for `decision`.
    unsafe { decided(limiter, decision, call) }
}

/// Gives back the permits that an allowed ratecell_acquire with the same key and cost took. Units of
/// rates stay taken.
///
/// With RATECELL_WHEN_FULL_ALLOW a call may be allowed without taking any: use ratecell_hold then.
///
/// Fails with RATECELL_RELEASE if a concurrency rule has fewer held; nothing is given back then. Or
/// as ratecell_acquire does.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
/// NULL: RATECELL_NULL. Failure: nothing is given back. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_release(
    limiter: *const Limiter,
    key: *const c_void,
    key_len: usize,
    cost: u32,
) -> Status {
    guarded(|| {
        // SAFETY: P4 for `limiter`.
        let limiter = unsafe { boundary::object(limiter, "limiter") }?;
        // SAFETY: P2 for `key`.
        let key = Key::from(unsafe { boundary::bytes(key, key_len, "key") }?);
        Ok(limiter.core.release(key, cost)?)
    })
}

/// Gives back the permits that an allowed ratecell_acquire_keys, or the like, with the same keys and
/// cost took: see ratecell_release.
///
/// Fails as ratecell_release and ratecell_acquire_keys do.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
/// NULL: RATECELL_NULL. Failure: nothing is given back. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_release_keys(
    limiter: *const Limiter,
    keys: *const KeyOf,
    count: usize,
    cost: u32,
) -> Status {
    guarded(|| {
        // SAFETY: P4 for `limiter`.
        let limiter = unsafe { boundary::object(limiter, "limiter") }?;
        // SAFETY: P2 and P3 for `keys`.
        let given = unsafe { Given::new(keys, count) }?;
        Ok(limiter.core.release(given.keys(), cost)?)
    })
}

/// Forgets what a key has used; a charge that happens meanwhile may stay. Permits stay with their
/// holders.
///
/// Fails as ratecell_acquire does.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
/// NULL: RATECELL_NULL. Failure: nothing is forgotten. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_reset(
    limiter: *const Limiter,
    key: *const c_void,
    key_len: usize,
) -> Status {
    guarded(|| {
        // SAFETY: P4 for `limiter`.
        let limiter = unsafe { boundary::object(limiter, "limiter") }?;
        // SAFETY: P2 for `key`.
        let key = Key::from(unsafe { boundary::bytes(key, key_len, "key") }?);
        Ok(limiter.core.reset(key)?)
    })
}

/// Forgets what keys have used: see ratecell_reset.
///
/// Fails as ratecell_acquire_keys does.
///
/// Threads: any, at once; lock-free. Signals: not safe. Memory: allocates nothing. Clock: not read.
/// NULL: RATECELL_NULL. Failure: nothing is forgotten. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_reset_keys(
    limiter: *const Limiter,
    keys: *const KeyOf,
    count: usize,
) -> Status {
    guarded(|| {
        // SAFETY: P4 for `limiter`.
        let limiter = unsafe { boundary::object(limiter, "limiter") }?;
        // SAFETY: P2 and P3 for `keys`.
        let given = unsafe { Given::new(keys, count) }?;
        Ok(limiter.core.reset(given.keys())?)
    })
}
