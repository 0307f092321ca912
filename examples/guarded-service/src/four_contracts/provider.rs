//! Four APIs on one port, each under its own contract, told apart by the first part of the path.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use ratecell_contract::{Contract, Guard};
use ratecell_tower::GuardLayer;
use tower::ServiceExt as _;

use super::timeline::Timeline;

/// What was answered to each caller, by API and by key.
pub(crate) type Timelines = HashMap<(&'static str, &'static str), Arc<Timeline>>;

/// How long a handler takes.
const WORK: Duration = Duration::from_millis(5);

/// A service for each API, by its name.
#[derive(Clone)]
struct Apis(Arc<HashMap<&'static str, Router>>);

/// Serves each contract under `/NAME/`, and counts what its callers are answered.
pub(crate) fn four_apis(
    contracts: impl IntoIterator<Item = (&'static str, Contract)>,
    timelines: &Arc<Timelines>,
) -> Result<Router, Box<dyn Error + Send + Sync>> {
    let mut apis = HashMap::new();
    for (name, contract) in contracts {
        let guard = Arc::new(Guard::builder(contract).build()?);
        let counted = Counted { api: name, timelines: Arc::clone(timelines) };
        let handler = any(async || {
            tokio::time::sleep(WORK).await;
            r#"{"success":true}"#
        });
        let api = Router::new()
            .fallback(handler)
            .layer(GuardLayer::whole(&guard))
            .layer(from_fn_with_state(counted, count));
        apis.insert(name, api);
    }
    Ok(Router::new().fallback(dispatch).with_state(Apis(Arc::new(apis))))
}

/// Hands a request to the API that its path begins with, without that part of the path: a contract
/// knows nothing of where its API is mounted.
async fn dispatch(State(apis): State<Apis>, mut request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let (name, rest) = path[1..].split_once('/').unwrap_or_default();
    let (Some(api), Ok(rest)) = (apis.0.get(name).cloned(), format!("/{rest}").parse::<Uri>())
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    *request.uri_mut() = rest;
    api.oneshot(request).await.into_response()
}

#[derive(Clone)]
struct Counted {
    api: &'static str,
    timelines: Arc<Timelines>,
}

/// Counts an answer for whoever is known by the request's key.
async fn count(State(counted): State<Counted>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
    let key = bearer.and_then(|value| value.strip_prefix("Bearer "));
    let key = key.or_else(|| headers.get("x-api-key")?.to_str().ok());
    let timeline = counted.timelines.iter().find_map(|((api, caller), timeline)| {
        (*api == counted.api && Some(*caller) == key).then(|| Arc::clone(timeline))
    });
    let response = next.run(request).await;
    if let Some(timeline) = timeline {
        timeline.count(response.status() == StatusCode::TOO_MANY_REQUESTS);
    }
    response
}
