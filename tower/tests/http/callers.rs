//! What the service says of a caller, where requests come from, and two layers around one handler.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use axum::{Router, routing::get};
use http::HeaderMap;
use ratecell::ManualClock;
use ratecell_contract::{Contract, Limit, TrustedProxy};
use ratecell_tower::{Caller, GuardLayer, PeerAddr};

use crate::api::{Api, SECOND, START_S, TestClock, guard_builder};
use crate::loopback::{self, Client, request};

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Takes the tenant, the cost and the id from header fields, as no service should.
fn tenant(headers: &HeaderMap) -> Option<Caller> {
    let mut caller = Caller::new().value("tenant", text(headers, "tenant")?);
    if let Some(cost) = text(headers, "cost") {
        caller = caller.cost(cost.parse().unwrap());
    }
    if let Some(id) = text(headers, "id") {
        caller = caller.request_id(id);
    }
    Some(match text(headers, "limit") {
        Some("fits") => caller.limit("tenant", Limit::Text("fixed 20/min")),
        Some("does not fit") => caller.limit("tenant", Limit::Text("sliding 20/min")),
        Some("of no rule") => caller.cap("tenants", 20),
        _ => caller,
    })
}

const BY_TENANT: &str = r#"
    name = "tenants"
    [[rule]]
    name = "tenant"
    limit = "fixed 10/min"
    by = "value:tenant"
    [response]
    headers = ["x-ratelimit"]
    [response.always]
    "Request-Id" = "{request_id}"
"#;

#[tokio::test]
async fn the_service_gives_value_cost_and_id() {
    let api = Api::serve_text(BY_TENANT, tenant).await;
    let mut client = api.client().await;
    let mut left = async |headers: &[(&str, &str)]| {
        let reply = client.send(request("GET", "/v1/items", headers)).await;
        (reply.status.as_u16(), reply.field("x-ratelimit-remaining").to_owned())
    };
    assert_eq!(left(&[("tenant", "a")]).await, (200, "9".into()));
    assert_eq!(left(&[("tenant", "b"), ("cost", "4")]).await, (200, "6".into()));
    assert_eq!(left(&[("tenant", "a"), ("cost", "9")]).await, (200, "0".into()));
    assert_eq!(left(&[("tenant", "a"), ("cost", "0")]).await, (200, "0".into()));
    assert_eq!(left(&[("tenant", "b"), ("cost", "7")]).await, (429, "6".into()));
    assert_eq!(left(&[("tenant", "b"), ("cost", "11")]).await, (429, "6".into()));
    let reply = client.send(request("GET", "/v1/items", &[("tenant", "c"), ("id", "req-7")])).await;
    assert_eq!(reply.field("request-id"), "req-7");
    // An id that could break out of a field or a body is not taken over.
    let reply =
        client.send(request("GET", "/v1/items", &[("tenant", "c"), ("id", "a \"b\"")])).await;
    assert!(reply.field("request-id").starts_with("req_"), "{reply}");
}

#[tokio::test]
async fn a_limit_that_the_contract_has_no_place_for_is_the_services_mistake() {
    let api = Api::serve_text(BY_TENANT, tenant).await;
    let mut client = api.client().await;
    let of = |limit| request("GET", "/v1/items", &[("tenant", "a"), ("limit", limit)]);
    assert_eq!(client.send(of("fits")).await.field("x-ratelimit-limit"), "20");
    for limit in ["does not fit", "of no rule"] {
        let reply = client.send(of(limit)).await;
        assert_eq!((reply.status.as_u16(), &*reply.body), (500, ""), "{limit}");
    }
    // None of the two was charged, and none went on to the handler.
    assert_eq!(client.send(of("fits")).await.field("x-ratelimit-remaining"), "18");
}

#[tokio::test]
async fn a_function_of_the_layer_gives_the_cost_unless_the_caller_has_one() {
    let clock = Arc::new(ManualClock::new(START_S * SECOND));
    let guard = guard_builder(Contract::parse(BY_TENANT).unwrap(), &clock).build().unwrap();
    let layer = GuardLayer::whole(&Arc::new(guard))
        .cost(|parts| if parts.uri.path() == "/search" { 5 } else { 2 });
    let app = Router::new()
        .route("/search", get(|| async {}))
        .route("/items", get(|| async {}))
        .layer(layer)
        .layer(from_fn(async |mut request: Request, next: Next| {
            let caller = tenant(request.headers()).unwrap();
            request.extensions_mut().insert(caller);
            next.run(request).await
        }));
    let mut client = Client::connect(loopback::serve(app).await).await;
    let mut left = async |path, headers: &[(&str, &str)]| {
        let reply = client.send(request("GET", path, headers)).await;
        reply.field("x-ratelimit-remaining").to_owned()
    };
    assert_eq!(left("/search", &[("tenant", "a")]).await, "5");
    assert_eq!(left("/items", &[("tenant", "a")]).await, "3");
    assert_eq!(left("/search", &[("tenant", "a"), ("cost", "1")]).await, "2");
}

const BY_IP: &str = r#"
    name = "addresses"
    [[rule]]
    name = "ip"
    limit = "fixed 1/min"
    by = "ip"
"#;

/// Serves the contract by address behind proxies, which all requests come from.
async fn behind_proxies(proxies: &[TrustedProxy], peer: &'static str) -> Client {
    let clock: TestClock = Arc::new(ManualClock::new(START_S * SECOND));
    let guard = guard_builder(Contract::parse(BY_IP).unwrap(), &clock);
    let guard = Arc::new(guard.trusted_proxies(proxies).build().unwrap());
    let app = Router::new().route("/", get(|| async {})).layer(GuardLayer::whole(&guard)).layer(
        from_fn(async move |mut request: Request, next: Next| {
            let peer: SocketAddr = peer.parse().unwrap();
            request.extensions_mut().insert(PeerAddr::from(peer));
            next.run(request).await
        }),
    );
    Client::connect(loopback::serve(app).await).await
}

async fn status(client: &mut Client, forwarded: &str) -> u16 {
    let fields = [("x-forwarded-for", forwarded)];
    client.send(request("GET", "/", &fields)).await.status.as_u16()
}

#[tokio::test]
async fn a_forged_address_changes_nothing_unless_a_trusted_proxy_wrote_it() {
    let mut direct = behind_proxies(&[], "10.0.0.1:5000").await;
    assert_eq!(status(&mut direct, "192.0.2.1").await, 200);
    assert_eq!(status(&mut direct, "192.0.2.2").await, 429);

    let proxies = ["10.0.0.0/8".parse().unwrap()];
    let mut proxied = behind_proxies(&proxies, "10.0.0.1:5000").await;
    assert_eq!(status(&mut proxied, "203.0.113.9, 192.0.2.1, 10.0.0.7").await, 200);
    assert_eq!(status(&mut proxied, "203.0.113.8, 192.0.2.1, 10.0.0.7").await, 429);
    assert_eq!(status(&mut proxied, "192.0.2.2").await, 200);
}

#[tokio::test]
async fn a_proxy_on_a_unix_socket_is_believed_if_such_sockets_are_trusted() {
    async fn on_a_unix_socket(proxies: &[TrustedProxy]) -> [u16; 3] {
        let clock: TestClock = Arc::new(ManualClock::new(START_S * SECOND));
        let guard = guard_builder(Contract::parse(BY_IP).unwrap(), &clock);
        let guard = Arc::new(guard.trusted_proxies(proxies).build().unwrap());
        // Nothing says who connects, as on such a socket.
        let app = Router::new()
            .route("/", get(|| async {}))
            .layer(GuardLayer::whole(&guard))
            .layer(from_fn(async |mut request: Request, next: Next| {
                request.extensions_mut().remove::<ConnectInfo<SocketAddr>>();
                next.run(request).await
            }));
        let mut client = Client::connect(loopback::serve(app).await).await;
        let mut answers = [0; 3];
        for (answer, from) in answers.iter_mut().zip(["192.0.2.1", "192.0.2.2", "192.0.2.1"]) {
            *answer = status(&mut client, from).await;
        }
        answers
    }

    assert_eq!(on_a_unix_socket(&[TrustedProxy::UnixSocket]).await, [200, 200, 429]);
    assert_eq!(on_a_unix_socket(&[]).await, [200, 429, 429]);
}

#[tokio::test]
async fn ipv6_addresses_are_counted_by_their_prefix() {
    let proxies = ["10.0.0.0/8".parse().unwrap()];
    let mut proxied = behind_proxies(&proxies, "10.0.0.1:5000").await;
    assert_eq!(status(&mut proxied, "2001:db8::1").await, 200);
    assert_eq!(status(&mut proxied, "2001:db8::ffff:1").await, 429);
    assert_eq!(status(&mut proxied, "2001:db8:0:1::1").await, 200);
}

const TWO_STAGES: &str = r#"
    name = "stages"
    [[rule]]
    name = "ip"
    limit = "fixed 3/min"
    by = "ip"
    stage = "before-auth"
    [[rule]]
    name = "tenant"
    limit = "fixed 2/min"
    by = "value:tenant"
    [response]
    headers = HEADERS
    [response.always]
    "Request-Id" = "{request_id}"
    [response.refused]
    body = '{"rule":"{rule.name}","id":"{request_id}"}'
"#;

#[tokio::test]
async fn two_layers_write_each_field_once_and_lists_of_both() {
    let text = TWO_STAGES.replace("HEADERS", r#"["ratelimit", "retry-after"]"#);
    let api = Api::serve_text(&text, tenant).await;
    let mut client = api.client().await;
    let policy = "ratelimit-policy: \"ip\";q=3;w=60, \"tenant\";q=2;w=60";
    let mut shown = async |headers: &[(&str, &str)]| {
        client.send(request("GET", "/v1/items", headers)).await.to_string()
    };
    let passed = |ip: &str, tenant: &str, id: u32| {
        format!(
            "200\ncontent-type: text/plain; charset=utf-8\nratelimit: \"ip\";{ip}, \"tenant\";{tenant}\n\
             {policy}\nrequest-id: req_{id:032x}\n{{\"items\":[]}}"
        )
    };
    assert_eq!(shown(&[("tenant", "a")]).await, passed("r=2;t=60", "r=1;t=60", 1));
    let unknown = "401\ncontent-type: text/plain; charset=utf-8\nratelimit: \"ip\";r=1;t=60\n\
                   ratelimit-policy: \"ip\";q=3;w=60\n\
                   request-id: req_00000000000000000000000000000002\nwho are you?";
    assert_eq!(shown(&[]).await, unknown);
}

#[tokio::test]
async fn of_two_layers_the_inner_one_speaks_and_of_the_whole_the_governing_rule() {
    let text = TWO_STAGES.replace("HEADERS", r#"["x-ratelimit"]"#);
    let api = Api::serve_text(&text, tenant).await;
    let mut client = api.client().await;
    let limit = async |client: &mut Client, tenant| {
        let reply = client.send(request("GET", "/v1/items", &[("tenant", tenant)])).await;
        assert_eq!(reply.headers.get_all("x-ratelimit-reset").iter().count(), 1);
        (reply.status.as_u16(), reply.field("x-ratelimit-limit").to_owned())
    };
    for (tenant, expected) in [("a", "2"), ("b", "2"), ("c", "2")] {
        assert_eq!(limit(&mut client, tenant).await, (200, expected.to_owned()), "{tenant}");
    }
    assert_eq!(limit(&mut client, "d").await, (429, "3".to_owned()));

    let clock = Arc::new(ManualClock::new(START_S * SECOND));
    let guard = guard_builder(Contract::parse(&text).unwrap(), &clock).build().unwrap();
    let app = Router::new()
        .route("/v1/items", get(|| async {}))
        .layer(GuardLayer::whole(&Arc::new(guard)))
        .layer(from_fn(async |mut request: Request, next: Next| {
            let caller = tenant(request.headers()).unwrap();
            request.extensions_mut().insert(caller);
            next.run(request).await
        }));
    let mut client = Client::connect(loopback::serve(app).await).await;
    for (tenant, expected) in [("a", "2"), ("b", "3"), ("c", "3")] {
        assert_eq!(limit(&mut client, tenant).await, (200, expected.to_owned()), "{tenant}");
    }
}
