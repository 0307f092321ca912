//! One contract, the same answers in every language: random sequences of requests with what the guard
//! in Rust answers, which the tests of each language replay.
//!
//! They stand in `sequences.jsonl`, one a line; `README.md` beside it has the format. After a wanted
//! change `RATECELL_BLESS=1` makes them anew, by `generate`; read the difference before it is kept.

mod generate;

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use ratecell::ManualClock;
use ratecell_contract::{
    Contract, ForwardedField, Guard, Limit, Outcome, Pass, Request, RequestError, Stage,
};
use serde_json::{Value, json};

type TestGuard = Guard<Arc<ManualClock>>;

#[test]
fn every_sequence_is_answered_as_it_is_written() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay/sequences.jsonl");
    if env::var_os("RATECELL_BLESS").is_some() {
        let lines = generate::sequences().into_iter().map(|mut sequence| {
            replay(&mut sequence, |step, found| step["expect"] = found);
            format!("{sequence}\n")
        });
        fs::write(&file, lines.collect::<String>()).unwrap();
    }
    let text = fs::read_to_string(&file).unwrap();
    let mut refused = 0;
    for (line, sequence) in text.lines().enumerate() {
        let mut sequence: Value = serde_json::from_str(sequence).unwrap();
        replay(&mut sequence, |step, found| {
            assert_eq!(step["expect"], found, "line {}: {step}", line + 1);
            refused += usize::from(found["status"].is_u64());
        });
    }
    assert!(text.lines().count() >= 40 && refused >= 60, "the sequences show too little");
}

/// Plays a sequence, and calls `told` with each request and what it was answered.
fn replay(sequence: &mut Value, mut told: impl FnMut(&mut Value, Value)) {
    let clock = Arc::new(ManualClock::new(0));
    let guard = guard(sequence, &clock);
    let mut held = HashMap::new();
    for (number, step) in sequence["steps"].as_array_mut().unwrap().iter_mut().enumerate() {
        if let Some(earlier) = step["release"].as_u64() {
            held.remove(&earlier);
            continue;
        }
        clock.set(text(&step["now_ns"]).parse().unwrap());
        let found = match admit(&guard, step) {
            Ok(outcome) => {
                let found = answer(&outcome);
                held.extend(outcome.pass().map(|pass: Pass<_>| (number as u64, pass)));
                found
            }
            Err(_) => json!("error"),
        };
        told(step, found);
    }
    let counted = guard
        .stats()
        .map(|rule| json!([rule.rule.name(), rule.allowed, rule.refused, rule.would_have_refused]));
    let counted: Value = counted.collect();
    if sequence["stats"].is_null() {
        sequence["stats"] = counted;
    } else {
        assert_eq!(sequence["stats"], counted);
    }
}

fn guard(sequence: &Value, clock: &Arc<ManualClock>) -> TestGuard {
    let contract = Contract::parse(text(&sequence["contract"])).unwrap();
    let proxies: Vec<_> =
        items(&sequence["trusted_proxies"]).map(|proxy| text(proxy).parse().unwrap()).collect();
    let field = match text(&sequence["forwarded_field"]) {
        "x-forwarded-for" => ForwardedField::XForwardedFor,
        "forwarded" => ForwardedField::Forwarded,
        _ => ForwardedField::Either,
    };
    let builder = Guard::builder(contract).trusted_proxies(&proxies).forwarded_field(field);
    builder.capacity(256).clock(Arc::clone(clock)).build().unwrap()
}

fn admit(guard: &TestGuard, step: &Value) -> Result<Outcome<Arc<ManualClock>>, RequestError> {
    let headers: Vec<(&str, Vec<u8>)> = items(&step["headers"])
        .map(|field| (text(&field[0]), text(&field[1]).chars().map(|byte| byte as u8).collect()))
        .collect();
    let values: Vec<(&str, Vec<u8>)> =
        items(&step["values"]).map(|value| (text(&value[0]), bytes(&value[1]))).collect();
    let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_slice())).collect();
    let limits: Vec<(&str, Limit<'_>)> = items(&step["limits"])
        .map(|limit| match limit[1].as_u64() {
            Some(cap) => (text(&limit[0]), Limit::Cap(u32::try_from(cap).unwrap())),
            None => (text(&limit[0]), Limit::Text(text(&limit[1]))),
        })
        .collect();
    let stage = match text(&step["stage"]) {
        "before-auth" => Stage::BeforeAuth,
        "after-auth" => Stage::AfterAuth,
        _ => Stage::Whole,
    };
    let request = Request {
        peer: step["peer"].as_str().map(|peer| peer.parse().unwrap()),
        headers: &headers,
        values: &values,
        limits: &limits,
        cost: u32::try_from(step["cost"].as_u64().unwrap()).unwrap(),
        ..Request::new(text(&step["method"]), text(&step["path"]))
    };
    guard.admit(stage, &request)
}

fn answer(outcome: &Outcome<Arc<ManualClock>>) -> Value {
    let fields: Value = outcome.fields().iter().map(|(name, value)| json!([name, value])).collect();
    let id = outcome.request_id();
    match outcome {
        Outcome::Pass(pass) => json!({
            "fields": fields,
            "request_id": id,
            "would_refuse": pass.would_refuse().collect::<Vec<_>>(),
            "holds_permits": pass.holds_permits(),
        }),
        Outcome::Refuse(refusal) => json!({
            "fields": fields,
            "request_id": id,
            "would_refuse": refusal.would_refuse().collect::<Vec<_>>(),
            "status": refusal.status(),
            "rule": refusal.rule(),
            "content_type": refusal.content_type(),
            "body": refusal.body(),
            "retry_after_ns": refusal.retry_after_ns().map(|wait| wait.to_string()),
        }),
    }
}

/// A value that a service has worked out: a text, or an integer of 64 bits in digits.
fn bytes(value: &Value) -> Vec<u8> {
    match value["integer"].as_str() {
        Some(digits) => digits.parse::<u64>().unwrap().to_le_bytes().into(),
        None => text(&value["text"]).into(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}
