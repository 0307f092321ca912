//! What becomes of a request: admitted or refused, with what its response must carry.
//!
//! One of the files with `unsafe`: the pointers of its calls and handles.

use core::ffi::c_char;
use std::boxed::Box;
use std::vec::Vec;

use ratecell_contract::{Outcome as CoreOutcome, Pass, Stage};

use crate::boundary::{self, Out, Sized32};
use crate::failure::Failure;
use crate::guard::Guard;
use crate::last_error::guarded;
use crate::limiter::AnyClock;
use crate::request::Request;
use crate::rule_decision::RATECELL_UNKNOWN;
use crate::status::Status;

/// The rules that are held before anybody knows whose request it is.
pub const RATECELL_STAGE_BEFORE_AUTH: u32 = 1;
/// The rules that are held once it is known whose request it is.
pub const RATECELL_STAGE_AFTER_AUTH: u32 = 2;
/// Both stages, one after the other.
pub const RATECELL_STAGE_WHOLE: u32 = 3;

/// A header field of a response. Both texts end in NUL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name, as published.
    pub name: *const c_char,
    /// Its value.
    pub value: *const c_char,
}

/// What a response must carry. Set struct_size before each call, by RATECELL_RESPONSE_INIT. All
/// that it points to is valid until the outcome is released. Texts end in NUL.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug)]
pub struct Response {
    /// sizeof(ratecell_response), set by the caller.
    pub struct_size: u32,
    /// 0 if the request passes, else the HTTP status of the refusal, 400 to 599.
    pub status: u32,
    /// The header fields, to be set in place of what the response carried under these names.
    pub fields: *const Field,
    /// How many there are.
    pub fields_len: usize,
    /// The media type of a refusal's body; NULL if the request passes.
    pub content_type: *const c_char,
    /// A refusal's body; NULL if the request passes.
    pub body: *const c_char,
    /// How many bytes it has, without its NUL.
    pub body_len: usize,
    /// The name of the rule that refuses; NULL if the request passes.
    pub rule: *const c_char,
    /// The smallest wait in nanoseconds after which the stage that refuses would let the same request
    /// pass if nobody else came: 0 if it passes, RATECELL_UNKNOWN if nobody can know it or no wait
    /// helps.
    pub retry_after_ns: u64,
    /// The id of the request if the contract shows it, else NULL.
    pub request_id: *const c_char,
    /// The names of the rules of a dry run that would have refused the request.
    pub would_refuse: *const *const c_char,
    /// How many there are.
    pub would_refuse_len: usize,
}

// SAFETY: the first field is `struct_size`, a u32, and `repr(C)` keeps it first.
unsafe impl Sized32 for Response {}

/// What a request holds until ratecell_outcome_release: its permits, and the texts of its response.
#[derive(Debug)]
pub struct Outcome {
    /// Kept for its drop, which gives the permits back.
    _pass: Option<Pass<AnyClock>>,
    /// What a `Response` points to; never changed once that is made.
    _texts: Texts,
    fields: Vec<Field>,
    would_refuse: Vec<*const c_char>,
}

// SAFETY: the pointers are into `_texts` of the same value, which moves with them.
unsafe impl Send for Outcome {}

/// Texts that end in NUL, each in memory of its own that stays where it is.
#[derive(Debug, Default)]
struct Texts(Vec<Vec<u8>>);

impl Texts {
    fn keep(&mut self, text: &str) -> *const c_char {
        let mut bytes = Vec::with_capacity(text.len().saturating_add(1));
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        let start = bytes.as_ptr().cast();
        self.0.push(bytes);
        start
    }

    fn keep_any(&mut self, text: Option<&str>) -> *const c_char {
        text.map_or(core::ptr::null(), |text| self.keep(text))
    }
}

/// The handle and the response that points into it.
fn laid_out(outcome: CoreOutcome<AnyClock>) -> (Box<Outcome>, Response) {
    let mut texts = Texts::default();
    let fields = outcome.fields().iter();
    let fields: Vec<_> = fields
        .map(|(name, value)| Field { name: texts.keep(name), value: texts.keep(value) })
        .collect();
    let request_id = texts.keep_any(outcome.request_id());
    let mut response = Response {
        #[expect(clippy::cast_possible_truncation, reason = "some dozen bytes")]
        struct_size: size_of::<Response>() as u32,
        status: 0,
        fields: core::ptr::null(),
        fields_len: fields.len(),
        content_type: core::ptr::null(),
        body: core::ptr::null(),
        body_len: 0,
        rule: core::ptr::null(),
        retry_after_ns: 0,
        request_id,
        would_refuse: core::ptr::null(),
        would_refuse_len: 0,
    };
    let mut would_refuse = Vec::new();
    let pass = match outcome {
        CoreOutcome::Pass(pass) => {
            would_refuse.extend(pass.would_refuse().map(|rule| texts.keep(rule)));
            Some(pass)
        }
        CoreOutcome::Refuse(refusal) => {
            would_refuse.extend(refusal.would_refuse().map(|rule| texts.keep(rule)));
            response.status = refusal.status().into();
            response.content_type = texts.keep(refusal.content_type());
            response.body = texts.keep(refusal.body());
            response.body_len = refusal.body().len();
            response.rule = texts.keep(refusal.rule());
            response.retry_after_ns = refusal.retry_after_ns().unwrap_or(RATECELL_UNKNOWN);
            None
        }
    };
    let outcome = Box::new(Outcome { _pass: pass, _texts: texts, fields, would_refuse });
    response.fields = outcome.fields.as_ptr();
    response.would_refuse = outcome.would_refuse.as_ptr();
    response.would_refuse_len = outcome.would_refuse.len();
    (outcome, response)
}

fn stage(number: u32) -> Result<Stage, Failure> {
    match number {
        RATECELL_STAGE_BEFORE_AUTH => Ok(Stage::BeforeAuth),
        RATECELL_STAGE_AFTER_AUTH => Ok(Stage::AfterAuth),
        RATECELL_STAGE_WHOLE => Ok(Stage::Whole),
        found => Err(Failure::Number {
            argument: "stage",
            found: found.into(),
            accepted: "RATECELL_STAGE_BEFORE_AUTH (1), _AFTER_AUTH (2) and _WHOLE (3)",
        }),
    }
}

/// Decides about a request at a stage, or at both in order by RATECELL_STAGE_WHOLE.
///
/// response->status is 0 if the request goes on to its handler; else it is answered by the fields,
/// content_type and body of the response. Either way release the outcome when the last byte of the
/// response is sent or given up, which gives back the permits that the request holds. A request
/// that no rule applies to passes.
///
/// Fails with RATECELL_REQUEST for a limit of the caller's own that fits no rule, RATECELL_NUMBER
/// for another stage, length of an address or reserved number, RATECELL_UTF8, RATECELL_LENGTH or
/// RATECELL_STRUCT_SIZE.
///
/// Threads: any, at once; lock-free but for the allocator. Signals: not safe. Memory: allocates the
/// outcome. Clock: read once. NULL: RATECELL_NULL, but for what ratecell_request says may be.
/// Failure: nothing is taken or written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_admit(
    guard: *const Guard,
    stage: u32,
    request: *const Request,
    response: *mut Response,
    outcome: *mut *mut Outcome,
) -> Status {
    guarded(|| {
        // SAFETY: P1 for `response`, whose struct_size is set.
        let response = unsafe { Out::sized(response, "response") }?;
        // SAFETY: P1 for `outcome`.
        let outcome = unsafe { Out::new(outcome, "outcome") }?;
        // SAFETY: P4 for `guard`.
        let guard = unsafe { boundary::object(guard, "guard") }?;
        // SAFETY: P1 for `request`, whose struct_size is set.
        let request = unsafe { boundary::sized_object(request, "request") }?;
        // SAFETY: P1 to P3 for what it points to.
        let request = unsafe { request.check() }?;
        let decided = guard.core.admit(self::stage(stage)?, &request.as_request())?;
        let (held, laid) = laid_out(decided);
        response.write(laid);
        outcome.write(Box::into_raw(held));
        Ok(())
    })
}

/// Gives back what a request holds, and ends the outcome. It may be done on any thread, and after
/// the guard was destroyed.
///
/// Threads: no other call may use the outcome meanwhile or later. Signals: not safe. Memory: gives
/// it back, and with it all that the response points to. Clock: not read. NULL: does nothing.
/// Failure: none. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_outcome_release(outcome: *mut Outcome) {
    guarded(|| {
        if !outcome.is_null() {
            // SAFETY: P4: it came from `Box::into_raw` in admit, and this is its last use.
            drop(unsafe { Box::from_raw(outcome) });
        }
        Ok(())
    });
}
