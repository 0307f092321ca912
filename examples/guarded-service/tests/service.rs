//! The contract, over real HTTP and with a clock that only the test moves: each limit is met
//! exactly, from both sides, and a permit comes back however its request ends.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::routing::get;
use bytes::Bytes;
use guarded_service::connection::{Connection, Reply};
use guarded_service::service::{self, CONCURRENCY_LIMIT, CONCURRENCY_RUNNING, Gate};
use http_body::Frame;
use ratecell::ManualClock;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const SECOND: u64 = 1_000_000_000;

/// 20 seconds into a minute: the fixed window ends in 40.
const START_NS: u64 = 1_790_000_000 * SECOND / (60 * SECOND) * (60 * SECOND) + 20 * SECOND;

const DOMAIN: &str = "/domains/example.com";
const NOT_FOR_IP: &str = "Rate limit exceeded for this IP address";
const NOT_FOR_KEY: &str = "Rate limit exceeded for this API key";

/// The service on a free port, with a clock that stands still.
struct Running {
    address: SocketAddr,
    gate: Arc<Gate<Arc<ManualClock>>>,
    warehouse: watch::Sender<bool>,
    /// Told when an endless body has sent what it has.
    body_begun: Arc<Notify>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    async fn start() -> Self {
        let clock = Arc::new(ManualClock::new(START_NS));
        let gate = Gate::new(clock).unwrap().customer("alice").customer("bob");
        let gate = gate.customer_with("raised", 1_000, 8).unwrap();
        let gate = Arc::new(gate.customer_with("single", 600, 1).unwrap());
        let (warehouse, opened) = watch::channel(false);
        let body_begun = Arc::new(Notify::new());
        let endless = Endless { begun: Arc::clone(&body_begun), has_begun: false };
        let routes = service::routes(opened)
            .route("/endless", get(async || Body::new(endless)))
            .route("/panic", get(panics));
        let app: Router = service::guarded(routes, Arc::clone(&gate));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(service::serve(listener, app));
        Self { address, gate, warehouse, body_begun, task }
    }

    fn advance(&self, span_ns: u64) {
        self.gate.limiter().clock().advance(span_ns);
    }

    async fn connect(&self, last_octet: u8) -> Connection {
        Connection::open(Ipv4Addr::new(127, 0, 0, last_octet), self.address).await.unwrap()
    }

    /// Sends a request on a task of its own.
    async fn start_get(&self, path: &'static str, key: &'static str) -> JoinHandle<Option<Reply>> {
        let mut connection = self.connect(9).await;
        tokio::spawn(async move { connection.get(path, Some(key)).await.ok() })
    }

    fn remaining(&self, key: &str, rule: &str) -> u32 {
        let decision = self.gate.limiter().peek(key, 1).unwrap();
        decision.rules().find(|(applied, _)| applied.name() == rule).unwrap().1.remaining()
    }

    /// Waits until a key of the published cap has so many requests in flight.
    async fn in_flight(&self, key: &str, expected: u32) {
        let reached = async {
            while 8 - self.remaining(key, "inflight") != expected {
                sleep(Duration::from_millis(1)).await;
            }
        };
        let found = timeout(Duration::from_secs(20), reached).await;
        assert!(found.is_ok(), "{key} never has {expected} in flight");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn panics() -> Body {
    panic!("the handler's own mistake")
}

/// A body that begins and never ends.
#[derive(Clone)]
struct Endless {
    begun: Arc<Notify>,
    has_begun: bool,
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if std::mem::replace(&mut self.has_begun, true) {
            self.begun.notify_one();
            return Poll::Pending;
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"begun")))))
    }
}

/// Sends `count` requests one after the other and expects the same status each time.
async fn all_are(connection: &mut Connection, key: Option<&str>, count: u32, status: StatusCode) {
    for number in 1..=count {
        let reply = connection.get(DOMAIN, key).await.unwrap();
        assert_eq!(reply.status, status, "request {number} of {count}: {reply}");
    }
}

#[track_caller]
fn is_refused_for(reply: &Reply, error: &str, limit: u32, wait: u32) {
    let body = format!(
        r#"{{"success":false,"error":"{error}","meta":{{"limit":{limit},"window_seconds":60,"retry_after_seconds":{wait}}}}}"#
    );
    assert_eq!((reply.status, &reply.body), (StatusCode::TOO_MANY_REQUESTS, &body));
    assert_eq!(reply.header("retry-after"), Some(wait.to_string().as_str()));
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[track_caller]
fn shows_concurrency(reply: &Reply, expected: Option<(u32, u32)>) {
    let shown = reply.number(CONCURRENCY_LIMIT).zip(reply.number(CONCURRENCY_RUNNING));
    assert_eq!(shown, expected, "{reply}");
}

#[tokio::test]
async fn an_address_gets_300_a_minute_before_anybody_asks_who_it_is() {
    let service = Running::start().await;
    let mut client = service.connect(2).await;
    all_are(&mut client, None, 150, StatusCode::UNAUTHORIZED).await;
    all_are(&mut client, Some("nobody's"), 100, StatusCode::UNAUTHORIZED).await;
    all_are(&mut client, Some("alice"), 49, StatusCode::OK).await;

    let stranger = client.get(DOMAIN, None).await.unwrap();
    assert_eq!(
        stranger.body,
        r#"{"success":false,"error":"Missing or unknown API key","meta":{}}"#
    );
    shows_concurrency(&stranger, None);

    let refused = client.get(DOMAIN, Some("alice")).await.unwrap();
    is_refused_for(&refused, NOT_FOR_IP, 300, 40);
    shows_concurrency(&refused, None);
    assert_eq!(service.remaining("alice", "key"), 600 - 49);

    let elsewhere = service.connect(3).await.get(DOMAIN, Some("alice")).await.unwrap();
    assert_eq!(elsewhere.status, StatusCode::OK);

    service.advance(40 * SECOND - 1);
    is_refused_for(&client.get(DOMAIN, None).await.unwrap(), NOT_FOR_IP, 300, 1);
    service.advance(1);
    all_are(&mut client, None, 300, StatusCode::UNAUTHORIZED).await;
    is_refused_for(&client.get(DOMAIN, None).await.unwrap(), NOT_FOR_IP, 300, 60);
}

#[tokio::test]
async fn a_key_gets_600_in_any_60_seconds_from_wherever() {
    let service = Running::start().await;
    all_are(&mut service.connect(2).await, Some("alice"), 300, StatusCode::OK).await;
    service.advance(30 * SECOND);
    all_are(&mut service.connect(3).await, Some("alice"), 300, StatusCode::OK).await;

    // What was taken comes back with the tick after it, some 30 ms late; rounded up, 31 s.
    let mut client = service.connect(4).await;
    let refused = client.get(DOMAIN, Some("alice")).await.unwrap();
    is_refused_for(&refused, NOT_FOR_KEY, 600, 31);
    shows_concurrency(&refused, Some((8, 0)));
    all_are(&mut client, Some("bob"), 1, StatusCode::OK).await;

    service.advance(30 * SECOND);
    is_refused_for(&client.get(DOMAIN, Some("alice")).await.unwrap(), NOT_FOR_KEY, 600, 1);
    service.advance(SECOND);
    all_are(&mut service.connect(5).await, Some("alice"), 300, StatusCode::OK).await;
    is_refused_for(&client.get(DOMAIN, Some("alice")).await.unwrap(), NOT_FOR_KEY, 600, 30);
}

#[tokio::test]
async fn a_customer_with_a_raised_cap_gets_that_and_no_more() {
    let service = Running::start().await;
    for last_octet in 2..6 {
        all_are(&mut service.connect(last_octet).await, Some("raised"), 250, StatusCode::OK).await;
    }
    let refused = service.connect(6).await.get(DOMAIN, Some("raised")).await.unwrap();
    is_refused_for(&refused, NOT_FOR_KEY, 1_000, 61);
    shows_concurrency(&refused, Some((8, 0)));
}

#[tokio::test]
async fn the_ninth_request_in_flight_is_refused_at_once_and_costs_nothing() {
    let service = Running::start().await;
    let mut slow = Vec::new();
    for running in 1..=8 {
        slow.push(service.start_get("/report", "alice").await);
        service.in_flight("alice", running).await;
    }

    let mut client = service.connect(2).await;
    let refused = client.get(DOMAIN, Some("alice")).await.unwrap();
    let body = r#"{"success":false,"error":"Concurrency limit exceeded for this API key","meta":{"limit":8,"running":8}}"#;
    assert_eq!((refused.status, refused.body.as_str()), (StatusCode::TOO_MANY_REQUESTS, body));
    assert_eq!(refused.header("content-type"), Some("application/json"));
    assert_eq!(refused.header("retry-after"), None);
    shows_concurrency(&refused, Some((8, 8)));
    assert_eq!(service.remaining("alice", "key"), 600 - 8);
    shows_concurrency(&client.get(DOMAIN, Some("bob")).await.unwrap(), Some((8, 1)));

    service.warehouse.send_replace(true);
    for (running, slow) in (1..).zip(slow) {
        let reply = slow.await.unwrap().unwrap();
        assert_eq!(reply.status, StatusCode::OK);
        shows_concurrency(&reply, Some((8, running)));
    }
    shows_concurrency(&client.get(DOMAIN, Some("alice")).await.unwrap(), Some((8, 1)));
}

#[tokio::test]
async fn who_has_read_a_response_finds_its_permit_free() {
    let service = Running::start().await;
    let mut client = service.connect(2).await;
    for _ in 0..200 {
        let reply = client.get(DOMAIN, Some("single")).await.unwrap();
        assert_eq!(reply.status, StatusCode::OK, "{reply}");
        shows_concurrency(&reply, Some((1, 1)));
    }
    let missing = client.get("/nowhere", Some("single")).await.unwrap();
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    shows_concurrency(&missing, Some((1, 1)));
}

#[tokio::test]
async fn a_client_that_hangs_up_gives_its_permit_back() {
    let service = Running::start().await;
    // Before there is a response, and in the middle of its body.
    for path in ["/report", "/endless"] {
        let request = service.start_get(path, "single").await;
        service.in_flight("single", 1).await;
        if path == "/endless" {
            service.body_begun.notified().await;
        }
        let refused = service.connect(2).await.get(DOMAIN, Some("single")).await.unwrap();
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{path}");

        request.abort();
        service.in_flight("single", 0).await;
        all_are(&mut service.connect(2).await, Some("single"), 1, StatusCode::OK).await;
    }
}

#[tokio::test]
async fn a_handler_that_panics_gives_its_permit_back() {
    let service = Running::start().await;
    for _ in 0..20 {
        assert!(service.connect(2).await.get("/panic", Some("alice")).await.is_err());
    }
    service.in_flight("alice", 0).await;
    assert_eq!(service.remaining("alice", "key"), 600 - 20);
}
