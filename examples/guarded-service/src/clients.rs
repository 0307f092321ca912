//! Five clients on real connections, each up to something else.
//!
//! They come from addresses of their own, so that the limit per address counts for each of them
//! alone. What they send is fixed and ends; only the pace is the clock's.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use guarded_service::connection::{Connection, ConnectionError};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::tally::{Outcome, Tally};

/// The API keys that the service knows.
pub(crate) const ALICE: &str = "pf_alice";
pub(crate) const BOB: &str = "pf_bob";
pub(crate) const CAROL: &str = "pf_carol";
pub(crate) const DAVE: &str = "pf_dave";

/// What dave was granted instead of the published 600 a minute.
pub(crate) const DAVES_RPM: u32 = 1_000;

/// How long the steady ones take.
const SPAN: Duration = Duration::from_secs(4);

/// Carol's requests at once, and how many of them are over the cap.
const AT_ONCE: u32 = 20;
const OVER_THE_CAP: u32 = 12;

type Ended = Result<(), ConnectionError>;

/// The tallies of the clients, in the order of the screen.
#[derive(Debug)]
pub(crate) struct Tallies {
    pub(crate) alice: Arc<Tally>,
    pub(crate) bob: Arc<Tally>,
    pub(crate) carol: Arc<Tally>,
    pub(crate) dave: Arc<Tally>,
    pub(crate) mallory: Arc<Tally>,
}

impl Tallies {
    pub(crate) fn new() -> Self {
        let tally = |name, does| Arc::new(Tally::new(name, does));
        Self {
            alice: tally("alice", "5 requests a second"),
            bob: tally("bob", "700, one key, 3 addresses"),
            carol: tally("carol", "20 slow ones at once, then 8"),
            dave: tally("dave", "1,100, cap raised to 1,000"),
            mallory: tally("mallory", "450 without a key, 1 address"),
        }
    }

    pub(crate) fn all(&self) -> [&Tally; 5] {
        [&self.alice, &self.bob, &self.carol, &self.dave, &self.mallory]
    }
}

/// Runs all clients to their end. `open_warehouse` lets the slow requests finish.
pub(crate) async fn run(
    service: SocketAddr,
    tallies: &Tallies,
    open_warehouse: watch::Sender<bool>,
) -> Ended {
    let mut clients = JoinSet::new();
    let mut start = |tally: &Arc<Tally>, api_key, first_address, addresses, each| {
        for address in (first_address..).take(addresses) {
            clients.spawn(steady(service, Arc::clone(tally), api_key, address, each));
        }
    };
    // Below 300 from each address of theirs, so that the key's limit is the one they meet.
    start(&tallies.alice, Some(ALICE), 10, 1, 20);
    start(&tallies.bob, Some(BOB), 20, 2, 233);
    start(&tallies.bob, Some(BOB), 22, 1, 234);
    start(&tallies.dave, Some(DAVE), 40, 4, 275);
    start(&tallies.mallory, None, 66, 1, 450);
    clients.spawn(carol(service, Arc::clone(&tallies.carol), open_warehouse));
    while let Some(ended) = clients.join_next().await {
        ended??;
    }
    Ok(())
}

/// Sends `requests` one after the other on one connection, spread evenly over [`SPAN`].
async fn steady(
    service: SocketAddr,
    tally: Arc<Tally>,
    api_key: Option<&'static str>,
    address: u8,
    requests: u32,
) -> Ended {
    let mut connection = Connection::open(loopback(address), service).await?;
    let mut pace = interval(SPAN / requests);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for _ in 0..requests {
        pace.tick().await;
        tally.count_sent();
        tally.count(connection.get("/domains/example.com", api_key).await);
    }
    Ok(())
}

/// Sends slow requests at once, and keeps those that were admitted in flight until all others were
/// answered; then sends as many as the cap allows.
async fn carol(
    service: SocketAddr,
    tally: Arc<Tally>,
    open_warehouse: watch::Sender<bool>,
) -> Ended {
    sleep(SPAN / 4).await;
    let mut in_flight = at_once(service, &tally, AT_ONCE).await?;
    for _ in 0..OVER_THE_CAP {
        if let Some(ended) = in_flight.join_next().await {
            ended?;
        }
    }
    // For whoever watches: so long 8 are in flight.
    sleep(SPAN / 4).await;
    open_warehouse.send_replace(true);
    in_flight.join_all().await;

    let admitted = tally.outcome(Outcome::Admitted);
    at_once(service, &tally, admitted).await?.join_all().await;
    Ok(())
}

/// Opens a connection for each request first, and then sends all.
async fn at_once(
    service: SocketAddr,
    tally: &Arc<Tally>,
    requests: u32,
) -> Result<JoinSet<()>, ConnectionError> {
    let mut connections = Vec::new();
    for _ in 0..requests {
        connections.push(Connection::open(loopback(30), service).await?);
    }
    let send = |mut connection: Connection| {
        let tally = Arc::clone(tally);
        async move {
            tally.count_sent();
            tally.count(connection.get("/report", Some(CAROL)).await);
        }
    };
    Ok(connections.into_iter().map(send).collect())
}

/// The loopback address that ends in `last`.
const fn loopback(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, last)
}
