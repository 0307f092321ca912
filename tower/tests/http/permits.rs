//! When the permits of a request come back: with the end of its response's body, and whatever else
//! ends it first.

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use ratecell_tower::Caller;

use crate::api::Api;
use crate::loopback::{Client, request};

/// One request in flight, and nothing else.
const ONE_IN_FLIGHT: &str = r#"
    name = "one"
    [[rule]]
    name = "inflight"
    limit = "concurrency 1"
    by = "header:x-api-key"
    [response]
    headers = ["x-concurrency"]
"#;

fn anybody(_: &HeaderMap) -> Option<Caller> {
    Some(Caller::new())
}

fn to(method: &str, path: &str) -> Request<Full<Bytes>> {
    request(method, path, &[("x-api-key", "k")])
}

async fn api() -> Api {
    Api::serve_text(ONE_IN_FLIGHT, anybody).await
}

/// Whether the only permit is there, as a request on a new connection finds it.
async fn is_free(api: &Api) -> bool {
    let reply = api.client().await.send(to("GET", "/v1/items")).await;
    match reply.status.as_u16() {
        200 => true,
        429 => false,
        other => panic!("answered {other}"),
    }
}

#[tokio::test]
async fn a_streamed_body_holds_its_permit_to_the_last_piece() {
    let api = api().await;
    let mut client = api.client().await;
    let mut body = client.begin(to("GET", "/v1/stream")).await.into_body();
    for piece in ["one ", "two ", "three"] {
        assert!(!is_free(&api).await, "before {piece}");
        api.works.go_on();
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), piece);
    }
    assert!(body.frame().await.is_none());
    api.works.dropped().await;
    assert!(is_free(&api).await);
}

#[tokio::test]
async fn a_client_that_hangs_up_before_the_response_gives_its_permit_back() {
    let api = api().await;
    let client = api.client().await;
    client.hang_up(to("GET", "/v1/slow"), api.works.begun()).await;
    api.works.dropped().await;
    assert!(is_free(&api).await);
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_of_the_response_gives_its_permit_back() {
    let api = api().await;
    let mut client = api.client().await;
    let mut body = client.begin(to("GET", "/v1/stream")).await.into_body();
    api.works.go_on();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one ");
    assert!(!is_free(&api).await);
    drop(body);
    client.close();
    // The handler has another piece, for which nobody is there any more.
    api.works.go_on();
    api.works.dropped().await;
    assert!(is_free(&api).await);
}

#[tokio::test]
async fn a_handler_that_panics_gives_its_permit_back() {
    let api = api().await;
    let mut client = api.client().await;
    // Nobody catches it: the connection breaks.
    assert!(client.try_send(to("GET", "/v1/panic")).await.is_err());
    api.works.dropped().await;
    assert!(is_free(&api).await);
    // It is caught next to the handler, and the response made there ends as any other.
    let reply = api.client().await.send(to("GET", "/v1/caught")).await;
    assert_eq!((reply.status.as_u16(), reply.field("x-concurrency-running")), (500, "1"));
    assert!(is_free(&api).await);
}

#[tokio::test]
async fn a_response_without_a_body_gives_its_permit_back() {
    let api = api().await;
    let mut client = api.client().await;
    for (method, path, status) in [
        ("HEAD", "/v1/items", 200),
        ("GET", "/v1/empty", 204),
        ("HEAD", "/v1/empty", 204),
        ("GET", "/nowhere", 404),
        ("DELETE", "/v1/empty", 405),
    ] {
        let reply = client.send(to(method, path)).await;
        assert_eq!(reply.status.as_u16(), status, "{method} {path}");
        assert!(is_free(&api).await, "{method} {path}");
    }
    // The handler of a HEAD request may have made a body all the same; nobody reads it.
    let reply = client.send(to("HEAD", "/v1/stream")).await;
    assert_eq!(reply.status.as_u16(), 200);
    api.works.dropped().await;
    assert!(is_free(&api).await);
}

#[tokio::test]
async fn a_refusal_leaves_the_body_of_its_request_unread() {
    let api = api().await;
    let client = api.client().await;
    let slow = client.in_background(to("GET", "/v1/slow"));
    api.works.begun().await;
    // Nobody asks for the body that is announced.
    let head = "POST /v1/items HTTP/1.1\r\nhost: test\r\nx-api-key: k\r\n\
                content-length: 1000000000\r\nexpect: 100-continue\r\n\r\n";
    let answer = Client::raw(api.address, head).await;
    assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
    api.works.go_on();
    assert_eq!(slow.await.unwrap().status, 200);
}
