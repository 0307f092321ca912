//! Many connections at once on several threads: not one request too many, and not one too few.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use ratecell::ManualClock;
use ratecell_contract::Contract;
use ratecell_tower::GuardLayer;
use tokio::task::{JoinSet, yield_now};

use crate::api::{SECOND, START_S, guard_builder};
use crate::loopback::{self, Client, request};

const CLIENTS: u32 = 16;

fn layer(contract: &str) -> GuardLayer<crate::api::TestClock> {
    let clock = Arc::new(ManualClock::new(START_S * SECOND));
    let guard = guard_builder(Contract::parse(contract).unwrap(), &clock).build();
    GuardLayer::whole(&Arc::new(guard.unwrap()))
}

fn mine() -> http::Request<http_body_util::Full<bytes::Bytes>> {
    request("GET", "/", &[("x-api-key", "k")])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_exactly_the_limit_is_admitted_in_all_plans_alike() {
    const EACH: u32 = 50;
    let contract = r#"
        name = "stress"
        [[rule]]
        name = "minute"
        limit = "sliding 500/min"
        by = "header:x-api-key"
        [[rule]]
        name = "hour"
        limit = "fixed 501/h"
        by = "header:x-api-key"
        [response]
        headers = ["ratelimit"]
    "#;
    let app = Router::new().route("/", get(|| async {})).layer(layer(contract));
    let address = loopback::serve(app).await;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(async move {
            let mut client = Client::connect(address).await;
            let mut admitted = 0;
            for _ in 0..EACH {
                let reply = client.send(mine()).await;
                match reply.status.as_u16() {
                    200 => admitted += 1,
                    429 => {}
                    other => panic!("answered {other}"),
                }
            }
            admitted
        });
    }
    let admitted: u32 = clients.join_all().await.iter().sum();
    assert_eq!(admitted, 500, "of {}", CLIENTS * EACH);
    // What was refused by one rule was charged to neither.
    let last = Client::connect(address).await.send(mine()).await;
    assert!(last.field("ratelimit").contains("\"hour\";r=1;"), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_flight_there_are_never_more_than_the_cap_and_everybody_gets_a_turn() {
    const CAP: u32 = 3;
    const TURNS: u32 = 20;
    let contract = r#"
        name = "stress"
        [[rule]]
        name = "inflight"
        limit = "concurrency 3"
        by = "header:x-api-key"
    "#;
    let (running, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let seen = Arc::clone(&most);
    let handler = get(async move || {
        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(now, Ordering::SeqCst);
        for _ in 0..8 {
            yield_now().await;
        }
        running.fetch_sub(1, Ordering::SeqCst);
    });
    let address = loopback::serve(Router::new().route("/", handler).layer(layer(contract))).await;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(async move {
            let mut client = Client::connect(address).await;
            for _ in 0..TURNS {
                while client.send(mine()).await.status != 200 {
                    yield_now().await;
                }
            }
        });
    }
    clients.join_all().await;
    let most = seen.load(Ordering::SeqCst);
    assert!((1..=CAP).contains(&most), "{most} at once");
    // All have come back: as many as the cap get in, one after the other, and hold nothing.
    let mut client = Client::connect(address).await;
    for _ in 0..2 * CAP {
        assert_eq!(client.send(mine()).await.status, 200);
    }
}
