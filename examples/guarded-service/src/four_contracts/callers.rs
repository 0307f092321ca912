//! Who calls the four APIs: a documented client, a naive one, and one with ratecell's pacer.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use ratecell::pacing::Reading;
use ratecell::{Clock as _, SystemClock};
use ratecell_client::Pacing;
use ratecell_contract::Contract;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::api::Api;

/// The keys of the three kinds of callers.
pub(crate) const KINDS: [&str; 3] = ["documented", "naive", "ratecell"];

/// How many workers with ratecell's pacer share their key.
pub(crate) const WORKERS: u32 = 4;

/// How much more than the limit the naive client sends.
const GREED: u32 = 2;

type Failure = Box<dyn Error + Send + Sync>;

/// The callers of one API, ready to start.
pub(crate) struct Callers {
    api: &'static Api,
    url: String,
    documented: Documented,
    naive: reqwest::Client,
    paced: Vec<ClientWithMiddleware>,
}

/// The documented client, or what stands in for it.
enum Documented {
    Installed(Command),
    Played(reqwest::Client),
}

impl Callers {
    /// Makes all clients, and finds out which programs are installed.
    pub(crate) async fn new(
        api: &'static Api,
        contract: &Contract,
        service: SocketAddr,
    ) -> Result<Self, Failure> {
        let documented = match api.documented_client(service, KINDS[0]).await {
            Some(client) => Documented::Installed(client),
            None => Documented::Played(http(1)?),
        };
        let mut paced = Vec::new();
        for _ in 0..WORKERS {
            let pacing = Pacing::builder().contract(contract.clone());
            let pacing = pacing.base_path(format!("/{}", api.name)).sharers(WORKERS).build()?;
            paced.push(ClientBuilder::new(http(3)?).with(pacing).build());
        }
        let url = format!("{}/v1/items", api.url(service));
        Ok(Self { api, url, documented, naive: http(2)?, paced })
    }

    /// What has to be said of them; none if all is as it should be.
    pub(crate) fn note(&self) -> Option<String> {
        matches!(self.documented, Documented::Played(_)).then(|| {
            let Api { name, documented, .. } = self.api;
            format!("{name}: what {documented} needs is not installed; it was played in-process.")
        })
    }

    /// Lets all of them call until they are stopped.
    pub(crate) fn start(self, calling: &mut JoinSet<()>) -> Result<(), Failure> {
        let url = self.url;
        calling.spawn(naive(self.naive, url.clone(), self.api.per_minute));
        for client in self.paced {
            calling.spawn(paced(client, url.clone()));
        }
        match self.documented {
            Documented::Played(client) => drop(calling.spawn(documented(client, url))),
            Documented::Installed(mut client) => {
                client.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                let mut client = client.kill_on_drop(true).spawn()?;
                calling.spawn(async move { drop(client.wait().await) });
            }
        }
        Ok(())
    }
}

/// A client from an address of its own: all of 127.0.0.0/8 is the loopback on Linux.
fn http(last: u8) -> Result<reqwest::Client, reqwest::Error> {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    reqwest::Client::builder().local_address(address).no_proxy().build()
}

/// Sends at an even pace, faster than the limit, whatever is answered.
async fn naive(client: reqwest::Client, url: String, per_minute: u32) {
    let mut pace = interval(Duration::from_secs(60) / (per_minute * GREED));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        pace.tick().await;
        let request = client.get(&url).bearer_auth(KINDS[1]).header("x-api-key", KINDS[1]);
        if let Ok(response) = request.send().await {
            drop(response.bytes().await);
        }
    }
}

/// Sends one request after the other, as the middleware lets it.
async fn paced(client: ClientWithMiddleware, url: String) {
    loop {
        let request = client.get(&url).bearer_auth(KINDS[2]).header("x-api-key", KINDS[2]);
        if let Ok(response) = request.send().await {
            drop(response.bytes().await);
        }
    }
}

/// Stands in for a documented client: after a refusal it waits as long as that says, or else 1, 2
/// and 4 seconds.
async fn documented(client: reqwest::Client, url: String) {
    let clock = SystemClock::new();
    let mut tries = 0;
    loop {
        let request = client.get(&url).bearer_auth(KINDS[0]).header("x-api-key", KINDS[0]);
        let Ok(response) = request.send().await else { continue };
        let (status, fields) = (response.status().as_u16(), response.headers().clone());
        let Ok(body) = response.bytes().await else { continue };
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let reading = Reading::of(clock.now_ns(), status, fields, &body);
        if reading.refused() {
            let backoff = Duration::from_secs(1 << tries);
            tries = (tries + 1) % 3;
            sleep(reading.retry_after_ns().map_or(backoff, Duration::from_nanos)).await;
        }
    }
}
