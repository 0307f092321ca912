//! The four published contracts, each driven through a whole window, its edge and after it.
//!
//! Expected fields and bodies stand as the providers publish them; each body is read by an
//! independent JSON parser, too.

mod peeker;
mod prefetch;
mod productlane;
mod prolifi;

use ratecell::ManualClock;
use ratecell_contract::{Contract, Fields, Guard, Outcome, Pass, Request, Stage};

/// A Sunday at noon, in Unix seconds: the start of a minute.
const NOON: u64 = 1_795_348_800;
const SECOND_NS: u64 = 1_000_000_000;

/// A guard for one of the contracts at noon; its ids count up from 1.
fn guard(file: &str) -> Guard<ManualClock> {
    let path = format!("{}/../contracts/{file}.toml", env!("CARGO_MANIFEST_DIR"));
    let contract = Contract::load(path).unwrap_or_else(|error| panic!("{error}"));
    let numbers = std::sync::atomic::AtomicU64::new(1);
    let next = move || numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed).into();
    let clock = ManualClock::new(NOON * SECOND_NS);
    Guard::builder(contract).capacity(1000).clock(clock).request_numbers(next).build().unwrap()
}

/// A response as a client sees it, but for the body of a request that passes.
#[derive(Debug, PartialEq)]
struct Response {
    status: u16,
    fields: Vec<(String, String)>,
    body: String,
}

impl Response {
    fn new(status: u16, fields: &[(&str, &str)], body: &str) -> Self {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Self { status, fields: fields.iter().map(owned).collect(), body: body.to_owned() }
    }

    fn ok(fields: &[(&str, &str)]) -> Self {
        Self::new(200, fields, "")
    }

    /// A refusal in JSON, which no cache may keep.
    fn refused(fields: &[(&str, &str)], body: &str) -> Self {
        let mut response = Self::new(429, fields, body);
        response.fields.push(("Cache-Control".into(), "no-store".into()));
        response
    }
}

fn copied(fields: &Fields) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The response to a request whose handler is done at once.
fn response(guard: &Guard<ManualClock>, stage: Stage, request: &Request<'_>) -> Response {
    held(guard, stage, request).1
}

/// As [`response`], with the pass still held if there is one.
fn held(
    guard: &Guard<ManualClock>,
    stage: Stage,
    request: &Request<'_>,
) -> (Option<Pass<ManualClock>>, Response) {
    match guard.admit(stage, request).unwrap() {
        Outcome::Pass(pass) => {
            let fields = copied(pass.fields());
            (Some(pass), Response { status: 200, fields, body: String::new() })
        }
        Outcome::Refuse(refusal) => {
            assert_eq!(refusal.content_type(), "application/json");
            let parsed: serde_json::Value = serde_json::from_str(refusal.body()).unwrap();
            assert!(parsed.is_object());
            let (status, fields) = (refusal.status(), copied(refusal.fields()));
            (None, Response { status, fields, body: refusal.into_body() })
        }
    }
}

/// Sends `count` requests that must all pass.
fn pass_all(guard: &Guard<ManualClock>, stage: Stage, request: &Request<'_>, count: usize) {
    for number in 0..count {
        let response = response(guard, stage, request);
        assert_eq!(response.status, 200, "request {number}: {response:?}");
    }
}

/// Moves the clock to a time after noon.
fn at_ns(guard: &Guard<ManualClock>, after_noon_ns: u64) {
    guard.clock().set(NOON * SECOND_NS + after_noon_ns);
}

fn at(guard: &Guard<ManualClock>, after_noon: u64) {
    at_ns(guard, after_noon * SECOND_NS);
}
