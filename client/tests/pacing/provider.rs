//! A provider without a network: the last middleware of a chain, which answers by itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Extensions;
use ratecell_client::{Pacing, PacingBuilder, TokioTime};
use reqwest::{Body, Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};
use tokio::time::Instant;

/// An instant at which a minute begins.
pub(crate) const START_NS: u64 = 1_790_000_040_000_000_000;

type Answer = dyn FnMut(usize, &Request) -> http::Response<Body> + Send;

/// Answers each request after `latency` as a closure says, and keeps what has come and when.
pub(crate) struct Provider {
    latency: Duration,
    start: Instant,
    answer: Mutex<Box<Answer>>,
    seen: Mutex<Vec<(Duration, String)>>,
}

impl Provider {
    /// A provider that the closure speaks for; it gets the number of the request, from 0.
    pub(crate) fn new(
        latency: Duration,
        answer: impl FnMut(usize, &Request) -> http::Response<Body> + Send + 'static,
    ) -> Arc<Self> {
        let answer: Mutex<Box<Answer>> = Mutex::new(Box::new(answer));
        Arc::new(Self { latency, start: Instant::now(), answer, seen: Mutex::default() })
    }

    /// A provider that serves every request.
    pub(crate) fn serving(latency: Duration) -> Arc<Self> {
        Self::new(latency, |_, _| answer(200, &[], "ok"))
    }

    /// A client of this provider. Time begins at [`START_NS`], and chance always draws 0.
    pub(crate) fn client(self: &Arc<Self>, builder: PacingBuilder) -> ClientWithMiddleware {
        let builder = builder.time(TokioTime::starting_at(START_NS)).random(|| 0);
        self.client_of(builder.build().unwrap())
    }

    pub(crate) fn client_of(self: &Arc<Self>, pacing: Pacing) -> ClientWithMiddleware {
        let client = ClientBuilder::new(reqwest::Client::new()).with(pacing);
        client.with_arc(Arc::clone(self) as Arc<dyn Middleware>).build()
    }

    /// When requests have come, in milliseconds from the start.
    pub(crate) fn times_ms(&self) -> Vec<u128> {
        self.seen.lock().unwrap().iter().map(|(at, _)| at.as_millis()).collect()
    }

    /// The paths of the requests, in the order in which they have come.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(_, path)| path.clone()).collect()
    }
}

#[async_trait::async_trait]
impl Middleware for Provider {
    async fn handle(&self, request: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response> {
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push((self.start.elapsed(), request.url().path().to_owned()));
            seen.len() - 1
        };
        let answer = self.answer.lock().unwrap()(number, &request);
        tokio::time::sleep(self.latency).await;
        Ok(answer.into())
    }
}

/// An answer.
pub(crate) fn answer(status: u16, fields: &[(&str, &str)], body: &str) -> http::Response<Body> {
    let mut answer = http::Response::builder().status(status);
    for (name, value) in fields {
        answer = answer.header(*name, *value);
    }
    answer.body(Body::from(body.to_owned())).unwrap()
}
