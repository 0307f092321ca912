use ratecell_contract::{Limit, Request, Stage};

use crate::{NOON, Response, at_ns, guard, held, pass_all, response};

/// A tick of 60 s, in which units are told apart, and how far noon lies into one.
const TICK_NS: u64 = 1 << 25;
const NOON_IN_TICK_NS: u64 = NOON * 1_000_000_000 % TICK_NS;

/// When the units of noon come back: a minute after their tick has ended.
const BACK_NS: u64 = 60_000_000_000 + TICK_NS - NOON_IN_TICK_NS;

fn id(number: u32) -> String {
    format!("req_{number:032x}")
}

fn ok(number: u32) -> Response {
    Response::ok(&[("Peeker-Request-Id", &id(number))])
}

fn refused(number: u32, seconds: u32) -> Response {
    let body = format!(
        "{{\"error\":{{\"code\":\"rate_limited\",\"message\":\"API rate limit exceeded\",\
         \"details\":{{\"retry_after_seconds\":{seconds}}}}}}}"
    );
    Response::refused(&[("Peeker-Request-Id", &id(number))], &body)
}

fn refused_import(number: u32) -> Response {
    let body = "{\"error\":{\"code\":\"rate_limited\",\"message\":\"API rate limit exceeded\",\
                \"details\":{\"reason\":\"cloudflare_account_capacity\"}}}";
    Response::refused(&[("Peeker-Request-Id", &id(number))], body)
}

#[test]
fn any_minute_holds_600_and_a_wait_that_is_told_is_enough() {
    let guard = guard("peeker");
    let headers = [("Authorization", "Bearer pk_live_1")];
    let get = Request { headers: &headers, ..Request::new("GET", "/domains") };
    let put = Request { headers: &headers, ..Request::new("PUT", "/domains/1") };
    for number in 1..=600 {
        let request = if number % 2 == 0 { &get } else { &put };
        assert_eq!(response(&guard, Stage::AfterAuth, request), ok(number));
    }
    assert_eq!(response(&guard, Stage::AfterAuth, &get), refused(601, 61));
    at_ns(&guard, 48_500_000_000);
    assert_eq!(response(&guard, Stage::AfterAuth, &get), refused(602, 12));
    at_ns(&guard, BACK_NS - 1);
    assert_eq!(response(&guard, Stage::AfterAuth, &get), refused(603, 1));
    at_ns(&guard, BACK_NS);
    assert_eq!(response(&guard, Stage::AfterAuth, &get), ok(604));
    pass_all(&guard, Stage::AfterAuth, &get, 599);
    assert_eq!(response(&guard, Stage::AfterAuth, &get).status, 429);
}

#[test]
fn a_minute_that_straddles_two_holds_no_more() {
    let guard = guard("peeker");
    let headers = [("Authorization", "Bearer pk_live_1")];
    let request = Request { headers: &headers, ..Request::new("GET", "/domains") };
    at_ns(&guard, 59_000_000_000);
    pass_all(&guard, Stage::AfterAuth, &request, 600);
    at_ns(&guard, 61_000_000_000);
    assert_eq!(response(&guard, Stage::AfterAuth, &request).status, 429);
}

#[test]
fn live_and_sandbox_keys_count_apart() {
    let guard = guard("peeker");
    let live = [("Authorization", "Bearer pk_live_1")];
    let sandbox = [("Authorization", "Bearer pk_test_1")];
    let request = Request { headers: &sandbox, ..Request::new("GET", "/domains") };
    pass_all(&guard, Stage::AfterAuth, &request, 600);
    assert_eq!(response(&guard, Stage::AfterAuth, &request).status, 429);
    let request = Request { headers: &live, ..request };
    pass_all(&guard, Stage::AfterAuth, &request, 600);
}

#[test]
fn a_raised_cap_is_the_customers_own() {
    let guard = guard("peeker");
    let headers = [("Authorization", "Bearer pk_live_1")];
    let limits = [("key", Limit::Text("sliding 1200/min segments 62"))];
    let request = Request { headers: &headers, ..Request::new("GET", "/domains") };
    let raised = Request { limits: &limits, ..request };
    pass_all(&guard, Stage::AfterAuth, &raised, 1200);
    assert_eq!(response(&guard, Stage::AfterAuth, &raised), refused(1201, 61));
    assert_eq!(response(&guard, Stage::AfterAuth, &request), refused(1202, 61));
}

#[test]
fn imports_in_flight_are_capped_by_key_with_a_reason_of_their_own() {
    let guard = guard("peeker");
    let headers = [("Authorization", "Bearer pk_live_1")];
    let request = Request { headers: &headers, ..Request::new("POST", "/domains/import") };
    let mut passes: Vec<_> =
        (0..4).map(|_| held(&guard, Stage::AfterAuth, &request).0.unwrap()).collect();
    assert!(passes.iter().all(ratecell_contract::Pass::holds_permits));
    assert_eq!(response(&guard, Stage::AfterAuth, &request), refused_import(5));
    // Another spelling of the path is no way round, another method and another path are free.
    let spelt = Request { path: "/domains//%69mport/", ..request };
    assert_eq!(response(&guard, Stage::AfterAuth, &spelt), refused_import(6));
    assert_eq!(response(&guard, Stage::AfterAuth, &Request { method: "GET", ..request }), ok(7));
    assert_eq!(response(&guard, Stage::AfterAuth, &Request { path: "/domains", ..request }), ok(8));
    let other = [("Authorization", "Bearer pk_live_2")];
    let other = Request { headers: &other, ..request };
    assert_eq!(response(&guard, Stage::AfterAuth, &other), ok(9));
    passes.pop();
    let (pass, ok_again) = held(&guard, Stage::AfterAuth, &request);
    assert_eq!(ok_again, ok(10));
    assert_eq!(response(&guard, Stage::AfterAuth, &request), refused_import(11));
    std::thread::spawn(move || drop((passes, pass))).join().unwrap();
    assert_eq!(response(&guard, Stage::AfterAuth, &request), ok(12));
}

#[test]
fn a_refused_import_is_not_counted_by_the_minute() {
    let guard = guard("peeker");
    let headers = [("Authorization", "Bearer pk_live_1")];
    let request = Request { headers: &headers, ..Request::new("POST", "/domains/import") };
    let passes: Vec<_> = (0..4).map(|_| held(&guard, Stage::AfterAuth, &request).0).collect();
    for _ in 0..1000 {
        assert_eq!(response(&guard, Stage::AfterAuth, &request).status, 429);
    }
    let get = Request { method: "GET", path: "/domains", ..request };
    pass_all(&guard, Stage::AfterAuth, &get, 596);
    // Now the minute refuses too, with a wait: the known wait is the one that is told.
    let both = response(&guard, Stage::AfterAuth, &request);
    assert!(both.body.contains("\"retry_after_seconds\":61"), "{both:?}");
    drop(passes);
}

#[test]
fn the_documented_client_finds_its_wait_in_the_body() {
    let guard = guard("peeker");
    let headers = [("Authorization", "Bearer pk_live_1")];
    let request = Request { headers: &headers, ..Request::new("POST", "/domains/import") };
    let wait = |body: &str| {
        let parsed: serde_json::Value = serde_json::from_str(body).unwrap();
        // As jq's `.error.details.retry_after_seconds // 5`.
        parsed["error"]["details"]["retry_after_seconds"].as_u64().unwrap_or(5)
    };
    let passes: Vec<_> = (0..4).map(|_| held(&guard, Stage::AfterAuth, &request).0).collect();
    assert_eq!(wait(&response(&guard, Stage::AfterAuth, &request).body), 5);
    drop(passes);
    pass_all(&guard, Stage::AfterAuth, &request, 596);
    assert_eq!(wait(&response(&guard, Stage::AfterAuth, &request).body), 61);
}

#[test]
fn a_request_without_a_key_has_an_id_all_the_same() {
    let guard = guard("peeker");
    let request = Request::new("GET", "/domains");
    assert_eq!(response(&guard, Stage::AfterAuth, &request), ok(1));
    let values = [("request_id", b"req_given".as_slice())];
    let given = Request { values: &values, ..request };
    let expected = Response::ok(&[("Peeker-Request-Id", "req_given")]);
    assert_eq!(response(&guard, Stage::AfterAuth, &given), expected);
    // An id that could break out of a field is not taken over.
    let values = [("request_id", b"a\r\nSet-Cookie: b".as_slice())];
    let forged = Request { values: &values, ..request };
    assert_eq!(response(&guard, Stage::AfterAuth, &forged), ok(2));
}
