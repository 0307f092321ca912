//! A contract asked through the C ABI answers as it does in Rust: status, fields, body, waits and
//! permits, on the four published contracts.

use core::ffi::{CStr, c_char, c_void};
use core::ptr::{null, null_mut};
use std::ffi::CString;
use std::sync::atomic::{AtomicU64, Ordering};

use ratecell::ManualClock;
use ratecell_c::*;
use ratecell_contract as contract;

/// A Sunday at noon in Unix nanoseconds.
const NOON_NS: u64 = 1_795_348_800_000_000_000;

unsafe extern "C" fn read_clock(context: *mut c_void) -> u64 {
    // SAFETY: the context is the `AtomicU64` of the test, which outlives the guard.
    unsafe { &*context.cast::<AtomicU64>() }.load(Ordering::Relaxed)
}

/// What a request is answered, in words.
type Answer = (u32, Vec<(String, String)>, String, String, Option<u64>, Vec<String>);

struct InC {
    guard: *mut Guard,
    clock: Box<AtomicU64>,
}

impl InC {
    fn load(path: &str) -> Self {
        let clock = Box::new(AtomicU64::new(NOON_NS));
        let options = GuardOptions {
            struct_size: size_of::<GuardOptions>() as u32,
            when_full: RATECELL_WHEN_FULL_DENY,
            capacity: 1000,
            clock: Some(read_clock),
            clock_context: (&raw const *clock).cast_mut().cast(),
            seed: [7; 16].as_ptr(),
            trusted_proxies: null(),
            trusted_proxies_len: 0,
            forwarded_field: RATECELL_FORWARDED_EITHER,
            reserved: 0,
        };
        let path = CString::new(path).unwrap();
        let mut guard = null_mut();
        // SAFETY: all pointers are to what lives here; the clock lives as long as the guard.
        let status = unsafe { ratecell_guard_load(path.as_ptr(), &options, &mut guard) };
        assert_eq!(status, RATECELL_OK);
        Self { guard, clock }
    }

    fn admit(&self, stage: u32, call: &Call) -> (Answer, *mut Outcome) {
        let texts = |text: &str| CString::new(text).unwrap();
        let (method, path) = (texts(call.method), texts(call.path));
        let names: Vec<_> = call.headers.iter().map(|(name, _)| texts(name)).collect();
        let headers: Vec<_> = call
            .headers
            .iter()
            .zip(&names)
            .map(|((_, value), name)| Header {
                name: name.as_ptr(),
                value: value.as_ptr().cast(),
                value_len: value.len(),
            })
            .collect();
        let id = Value { name: c"request_id".as_ptr(), data: b"req_7".as_ptr().cast(), len: 5 };
        let rule = call.cap.map(|(rule, cap)| (texts(rule), cap));
        let limit = rule.as_ref().map(|(rule, cap)| OwnLimit {
            rule: rule.as_ptr(),
            text: null(),
            cap: *cap,
            reserved: 0,
        });
        let request = Request {
            struct_size: size_of::<Request>() as u32,
            cost: call.cost,
            method: method.as_ptr(),
            path: path.as_ptr(),
            peer: call.peer.as_ptr(),
            peer_len: 4,
            headers: if call.by_function { null() } else { headers.as_ptr() },
            headers_len: if call.by_function { 0 } else { headers.len() },
            header_function: Some(find_header),
            header_context: (&raw const headers).cast_mut().cast(),
            values: &id,
            values_len: 1,
            limits: limit.as_ref().map_or(null(), |limit| limit),
            limits_len: usize::from(limit.is_some()),
        };
        // SAFETY: plain numbers and pointers, of which NULL is one.
        let mut response: Response = unsafe { core::mem::zeroed() };
        response.struct_size = size_of::<Response>() as u32;
        let mut outcome = null_mut();
        // SAFETY: all pointers are to what lives here.
        let status =
            unsafe { ratecell_admit(self.guard, stage, &request, &mut response, &mut outcome) };
        assert_eq!(status, RATECELL_OK);
        (read(&response), outcome)
    }
}

impl Drop for InC {
    fn drop(&mut self) {
        // SAFETY: made in `load`, and used no more.
        unsafe { ratecell_guard_destroy(self.guard) };
    }
}

unsafe extern "C" fn find_header(
    context: *mut c_void,
    name: *const c_char,
    visit: HeaderVisit,
    state: *mut c_void,
) {
    // SAFETY: the context is the list in `admit`.
    let headers = unsafe { &*context.cast::<Vec<Header>>() };
    // SAFETY: the library gives a name that ends in NUL.
    let wanted = unsafe { CStr::from_ptr(name) };
    for header in headers {
        // SAFETY: the names of the list end in NUL.
        let name = unsafe { CStr::from_ptr(header.name) };
        if name.to_bytes().eq_ignore_ascii_case(wanted.to_bytes()) {
            // SAFETY: the library gives a function and its state.
            unsafe { visit.unwrap()(state, header.value, header.value_len) };
        }
    }
}

fn text(start: *const c_char) -> String {
    if start.is_null() {
        return String::new();
    }
    // SAFETY: texts of a response end in NUL, and its outcome is not released yet.
    unsafe { CStr::from_ptr(start) }.to_str().unwrap().to_owned()
}

fn read(response: &Response) -> Answer {
    // SAFETY: so many fields are there, and the outcome is not released yet.
    let fields = unsafe { core::slice::from_raw_parts(response.fields, response.fields_len) };
    // SAFETY: as above.
    let would =
        unsafe { core::slice::from_raw_parts(response.would_refuse, response.would_refuse_len) };
    let body = text(response.body);
    assert_eq!(body.len(), response.body_len);
    let wait = (response.retry_after_ns != RATECELL_UNKNOWN).then_some(response.retry_after_ns);
    (
        response.status,
        fields.iter().map(|field| (text(field.name), text(field.value))).collect(),
        text(response.content_type) + &body,
        text(response.rule),
        wait,
        would.iter().map(|&rule| text(rule)).collect(),
    )
}

struct Call {
    method: &'static str,
    path: &'static str,
    peer: [u8; 4],
    headers: Vec<(&'static str, &'static str)>,
    cap: Option<(&'static str, u32)>,
    cost: u32,
    by_function: bool,
}

fn in_rust(outcome: &contract::Outcome<&ManualClock>) -> Answer {
    let fields = outcome.fields().iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    match outcome {
        contract::Outcome::Pass(pass) => {
            let would = pass.would_refuse().map(str::to_owned).collect();
            (0, fields, String::new(), String::new(), Some(0), would)
        }
        contract::Outcome::Refuse(refusal) => (
            refusal.status().into(),
            fields,
            refusal.content_type().to_owned() + refusal.body(),
            refusal.rule().to_owned(),
            refusal.retry_after_ns(),
            refusal.would_refuse().map(str::to_owned).collect(),
        ),
    }
}

/// Numbers that look random, the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ word >> 31) % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }
}

fn call(numbers: &mut Numbers, first_rule: &'static str) -> Call {
    let mut headers = vec![("User-Agent", "test")];
    if numbers.below(10) > 0 {
        headers.push(("Authorization", numbers.of(&["Bearer a", "Bearer b", "bearer b"])));
        headers.push(("X-Api-Key", numbers.of(&["k1", "k2"])));
    }
    Call {
        method: numbers.of(&["GET", "POST", "PATCH", "HEAD"]),
        path: numbers.of(&["/v1/items?page=2", "/domains/import", "/v1/a/b", "/"]),
        peer: numbers.of(&[[192, 0, 2, 1], [192, 0, 2, 2]]),
        headers,
        cap: (numbers.below(20) == 0).then_some((first_rule, 700)),
        cost: numbers.of(&[1, 1, 1, 2, 0]),
        by_function: numbers.below(2) == 0,
    }
}

#[test]
fn a_contract_answers_in_c_as_in_rust() {
    for file in ["peeker", "productlane", "prefetch", "prolifi"] {
        let path = format!("{}/../contracts/{file}.toml", env!("CARGO_MANIFEST_DIR"));
        let in_c = InC::load(&path);
        let clock = ManualClock::new(NOON_NS);
        let loaded = contract::Contract::load(&path).unwrap();
        let first_rule = loaded.rules()[0].name().to_owned().leak();
        let guard = contract::Guard::builder(loaded).capacity(1000).clock(&clock).build().unwrap();
        let mut numbers = Numbers(file.len() as u64);
        let mut now_ns = NOON_NS;
        let (mut passed, mut refused) = (0, 0);
        let mut held = Vec::new();
        for _ in 0..6000 {
            now_ns += numbers.below(20_000_000);
            clock.set(now_ns);
            in_c.clock.store(now_ns, Ordering::Relaxed);
            let call = call(&mut numbers, first_rule);
            let (number, stage) = numbers.of(&[
                (RATECELL_STAGE_WHOLE, contract::Stage::Whole),
                (RATECELL_STAGE_BEFORE_AUTH, contract::Stage::BeforeAuth),
                (RATECELL_STAGE_AFTER_AUTH, contract::Stage::AfterAuth),
            ]);
            let limits = call.cap.map(|(rule, cap)| (rule, contract::Limit::Cap(cap)));
            let headers = call.headers.as_slice();
            let request = contract::Request {
                peer: Some(call.peer.into()),
                headers: &headers,
                values: &[("request_id", b"req_7")],
                limits: limits.as_slice(),
                cost: call.cost,
                ..contract::Request::new(call.method, call.path)
            };
            let (answer, outcome) = in_c.admit(number, &call);
            let expected = guard.admit(stage, &request).unwrap();
            assert_eq!(answer, in_rust(&expected), "{file}");
            if answer.0 == 0 {
                passed += 1
            } else {
                refused += 1
            }
            held.push((outcome, expected));
            if numbers.below(3) > 0 {
                let (outcome, expected) =
                    held.swap_remove(usize::try_from(numbers.below(held.len() as u64)).unwrap());
                // SAFETY: made by `admit`, and used no more.
                unsafe { ratecell_outcome_release(outcome) };
                drop(expected);
            }
        }
        for (position, counted) in (0..).zip(guard.stats()) {
            // SAFETY: plain numbers.
            let mut counts: RuleCounts = unsafe { core::mem::zeroed() };
            counts.struct_size = size_of::<RuleCounts>() as u32;
            // SAFETY: both pointers are to what lives here.
            let status = unsafe { ratecell_guard_stats(in_c.guard, position, &mut counts) };
            assert_eq!(status, RATECELL_OK);
            assert_eq!((counts.allowed, counts.refused), (counted.allowed, counted.refused));
        }
        for (outcome, _) in held {
            // SAFETY: made by `admit`, and used no more.
            unsafe { ratecell_outcome_release(outcome) };
        }
        assert!(passed > 500 && refused > 500, "{file}: {passed} passed, {refused} refused");
    }
}
