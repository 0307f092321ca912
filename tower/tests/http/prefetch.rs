//! Prefetch: an address limit before authentication, then a key's rate and its requests in flight.

use ratecell_tower::Caller;

use crate::api::{Api, SECOND, START_S};
use crate::loopback::{Client, Reply, request};

/// The ticks of a sliding minute: 2^25 ns, as a minute has 36 bits.
const TICK: u64 = 1 << 25;

fn key(headers: &http::HeaderMap) -> Option<Caller> {
    match headers.get("x-api-key")?.to_str().ok()? {
        "small" => Some(Caller::new().cap("key", 100).cap("inflight", 2)),
        "big" => Some(Caller::new()),
        _ => None,
    }
}

async fn prefetch(client: &mut Client, key: &str) -> Reply {
    client.send(request("GET", "/v1/prefetch", &[("x-api-key", key)])).await
}

fn passed(limit: u32, running: u32) -> String {
    format!(
        "200\ncontent-type: text/plain; charset=utf-8\nx-concurrency-limit: {limit}\n\
         x-concurrency-running: {running}\n{{\"success\":true}}"
    )
}

fn refused(concurrency: Option<(u32, u32)>, what: &str) -> String {
    let concurrency = concurrency.map(|(limit, running)| {
        format!("\nx-concurrency-limit: {limit}\nx-concurrency-running: {running}")
    });
    format!(
        "429\ncache-control: no-store\ncontent-type: application/json{}\n\
         {{\"success\":false,\"error\":\"{what}\",\"meta\":{{}}}}",
        concurrency.unwrap_or_default()
    )
}

const BY_IP: &str = "Rate limit exceeded for this IP address";
const BY_KEY: &str = "Rate limit exceeded for this API key";
const IN_FLIGHT: &str = "Concurrency limit exceeded for this API key";

#[tokio::test]
async fn a_flood_without_a_key_is_refused_before_anybody_asks_who_it_is() {
    let api = Api::serve("prefetch", key).await;
    let mut client = api.client().await;
    let unknown = "401\ncontent-type: text/plain; charset=utf-8\nwho are you?";
    for _ in 0..300 {
        assert_eq!(prefetch(&mut client, "nobody").await.to_string(), unknown);
    }
    // Each was counted though it was sent away, and what follows is refused whoever sends it.
    assert_eq!(prefetch(&mut client, "nobody").await.to_string(), refused(None, BY_IP));
    assert_eq!(prefetch(&mut client, "big").await.to_string(), refused(None, BY_IP));
    api.clock.advance(60 * SECOND - 1);
    assert_eq!(prefetch(&mut client, "big").await.to_string(), refused(None, BY_IP));
    api.clock.advance(1);
    assert_eq!(prefetch(&mut client, "big").await.to_string(), passed(8, 1));
}

#[tokio::test]
async fn a_keys_own_rate_through_a_whole_window_its_edge_and_after_it() {
    let api = Api::serve("prefetch", key).await;
    let mut client = api.client().await;
    for _ in 0..100 {
        assert_eq!(prefetch(&mut client, "small").await.to_string(), passed(2, 1));
    }
    let gone = (START_S * SECOND / TICK + 1) * TICK + 60 * SECOND;
    assert_eq!(prefetch(&mut client, "small").await.to_string(), refused(Some((2, 0)), BY_KEY));
    api.clock.set(gone - 1);
    assert_eq!(prefetch(&mut client, "small").await.to_string(), refused(Some((2, 0)), BY_KEY));
    api.clock.set(gone);
    assert_eq!(prefetch(&mut client, "small").await.to_string(), passed(2, 1));
}

// Only Linux has all of 127.0.0.0/8 without further ado.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn addresses_count_apart_and_a_key_without_its_own_rate_has_the_contracts() {
    let api = Api::serve("prefetch", key).await;
    for host in 1..=2 {
        let mut client = Client::connect_from([127, 0, 0, host], api.address).await;
        for _ in 0..300 {
            assert_eq!(prefetch(&mut client, "big").await.to_string(), passed(8, 1));
        }
        assert_eq!(prefetch(&mut client, "big").await.to_string(), refused(None, BY_IP));
    }
    let mut client = Client::connect_from([127, 0, 0, 3], api.address).await;
    assert_eq!(prefetch(&mut client, "big").await.to_string(), refused(Some((8, 0)), BY_KEY));
}

#[tokio::test]
async fn requests_in_flight_are_capped_at_once_and_never_queued() {
    let api = Api::serve("prefetch", key).await;
    let mut running = Vec::new();
    for _ in 0..2 {
        let mut client = api.client().await;
        let slow = request("GET", "/v1/slow", &[("x-api-key", "small")]);
        running.push(tokio::spawn(async move { client.send(slow).await }));
        api.works.begun().await;
    }
    let mut client = api.client().await;
    let third = prefetch(&mut client, "small").await;
    assert_eq!(third.to_string(), refused(Some((2, 2)), IN_FLIGHT));
    assert_eq!(prefetch(&mut client, "big").await.to_string(), passed(8, 1));
    api.works.go_on();
    api.works.go_on();
    let mut shown = Vec::new();
    for one in running {
        shown.push(one.await.unwrap().to_string());
    }
    assert_eq!(shown, [passed(2, 1), passed(2, 2)]);
    assert_eq!(prefetch(&mut client, "small").await.to_string(), passed(2, 1));
}
