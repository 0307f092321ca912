//! What a decision says in words: header fields, the body of a refusal, a sentence.
//!
//! One of the files with `unsafe`: the pointers of its calls.

use core::ffi::c_char;
use core::fmt;

use ratecell::PlanDecision;
use ratecell::http::{HeaderStyle, Headers, Report};

use crate::boundary::{self, TextBuffer};
use crate::decision::Decision;
use crate::failure::Failure;
use crate::last_error::guarded;
use crate::limiter::Limiter;
use crate::status::Status;

/// X-RateLimit-Limit: the capacity in units.
pub const RATECELL_HEADER_X_RATELIMIT_LIMIT: u32 = 1;
/// X-RateLimit-Remaining: units left after the decision.
pub const RATECELL_HEADER_X_RATELIMIT_REMAINING: u32 = 2;
/// X-RateLimit-Reset as Unix seconds.
pub const RATECELL_HEADER_X_RATELIMIT_RESET: u32 = 4;
/// X-RateLimit-Reset as seconds from now; not with the one in Unix seconds.
pub const RATECELL_HEADER_X_RATELIMIT_RESET_AFTER: u32 = 8;
/// Retry-After in seconds; written on refusals with a known wait only.
pub const RATECELL_HEADER_RETRY_AFTER: u32 = 16;
/// X-Concurrency-Limit: how many requests may be in flight.
pub const RATECELL_HEADER_X_CONCURRENCY_LIMIT: u32 = 32;
/// X-Concurrency-Running: how many are, after the decision.
pub const RATECELL_HEADER_X_CONCURRENCY_RUNNING: u32 = 64;
/// RateLimit-Policy of the IETF's draft 11: every rule with its quota.
pub const RATECELL_HEADER_RATELIMIT_POLICY: u32 = 128;
/// RateLimit of the IETF's draft 11: every rule with what is available.
pub const RATECELL_HEADER_RATELIMIT: u32 = 256;
/// RateLimit-Limit of draft 6.
pub const RATECELL_HEADER_DRAFT_6_LIMIT: u32 = 512;
/// RateLimit-Remaining of draft 6.
pub const RATECELL_HEADER_DRAFT_6_REMAINING: u32 = 1024;
/// RateLimit-Reset of draft 6, in seconds from now.
pub const RATECELL_HEADER_DRAFT_6_RESET: u32 = 2048;
/// RateLimit of draft 7: limit, remaining and reset in one; not with that of draft 11.
pub const RATECELL_HEADER_DRAFT_7: u32 = 4096;
/// The three X-RateLimit fields, with the reset as Unix seconds.
pub const RATECELL_HEADERS_X_RATELIMIT: u32 = 7;
/// Both X-Concurrency fields.
pub const RATECELL_HEADERS_X_CONCURRENCY: u32 = 96;
/// Both fields of draft 11.
pub const RATECELL_HEADERS_DRAFT_11: u32 = 384;
/// The three fields of draft 6.
pub const RATECELL_HEADERS_DRAFT_6: u32 = 3584;

// The bits are the core's. Written as numbers, since the header is made from these lines.
const _: () = {
    assert!(RATECELL_HEADER_X_RATELIMIT_LIMIT == HeaderStyle::X_RATELIMIT_LIMIT.bits());
    assert!(RATECELL_HEADER_X_RATELIMIT_REMAINING == HeaderStyle::X_RATELIMIT_REMAINING.bits());
    assert!(RATECELL_HEADER_X_RATELIMIT_RESET == HeaderStyle::X_RATELIMIT_RESET.bits());
    assert!(RATECELL_HEADER_X_RATELIMIT_RESET_AFTER == HeaderStyle::X_RATELIMIT_RESET_AFTER.bits());
    assert!(RATECELL_HEADER_RETRY_AFTER == HeaderStyle::RETRY_AFTER.bits());
    assert!(RATECELL_HEADER_X_CONCURRENCY_LIMIT == HeaderStyle::X_CONCURRENCY_LIMIT.bits());
    assert!(RATECELL_HEADER_X_CONCURRENCY_RUNNING == HeaderStyle::X_CONCURRENCY_RUNNING.bits());
    assert!(RATECELL_HEADER_RATELIMIT_POLICY == HeaderStyle::RATELIMIT_POLICY.bits());
    assert!(RATECELL_HEADER_RATELIMIT == HeaderStyle::RATELIMIT.bits());
    assert!(RATECELL_HEADER_DRAFT_6_LIMIT == HeaderStyle::DRAFT_6_LIMIT.bits());
    assert!(RATECELL_HEADER_DRAFT_6_REMAINING == HeaderStyle::DRAFT_6_REMAINING.bits());
    assert!(RATECELL_HEADER_DRAFT_6_RESET == HeaderStyle::DRAFT_6_RESET.bits());
    assert!(RATECELL_HEADER_DRAFT_7 == HeaderStyle::DRAFT_7.bits());
    assert!(RATECELL_HEADERS_X_RATELIMIT == HeaderStyle::X_RATELIMIT.bits());
    assert!(RATECELL_HEADERS_X_CONCURRENCY == HeaderStyle::X_CONCURRENCY.bits());
    assert!(RATECELL_HEADERS_DRAFT_11 == HeaderStyle::DRAFT_11.bits());
    assert!(RATECELL_HEADERS_DRAFT_6 == HeaderStyle::DRAFT_6.bits());
};

/// Header fields as they stand in a response: a line each.
struct Lines<'a>(Headers<'a>);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for field in self.0.clone() {
            write!(f, "{}: {}\r\n", field.name(), field.value())?;
        }
        Ok(())
    }
}

/// Writes the header fields that a response with this decision carries, each as
/// "Name: value" and the end of a line (CR LF).
///
/// style is a set of RATECELL_HEADER_ fields, put together with |. unix_now_ns is the time in
/// nanoseconds since 1970, which only resets in Unix seconds look at; ratecell_now gives it if the
/// limiter has the system's clock. By the rules of snprintf: see ratecell_explain.
///
/// Fails with RATECELL_NUMBER for a style with a bit that means nothing or with two forms of one
/// field, or as ratecell_explain does.
///
/// Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL for limiter, decision and length; buffer may be NULL if size is 0. Failure: nothing
/// is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_headers(
    limiter: *const Limiter,
    decision: *const Decision,
    style: u32,
    unix_now_ns: u64,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> Status {
    guarded(|| {
        // SAFETY: P1 for `length` and P2 for `buffer`.
        let out = unsafe { TextBuffer::new(buffer, size, length) }?;
        // SAFETY: P4 for `limiter`, and P1 for `decision`, whose struct_size is set.
        let decision = unsafe { restored(limiter, decision) }?;
        let style = header_style(style)?;
        out.print(&Lines(decision.headers(style, unix_now_ns)));
        Ok(())
    })
}

/// Writes the JSON body of a refusal, of the media type application/problem+json (RFC 9457). By the
/// rules of snprintf: see ratecell_explain.
///
/// Fails as ratecell_explain does.
///
/// Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL for limiter, decision and length; buffer may be NULL if size is 0. Failure: nothing
/// is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_problem(
    limiter: *const Limiter,
    decision: *const Decision,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> Status {
    guarded(|| {
        // SAFETY: P1 for `length` and P2 for `buffer`.
        let out = unsafe { TextBuffer::new(buffer, size, length) }?;
        // SAFETY: P4 for `limiter`, and P1 for `decision`, whose struct_size is set.
        let decision = unsafe { restored(limiter, decision) }?;
        out.print(&Report::new(&decision).problem());
        Ok(())
    })
}

/// Writes a sentence that says why, such as "key: denied: 0 of 600 left, retry after 100ms".
///
/// By the rules of snprintf: at most size bytes are written, a NUL at the end if size is not 0, and
/// length says how many bytes the whole has without its NUL; from size on, it was cut.
///
/// Fails with RATECELL_NOT_INITIALIZED for a decision that no call has written, RATECELL_LENGTH or
/// RATECELL_STRUCT_SIZE.
///
/// Threads: any, at once. Signals: not safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL for limiter, decision and length; buffer may be NULL if size is 0. Failure: nothing
/// is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_explain(
    limiter: *const Limiter,
    decision: *const Decision,
    buffer: *mut c_char,
    size: usize,
    length: *mut usize,
) -> Status {
    guarded(|| {
        // SAFETY: P1 for `length` and P2 for `buffer`.
        let out = unsafe { TextBuffer::new(buffer, size, length) }?;
        // SAFETY: P4 for `limiter`, and P1 for `decision`, whose struct_size is set.
        let decision = unsafe { restored(limiter, decision) }?;
        out.print(&decision);
        Ok(())
    })
}

/// The decision of the core that `decision` was written from.
///
/// # Safety
/// P4 of the crate for `limiter`, and P1 for `decision`, whose struct_size is set.
unsafe fn restored<'l>(
    limiter: *const Limiter,
    decision: *const Decision,
) -> Result<PlanDecision<'l>, Failure> {
    // SAFETY: P4 for `limiter`, as the caller promises.
    let limiter: &'l Limiter = unsafe { boundary::object(limiter, "limiter") }?;
    // SAFETY: P1 for `decision`, as the caller promises.
    let decision = unsafe { boundary::sized_object(decision, "decision") }?;
    decision.back(limiter.core.plan())
}

fn header_style(bits: u32) -> Result<HeaderStyle, Failure> {
    let wrong = |accepted| Failure::Number { argument: "style", found: bits.into(), accepted };
    let style = HeaderStyle::from_bits(bits)
        .ok_or_else(|| wrong("sets of RATECELL_HEADER_ fields, put together with |"))?;
    style.check().map_err(|_| wrong("sets with one form of each field"))?;
    Ok(style)
}
