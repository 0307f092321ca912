//! Each framework with a real client of its own: axum with nested routers, hyper with an upgraded
//! connection, tonic with calls and streams.

use core::convert::Infallible;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::header::{CONNECTION, UPGRADE};
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use ratecell::ManualClock;
use ratecell_contract::{Contract, Guard};
use ratecell_tower::{GuardLayer, Held, PeerAddr};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tonic::Code;
use tonic::transport::{Channel, Server, server::TcpIncoming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::api::{SECOND, START_S, TestClock, guard_builder};
use crate::loopback::{self, Client, request};

fn guard(contract: &str) -> (Arc<Guard<TestClock>>, TestClock) {
    let clock = Arc::new(ManualClock::new(START_S * SECOND));
    let guard = guard_builder(Contract::parse(contract).unwrap(), &clock).build();
    (Arc::new(guard.unwrap()), clock)
}

#[tokio::test]
async fn axum_paths_are_those_of_the_client_in_nested_routers_too() {
    let contract = r#"
        name = "nested"
        [[rule]]
        name = "items"
        limit = "fixed 1/min"
        paths = ["/api/v1/items"]
        by = "ip"
    "#;
    let (guard, _) = guard(contract);
    let inner = Router::new()
        .route("/items", get(|| async { "items" }))
        .route("/users", get(|| async { "users" }))
        .layer(GuardLayer::whole(&guard));
    let app = Router::new().nest("/api", Router::new().nest("/v1", inner));
    let mut client = Client::connect(loopback::serve(app).await).await;
    let mut status = async |path| client.send(request("GET", path, &[])).await.status.as_u16();
    assert_eq!((status("/api/v1/items").await, status("/api/v1/items?page=2").await), (200, 429));
    assert_eq!((status("/api/v1/users").await, status("/api/v1/users").await), (200, 200));
}

#[tokio::test]
async fn a_rewritten_path_is_counted_as_what_the_inner_router_serves() {
    let contract = r#"
        name = "rewritten"
        [[rule]]
        name = "items"
        limit = "fixed 1/min"
        paths = ["/v1/items"]
        by = "ip"
    "#;
    let (guard, _) = guard(contract);
    let routes = Router::new().route("/items", get(|| async { "items" }));
    let mounted = Router::new().nest("/v1", routes).layer(GuardLayer::whole(&guard));
    // Cuts off where the API is mounted, and knows an old name of its items.
    let hand_on = move |mut request: axum::extract::Request| async move {
        let path = request.uri().path();
        let path = path.strip_prefix("/shop").unwrap_or(path).replace("/old", "/v1/items");
        *request.uri_mut() = path.parse().unwrap();
        mounted.oneshot(request).await
    };
    let app = Router::new().fallback(hand_on);
    let mut client = Client::connect(loopback::serve(app).await).await;
    let mut status = async |path| client.send(request("GET", path, &[])).await.status.as_u16();
    assert_eq!(status("/shop/v1/items").await, 200);
    assert_eq!((status("/shop/old").await, status("/v1/items").await), (429, 429));
    assert_eq!((status("/shop/v1/users").await, status("/shop/v1/users").await), (404, 404));
}

/// A handler for hyper alone: echoes what comes after an upgrade, for as long as it comes.
async fn echo(mut request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let mut response = Response::new(Empty::new());
    if request.headers().contains_key(UPGRADE) {
        let held = request.extensions_mut().remove::<Held>();
        tokio::spawn(async move {
            let _held = held;
            let mut stream = TokioIo::new(hyper::upgrade::on(request).await.unwrap());
            let mut byte = [0];
            while stream.read(&mut byte).await.is_ok_and(|read| read == 1) {
                stream.write_all(&byte).await.unwrap();
            }
        });
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert(CONNECTION, "upgrade".parse().unwrap());
        response.headers_mut().insert(UPGRADE, "echo".parse().unwrap());
    }
    Ok(response)
}

/// Serves [`echo`] with hyper alone, which brings no address: the server puts it there.
async fn serve_hyper(layer: GuardLayer<TestClock>) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, peer) = listener.accept().await.unwrap();
            let inner = layer.layer(service_fn(echo));
            let with_peer = tower::util::MapRequest::new(inner, move |mut request: Request<_>| {
                request.extensions_mut().insert(PeerAddr::from(peer));
                request
            });
            let connection = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(with_peer));
            tokio::spawn(connection.with_upgrades());
        }
    });
    address
}

// Only Linux has all of 127.0.0.0/8 without further ado.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn hyper_counts_by_the_address_that_the_server_puts_into_requests() {
    let contract = r#"
        name = "hyper"
        [[rule]]
        name = "ip"
        limit = "fixed 1/min"
        by = "ip"
    "#;
    let (guard, _) = guard(contract);
    let address = serve_hyper(GuardLayer::whole(&guard)).await;
    for host in 1..=2 {
        let mut client = Client::connect_from([127, 0, 0, host], address).await;
        assert_eq!(client.send(request("GET", "/", &[])).await.status, 200);
        assert_eq!(client.send(request("GET", "/", &[])).await.status, 429);
    }
}

#[tokio::test]
async fn an_upgraded_connection_keeps_its_permit_until_it_is_closed() {
    let contract = r#"
        name = "upgrades"
        [[rule]]
        name = "inflight"
        limit = "concurrency 1"
        by = "ip"
    "#;
    let (guard, _) = guard(contract);
    let address = serve_hyper(GuardLayer::whole(&guard)).await;
    let mut client = Client::connect(address).await;
    let upgrade = request("GET", "/", &[("connection", "upgrade"), ("upgrade", "echo")]);
    let response = client.begin(upgrade).await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut stream = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
    let mut other = Client::connect(address).await;
    let mut byte = [0];
    for sent in *b"three" {
        stream.write_all(&[sent]).await.unwrap();
        stream.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte[0], sent);
        assert_eq!(other.send(request("GET", "/", &[])).await.status, 429);
    }
    stream.shutdown().await.unwrap();
    // The server closes its side when its handler has ended, with what it held.
    assert_eq!(stream.read(&mut byte).await.unwrap(), 0);
    assert_eq!(other.send(request("GET", "/", &[])).await.status, 200);
}

/// The health service that comes with tonic, behind a layer.
async fn serve_tonic(layer: GuardLayer<TestClock>) -> SocketAddr {
    let (_, health) = tonic_health::server::health_reporter();
    let incoming = TcpIncoming::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = incoming.local_addr().unwrap();
    let server = Server::builder().layer(layer).add_service(health);
    tokio::spawn(server.serve_with_incoming(incoming));
    address
}

async fn health_client(address: SocketAddr) -> HealthClient<Channel> {
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    HealthClient::new(endpoint.connect().await.unwrap())
}

fn check() -> HealthCheckRequest {
    HealthCheckRequest { service: String::new() }
}

#[tokio::test]
async fn a_grpc_call_is_refused_as_exhausted_with_the_wait_to_the_nanosecond() {
    let contract = r#"
        name = "grpc"
        [[rule]]
        name = "calls"
        limit = "fixed 2/min"
        paths = ["/grpc.health.v1.Health/Check"]
        by = "ip"
        message = "100 % of your calls: enough"
        [response]
        headers = ["x-ratelimit", "retry-after"]
    "#;
    let (guard, clock) = guard(contract);
    let mut client = health_client(serve_tonic(GuardLayer::whole(&guard)).await).await;
    for left in ["1", "0"] {
        let answer = client.check(check()).await.unwrap();
        assert_eq!(answer.metadata().get("x-ratelimit-remaining").unwrap(), left);
    }
    clock.advance(12_345_678_901);
    let status = client.check(check()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(status.message(), "100 % of your calls: enough");
    let wait = Duration::from_secs(60) - Duration::from_nanos(12_345_678_901);
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay, Some(wait));
    assert_eq!(status.metadata().get("retry-after").unwrap(), "48");
    clock.advance(u64::try_from(wait.as_nanos()).unwrap());
    assert!(client.check(check()).await.is_ok());
}

#[tokio::test]
async fn a_grpc_stream_holds_its_permit_until_its_client_drops_it() {
    let contract = r#"
        name = "grpc"
        [[rule]]
        name = "streams"
        limit = "concurrency 1"
        by = "ip"
    "#;
    let (guard, _) = guard(contract);
    let address = serve_tonic(GuardLayer::whole(&guard)).await;
    let mut client = health_client(address).await;
    let mut stream = client.watch(check()).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    let status = health_client(address).await.check(check()).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.get_details_retry_info().is_none());
    drop(stream);
    // On one connection frames stay in order: the server hears of the dropped stream first.
    assert!(client.check(check()).await.is_ok());
}
