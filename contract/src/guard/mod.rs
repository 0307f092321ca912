//! Holds requests to a contract.
//!
//! A guard has up to four plans: for each stage one of the rules that are enforced and one of those
//! that only try. `lane` is one such plan, `admit` asks them in turn and `answer` writes what the
//! response says. It reads its clock once a request, and deliberately neither sleeps nor knows any
//! framework.
//!
//! - U1: a request is refused if and only if an enforced plan refuses it.
//! - U2: a refused request holds no permit, and has been charged by earlier stages only.

mod admit;
mod answer;
mod builder;
mod lane;
mod stats;

pub use builder::{GuardBuilder, GuardError};
pub use stats::RuleStats;

use core::fmt;
use std::sync::Arc;

use ratecell::{Clock, SystemClock};

use crate::client_address::TrustedProxies;
use crate::contract::Contract;
use crate::contract_rule::Stage;
use crate::key_source::KeySource;
use crate::outcome::Outcome;
use crate::request::{Request, RequestError};
use lane::Lane;
use stats::Counters;

/// A contract with its limiters and clock: what a service asks on every request.
///
/// ```
/// use ratecell::ManualClock;
/// use ratecell_contract::{Contract, Guard, Outcome, Request, Stage};
///
/// let contract = Contract::parse(
///     r#"
///     name = "shop"
///     [[rule]]
///     name = "key"
///     limit = "fixed 1/min"
///     by = "bearer"
///     [response]
///     headers = ["x-ratelimit", "retry-after"]
///     [response.refused]
///     body = '{"error":"{rule.name}","wait":{retry_after_seconds}}'
///     "#,
/// )?;
/// let guard = Guard::builder(contract).clock(ManualClock::new(0)).build()?;
///
/// let headers = [("authorization", "Bearer alice")];
/// let request = Request { headers: &headers, ..Request::new("GET", "/v1/items") };
/// let Outcome::Pass(pass) = guard.admit(Stage::Whole, &request)? else { panic!() };
/// assert_eq!(pass.fields().get("x-ratelimit-remaining"), Some("0"));
///
/// let Outcome::Refuse(refusal) = guard.admit(Stage::Whole, &request)? else { panic!() };
/// assert_eq!((refusal.status(), refusal.fields().get("retry-after")), (429, Some("60")));
/// assert_eq!(refusal.body(), r#"{"error":"key","wait":60}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Memory for keys is taken once, when it is built. Progress: lock-free, but for what the allocator
/// does for a response. Threads share it by reference or in an [`Arc`].
pub struct Guard<C = SystemClock> {
    contract: Contract,
    /// In the order in which a request is held to them; within a stage the enforced one first.
    lanes: Box<[Lane<C>]>,
    clock: Arc<C>,
    proxies: TrustedProxies,
    request_numbers: RequestNumbers,
    counters: Box<[Counters]>,
    /// Whether every rule may be shown.
    all_shown: bool,
    always_shows_id: bool,
}

/// A source of numbers for the ids of requests.
type RequestNumbers = Box<dyn Fn() -> u128 + Send + Sync>;

impl Guard {
    /// Starts building a guard for a contract.
    pub fn builder(contract: Contract) -> GuardBuilder {
        GuardBuilder::new(contract)
    }
}

impl<C: Clock> Guard<C> {
    /// Decides about a request, at one of its stages or at both in order.
    ///
    /// The rules of a stage are one plan: a request that is refused has been counted by none of
    /// them. What an earlier stage has counted stays counted. With the stages asked one by one, the
    /// response shows their [`Fields::merged`](crate::Fields::merged), and a service that shows ids
    /// gives the earlier outcome's as the value `request_id`.
    ///
    /// A request that no rule applies to passes.
    ///
    /// # Errors
    /// [`RequestError`] if `limits` has what cannot stand in for a rule's limit, of whichever stage.
    /// Nothing was taken.
    pub fn admit(&self, stage: Stage, request: &Request<'_>) -> Result<Outcome<C>, RequestError> {
        self.decide(stage, request)
    }

    /// The contract.
    pub const fn contract(&self) -> &Contract {
        &self.contract
    }

    /// The names of the header fields that it may look at, in lower case, each once: for a language
    /// in which it costs something to hand all of them over.
    pub fn header_names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for rule in self.contract.rules() {
            match rule.source() {
                KeySource::Bearer => names.push("authorization"),
                KeySource::Header(name) => names.push(name),
                KeySource::Ip | KeySource::Value(_) => {}
            }
        }
        names.extend(self.proxies.header_names());
        names.extend(self.contract.request_id.header.as_deref());
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether it is believed who is behind a connection without an address: whether
    /// [`TrustedProxy::UnixSocket`](crate::TrustedProxy::UnixSocket) is trusted.
    pub const fn trusts_unix_sockets(&self) -> bool {
        self.proxies.trusts_unix_sockets()
    }

    /// The clock.
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// What each rule has counted since the guard was built, in the contract's order.
    pub fn stats(&self) -> impl Iterator<Item = RuleStats<'_>> {
        let rules = self.contract.rules.iter().zip(&self.counters);
        rules.map(|(rule, counters)| {
            let tables = self.lanes.iter().find_map(|lane| lane.table_stats(rule.name()));
            counters.read(rule, tables.unwrap_or_default())
        })
    }
}

impl<C> fmt::Debug for Guard<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("contract", &self.contract.name()).finish_non_exhaustive()
    }
}
