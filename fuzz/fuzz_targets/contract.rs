//! Oracle: a contract is accepted or each fault of it has a place in the text; a guard of an accepted
//! one answers every request with what can be sent, and an error charges nothing.
//!
//! A text is made of lines that mean something, with others between them, so that most get far.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ratecell::ManualClock;
use ratecell_contract::{Contract, Guard, Limit, Outcome, Request, Stage};

const LINES: [&str; 52] = [
    "name = \"shop\"",
    "[[rule]]",
    "name = \"key\"",
    "name = \"ip\"",
    "name = \"inflight\"",
    "limit = \"600/min\"",
    "limit = \"fixed 2/s\"",
    "limit = \"sliding 3/10s segments 62\"",
    "limit = \"concurrency 1\"",
    "limit = \"1/366d burst 1000\"",
    "by = \"ip\"",
    "by = \"bearer\"",
    "by = \"header:X-Api-Key\"",
    "by = \"value:tenant\"",
    "absent = \"share\"",
    "absent = \"skip\"",
    "stage = \"before-auth\"",
    "stage = \"after-auth\"",
    "methods = [\"GET\"]",
    "methods = [\"POST\", \"PATCH\"]",
    "paths = [\"/v1/**\"]",
    "paths = [\"/a/*/b\", \"/\"]",
    "except = [\"/v1/health\"]",
    "show = false",
    "enforce = false",
    "message = \"Too fast\"",
    "message = 'say \"please\"'",
    "[rule.refused]",
    "status = 429",
    "status = 503",
    "status = 200",
    "content_type = \"text/plain\"",
    "body = \"{limit} {remaining} {window} {retry_after_seconds}\"",
    "body = '{\"n\":{limit},\"rule\":\"{rule.name}\",\"why\":{rule.message}}'",
    "body = '{\"id\":\"{request_id}\",\"c\":[{concurrency.limit},{concurrency.running}]}'",
    "body = '{'",
    "[rule.refused.headers]",
    "Shop-Wait = \"{reset_seconds} s\"",
    "Shop-Id = \"{request_id}\"",
    "[response]",
    "headers = [\"x-ratelimit\", \"retry-after\"]",
    "headers = [\"ratelimit\", \"x-concurrency\"]",
    "headers = [\"draft-6\", \"draft-7\"]",
    "headers = []",
    "reset = \"unix\"",
    "reset = \"seconds\"",
    "[response.always]",
    "[response.refused]",
    "[request_id]",
    "header = \"X-Request-Id\"",
    "ipv6_prefix = 48",
    "ipv6_prefix = 129",
];

#[derive(Arbitrary, Debug)]
struct Input {
    lines: Vec<Line>,
    requests: Vec<Asked>,
}

#[derive(Arbitrary, Debug)]
enum Line {
    Known(u8),
    Own(String),
}

#[derive(Arbitrary, Debug)]
struct Asked {
    is_get: bool,
    path: String,
    key: Vec<u8>,
    address: Option<[u8; 16]>,
    cap: Option<u32>,
    cost: u8,
    after_ms: u16,
}

fuzz_target!(|input: Input| {
    let line = |line: &Line| match line {
        Line::Known(number) => LINES[usize::from(*number) % LINES.len()].to_owned(),
        Line::Own(text) => text.clone(),
    };
    let text = input.lines.iter().map(line).collect::<Vec<_>>().join("\n");
    let contract = match Contract::parse(&text) {
        Ok(contract) => contract,
        Err(error) => {
            assert!(!error.faults().is_empty(), "{text}");
            for fault in error.faults() {
                assert!(fault.offset() <= text.len() && fault.line() > 0, "{fault} in {text}");
                assert!(!fault.to_string().is_empty(), "{text}");
            }
            return;
        }
    };
    assert!(!contract.promises().is_empty(), "{text}");
    let guard = Guard::builder(contract).capacity(8).clock(ManualClock::new(0));
    let Ok(guard) = guard.build() else { return };
    for asked in input.requests.iter().take(16) {
        send(&guard, asked);
    }
});

fn send(guard: &Guard<ManualClock>, asked: &Asked) {
    guard.clock().advance(u64::from(asked.after_ms) * 1_000_000);
    let headers: &[(&str, &[u8])] =
        &[("authorization", &asked.key), ("x-api-key", &asked.key), ("x-request-id", &asked.key)];
    let first = guard.contract().rules().first().map(|rule| rule.name());
    let limits: Vec<_> = first.zip(asked.cap.map(Limit::Cap)).into_iter().collect();
    let request = Request {
        peer: asked.address.map(Into::into),
        headers: &headers,
        values: &[("tenant", &asked.key)],
        limits: &limits,
        cost: asked.cost.into(),
        ..Request::new(if asked.is_get { "GET" } else { "POST" }, &asked.path)
    };
    let charged = || guard.stats().map(|rule| rule.allowed).sum::<u64>();
    for stage in [Stage::BeforeAuth, Stage::AfterAuth] {
        let before = charged();
        let Ok(outcome) = guard.admit(stage, &request) else {
            assert!(asked.cap.is_some(), "only a cap can make no sense");
            assert_eq!(charged(), before, "an error charges nothing");
            return;
        };
        for (name, value) in outcome.fields().iter() {
            let is_value = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
            assert!(!name.is_empty() && value.bytes().all(is_value), "{name}: {value:?}");
        }
        if let Outcome::Refuse(refusal) = outcome {
            assert!((400..600).contains(&refusal.status()), "{}", refusal.status());
            return;
        }
    }
}
