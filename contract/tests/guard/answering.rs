//! What responses say: fields, bodies and numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use ratecell::Clock;
use ratecell_contract::{Contract, Guard, Request, Stage};

use super::{admit, guard, one_rule, with_headers};

#[test]
fn list_fields_are_structured_fields_of_every_shown_rule() {
    let guard = guard(
        r#"
        name = "shop"
        [[rule]]
        name = "ip"
        limit = "fixed 300/min"
        by = "ip"
        stage = "before-auth"
        [[rule]]
        name = "key"
        limit = "sliding 600/min"
        by = "bearer"
        [[rule]]
        name = "hidden"
        limit = "20/s"
        by = "bearer"
        show = false
        [[rule]]
        name = "inflight"
        limit = "concurrency 8"
        by = "bearer"
        [response]
        headers = ["ratelimit"]
        "#,
    );
    let headers: &[(&str, &[u8])] = &[("authorization", b"Bearer a")];
    let pass = admit(&guard, &with_headers(&headers)).pass().unwrap();
    let list = |name: &str| {
        let value = pass.fields().get(name).unwrap();
        let parsed: sfv::List = sfv::Parser::new(value).parse().unwrap();
        let members = parsed.iter().map(|member| {
            let sfv::ListEntry::Item(item) = member else { panic!("{value}") };
            let parameter = |name: &str| {
                item.params.get(name).and_then(|value| value.as_integer()).map(i64::from)
            };
            let numbers = ["q", "w", "r", "t"].map(parameter);
            (item.bare_item.as_string().unwrap().as_str().to_owned(), numbers)
        });
        members.collect::<Vec<_>>()
    };
    assert_eq!(
        list("ratelimit-policy"),
        [
            ("ip".to_owned(), [Some(300), Some(60), None, None]),
            ("key".to_owned(), [Some(600), Some(60), None, None]),
            ("inflight".to_owned(), [Some(8), None, None, None]),
        ]
    );
    assert_eq!(
        list("ratelimit"),
        [
            ("ip".to_owned(), [None, None, Some(299), Some(60)]),
            ("key".to_owned(), [None, None, Some(599), Some(60)]),
            ("inflight".to_owned(), [None, None, Some(7), None]),
        ]
    );
}

#[test]
fn without_a_body_of_its_own_a_refusal_is_a_problem_document() {
    let text = one_rule("limit = \"fixed 1/min\"\nby = \"ip\"\nmessage = \"Too \\\"fast\\\"\"");
    let guard = guard(&(text + "[response.refused]\nstatus = 503\n"));
    let request = Request::new("GET", "/");
    assert!(admit(&guard, &request).passes());
    let refusal = admit(&guard, &request).refusal().unwrap();
    assert_eq!((refusal.status(), refusal.content_type()), (503, "application/problem+json"));
    let problem: serde_json::Value = serde_json::from_str(refusal.body()).unwrap();
    assert_eq!(problem["status"], 503);
    assert_eq!(problem["detail"], "Too \"fast\"");
    assert_eq!(problem["violated-policies"], serde_json::json!(["key"]));
}

#[test]
fn every_placeholder_shows_its_number() {
    let body = r#"{"rule":"{rule.name}","message":{rule.message},"n":[{limit},{remaining},
        {window_seconds},{retry_after_seconds},{reset_seconds},{reset_unix},
        {concurrency.limit},{concurrency.running}],"window":"{window}","id":{request_id}}"#;
    let guard = guard(&format!(
        r#"
        name = "shop"
        [[rule]]
        name = "key"
        limit = "fixed 2/10s"
        by = "bearer"
        message = "say \"please\"\n"
        [[rule]]
        name = "inflight"
        limit = "concurrency 1"
        by = "bearer"
        message = "wait"
        [request_id]
        header = "X-Request-Id"
        [response.refused]
        body = '''{body}'''
        [response.refused.headers]
        Shop-Wait = "{{retry_after_seconds}} s for {{rule.name}}"
        Shop-Constant = "1"
        "#
    ));
    let headers: &[(&str, &[u8])] = &[("authorization", b"Bearer a"), ("x-request-id", b"id-7")];
    let request = with_headers(&headers);
    guard.clock().set(3_500_000_000);
    let pass = admit(&guard, &request).pass().unwrap();
    let refused = |request: &Request<'_>| {
        let refusal = admit(&guard, request).refusal().unwrap();
        let fields = ["shop-wait", "shop-constant"]
            .map(|name| refusal.fields().get(name).map(str::to_owned));
        (serde_json::from_str::<serde_json::Value>(refusal.body()).unwrap(), fields)
    };
    let expected = serde_json::json!({
        "rule": "inflight", "message": "wait", "n": [1, 0, null, null, null, null, 1, 1],
        "window": "unknown", "id": "id-7",
    });
    // A field without its number is left out.
    assert_eq!(refused(&request), (expected, [None, Some("1".into())]));
    drop(pass);
    assert!(admit(&guard, &request).passes());
    let expected = serde_json::json!({
        "rule": "key", "message": "say \"please\"\n", "n": [2, 0, 10, 7, 7, 10, 1, 0],
        "window": "10s", "id": "id-7",
    });
    let wait = Some("7 s for key".to_owned());
    assert_eq!(refused(&request), (expected, [wait, Some("1".into())]));
}

/// A clock that moves on while it is read, as real ones do.
struct Moving(AtomicU64);

impl Moving {
    const STEP_NS: u64 = 1_000;
}

impl Clock for Moving {
    fn now_ns(&self) -> u64 {
        self.0.fetch_add(Self::STEP_NS, Ordering::Relaxed)
    }
}

fn on_a_moving_clock(text: &str, start_ns: u64) -> Guard<Moving> {
    let clock = Moving(AtomicU64::new(start_ns));
    Guard::builder(Contract::parse(text).unwrap()).clock(clock).build().unwrap()
}

#[test]
fn a_request_is_decided_on_at_one_instant_at_all_stages() {
    let guard = on_a_moving_clock(
        r#"
        name = "shop"
        [[rule]]
        name = "ip"
        limit = "fixed 2/min"
        by = "ip"
        stage = "before-auth"
        [[rule]]
        name = "key"
        limit = "fixed 1/min"
        by = "ip"
        [[rule]]
        name = "inflight"
        limit = "concurrency 8"
        by = "ip"
        "#,
        0,
    );
    let request = Request::new("GET", "/");
    let read = || guard.clock().0.load(Ordering::Relaxed) / Moving::STEP_NS;
    for calls in 1..=2 {
        let outcome = guard.admit(Stage::Whole, &request).unwrap();
        assert_eq!(read(), calls, "the clock is read once a request");
        let wait_ns = outcome.refusal().map(|refusal| refusal.retry_after_ns().unwrap());
        let instant_ns = (calls - 1) * Moving::STEP_NS;
        assert_eq!(wait_ns, (calls == 2).then_some(60_000_000_000 - instant_ns));
    }
}

#[test]
fn a_reset_is_the_end_of_the_window_though_the_clock_moves_on_meanwhile() {
    let guard = on_a_moving_clock(
        r#"
        name = "reset"
        [[rule]]
        name = "key"
        limit = "fixed 100/min"
        by = "ip"
        [response]
        headers = ["x-ratelimit"]
        reset = "unix"
        "#,
        1_790_000_052 * 1_000_000_000,
    );
    for _ in 0..101 {
        let outcome = guard.admit(Stage::Whole, &Request::new("GET", "/")).unwrap();
        assert_eq!(outcome.fields().get("x-ratelimit-reset"), Some("1790000100"));
    }
}

#[test]
fn an_id_of_128_plain_characters_is_taken_over_and_a_new_one_begins_with_the_prefix() {
    let text = |prefix: &str| {
        let rule =
            one_rule("limit = \"fixed 1/min\"\nby = \"ip\"\nmessage = \"say \\\"a\\tb\\\"\\n\"");
        format!(
            "{rule}[request_id]\nheader = \"x-id\"\nprefix = \"{prefix}\"\n\
             [response.always]\nX-Id = \"{{request_id}}\"\n\
             [response.refused]\nbody = '\"{{rule.message}}\"'\n"
        )
    };
    let prefix = "p".repeat(32);
    let guard = guard(&text(&prefix));
    let mut refused = 0;
    for len in [1, 127, 128, 129] {
        let id = "i".repeat(len);
        let headers: Vec<(&str, &[u8])> = vec![("x-id", id.as_bytes())];
        let mut outcome = admit(&guard, &Request { headers: &headers, ..Request::new("GET", "/") });
        let found = outcome.request_id().unwrap().to_owned();
        if len <= 128 {
            assert_eq!(found, id);
        } else {
            assert!(found.len() == 64 && found.starts_with(&prefix), "{found}");
        }
        let fields = outcome.take_fields();
        assert!(!fields.is_empty() && outcome.fields().is_empty());
        assert_eq!(fields.get("X-Id"), Some(found.as_str()));
        if let Some(refusal) = outcome.refusal() {
            refused += 1;
            assert_eq!(refusal.request_id(), Some(found.as_str()));
            assert_eq!(refusal.body(), r#""say \"a\tb\"\n""#);
            assert_eq!(refusal.retry_after(), Some(std::time::Duration::from_secs(60)));
        }
    }
    assert_eq!(refused, 3);
    let long = Contract::parse(&text(&"p".repeat(33))).unwrap_err();
    assert!(long.to_string().contains("prefix"), "{long}");
}
