use core::net::IpAddr;

use ratecell_contract::{Limit, Request, Stage};

use crate::{Response, at, at_ns, guard, held, pass_all, response};

fn ok(limit: u32, running: u32) -> Response {
    let (limit, running) = (limit.to_string(), running.to_string());
    Response::ok(&[("X-Concurrency-Limit", &limit), ("X-Concurrency-Running", &running)])
}

fn body(what: &str) -> String {
    format!("{{\"success\":false,\"error\":\"{what}\",\"meta\":{{}}}}")
}

fn refused(what: &str, limit: u32, running: u32) -> Response {
    let (limit, running) = (limit.to_string(), running.to_string());
    let fields = [("X-Concurrency-Limit", &*limit), ("X-Concurrency-Running", &*running)];
    Response::refused(&fields, &body(what))
}

fn refused_ip() -> Response {
    Response::refused(&[], &body("Rate limit exceeded for this IP address"))
}

const KEY: &str = "Rate limit exceeded for this API key";
const INFLIGHT: &str = "Concurrency limit exceeded for this API key";

fn from(peer: [u8; 4]) -> Request<'static> {
    Request { peer: Some(IpAddr::from(peer)), ..Request::new("GET", "/v1/fetch") }
}

#[test]
fn an_address_is_held_to_300_a_minute_before_anybody_knows_whose_it_is() {
    let guard = guard("prefetch");
    let request = from([192, 0, 2, 1]);
    pass_all(&guard, Stage::BeforeAuth, &request, 300);
    assert_eq!(response(&guard, Stage::BeforeAuth, &request), refused_ip());
    // Asked as a whole, the address refuses before any key is counted.
    let headers = [("X-Api-Key", "key-1")];
    let keyed = Request { headers: &headers, ..request };
    assert_eq!(response(&guard, Stage::Whole, &keyed), refused_ip());
    let stats: Vec<_> = guard.stats().collect();
    assert_eq!((stats[0].allowed, stats[0].refused), (300, 2));
    assert_eq!((stats[1].allowed, stats[1].refused), (0, 0));
    assert_eq!(response(&guard, Stage::BeforeAuth, &from([192, 0, 2, 2])), Response::ok(&[]));
    at_ns(&guard, 59_999_999_999);
    assert_eq!(response(&guard, Stage::BeforeAuth, &request), refused_ip());
    at(&guard, 60);
    assert_eq!(response(&guard, Stage::BeforeAuth, &request), Response::ok(&[]));
    // What it writes into a header field does not move it to another bucket.
    pass_all(&guard, Stage::BeforeAuth, &request, 299);
    let forged = [("X-Forwarded-For", "203.0.113.7")];
    let forged = Request { headers: &forged, ..request };
    assert_eq!(response(&guard, Stage::BeforeAuth, &forged), refused_ip());
}

#[test]
fn requests_without_an_address_share_one_bucket() {
    let guard = guard("prefetch");
    let request = Request::new("GET", "/v1/fetch");
    pass_all(&guard, Stage::BeforeAuth, &request, 300);
    assert_eq!(response(&guard, Stage::BeforeAuth, &request), refused_ip());
}

#[test]
fn a_key_has_its_own_cap_over_any_60_seconds() {
    let guard = guard("prefetch");
    let headers = [("X-API-Key", "key-1")];
    let limits = [("key", Limit::Cap(90))];
    let request = Request { headers: &headers, limits: &limits, ..from([192, 0, 2, 1]) };
    for _ in 0..90 {
        assert_eq!(response(&guard, Stage::AfterAuth, &request), ok(8, 1));
    }
    assert_eq!(response(&guard, Stage::AfterAuth, &request), refused(KEY, 8, 0));
    at(&guard, 60);
    assert_eq!(response(&guard, Stage::AfterAuth, &request), refused(KEY, 8, 0));
    at(&guard, 61);
    assert_eq!(response(&guard, Stage::AfterAuth, &request), ok(8, 1));
    // Without a cap of its own, the contract's holds.
    at(&guard, 200);
    let request = Request { limits: &[], ..request };
    pass_all(&guard, Stage::AfterAuth, &request, 600);
    assert_eq!(response(&guard, Stage::AfterAuth, &request), refused(KEY, 8, 0));
}

#[test]
fn requests_in_flight_are_capped_by_key_and_refused_at_once() {
    let guard = guard("prefetch");
    let headers = [("x-api-key", "key-1")];
    let limits = [("inflight", Limit::Cap(3))];
    let request = Request { headers: &headers, limits: &limits, ..from([192, 0, 2, 1]) };
    let mut passes = Vec::new();
    for running in 1..=3 {
        let (pass, response) = held(&guard, Stage::Whole, &request);
        assert_eq!(response, ok(3, running));
        passes.push(pass);
    }
    assert_eq!(response(&guard, Stage::Whole, &request), refused(INFLIGHT, 3, 3));
    let refusal = guard.admit(Stage::Whole, &request).unwrap().refusal().unwrap();
    assert_eq!((refusal.rule(), refusal.retry_after_ns()), ("inflight", None));
    let other = [("x-api-key", "key-2")];
    let other = Request { headers: &other, ..request };
    assert_eq!(response(&guard, Stage::Whole, &other), ok(3, 1));
    passes.pop();
    assert_eq!(response(&guard, Stage::Whole, &request), ok(3, 3));
    passes.clear();
    assert_eq!(response(&guard, Stage::Whole, &request), ok(3, 1));
}

#[test]
fn a_request_without_a_key_shows_no_concurrency() {
    let guard = guard("prefetch");
    assert_eq!(response(&guard, Stage::Whole, &from([192, 0, 2, 1])), Response::ok(&[]));
}
