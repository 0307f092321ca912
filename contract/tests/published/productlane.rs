use ratecell_contract::{Limit, Request, Stage};

use crate::{NOON, Response, at, at_ns, guard, held, pass_all, response};

fn fields(limit: u32, remaining: u32, reset: u64) -> Vec<(&'static str, String)> {
    vec![
        ("X-RateLimit-Limit", limit.to_string()),
        ("X-RateLimit-Remaining", remaining.to_string()),
        ("X-RateLimit-Reset", reset.to_string()),
    ]
}

fn ok(limit: u32, remaining: u32, reset: u64) -> Response {
    let fields = fields(limit, remaining, reset);
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
    Response::ok(&fields)
}

fn refused(limit: u32, remaining: u32, reset: u64, retry_after: u32, id: &str) -> Response {
    let mut fields = fields(limit, remaining, reset);
    fields.push(("Retry-After", retry_after.to_string()));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, &**value)).collect();
    let body = format!(
        "{{\"error\":{{\"code\":\"rate_limited\",\"message\":\"Rate limit exceeded.\",\"details\":\
         {{\"limit\":{limit},\"window\":\"1m\"}},\"request_id\":\"{id}\"}}}}"
    );
    Response::refused(&fields, &body)
}

fn id(number: u32) -> String {
    format!("req_{number:032x}")
}

#[test]
fn reads_fill_a_minute_in_bursts_of_333_and_speak_for_the_minute_throughout() {
    let guard = guard("productlane");
    let headers = [("authorization", "Bearer key-1")];
    let request = Request { headers: &headers, ..Request::new("GET", "/v1/issues?page=2") };
    let send = || response(&guard, Stage::AfterAuth, &request);
    for remaining in (667..1000).rev() {
        assert_eq!(send(), ok(1000, remaining, NOON + 60));
    }
    // The burst rule refuses, and the minute's rule is named: 667 are left of it.
    assert_eq!(send(), refused(1000, 667, NOON + 60, 11, &id(1)));
    at(&guard, 10);
    assert_eq!(send(), refused(1000, 667, NOON + 60, 1, &id(2)));
    // A tick of 10 s is 8.4 ms: units come back at the end of that in which they were taken.
    at_ns(&guard, 10_008_388_608);
    for remaining in (334..667).rev() {
        assert_eq!(send(), ok(1000, remaining, NOON + 60));
    }
    at(&guard, 30);
    pass_all(&guard, Stage::AfterAuth, &request, 333);
    at(&guard, 50);
    assert_eq!(send(), ok(1000, 0, NOON + 60));
    assert_eq!(send(), refused(1000, 0, NOON + 60, 10, &id(3)));
    at_ns(&guard, 59_999_999_999);
    assert_eq!(send(), refused(1000, 0, NOON + 60, 1, &id(4)));
    at(&guard, 60);
    assert_eq!(send(), ok(1000, 999, NOON + 120));
}

#[test]
fn where_both_rules_refuse_the_longer_wait_is_told() {
    let guard = guard("productlane");
    let headers = [("authorization", "Bearer key-1")];
    let request = Request { headers: &headers, ..Request::new("POST", "/v1/issues") };
    let send = || response(&guard, Stage::AfterAuth, &request);
    for second in [0, 20, 55] {
        at(&guard, second);
        pass_all(&guard, Stage::AfterAuth, &request, 20);
    }
    // The minute ends in 5 s, the burst in a little over 10 s.
    assert_eq!(send(), refused(60, 0, NOON + 60, 11, &id(1)));
    at(&guard, 60);
    assert_eq!(send().status, 429);
    at(&guard, 66);
    assert_eq!(send(), ok(60, 59, NOON + 120));
}

#[test]
fn reads_and_writes_count_apart_and_head_is_a_read() {
    let guard = guard("productlane");
    let headers = [("authorization", "Bearer key-1")];
    let send = |method| {
        let request = Request { headers: &headers, ..Request::new(method, "/v1/issues") };
        response(&guard, Stage::AfterAuth, &request)
    };
    assert_eq!(send("GET"), ok(1000, 999, NOON + 60));
    assert_eq!(send("HEAD"), ok(1000, 998, NOON + 60));
    for (used, method) in (1..).zip(["POST", "PATCH", "DELETE"]) {
        assert_eq!(send(method), ok(60, 60 - used, NOON + 60));
    }
    for _ in 0..17 {
        send("POST");
    }
    assert_eq!(send("DELETE"), refused(60, 40, NOON + 60, 11, &id(1)));
    assert_eq!(send("GET"), ok(1000, 997, NOON + 60));
    assert_eq!(send("OPTIONS"), Response::ok(&[]));
}

#[test]
fn a_customers_caps_are_those_that_the_fields_and_the_body_show() {
    let guard = guard("productlane");
    let headers = [("authorization", "Bearer key-1")];
    let limits = [("writes", Limit::Cap(120)), ("writes-burst", Limit::Cap(40))];
    let request =
        Request { headers: &headers, limits: &limits, ..Request::new("POST", "/v1/issues") };
    for remaining in (80..120).rev() {
        assert_eq!(response(&guard, Stage::AfterAuth, &request), ok(120, remaining, NOON + 60));
    }
    let values = [("request_id", b"req_service-1".as_slice())];
    let request = Request { values: &values, ..request };
    let expected = refused(120, 80, NOON + 60, 11, "req_service-1");
    assert_eq!(response(&guard, Stage::AfterAuth, &request), expected);
}

#[test]
fn the_rule_that_refuses_is_told_to_the_service_though_not_to_the_client() {
    let guard = guard("productlane");
    let headers = [("authorization", "Bearer key-1")];
    let request = Request { headers: &headers, ..Request::new("POST", "/v1/issues") };
    pass_all(&guard, Stage::AfterAuth, &request, 20);
    let (pass, _) = held(&guard, Stage::AfterAuth, &request);
    assert!(pass.is_none());
    let refusal = guard.admit(Stage::AfterAuth, &request).unwrap().refusal().unwrap();
    assert_eq!(refusal.rule(), "writes-burst");
    assert_eq!(refusal.retry_after_ns(), Some(10_000_000_000 + 8_388_608 - NOON_IN_TICK_NS));
    let stats: Vec<_> = guard.stats().collect();
    assert_eq!(stats[2].rule.name(), "writes");
    assert_eq!((stats[2].allowed, stats[2].refused), (20, 0));
    assert_eq!((stats[3].allowed, stats[3].refused), (20, 2));
}

/// How far noon lies into its tick of 2^23 ns.
const NOON_IN_TICK_NS: u64 = NOON * 1_000_000_000 % 8_388_608;
