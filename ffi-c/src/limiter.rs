//! A limiter: made, asked about itself, destroyed. Its calls are in `calls`.
//!
//! One of the files with `unsafe`: the pointers of its calls, handles and clock functions.

use core::ffi::{c_char, c_void};
use std::boxed::Box;
use std::ffi::CString;
use std::sync::Arc;
use std::vec::Vec;

use ratecell::{BuildError, Clock, Plan, Seed, SystemClock};

use crate::boundary::{self, Out, Sized32, TextBuffer};
use crate::failure::Failure;
use crate::last_error::guarded;
use crate::status::Status;
use crate::table::{Counts, RATECELL_SEED_SIZE, when_full};

/// The keys that a limiter has room for if nobody says.
pub const RATECELL_DEFAULT_CAPACITY: u64 = 65_536;

/// A clock: the time in nanoseconds, on any base, below 2^63. It may be called on any thread, on
/// several at once, and must return; it must not throw, jump out or call this library with the same
/// limiter.
pub type ClockFunction = Option<unsafe extern "C" fn(context: *mut c_void) -> u64>;

/// How a limiter is made. Start from RATECELL_OPTIONS_INIT, which sets struct_size.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// sizeof(ratecell_options), set by the caller.
    pub struct_size: u32,
    /// What to do with a new key when there is no room: RATECELL_WHEN_FULL_DENY or
    /// RATECELL_WHEN_FULL_ALLOW.
    pub when_full: u32,
    /// For how many keys each rule has room at once, from 1. It takes 32 bytes a key, and 170 for a
    /// sliding rule of 14 segments. Keys whose limit is as good as new take no room.
    pub capacity: u64,
    /// The clock; NULL for the system's: monotonic, in nanoseconds since 1970 as the wall clock
    /// stood when the limiter was made.
    pub clock: ClockFunction,
    /// What the clock function is called with; any value, NULL too.
    pub clock_context: *mut c_void,
    /// RATECELL_SEED_SIZE secret bytes that keys are hashed with, copied; NULL to draw them from the
    /// system.
    pub seed: *const u8,
}

// SAFETY: the first field is `struct_size`, a u32, and `repr(C)` keeps it first.
unsafe impl Sized32 for Options {}

/// Rules, their key tables and a clock: what a service asks on every request.
#[derive(Debug)]
pub struct Limiter {
    pub(crate) core: Arc<ratecell::Limiter<AnyClock>>,
    names: Vec<CString>,
}

/// The system's clock or the caller's.
#[derive(Debug)]
pub(crate) enum AnyClock {
    System(SystemClock),
    Function { read: unsafe extern "C" fn(*mut c_void) -> u64, context: *mut c_void },
}

// SAFETY: by P6 the function may be called on any thread with this context.
unsafe impl Send for AnyClock {}
// SAFETY: by P6 the function may be called on several threads at once with this context.
unsafe impl Sync for AnyClock {}

impl Clock for AnyClock {
    #[inline(always)]
    fn now_ns(&self) -> u64 {
        match self {
            Self::System(clock) => clock.now_ns(),
            // SAFETY: P6; the limiter that owns this clock lives.
            Self::Function { read, context } => unsafe { read(*context) },
        }
    }
}

impl AnyClock {
    pub(crate) fn of(function: ClockFunction, context: *mut c_void) -> Self {
        match function {
            Some(read) => Self::Function { read, context },
            None => Self::System(SystemClock::new()),
        }
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Text(error) => Self::Text(error),
            BuildError::ZeroCapacity => Self::ZeroCapacity,
            BuildError::Table(error) => Self::Table(error),
            _ => Self::Internal,
        }
    }
}

/// # Safety
/// P1 holds for the bytes that `options.seed` points to.
unsafe fn build(text: &str, options: &Options) -> Result<Limiter, Failure> {
    let plan: Plan = text.parse()?;
    let when_full = when_full(options.when_full)?;
    let too_many = |_| Failure::TooManyKeys { found: options.capacity };
    let capacity = usize::try_from(options.capacity).map_err(too_many)?;
    let names = plan.rules().iter().map(|rule| c_string(rule.name())).collect();
    let mut builder = ratecell::Limiter::builder_for(plan).capacity(capacity).when_full(when_full);
    // SAFETY: P1 as promised.
    if let Some(seed) = unsafe { seed(options.seed) }? {
        builder = builder.seed(seed);
    }
    let clock = AnyClock::of(options.clock, options.clock_context);
    Ok(Limiter { core: Arc::new(builder.clock(clock).build()?), names })
}

/// The seed that options give, if they give one.
///
/// # Safety
/// P1 holds for the 16 bytes at `start`, unless it is NULL.
pub(crate) unsafe fn seed(start: *const u8) -> Result<Option<Seed>, Failure> {
    if start.is_null() {
        return Ok(None);
    }
    // SAFETY: P1 as promised; any bytes are a seed.
    let bytes = unsafe { boundary::object(start.cast::<[u8; RATECELL_SEED_SIZE]>(), "seed") }?;
    Ok(Some(Seed::from_bytes(*bytes)))
}

/// A text without NUL as C reads it; names of rules have none.
pub(crate) fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// Makes a limiter from the text of its rules, such as
/// "ip: fixed 300/min by ip; key: sliding 600/min; inflight: concurrency 8".
///
/// All memory that it ever needs is taken here. options NULL is RATECELL_OPTIONS_INIT.
///
/// Fails with RATECELL_TEXT (ratecell_last_error has the byte), RATECELL_UTF8, RATECELL_CAPACITY,
/// RATECELL_TOO_LARGE, RATECELL_NUMBER for another when_full, RATECELL_STRUCT_SIZE or
/// RATECELL_OUT_OF_MEMORY.
///
/// Threads: any, at once. Signals: not safe. Memory: allocates. Clock: not read, but the system's
/// is measured for some milliseconds the first time. NULL: RATECELL_NULL for text and limiter.
/// Failure: nothing is made or written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_limiter_create(
    text: *const c_char,
    options: *const Options,
    limiter: *mut *mut Limiter,
) -> Status {
    guarded(|| {
        // SAFETY: P1 for `limiter`.
        let out = unsafe { Out::new(limiter, "limiter") }?;
        // SAFETY: P1 and P3 for `text`.
        let text = unsafe { boundary::text(text, "text") }?;
        let options = if options.is_null() {
            &Options::DEFAULT
        } else {
            // SAFETY: P1 for `options`.
            unsafe { boundary::sized_object(options, "options") }?
        };
        // SAFETY: P1 for the bytes of `options->seed`.
        let made = unsafe { build(text, options) }?;
        out.write(Box::into_raw(Box::new(made)));
        Ok(())
    })
}

impl Options {
    const DEFAULT: Self = Self {
        #[expect(clippy::cast_possible_truncation, reason = "some dozen bytes")]
        struct_size: size_of::<Self>() as u32,
        when_full: crate::table::RATECELL_WHEN_FULL_DENY,
        capacity: RATECELL_DEFAULT_CAPACITY,
        clock: None,
        clock_context: core::ptr::null_mut(),
        seed: core::ptr::null(),
    };
}

/// Ends a limiter. Permits that are still held stay valid and keep its memory until they are
/// released.
///
/// Threads: no other call may use the limiter meanwhile or later. Signals: not safe. Memory: gives
/// it back. Clock: not read; its function is called no more once the last permit is released.
/// NULL: does nothing. Failure: none. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_limiter_destroy(limiter: *mut Limiter) {
    guarded(|| {
        if !limiter.is_null() {
            // SAFETY: P4: it came from `Box::into_raw` in create, and this is its last use.
            drop(unsafe { Box::from_raw(limiter) });
        }
        Ok(())
    });
}

/// Writes the number of rules of a limiter, 1 to RATECELL_MAX_RULES.
///
/// Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_rule_count(limiter: *const Limiter, count: *mut u32) -> Status {
    guarded(|| {
        // SAFETY: P1 for `count`.
        let out = unsafe { Out::new(count, "count") }?;
        // SAFETY: P4 for `limiter`.
        let limiter = unsafe { boundary::object(limiter, "limiter") }?;
        out.write(u32::try_from(limiter.names.len()).unwrap_or(u32::MAX));
        Ok(())
    })
}

/// The name of the rule at a position, as in a decision; NULL for RATECELL_NO_RULE, another
/// position that no rule has, and for a limiter that is NULL. It is valid as long as the limiter.
///
/// Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL: returns
/// NULL. Failure: returns NULL. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_rule_name(limiter: *const Limiter, rule: u32) -> *const c_char {
    // SAFETY: P4 for `limiter`.
    let limiter = unsafe { boundary::object(limiter, "limiter") };
    let names = limiter.map(|limiter| limiter.names.as_slice()).unwrap_or_default();
    let name = usize::try_from(rule).ok().and_then(|rule| names.get(rule));
    name.map_or(core::ptr::null(), |name| name.as_ptr())
}

/// Writes the rules of a limiter as text, every name, kind, option and dimension written out, which
/// makes the same rules again. By the rules of snprintf: see ratecell_explain.
///
/// Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL for limiter and length; buffer may be NULL if size is 0. Failure: nothing is
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_rules_text(
    limiter: *const Limiter,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> Status {
    guarded(|| {
        // SAFETY: P1 for `length` and P2 for `buffer`.
        let out = unsafe { TextBuffer::new(buffer, size, length) }?;
        // SAFETY: P4 for `limiter`.
        let limiter = unsafe { boundary::object(limiter, "limiter") }?;
        out.print(limiter.core.plan());
        Ok(())
    })
}

/// Writes the time by a limiter's clock, in nanoseconds.
///
/// Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: read once. NULL:
/// RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_now(limiter: *const Limiter, now_ns: *mut u64) -> Status {
    guarded(|| {
        // SAFETY: P1 for `now_ns`.
        let out = unsafe { Out::new(now_ns, "now_ns") }?;
        // SAFETY: P4 for `limiter`.
        let limiter = unsafe { boundary::object(limiter, "limiter") }?;
        out.write(limiter.core.clock().now_ns());
        Ok(())
    })
}

/// Writes what the table of the rule at a position has counted so far. The counters wrap at 2^64.
///
/// Fails with RATECELL_LENGTH for a position that no rule has, or RATECELL_STRUCT_SIZE.
///
/// Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_stats(
    limiter: *const Limiter,
    rule: u32,
    counts: *mut Counts,
) -> Status {
    guarded(|| {
        // SAFETY: P1 for `counts`, whose struct_size is set.
        let out = unsafe { Out::sized(counts, "counts") }?;
        // SAFETY: P4 for `limiter`.
        let limiter = unsafe { boundary::object(limiter, "limiter") }?;
        let found = usize::try_from(rule).unwrap_or(usize::MAX);
        let counted = limiter.core.stats().nth(found);
        let accepted = limiter.names.len().saturating_sub(1);
        let (_, counted) = counted.ok_or(Failure::Length { argument: "rule", found, accepted })?;
        out.write(Counts::of(&counted));
        Ok(())
    })
}
