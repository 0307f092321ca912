//! The clients: twenty who share one key, each on its own, for as long as the run lasts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ratecell::Clock as _;
use ratecell::pacing::Reading;
use ratecell_client::{LaneKey, Pacing, Time as _};
use ratecell_contract::Contract;
use reqwest::{Method, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

use crate::network::Network;
use crate::sim_time::SimTime;

/// How many share the key.
pub(crate) const CLIENTS: u64 = 20;

/// How a client behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With ratecell's middleware, told the contract and how many share the key.
    Told,
    /// With ratecell's middleware, told nothing.
    Learning,
    /// As the provider's documentation says.
    Documented,
    /// Sends when it is answered, and a second after a refusal.
    Naive,
}

/// What all clients of a run have in common.
pub(crate) struct Run {
    pub(crate) name: &'static str,
    pub(crate) contract: Contract,
    pub(crate) kind: Kind,
    pub(crate) service: SocketAddr,
    pub(crate) time: SimTime,
    pub(crate) end_ns: u64,
}

impl Run {
    /// One stream of requests of one client, one after the other.
    pub(crate) async fn stream(self: Arc<Self>, client: u64, method: Method) {
        let http = self.client(client);
        let mut chance = fastrand::Rng::with_seed(client + 1_000);
        let mut tries = 0;
        // Nobody starts at the same instant.
        self.time.sleep(Duration::from_millis(client * 7)).await;
        while self.time.now_ns() < self.end_ns {
            let url = format!("http://{}/v1/items", self.service);
            let request = http.request(method.clone(), url);
            let request = request.bearer_auth("shared").header("x-api-key", "shared");
            let Ok(response) = request.send().await else { break };
            let wait = self.wait(response, &mut chance, &mut tries).await;
            self.time.sleep(wait).await;
        }
        self.time.end();
    }

    fn client(&self, client: u64) -> ClientWithMiddleware {
        // Each from an address of its own: all of 127.0.0.0/8 is the loopback on Linux.
        let address = IpAddr::V4(Ipv4Addr::new(127, 0, 1, u8::try_from(client).unwrap() + 1));
        let http = reqwest::Client::builder().local_address(address).no_proxy().build().unwrap();
        let mut chance = fastrand::Rng::with_seed(client + 100);
        let pacing = Pacing::builder()
            .time(self.time.clone())
            .random(move || chance.u64(..))
            .sharers(u32::try_from(CLIENTS).unwrap())
            .address_sharers(1);
        let pacing = match self.kind {
            Kind::Told => Some(pacing.contract(self.contract.clone())),
            // That reads and writes may be counted apart is all that it is told.
            Kind::Learning => Some(pacing.lane_by(|request| {
                LaneKey::of_caller(request).with_secret(request.method().as_str().as_bytes())
            })),
            Kind::Documented | Kind::Naive => None,
        };
        let mut chain = ClientBuilder::new(http);
        if let Some(pacing) = pacing {
            chain = chain.with(pacing.build().unwrap());
        }
        chain.with(Network::new(&self.time, client)).build()
    }

    /// How long a client waits of its own accord after an answer.
    async fn wait(
        &self,
        response: Response,
        chance: &mut fastrand::Rng,
        tries: &mut u32,
    ) -> Duration {
        let is_refused = response.status().as_u16() == 429;
        match self.kind {
            Kind::Told | Kind::Learning => Duration::ZERO,
            Kind::Naive => Duration::from_secs(is_refused.into()),
            Kind::Documented => {
                let (now_ns, status) = (self.time.now_ns(), response.status().as_u16());
                let fields = response.headers().clone();
                let body = response.bytes().await.unwrap();
                let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
                self.documented_wait(&Reading::of(now_ns, status, fields, &body), chance, tries)
            }
        }
    }

    /// How long the provider's documentation says that a client waits.
    fn documented_wait(
        &self,
        reading: &Reading,
        chance: &mut fastrand::Rng,
        tries: &mut u32,
    ) -> Duration {
        let asked = Duration::from_nanos(reading.retry_after_ns().unwrap_or(0));
        let jitter = |most_ms, chance: &mut fastrand::Rng| {
            Duration::from_millis(if reading.refused() { chance.u64(0..most_ms) } else { 0 })
        };
        match self.name {
            "peeker" => asked + jitter(1_000, chance),
            "productlane" => {
                let low = reading.shown().filter(|shown| shown.remaining < 5);
                let reset_ns = low.and_then(|shown| shown.reset_after_ns).unwrap_or(0);
                asked.max(Duration::from_nanos(reset_ns)) + jitter(500, chance)
            }
            "prefetch" if reading.refused() && *tries < 3 => {
                *tries += 1;
                Duration::from_secs(1 << (*tries - 1))
            }
            // It gives up, and goes on with what is next.
            "prefetch" => {
                *tries = 0;
                Duration::ZERO
            }
            _ => asked,
        }
    }
}
