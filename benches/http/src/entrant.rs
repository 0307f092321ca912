//! The services that are measured: one handler, bare or behind a layer.

use core::net::SocketAddr;
use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use ratecell_contract::{Contract, Guard};
use ratecell_tower::GuardLayer;
use tower_governor::GovernorLayer;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::PeerIpKeyExtractor;

/// The path of the handler.
pub const PATH: &str = "/v1/items";

/// Where requests of in-process calls come from.
pub const PEER: SocketAddr =
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1)), 5000);

/// More units than any run asks for, and the burst of both limiters where they admit.
const PLENTY: u32 = 1_000_000_000;

/// A service that is measured.
#[derive(Clone)]
pub struct Entrant {
    pub name: &'static str,
    pub app: Router,
    /// The status that it answers with.
    pub status: u16,
}

/// Whether a limiter has units left.
#[derive(Clone, Copy, PartialEq)]
pub enum State {
    Open,
    Exhausted,
}

/// Whether a limiter writes its numbers into every response.
#[derive(Clone, Copy, PartialEq)]
pub enum Fields {
    Silent,
    Shown,
}

fn routes() -> Router {
    Router::new().route(PATH, get(|| async { r#"{"items":[]}"# }))
}

/// The handler alone.
pub fn bare() -> Entrant {
    Entrant { name: "bare axum", app: routes(), status: 200 }
}

/// The handler behind this layer, with one rule by address.
pub fn ratecell(state: State, fields: Fields) -> Entrant {
    let limit = match state {
        State::Open => format!("{PLENTY}/s burst {PLENTY}"),
        State::Exhausted => "1/day".to_owned(),
    };
    let headers = match fields {
        Fields::Silent => r#"["retry-after"]"#,
        Fields::Shown => r#"["x-ratelimit", "retry-after"]"#,
    };
    let text = format!(
        r#"
        name = "bench"
        [[rule]]
        name = "ip"
        limit = "{limit}"
        by = "ip"
        [response]
        headers = {headers}
        [response.refused]
        body = '{{"error":"rate_limited","wait":{{retry_after_seconds}}}}'
        "#
    );
    let contract = Contract::parse(&text).expect("a contract");
    let guard = Arc::new(Guard::builder(contract).build().expect("a guard"));
    let app = routes().layer(GuardLayer::whole(&guard));
    Entrant { name: "ratecell", app, status: status(state) }
}

/// The handler behind tower_governor, by address, as its documentation sets it up.
pub fn governor(state: State, fields: Fields) -> Entrant {
    let period = match state {
        State::Open => Duration::from_nanos(1),
        State::Exhausted => Duration::from_secs(86_400),
    };
    let burst = match state {
        State::Open => PLENTY,
        State::Exhausted => 1,
    };
    assert!(NonZeroU32::new(burst).is_some());
    let mut config = GovernorConfigBuilder::default();
    config.period(period).burst_size(burst);
    let mut config = config.key_extractor(PeerIpKeyExtractor);
    let routes = routes();
    let app = match fields {
        Fields::Silent => routes.layer(GovernorLayer::new(config.finish().expect("a config"))),
        Fields::Shown => {
            routes.layer(GovernorLayer::new(config.use_headers().finish().expect("a config")))
        }
    };
    Entrant { name: "tower_governor", app, status: status(state) }
}

const fn status(state: State) -> u16 {
    match state {
        State::Open => 200,
        State::Exhausted => 429,
    }
}
