//! Peeker: 600 a minute and key, sandbox keys apart, raised caps, and a limit on imports in flight.

use ratecell_tower::Caller;

use crate::api::{Api, SECOND, START_S};
use crate::loopback::{Client, Reply, request};

/// The ticks of a sliding minute: 2^25 ns, as a minute has 36 bits.
const TICK: u64 = 1 << 25;

const MINUTE: u64 = 60 * SECOND;

fn key(headers: &http::HeaderMap) -> Option<Caller> {
    let token = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer pk_")?;
    match token {
        "live_raised" => Some(Caller::new().cap("key", 1200)),
        token => ["live_", "test_"].iter().any(|it| token.starts_with(it)).then(Caller::new),
    }
}

async fn lookup(client: &mut Client, key: &str) -> Reply {
    let bearer = format!("Bearer {key}");
    client.send(request("GET", "/domains/example.com", &[("authorization", &bearer)])).await
}

fn import(key: &str) -> http::Request<http_body_util::Full<bytes::Bytes>> {
    request("POST", "/domains/import", &[("authorization", &format!("Bearer {key}"))])
}

fn passed(id: u64) -> String {
    format!(
        "200\ncontent-type: text/plain; charset=utf-8\npeeker-request-id: req_{id:032x}\nexample.com"
    )
}

fn refused(id: u64, retry_after: u64) -> String {
    format!(
        "429\ncache-control: no-store\ncontent-type: application/json\npeeker-request-id: req_{id:032x}\n\
         {{\"error\":{{\"code\":\"rate_limited\",\"message\":\"API rate limit exceeded\",\
         \"details\":{{\"retry_after_seconds\":{retry_after}}}}}}}"
    )
}

#[tokio::test]
async fn a_whole_window_its_edge_and_what_comes_back_when() {
    let api = Api::serve("peeker", key).await;
    let mut client = api.client().await;
    for sent in 1..=600 {
        if sent == 401 {
            api.at(20);
        }
        assert_eq!(lookup(&mut client, "pk_live_1").await.to_string(), passed(sent));
    }
    // The first 400 come back together, a minute after the tick of the last of them has ended.
    let gone = (START_S * SECOND / TICK + 1) * TICK + MINUTE;
    let wait = gone - (START_S + 20) * SECOND;
    assert_eq!(wait.div_ceil(SECOND), 41);
    assert_eq!(lookup(&mut client, "pk_live_1").await.to_string(), refused(601, 41));
    api.clock.set(gone - 1);
    assert_eq!(lookup(&mut client, "pk_live_1").await.to_string(), refused(602, 1));
    api.clock.set(gone);
    for sent in 603..=1002 {
        assert_eq!(lookup(&mut client, "pk_live_1").await.to_string(), passed(sent));
    }
    // The other 200 are still there: never more than 600 in any minute.
    let next = ((START_S + 20) * SECOND / TICK + 1) * TICK + MINUTE;
    let wait = (next - gone).div_ceil(SECOND);
    assert_eq!(lookup(&mut client, "pk_live_1").await.to_string(), refused(1003, wait));
}

#[tokio::test]
async fn exhausting_the_sandbox_key_never_slows_the_live_one() {
    let api = Api::serve("peeker", key).await;
    let mut client = api.client().await;
    for _ in 0..600 {
        assert_eq!(lookup(&mut client, "pk_test_1").await.status, 200);
    }
    assert_eq!(lookup(&mut client, "pk_test_1").await.status, 429);
    assert_eq!(lookup(&mut client, "pk_live_1").await.to_string(), passed(602));
}

#[tokio::test]
async fn a_raised_cap_is_of_that_customer_only() {
    let api = Api::serve("peeker", key).await;
    let mut client = api.client().await;
    for sent in 1..=1200 {
        assert_eq!(lookup(&mut client, "pk_live_raised").await.to_string(), passed(sent));
    }
    assert_eq!(lookup(&mut client, "pk_live_raised").await.to_string(), refused(1201, 61));
}

#[tokio::test]
async fn reads_and_writes_are_one_lane_and_every_response_has_an_id() {
    let api = Api::serve("peeker", key).await;
    let mut client = api.client().await;
    api.works.go_on();
    let import = client.send(import("pk_live_1")).await;
    assert_eq!((import.status.as_u16(), import.field("peeker-request-id").len()), (200, 36));
    for _ in 1..600 {
        assert_eq!(lookup(&mut client, "pk_live_1").await.status, 200);
    }
    assert_eq!(lookup(&mut client, "pk_live_1").await.status, 429);
    let unknown = lookup(&mut client, "nobody").await;
    assert_eq!((unknown.status.as_u16(), unknown.field("peeker-request-id").len()), (401, 36));
}

#[tokio::test]
async fn a_fifth_import_in_flight_is_refused_for_its_own_reason() {
    let api = Api::serve("peeker", key).await;
    let mut imports = Vec::new();
    for _ in 0..4 {
        let mut client = api.client().await;
        imports.push(tokio::spawn(async move { client.send(import("pk_live_1")).await }));
        api.works.begun().await;
    }
    let mut client = api.client().await;
    let fifth = client.send(import("pk_live_1")).await;
    let id = fifth.field("peeker-request-id").to_owned();
    let expected = format!(
        "429\ncache-control: no-store\ncontent-type: application/json\npeeker-request-id: {id}\n\
         {{\"error\":{{\"code\":\"rate_limited\",\"message\":\"API rate limit exceeded\",\
         \"details\":{{\"reason\":\"cloudflare_account_capacity\"}}}}}}"
    );
    assert_eq!(fifth.to_string(), expected);
    // Another key imports, and this one looks up, as before.
    api.works.go_on();
    assert_eq!(lookup(&mut client, "pk_live_1").await.status, 200);
    for _ in 0..4 {
        api.works.go_on();
    }
    assert_eq!(client.send(import("pk_test_1")).await.status, 200);
    for import in imports {
        assert_eq!(import.await.unwrap().status, 200);
    }
    api.works.go_on();
    assert_eq!(client.send(import("pk_live_1")).await.status, 200);
}
