//! The way between a client and the provider: some milliseconds there and some back.

use std::sync::Mutex;
use std::time::Duration;

use http::Extensions;
use ratecell_client::Time as _;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use crate::sim_time::SimTime;

/// A link that takes 5 to 45 ms each way, anew for each request.
pub(crate) struct Network {
    time: SimTime,
    chance: Mutex<fastrand::Rng>,
}

impl Network {
    pub(crate) fn new(time: &SimTime, seed: u64) -> Self {
        Self { time: time.clone(), chance: Mutex::new(fastrand::Rng::with_seed(seed)) }
    }

    async fn pass(&self) {
        let way_us = self.chance.lock().unwrap().u64(5_000..45_000);
        self.time.sleep(Duration::from_micros(way_us)).await;
    }
}

#[async_trait::async_trait]
impl Middleware for Network {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        self.pass().await;
        let response = next.run(request, extensions).await;
        self.pass().await;
        response
    }
}
