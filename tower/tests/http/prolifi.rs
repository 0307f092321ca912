//! Prolifi: 1000 a minute and key, the numbers in every response.

use ratecell_tower::Caller;

use crate::api::Api;
use crate::loopback::request;

fn key(headers: &http::HeaderMap) -> Option<Caller> {
    headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer pf_").map(|_| Caller::new())
}

fn passed(remaining: u32) -> String {
    format!(
        "200\ncontent-type: text/plain; charset=utf-8\nx-ratelimit-limit: 1000\n\
         x-ratelimit-remaining: {remaining}\n{{\"items\":[]}}"
    )
}

fn refused(retry_after: u32) -> String {
    format!(
        "429\ncache-control: no-store\ncontent-type: application/json\nretry-after: {retry_after}\n\
         x-ratelimit-limit: 1000\nx-ratelimit-remaining: 0\n\
         {{\"error\":{{\"type\":\"rate_limit_error\",\"message\":\"Too many requests. Please retry \
         after the rate limit resets.\"}}}}"
    )
}

#[tokio::test]
async fn a_whole_window_its_edge_and_the_next_one() {
    let api = Api::serve("prolifi", key).await;
    let mut client = api.client().await;
    let mine = || request("GET", "/v1/items", &[("authorization", "Bearer pf_1")]);
    for sent in 1..=1000 {
        if sent == 501 {
            api.at(17);
        }
        assert_eq!(client.send(mine()).await.to_string(), passed(1000 - sent));
    }
    assert_eq!(client.send(mine()).await.to_string(), refused(43));
    api.clock.advance(42_999_999_999);
    assert_eq!(client.send(mine()).await.to_string(), refused(1));
    api.clock.advance(1);
    assert_eq!(client.send(mine()).await.to_string(), passed(999));
}

#[tokio::test]
async fn two_keys_count_apart_and_whoever_is_unknown_is_not_counted() {
    let api = Api::serve("prolifi", key).await;
    let mut client = api.client().await;
    let of =
        |key: &str| request("GET", "/v1/items", &[("authorization", &format!("Bearer {key}"))]);
    assert_eq!(client.send(of("pf_1")).await.to_string(), passed(999));
    assert_eq!(client.send(of("pf_2")).await.to_string(), passed(999));
    let unknown = "401\ncontent-type: text/plain; charset=utf-8\nwho are you?";
    assert_eq!(client.send(of("xx_1")).await.to_string(), unknown);
    assert_eq!(client.send(of("pf_1")).await.to_string(), passed(998));
}
