//! The service: two routes, and a gate in front of them that enforces the contract.
//!
//! The contract has three limits: 300 a minute per address, before authentication; 600 a minute
//! per API key, more for a customer who was granted more; and a cap on requests in flight per key,
//! refused at once.
//!
//! One limiter serves all three. A rule whose dimension a call has no key for is skipped, so the
//! gate asks it twice: with the address alone before it looks at the API key, and with the API key
//! alone once that is known. So the text of the plan is the whole contract; what an address has
//! used stays used whoever is refused later; and the two limits of a key are acquired all or
//! nothing: a request that finds no permit free costs its key nothing of the minute.
//!
//! - The permit of a request is given back when hyper has taken the last of its response and before
//!   that is flushed, so a client that has read a response finds its permit free; and also when the
//!   client hangs up or the handler panics. It lives in the future and then in the body, and hyper
//!   drops both in any of these cases.
//! - There is no queue: a refusal is answered at once and is never passed to a handler.

use std::collections::HashMap;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use ratecell::{BuildError, CallError, Clock, Key, Limiter, ParseError, Plan, PlanDecision};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The limits, as a customer who was granted nothing else has them.
pub const PUBLISHED: &str =
    "ip: fixed 300/min by ip; key: sliding 600/min; inflight: concurrency 8";

/// The request's API key.
pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The cap on requests in flight, in every authenticated response.
pub const CONCURRENCY_LIMIT: HeaderName = HeaderName::from_static("x-concurrency-limit");

/// The requests in flight after the decision, in every authenticated response.
pub const CONCURRENCY_RUNNING: HeaderName = HeaderName::from_static("x-concurrency-running");

/// What stands in front of the routes: the limiter and the customers it lets in.
#[derive(Debug)]
pub struct Gate<C> {
    limiter: Limiter<C>,
    /// By API key, with the rules of those who were granted others than the published ones.
    customers: HashMap<String, Option<Plan>>,
}

impl<C: Clock> Gate<C> {
    /// A gate that knows no customer yet.
    ///
    /// # Errors
    /// [`BuildError`] if the limiter's memory cannot be had.
    pub fn new(clock: C) -> Result<Self, BuildError> {
        let limiter = Limiter::builder(PUBLISHED).clock(clock).build()?;
        Ok(Self { limiter, customers: HashMap::new() })
    }

    /// The same with a customer who has the published limits.
    #[must_use]
    pub fn customer(mut self, api_key: &str) -> Self {
        self.customers.insert(api_key.into(), None);
        self
    }

    /// The same with a customer who was granted other limits.
    ///
    /// # Errors
    /// [`ParseError`] if `rate_limit_rpm` or `in_flight` is 0, or `rate_limit_rpm` above 8,388,607.
    pub fn customer_with(
        mut self,
        api_key: &str,
        rate_limit_rpm: u32,
        in_flight: u32,
    ) -> Result<Self, ParseError> {
        // Rules for one call stand in by position, so the address's is named too; a call that has
        // no address skips it.
        let rules =
            format!("fixed 300/min by ip; sliding {rate_limit_rpm}/min; concurrency {in_flight}");
        self.customers.insert(api_key.into(), Some(rules.parse()?));
        Ok(self)
    }

    /// The limiter.
    pub const fn limiter(&self) -> &Limiter<C> {
        &self.limiter
    }

    fn acquire_for_key(
        &self,
        key: &str,
        rules: Option<&Plan>,
    ) -> Result<PlanDecision<'_>, CallError> {
        match rules {
            None => self.limiter.acquire(key, 1),
            Some(rules) => self.limiter.acquire_with(rules, key, 1),
        }
    }
}

/// Puts the gate in front of the routes, and of the answer to paths that there are none for.
pub fn guarded<C: Clock + Send + Sync + 'static>(routes: Router, gate: Arc<Gate<C>>) -> Router {
    routes.layer(from_fn_with_state(gate, pass::<C>))
}

/// The routes. A report takes as long as the warehouse does: it is ready once that says `true`.
pub fn routes(warehouse: watch::Receiver<bool>) -> Router {
    let report = async move || {
        let mut warehouse = warehouse;
        match warehouse.wait_for(|ready| *ready).await {
            Ok(_) => json(StatusCode::OK, r#"{"success":true,"data":{"rows":3}}"#),
            Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    };
    let domain = async || json(StatusCode::OK, r#"{"success":true,"data":{"available":true}}"#);
    Router::new().route("/domains/example.com", get(domain)).route("/report", get(report))
}

/// Serves `app` until the task is aborted.
///
/// # Errors
/// What the listener says; in practice it retries and never ends.
pub async fn serve(listener: TcpListener, app: Router) -> std::io::Result<()> {
    // A refusal is one small segment; it must not wait for an acknowledgement.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
}

/// The way of a request through the gate.
async fn pass<C: Clock + Send + Sync + 'static>(
    State(gate): State<Arc<Gate<C>>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    match gate.limiter.acquire_keys(&[("ip", address_key(client.ip()))], 1) {
        Ok(decision) if decision.allowed() => {}
        Ok(refused) => return refusal(&refused),
        Err(error) => return broken(&error),
    }

    let key = request.headers().get(API_KEY).and_then(|key| key.to_str().ok());
    let Some((key, rules)) = key.and_then(|key| gate.customers.get_key_value(key)) else {
        let body = r#"{"success":false,"error":"Missing or unknown API key","meta":{}}"#;
        return json(StatusCode::UNAUTHORIZED, body);
    };

    let (concurrency, permit) = match gate.acquire_for_key(key, rules.as_ref()) {
        Ok(decision) if decision.allowed() => {
            (Concurrency::of(&decision), Permit { gate: Arc::clone(&gate), key: key.clone() })
        }
        Ok(refused) => {
            let mut response = refusal(&refused);
            Concurrency::of(&refused).show(&mut response);
            return response;
        }
        Err(error) => return broken(&error),
    };
    let mut response = next.run(request).await;
    concurrency.show(&mut response);
    response.map(|body| Body::new(HeldBody { body, _permit: permit }))
}

/// What the address rule counts by: an IPv4 address, or the /64 of an IPv6 one, which is what one
/// customer of a network has at least.
fn address_key(address: IpAddr) -> Key<'static> {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => {
            (u64::from_be_bytes(v6.octets()[..8].try_into().unwrap_or_default())).into()
        }
    }
}

/// The answer to a request that a rule refuses.
fn refusal(refused: &PlanDecision<'_>) -> Response {
    let (rule, limit) = (refused.rule().unwrap_or_default(), refused.limit().unwrap_or_default());
    let error = match rule {
        "ip" => "Rate limit exceeded for this IP address",
        "inflight" => "Concurrency limit exceeded for this API key",
        _ => "Rate limit exceeded for this API key",
    };
    // Rounded up, so that who obeys it is let in. A permit comes back when it comes back: the wait
    // for one is unknown, and then nothing is said about it.
    let wait = refused.retry_after_ns().map(|wait_ns| wait_ns.div_ceil(1_000_000_000).max(1));
    let meta = match wait {
        Some(wait) => {
            format!(r#""limit":{limit},"window_seconds":60,"retry_after_seconds":{wait}"#)
        }
        None => format!(r#""limit":{limit},"running":{}"#, Concurrency::of(refused).running),
    };
    let body = format!(r#"{{"success":false,"error":"{error}","meta":{{{meta}}}}}"#);
    let mut response = json(StatusCode::TOO_MANY_REQUESTS, body);
    if let Some(wait) = wait {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait));
    }
    response
}

/// The answer if the limiter was asked wrongly, which is this service's mistake: nobody is let in
/// unlimited because of it.
fn broken(error: &impl Display) -> Response {
    eprintln!("the limiter was asked wrongly: {error}");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.into()).into_response()
}

/// What an authenticated response shows.
#[derive(Clone, Copy, Default)]
struct Concurrency {
    limit: u32,
    running: u32,
}

impl Concurrency {
    fn of(decision: &PlanDecision<'_>) -> Self {
        let inflight = decision.rules().find(|(rule, _)| rule.name() == "inflight");
        inflight.map_or_else(Self::default, |(_, decision)| Self {
            limit: decision.limit(),
            running: decision.limit().saturating_sub(decision.remaining()),
        })
    }

    fn show(self, response: &mut Response) {
        response.headers_mut().insert(CONCURRENCY_LIMIT, self.limit.into());
        response.headers_mut().insert(CONCURRENCY_RUNNING, self.running.into());
    }
}

/// A place in flight, given back on drop.
///
/// `Limiter::hold` makes one that borrows the limiter and is under the published rules; this one
/// travels with a response and may be under a customer's own.
struct Permit<C: Clock> {
    gate: Arc<Gate<C>>,
    key: String,
}

impl<C: Clock> Drop for Permit<C> {
    fn drop(&mut self) {
        // It fails only if more is given back than was taken, and this takes and gives one each.
        if let Err(error) = self.gate.limiter.release(self.key.as_str(), 1) {
            eprintln!("a permit could not be given back: {error}");
        }
    }
}

/// A response's body, with the permit of its request for as long as it lasts.
struct HeldBody<C: Clock> {
    body: Body,
    _permit: Permit<C>,
}

impl<C: Clock> HttpBody for HeldBody<C> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    // Both are passed on, so that a response is framed as it would be without the gate.
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
