//! Builds a middleware, and says what is wrong with what was asked for.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ratecell::pacing::Backoff;
use ratecell::{ParseError, Plan};
use ratecell_contract::Contract;
use reqwest::Request;

use super::{LaneOf, Pacing};
use crate::lane_key::LaneKey;
use crate::lanes::{Lanes, Sharers};
use crate::published::Published;
use crate::surroundings::{Chance, Surroundings};
use crate::time::{Time, TokioTime};

/// The callers that are told apart if nobody says.
const DEFAULT_MAX_CALLERS: usize = 10_000;

/// How long a request may wait in all if nobody says: as long as the default backoff's budget.
const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(600);

/// Builds a [`Pacing`]; started by [`Pacing::builder`].
#[must_use = "a builder paces nothing until it is built"]
pub struct PacingBuilder {
    told: Result<Told, ParseError>,
    base_path: String,
    sharers: u32,
    address_sharers: Option<u32>,
    backoff: Backoff,
    max_wait: Duration,
    max_callers: usize,
    lane_of: Option<Box<LaneOf>>,
    time: Option<Arc<dyn Time>>,
    chance: Box<Chance>,
}

/// What it was told of the limits.
enum Told {
    Nothing,
    Plan(Box<Plan>),
    Contract(Box<Contract>),
}

impl PacingBuilder {
    pub(super) fn new() -> Self {
        let mut random = fastrand::Rng::new();
        Self {
            told: Ok(Told::Nothing),
            base_path: String::new(),
            sharers: 1,
            address_sharers: None,
            backoff: Backoff::DEFAULT,
            max_wait: DEFAULT_MAX_WAIT,
            max_callers: DEFAULT_MAX_CALLERS,
            lane_of: None,
            time: None,
            chance: Box::new(move || random.u64(..)),
        }
    }

    /// What the provider publishes, as the text of a plan such as `600/min burst 20`: every request
    /// of a caller is under all of its rules. It takes the place of what was told before.
    pub fn plan(self, text: &str) -> Self {
        Self { told: text.parse().map(|plan| Told::Plan(Box::new(plan))), ..self }
    }

    /// What the provider publishes, as a contract: each request is under the rules that are for
    /// its method and path. It takes the place of what was told before.
    pub fn contract(self, contract: Contract) -> Self {
        Self { told: Ok(Told::Contract(Box::new(contract))), ..self }
    }

    /// What the paths of requests begin with before the part that the contract speaks of, such as
    /// `/partners`; nothing if never called. Paths that do not begin with it are taken whole.
    pub fn base_path(self, base_path: impl Into<String>) -> Self {
        Self { base_path: base_path.into(), ..self }
    }

    /// How many clients share a key, this one included; 1 if never called. Each keeps to its part
    /// of what the provider publishes, so they need not know of each other. Tasks and threads that
    /// share this middleware are one client.
    pub fn sharers(self, clients: u32) -> Self {
        Self { sharers: clients, ..self }
    }

    /// How many clients share an address, this one included, for rules that count by it; as many
    /// as share a key if never called.
    pub fn address_sharers(self, clients: u32) -> Self {
        Self { address_sharers: Some(clients), ..self }
    }

    /// How to wait between attempts, and how often to try; [`Backoff::DEFAULT`] if never called.
    pub fn backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// How long a request may wait in all, in line and between attempts; 10 minutes if never
    /// called. The time in which its attempts are on their way is not counted.
    ///
    /// One whose turn is further away fails as soon as that is known; a refused one that would have
    /// to wait longer before the next attempt is not sent again.
    pub fn max_wait(self, max_wait: Duration) -> Self {
        Self { max_wait, ..self }
    }

    /// How many callers are told apart at once; 10,000 if never called. Those who are at rest make
    /// room for others; if none is, a request of one more fails.
    pub fn max_callers(self, callers: usize) -> Self {
        Self { max_callers: callers, ..self }
    }

    /// Which requests share a pace: those of one key. [`LaneKey::of_caller`] if never called, with
    /// the header fields that the contract counts by.
    pub fn lane_by(self, lane_of: impl Fn(&Request) -> LaneKey + Send + Sync + 'static) -> Self {
        Self { lane_of: Some(Box::new(lane_of)), ..self }
    }

    /// The time; [`TokioTime`] if never called.
    pub fn time(self, time: impl Time) -> Self {
        Self { time: Some(Arc::new(time)), ..self }
    }

    /// The source of chance, each number uniform over all of `u64`; a generator that is seeded
    /// anew each time if never called. It spreads clients and keeps no secret.
    pub fn random(self, random: impl FnMut() -> u64 + Send + 'static) -> Self {
        Self { chance: Box::new(random), ..self }
    }

    /// Makes the middleware. Without [`Self::time`] it must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`BuildError`] for a text that is no plan, and for 0 where at least 1 is needed.
    pub fn build(self) -> Result<Pacing, BuildError> {
        let address_sharers = self.address_sharers.unwrap_or(self.sharers);
        for (setting, found) in [
            ("sharers", u64::from(self.sharers)),
            ("address_sharers", u64::from(address_sharers)),
            ("max_callers", self.max_callers as u64),
        ] {
            if found == 0 {
                return Err(BuildError::Zero { setting });
            }
        }
        let published = match self.told.map_err(BuildError::Plan)? {
            Told::Nothing => Published::everywhere(None),
            Told::Plan(plan) => Published::everywhere(Some(*plan)),
            Told::Contract(contract) => Published::of(&contract, &self.base_path),
        };
        let fields = published.key_fields.clone();
        let lane_of = self.lane_of.unwrap_or_else(|| {
            Box::new(move |request| LaneKey::of_caller(request).with_fields(request, &fields))
        });
        let time = self.time.unwrap_or_else(|| Arc::new(TokioTime::new()));
        let surroundings = Arc::new(Surroundings { time, chance: Mutex::new(self.chance) });
        let lanes = Lanes {
            published,
            sharers: Sharers { key: self.sharers, address: address_sharers },
            max_callers: self.max_callers,
            surroundings: Arc::clone(&surroundings),
            callers: Mutex::new(HashMap::new()),
        };
        let (backoff, max_wait) = (self.backoff, self.max_wait);
        Ok(Pacing { lanes, lane_of, backoff, max_wait, surroundings })
    }
}

impl fmt::Debug for PacingBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacingBuilder")
            .field("sharers", &self.sharers)
            .field("backoff", &self.backoff)
            .field("max_wait", &self.max_wait)
            .field("max_callers", &self.max_callers)
            .finish_non_exhaustive()
    }
}

/// Why a middleware cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The text is no plan.
    Plan(ParseError),
    /// A setting is 0.
    Zero {
        /// The name of its method.
        setting: &'static str,
    },
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(error) => write!(f, "plan: {error}"),
            Self::Zero { setting } => write!(f, "{setting}: found 0, accepted are 1 and more"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Plan(error) => Some(error),
            Self::Zero { .. } => None,
        }
    }
}
