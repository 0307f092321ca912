//! Productlane: reads and writes apart, a burst limit on each, the numbers in every response.

use core::fmt::Write as _;

use ratecell_tower::Caller;

use crate::api::{Api, SECOND, START_S};
use crate::loopback::{Client, Reply, request};

/// The ticks of sliding 10 seconds: 2^23 ns, as they have 34 bits.
const TICK: u64 = 1 << 23;

fn key(headers: &http::HeaderMap) -> Option<Caller> {
    let token = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer pl_")?;
    let caller = Caller::new().request_id("req_7");
    Some(if token == "raised" { caller.cap("writes", 200).cap("writes-burst", 66) } else { caller })
}

async fn call(client: &mut Client, method: &str, key: &str) -> Reply {
    let bearer = format!("Bearer {key}");
    client.send(request(method, "/v1/items", &[("authorization", &bearer)])).await
}

/// A response at `at` seconds after the start: the minute resets at its next full minute.
fn shown(status: u16, limit: u32, remaining: u32, at: u64, retry_after: Option<u64>) -> String {
    let mut reply = match status {
        200 => "200\ncontent-type: text/plain; charset=utf-8".to_owned(),
        _ => format!("{status}\ncache-control: no-store\ncontent-type: application/json"),
    };
    if let Some(seconds) = retry_after {
        write!(reply, "\nretry-after: {seconds}").unwrap();
    }
    let reset = START_S + (at / 60 + 1) * 60;
    let numbers = format!(
        "\nx-ratelimit-limit: {limit}\nx-ratelimit-remaining: {remaining}\nx-ratelimit-reset: {reset}\n"
    );
    let body = match status {
        200 => r#"{"items":[]}"#.to_owned(),
        _ => format!(
            "{{\"error\":{{\"code\":\"rate_limited\",\"message\":\"Rate limit exceeded.\",\
             \"details\":{{\"limit\":{limit},\"window\":\"1m\"}},\"request_id\":\"req_7\"}}}}"
        ),
    };
    reply + &numbers + &body
}

#[tokio::test]
async fn writes_through_a_whole_window_its_edge_and_after_it() {
    let api = Api::serve("productlane", key).await;
    let mut client = api.client().await;
    let mut left = 60;
    for (at, method) in [(0, "POST"), (11, "PATCH"), (22, "DELETE")] {
        api.at(at);
        for _ in 0..20 {
            left -= 1;
            let reply = call(&mut client, method, "pl_1").await;
            assert_eq!(reply.to_string(), shown(200, 60, left, at, None));
        }
    }
    api.at(33);
    let reply = call(&mut client, "POST", "pl_1").await;
    assert_eq!(reply.to_string(), shown(429, 60, 0, 33, Some(27)));
    api.clock.advance(27 * SECOND - 1);
    let reply = call(&mut client, "POST", "pl_1").await;
    assert_eq!(reply.to_string(), shown(429, 60, 0, 33, Some(1)));
    api.clock.advance(1);
    let reply = call(&mut client, "POST", "pl_1").await;
    assert_eq!(reply.to_string(), shown(200, 60, 59, 60, None));
}

#[tokio::test]
async fn reads_and_writes_count_apart() {
    let api = Api::serve("productlane", key).await;
    let mut client = api.client().await;
    for left in (0..20).rev() {
        let reply = call(&mut client, "POST", "pl_1").await;
        assert_eq!(reply.to_string(), shown(200, 60, 40 + left, 0, None));
    }
    assert_eq!(call(&mut client, "DELETE", "pl_1").await.status, 429);
    let reply = call(&mut client, "GET", "pl_1").await;
    assert_eq!(reply.to_string(), shown(200, 1000, 999, 0, None));
    let head = call(&mut client, "HEAD", "pl_1").await;
    assert_eq!((head.field("x-ratelimit-remaining"), &*head.body), ("998", ""));
}

#[tokio::test]
async fn a_burst_is_refused_in_the_words_of_the_minute() {
    let api = Api::serve("productlane", key).await;
    let mut client = api.client().await;
    for left in (667..1000).rev() {
        let reply = call(&mut client, "GET", "pl_1").await;
        assert_eq!(reply.to_string(), shown(200, 1000, left, 0, None));
    }
    // The burst comes back 10 s after the tick of its last request has ended.
    let gone = (START_S * SECOND / TICK + 1) * TICK + 10 * SECOND;
    let refused = shown(429, 1000, 667, 0, Some(11));
    assert_eq!(call(&mut client, "GET", "pl_1").await.to_string(), refused);
    api.clock.set(gone - 1);
    let refused = shown(429, 1000, 667, 10, Some(1));
    assert_eq!(call(&mut client, "GET", "pl_1").await.to_string(), refused);
    api.clock.set(gone);
    let passed = shown(200, 1000, 666, 10, None);
    assert_eq!(call(&mut client, "GET", "pl_1").await.to_string(), passed);
}

#[tokio::test]
async fn a_raised_cap_is_shown_as_the_cap_of_this_key() {
    let api = Api::serve("productlane", key).await;
    let mut client = api.client().await;
    for left in (134..200).rev() {
        let reply = call(&mut client, "POST", "pl_raised").await;
        assert_eq!(reply.to_string(), shown(200, 200, left, 0, None));
    }
    assert_eq!(call(&mut client, "POST", "pl_raised").await.status, 429);
    let reply = call(&mut client, "POST", "pl_1").await;
    assert_eq!(reply.to_string(), shown(200, 60, 59, 0, None));
}
