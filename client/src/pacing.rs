//! The middleware: paces requests before they are sent, and sends again what was refused.

mod builder;

pub use builder::{BuildError, PacingBuilder};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Extensions;
use ratecell::Clock as _;
use ratecell::pacing::{Backoff, Reading};
use reqwest::{Request, Response, StatusCode};
use reqwest_middleware::{Error, Middleware, Next, Result};

use crate::attempts::Attempts;
use crate::held_body::hold;
use crate::lane_key::LaneKey;
use crate::lanes::Lanes;
use crate::peeked_body::peek;
use crate::retry::may_repeat;
use crate::surroundings::Surroundings;

/// Whose requests share a pace.
type LaneOf = dyn Fn(&Request) -> LaneKey + Send + Sync;

/// A reqwest middleware that keeps to a rate limit: see the page of this crate.
///
/// Tasks and clients share it: clone the
/// [`ClientWithMiddleware`](reqwest_middleware::ClientWithMiddleware) that it is part of. Its
/// requests must run within a tokio runtime that has time enabled.
///
/// Progress: a request waits for its turn without polling. Dropping its future at any point leaves
/// the line and gives back what it held.
pub struct Pacing {
    lanes: Lanes,
    lane_of: Box<LaneOf>,
    backoff: Backoff,
    max_wait: Duration,
    surroundings: Arc<Surroundings>,
}

impl Pacing {
    /// Starts building one. Told nothing, it learns the pace from what answers say.
    pub fn builder() -> PacingBuilder {
        PacingBuilder::new()
    }

    fn now_ns(&self) -> u64 {
        self.surroundings.time.now_ns()
    }

    fn since(&self, earlier_ns: u64) -> u64 {
        self.now_ns().saturating_sub(earlier_ns)
    }

    /// Sends a request when its turn has come, and again while it is refused and may be repeated.
    async fn send(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let key = (self.lane_of)(&request);
        let place = self.lanes.get(&key, &request).map_err(Error::middleware)?.arrive();
        let max_wait_ns = u64::try_from(self.max_wait.as_nanos()).unwrap_or(u64::MAX);
        let mut retries = self.backoff.start(self.now_ns());
        let mut waited_ns = 0_u64;
        for sent in 1.. {
            let arrived_ns = self.now_ns();
            let deadline_ns = arrived_ns.saturating_add(max_wait_ns.saturating_sub(waited_ns));
            let entered = place.enter(deadline_ns, self.max_wait).await;
            let flight = entered.map_err(Error::middleware)?;
            waited_ns = waited_ns.saturating_add(self.since(arrived_ns));
            let (method, again) = (request.method().clone(), request.try_clone());
            let response = next.clone().run(request, extensions).await?;
            let (mut response, reading) = self.read(response).await;
            flight.answered(&reading);
            let waited = Duration::from_nanos(waited_ns);
            response.extensions_mut().insert(Attempts { sent, waited });

            let again = again.filter(|_| may_repeat(&method, response.status(), &reading));
            let refused_ns = self.now_ns();
            let retry = again.and_then(|again| {
                let random = &mut || self.surroundings.draw();
                let wait_ns = retries.wait_ns(refused_ns, reading.retry_after_ns(), random).ok()?;
                let is_in_time = waited_ns.saturating_add(wait_ns) <= max_wait_ns;
                is_in_time.then_some((again, wait_ns))
            });
            let Some((again, wait_ns)) = retry else { return Ok(hold(response, flight)) };
            drop((response, flight));
            self.surroundings.time.sleep(Duration::from_nanos(wait_ns)).await;
            waited_ns = waited_ns.saturating_add(self.since(refused_ns));
            request = again;
        }
        unreachable!("a backoff ends after 2^32 attempts at the latest")
    }

    /// Reads what a response says about limits. The response is as it was.
    async fn read(&self, response: Response) -> (Response, Reading) {
        let now_ns = self.now_ns();
        let is_refusal = matches!(
            response.status(),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        let (response, body) =
            if is_refusal { peek(response).await } else { (response, Vec::new()) };
        let fields = response.headers().iter();
        let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
        let reading = Reading::of(now_ns, response.status().as_u16(), fields, &body);
        (response, reading)
    }
}

#[async_trait]
impl Middleware for Pacing {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        self.send(request, extensions, next).await
    }
}

impl fmt::Debug for Pacing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacing")
            .field("backoff", &self.backoff)
            .field("max_wait", &self.max_wait)
            .finish_non_exhaustive()
    }
}
