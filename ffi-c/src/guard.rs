//! A guard: a contract file with its limiters and clock, made, asked about itself, destroyed.
//!
//! One of the files with `unsafe`: the pointers of its calls and handles.

use core::ffi::{c_char, c_void};
use std::boxed::Box;
use std::ffi::CString;
use std::string::ToString as _;
use std::vec::Vec;

use ratecell_contract::{Contract, ForwardedField, TrustedProxy};

use crate::boundary::{self, Out, Sized32};
use crate::failure::Failure;
use crate::guard_failure::GuardFailure;
use crate::last_error::guarded;
use crate::limiter::{AnyClock, ClockFunction, c_string, seed};
use crate::status::Status;
use crate::table::{Counts, when_full};

/// The trusted proxies write X-Forwarded-For or Forwarded; if both are there and do not agree, the
/// connection's address counts.
pub const RATECELL_FORWARDED_EITHER: u32 = 1;
/// The trusted proxies write X-Forwarded-For.
pub const RATECELL_FORWARDED_X_FORWARDED_FOR: u32 = 2;
/// The trusted proxies write Forwarded.
pub const RATECELL_FORWARDED_FORWARDED: u32 = 3;

/// How a guard is made. Start from RATECELL_GUARD_OPTIONS_INIT, which sets struct_size.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug)]
pub struct GuardOptions {
    /// sizeof(ratecell_guard_options), set by the caller.
    pub struct_size: u32,
    /// As in ratecell_options.
    pub when_full: u32,
    /// As in ratecell_options.
    pub capacity: u64,
    /// As in ratecell_options; it must give Unix time if responses show a reset as Unix seconds, or
    /// if fixed windows are to fall on wall-clock minutes.
    pub clock: ClockFunction,
    /// As in ratecell_options.
    pub clock_context: *mut c_void,
    /// As in ratecell_options.
    pub seed: *const u8,
    /// Networks such as "10.0.0.0/8" and addresses of proxies whose word is taken for where a request
    /// comes from, and "unix:" for whoever connects without an address, as through a Unix socket.
    /// Each of these proxies must write the field of forwarded_field. NULL for none.
    pub trusted_proxies: *const *const c_char,
    /// How many there are.
    pub trusted_proxies_len: usize,
    /// In which field they write: RATECELL_FORWARDED_EITHER and its like.
    pub forwarded_field: u32,
    /// Always 0.
    pub reserved: u32,
}

// SAFETY: the first field is `struct_size`, a u32, and `repr(C)` keeps it first.
unsafe impl Sized32 for GuardOptions {}

/// A contract with its limiters and clock: what a service asks on every request.
#[derive(Debug)]
pub struct Guard {
    pub(crate) core: ratecell_contract::Guard<AnyClock>,
    names: Vec<CString>,
}

/// What a rule of a contract has counted. Set struct_size before each call, by
/// RATECELL_RULE_COUNTS_INIT.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleCounts {
    /// sizeof(ratecell_rule_counts), set by the caller.
    pub struct_size: u32,
    /// Always 0.
    pub reserved: u32,
    /// Requests that it was charged for.
    pub allowed: u64,
    /// Requests that it refused, as the governing rule.
    pub refused: u64,
    /// Requests that it would have refused, were it enforced.
    pub would_have_refused: u64,
    /// What its key table has counted.
    pub table: Counts,
}

// SAFETY: the first field is `struct_size`, a u32, and `repr(C)` keeps it first.
unsafe impl Sized32 for RuleCounts {}

impl GuardOptions {
    const DEFAULT: Self = Self {
        #[expect(clippy::cast_possible_truncation, reason = "some dozen bytes")]
        struct_size: size_of::<Self>() as u32,
        when_full: crate::table::RATECELL_WHEN_FULL_DENY,
        capacity: crate::limiter::RATECELL_DEFAULT_CAPACITY,
        clock: None,
        clock_context: core::ptr::null_mut(),
        seed: core::ptr::null(),
        trusted_proxies: core::ptr::null(),
        trusted_proxies_len: 0,
        forwarded_field: RATECELL_FORWARDED_EITHER,
        reserved: 0,
    };

    /// # Safety
    /// P2 and P3 hold for `trusted_proxies`.
    unsafe fn proxies(&self) -> Result<Vec<TrustedProxy>, Failure> {
        if self.trusted_proxies_len == 0 {
            return Ok(Vec::new());
        }
        let (start, count) = (self.trusted_proxies, self.trusted_proxies_len);
        // SAFETY: P2 as promised; any bytes are pointers.
        let texts = unsafe { boundary::elements(start, count, "trusted_proxies") }?;
        let proxy = |&text: &*const c_char| {
            // SAFETY: P3 as promised.
            let text = unsafe { boundary::text(text, "a proxy in trusted_proxies") }?;
            text.parse().map_err(|error| {
                Failure::Guard(GuardFailure::Proxy { found: text.to_string(), error })
            })
        };
        texts.iter().map(proxy).collect()
    }

    fn forwarded_field(&self) -> Result<ForwardedField, Failure> {
        match self.forwarded_field {
            RATECELL_FORWARDED_EITHER => Ok(ForwardedField::Either),
            RATECELL_FORWARDED_X_FORWARDED_FOR => Ok(ForwardedField::XForwardedFor),
            RATECELL_FORWARDED_FORWARDED => Ok(ForwardedField::Forwarded),
            found => Err(Failure::Number {
                argument: "forwarded_field",
                found: found.into(),
                accepted: "RATECELL_FORWARDED_EITHER (1), _X_FORWARDED_FOR (2) and _FORWARDED (3)",
            }),
        }
    }
}

/// # Safety
/// P1 to P3 hold for `options`, which may be NULL, and for what it points to.
unsafe fn build(contract: Contract, options: *const GuardOptions) -> Result<Guard, Failure> {
    let options = if options.is_null() {
        &GuardOptions::DEFAULT
    } else {
        // SAFETY: P1 as promised.
        unsafe { boundary::sized_object(options, "options") }?
    };
    boundary::reserved(options.reserved, "options->reserved")?;
    let too_many = |_| Failure::TooManyKeys { found: options.capacity };
    let names = contract.rules().iter().map(|rule| c_string(rule.name())).collect();
    let mut builder = ratecell_contract::Guard::builder(contract)
        .capacity(usize::try_from(options.capacity).map_err(too_many)?)
        .when_full(when_full(options.when_full)?)
        // SAFETY: P2 and P3 as promised.
        .trusted_proxies(&unsafe { options.proxies() }?)
        .forwarded_field(options.forwarded_field()?);
    // SAFETY: P1 as promised.
    if let Some(seed) = unsafe { seed(options.seed) }? {
        builder = builder.seed(seed);
    }
    let clock = AnyClock::of(options.clock, options.clock_context);
    Ok(Guard { core: builder.clock(clock).build()?, names })
}

/// Makes a guard from the text of a contract file. options NULL is RATECELL_GUARD_OPTIONS_INIT.
///
/// All memory for keys is taken here.
///
/// Fails with RATECELL_CONTRACT (ratecell_last_error has line and column, and every fault in its
/// message as far as there is room), RATECELL_NETWORK, RATECELL_UTF8, RATECELL_CAPACITY,
/// RATECELL_TOO_LARGE, RATECELL_NUMBER, RATECELL_STRUCT_SIZE or RATECELL_OUT_OF_MEMORY.
///
/// Threads: any, at once. Signals: not safe. Memory: allocates. Clock: not read, but the system's
/// is measured for some milliseconds the first time. NULL: RATECELL_NULL for text and guard.
/// Failure: nothing is made or written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_guard_create(
    text: *const c_char,
    options: *const GuardOptions,
    guard: *mut *mut Guard,
) -> Status {
    guarded(|| {
        // SAFETY: P1 for `guard`.
        let out = unsafe { Out::new(guard, "guard") }?;
        // SAFETY: P1 and P3 for `text`.
        let text = unsafe { boundary::text(text, "text") }?;
        // SAFETY: P1 to P3 for `options`.
        let made = unsafe { build(Contract::parse(text)?, options) }?;
        out.write(Box::into_raw(Box::new(made)));
        Ok(())
    })
}

/// As ratecell_guard_create with the text in a file of at most 1 MiB; path is UTF-8.
///
/// Fails with RATECELL_FILE, or as ratecell_guard_create does.
///
/// Threads: any, at once. Signals: not safe. Memory: allocates. Clock: as ratecell_guard_create.
/// NULL: RATECELL_NULL for path and guard. Failure: nothing is made or written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_guard_load(
    path: *const c_char,
    options: *const GuardOptions,
    guard: *mut *mut Guard,
) -> Status {
    guarded(|| {
        // SAFETY: P1 for `guard`.
        let out = unsafe { Out::new(guard, "guard") }?;
        // SAFETY: P1 and P3 for `path`.
        let path = unsafe { boundary::text(path, "path") }?;
        // SAFETY: P1 to P3 for `options`.
        let made = unsafe { build(Contract::load(path)?, options) }?;
        out.write(Box::into_raw(Box::new(made)));
        Ok(())
    })
}

/// Ends a guard. Outcomes that are not released yet stay valid.
///
/// Threads: no other call may use the guard meanwhile or later. Signals: not safe. Memory: gives it
/// back. Clock: not read; its function is called no more once the last outcome is released. NULL:
/// does nothing. Failure: none. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_guard_destroy(guard: *mut Guard) {
    guarded(|| {
        if !guard.is_null() {
            // SAFETY: P4: it came from `Box::into_raw` in create, and this is its last use.
            drop(unsafe { Box::from_raw(guard) });
        }
        Ok(())
    });
}

/// The name of the rule at a position of the contract, from 0; NULL for a position that no rule
/// has, and for a guard that is NULL. It is valid as long as the guard.
///
/// Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL: returns
/// NULL. Failure: returns NULL. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_guard_rule_name(guard: *const Guard, rule: u32) -> *const c_char {
    // SAFETY: P4 for `guard`.
    let guard = unsafe { boundary::object(guard, "guard") };
    let names = guard.map(|guard| guard.names.as_slice()).unwrap_or_default();
    let name = usize::try_from(rule).ok().and_then(|rule| names.get(rule));
    name.map_or(core::ptr::null(), |name| name.as_ptr())
}

/// Writes what the rule at a position of the contract, from 0, has counted so far.
///
/// Fails with RATECELL_LENGTH for a position that no rule has, or RATECELL_STRUCT_SIZE.
///
/// Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_guard_stats(
    guard: *const Guard,
    rule: u32,
    counts: *mut RuleCounts,
) -> Status {
    guarded(|| {
        // SAFETY: P1 for `counts`, whose struct_size is set.
        let out = unsafe { Out::sized(counts, "counts") }?;
        // SAFETY: P4 for `guard`.
        let guard = unsafe { boundary::object(guard, "guard") }?;
        let found = usize::try_from(rule).unwrap_or(usize::MAX);
        let accepted = guard.names.len().saturating_sub(1);
        let counted = guard.core.stats().nth(found);
        let counted = counted.ok_or(Failure::Length { argument: "rule", found, accepted })?;
        out.write(RuleCounts {
            #[expect(clippy::cast_possible_truncation, reason = "some dozen bytes")]
            struct_size: size_of::<RuleCounts>() as u32,
            reserved: 0,
            allowed: counted.allowed,
            refused: counted.refused,
            would_have_refused: counted.would_have_refused,
            table: Counts::of(&counted.table),
        });
        Ok(())
    })
}
