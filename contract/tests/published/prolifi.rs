use ratecell_contract::{Limit, Request, Stage};

use crate::{Response, at, at_ns, guard, pass_all, response};

const BODY: &str = "{\"error\":{\"type\":\"rate_limit_error\",\"message\":\"Too many requests. Please \
                    retry after the rate limit resets.\"}}";

fn ok(limit: u32, remaining: u32) -> Response {
    let (limit, remaining) = (limit.to_string(), remaining.to_string());
    Response::ok(&[("X-RateLimit-Limit", &limit), ("X-RateLimit-Remaining", &remaining)])
}

fn refused(limit: u32, retry_after: u32) -> Response {
    let (limit, retry_after) = (limit.to_string(), retry_after.to_string());
    let fields = [
        ("X-RateLimit-Limit", &*limit),
        ("X-RateLimit-Remaining", "0"),
        ("Retry-After", &retry_after),
    ];
    Response::refused(&fields, BODY)
}

#[test]
fn a_minute_holds_exactly_a_thousand_and_the_next_begins_at_its_edge() {
    let guard = guard("prolifi");
    let headers = [("Authorization", "Bearer key-1")];
    let request = Request { headers: &headers, ..Request::new("GET", "/v1/orders") };
    let send = || response(&guard, Stage::AfterAuth, &request);
    for remaining in (0..1000).rev() {
        assert_eq!(send(), ok(1000, remaining));
    }
    assert_eq!(send(), refused(1000, 60));
    at(&guard, 30);
    assert_eq!(send(), refused(1000, 30));
    at_ns(&guard, 59_000_000_001);
    assert_eq!(send(), refused(1000, 1));
    at_ns(&guard, 59_999_999_999);
    assert_eq!(send(), refused(1000, 1));
    at(&guard, 60);
    assert_eq!(send(), ok(1000, 999));
    at(&guard, 180);
    assert_eq!(send(), ok(1000, 999));
}

#[test]
fn two_keys_count_apart_and_any_method_and_path_together() {
    let guard = guard("prolifi");
    let first = [("authorization", "Bearer key-1")];
    let second = [("authorization", "Bearer key-2")];
    let get = Request { headers: &first, ..Request::new("GET", "/v1/orders") };
    let post = Request { headers: &first, ..Request::new("POST", "/v1/refunds") };
    pass_all(&guard, Stage::AfterAuth, &get, 999);
    assert_eq!(response(&guard, Stage::AfterAuth, &post), ok(1000, 0));
    assert_eq!(response(&guard, Stage::AfterAuth, &post).status, 429);
    let other = Request { headers: &second, ..get };
    assert_eq!(response(&guard, Stage::AfterAuth, &other), ok(1000, 999));
}

#[test]
fn a_raised_cap_speaks_for_itself_on_the_same_state() {
    let guard = guard("prolifi");
    let headers = [("authorization", "Bearer key-1")];
    let request = Request { headers: &headers, ..Request::new("GET", "/v1/orders") };
    pass_all(&guard, Stage::AfterAuth, &request, 1000);
    let raised = [("key", Limit::Cap(1500))];
    let raised = Request { limits: &raised, ..request };
    assert_eq!(response(&guard, Stage::AfterAuth, &raised), ok(1500, 499));
    assert_eq!(response(&guard, Stage::AfterAuth, &request), refused(1000, 60));
    pass_all(&guard, Stage::AfterAuth, &raised, 499);
    assert_eq!(response(&guard, Stage::AfterAuth, &raised), refused(1500, 60));
}

#[test]
fn a_request_without_a_key_is_not_counted_and_shows_nothing() {
    let guard = guard("prolifi");
    let request = Request::new("GET", "/v1/orders");
    assert_eq!(response(&guard, Stage::AfterAuth, &request), Response::ok(&[]));
}
