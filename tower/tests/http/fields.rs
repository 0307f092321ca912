//! What a response carries of the layers that it has passed: in process, where what is left in its
//! extensions can be seen.

use core::convert::Infallible;
use core::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::Empty;
use ratecell::ManualClock;
use ratecell_contract::Contract;
use ratecell_tower::GuardLayer;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use crate::api::{TestClock, guard_builder};

type TestRequest = Request<Empty<Bytes>>;
type TestResponse = Response<Empty<Bytes>>;

const TWO_RULES: &str = r#"
    name = "rules"
    [[rule]]
    name = "ip"
    limit = "fixed 9/min"
    by = "ip"
    stage = "before-auth"
    [[rule]]
    name = "key"
    limit = "fixed 2/min"
    by = "header:x-api-key"
    [response]
    headers = HEADERS
"#;

/// The layers of both stages, the outer one first.
fn layers(headers: &str) -> [GuardLayer<TestClock>; 2] {
    let contract = Contract::parse(&TWO_RULES.replace("HEADERS", headers)).unwrap();
    let clock = Arc::new(ManualClock::new(0));
    let guard = Arc::new(guard_builder(contract, &clock).build().unwrap());
    [GuardLayer::before_auth(&guard), GuardLayer::after_auth(&guard)]
}

/// A handler that writes a field of the layers, and one of its own.
fn handler(_: TestRequest) -> impl Future<Output = Result<TestResponse, Infallible>> {
    let mut response = TestResponse::default();
    response.headers_mut().insert("x-ratelimit-limit", HeaderValue::from_static("77"));
    response.headers_mut().insert("ratelimit", HeaderValue::from_static("\"mine\";r=1"));
    response.headers_mut().insert("x-own", HeaderValue::from_static("1"));
    ready(Ok(response))
}

/// Each field as `name: value`, in the order of the names.
fn lines(headers: &HeaderMap) -> Vec<String> {
    let mut pairs: Vec<_> =
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}: {value}")).collect()
}

/// The status of the answer and what it carries.
async fn answer<S, B>(service: S) -> (u16, Vec<String>)
where
    S: Service<TestRequest, Response = Response<B>, Error = Infallible>,
{
    let mut request = TestRequest::default();
    request.headers_mut().insert("x-api-key", HeaderValue::from_static("a"));
    let response = service.oneshot(request).await.unwrap();
    assert!(response.extensions().is_empty(), "nothing is left for the server to see");
    (response.status().as_u16(), lines(response.headers()))
}

#[tokio::test]
async fn a_field_of_the_handler_under_a_name_of_the_layers_is_replaced() {
    let [outer, _] = layers(r#"["x-ratelimit"]"#);
    let (status, carried) = answer(outer.layer(service_fn(handler))).await;
    let expected = [
        "ratelimit: \"mine\";r=1",
        "x-own: 1",
        "x-ratelimit-limit: 9",
        "x-ratelimit-remaining: 8",
        "x-ratelimit-reset: 60",
    ];
    assert_eq!((status, carried), (200, expected.map(str::to_owned).into()));
}

#[tokio::test]
async fn two_layers_write_their_lists_as_one_and_one_of_them_all_other_fields() {
    let [outer, inner] = layers(r#"["ratelimit", "x-ratelimit", "retry-after"]"#);
    let service = outer.layer(inner.layer(service_fn(handler)));
    let expected = [
        "ratelimit: \"ip\";r=8;t=60, \"key\";r=1;t=60",
        "ratelimit-policy: \"ip\";q=9;w=60, \"key\";q=2;w=60",
        "x-own: 1",
        "x-ratelimit-limit: 2",
        "x-ratelimit-remaining: 1",
        "x-ratelimit-reset: 60",
    ];
    assert_eq!(answer(service.clone()).await, (200, expected.map(str::to_owned).into()));
    answer(service.clone()).await;
    let expected = [
        "cache-control: no-store",
        "content-type: application/problem+json",
        "ratelimit: \"ip\";r=6;t=60, \"key\";r=0;t=60",
        "ratelimit-policy: \"ip\";q=9;w=60, \"key\";q=2;w=60",
        "retry-after: 60",
        "x-ratelimit-limit: 2",
        "x-ratelimit-remaining: 0",
        "x-ratelimit-reset: 60",
    ];
    assert_eq!(answer(service).await, (429, expected.map(str::to_owned).into()));
}

#[tokio::test]
async fn what_stands_between_two_layers_sees_the_inner_ones_fields_and_may_answer_itself() {
    let [outer, inner] = layers(r#"["ratelimit"]"#);
    let inner = inner.layer(service_fn(handler));
    let both = "ratelimit: \"ip\";r=8;t=60, \"key\";r=1;t=60";

    let shows = inner.clone().map_response(|response| {
        let seen = response.headers()["ratelimit"].to_str().unwrap();
        assert_eq!(seen, "\"key\";r=1;t=60");
        response
    });
    assert_eq!(answer(outer.layer(shows)).await.1[0], both);

    let replaces = inner.map_response(|_| TestResponse::default());
    let expected = ["ratelimit: \"ip\";r=7;t=60", "ratelimit-policy: \"ip\";q=9;w=60"];
    assert_eq!(answer(outer.layer(replaces)).await.1, expected);
}
