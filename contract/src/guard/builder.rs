//! Builds a guard, and says what is wrong with what was asked for.

use core::fmt;
use std::sync::Arc;

use ratecell::{BuildError, Clock, PlanError, Seed, SystemClock, WhenFull};

use super::lane::Lane;
use super::stats::Counters;
use super::{Guard, RequestNumbers};
use crate::client_address::{ForwardedField, TrustedProxies, TrustedProxy};
use crate::contract::Contract;
use crate::contract_rule::Stage;
use crate::response;

/// The keys that each rule has room for if nobody says.
const DEFAULT_CAPACITY: usize = 65_536;

/// Builds a [`Guard`]; started by [`Guard::builder`].
#[must_use = "a builder limits nothing until it is built"]
pub struct GuardBuilder<C = SystemClock> {
    contract: Contract,
    capacity: usize,
    when_full: WhenFull,
    seed: Option<Seed>,
    /// The clock or, as long as none is given, what makes it: the first [`SystemClock`] of a process
    /// takes milliseconds.
    clock: Result<C, fn() -> C>,
    proxies: TrustedProxies,
    request_numbers: RequestNumbers,
}

impl GuardBuilder {
    pub(super) fn new(contract: Contract) -> Self {
        Self {
            contract,
            capacity: DEFAULT_CAPACITY,
            when_full: WhenFull::Deny,
            seed: None,
            clock: Err(SystemClock::new),
            proxies: TrustedProxies::default(),
            request_numbers: Box::new(|| fastrand::u128(..)),
        }
    }
}

impl<C> GuardBuilder<C> {
    /// For how many keys each rule has room at once; 65,536 if never called. See
    /// [`ratecell::LimiterBuilder::capacity`].
    pub fn capacity(self, keys: usize) -> Self {
        Self { capacity: keys, ..self }
    }

    /// What to do with a new key when there is no room; [`WhenFull::Deny`] if never called.
    pub fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }

    /// The secret that keys are hashed with; from the system's random source if never called.
    pub fn seed(self, seed: Seed) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// The clock; a [`SystemClock`] if never called. It must give Unix time if responses show a
    /// reset as Unix seconds, or if fixed windows are to fall on wall-clock minutes.
    pub fn clock<D>(self, clock: D) -> GuardBuilder<D> {
        let Self { contract, capacity, when_full, seed, clock: _, proxies, request_numbers } = self;
        let clock = Ok(clock);
        GuardBuilder { contract, capacity, when_full, seed, clock, proxies, request_numbers }
    }

    /// The proxies whose word is taken for where a request comes from; none if never called, so that
    /// the address is that of the connection.
    ///
    /// The address of a client behind them is the rightmost one in `X-Forwarded-For` or `Forwarded`
    /// that is not of their networks. Every one of these proxies must write into that field.
    pub fn trusted_proxies(mut self, proxies: &[TrustedProxy]) -> Self {
        self.proxies.trust(proxies);
        self
    }

    /// In which field the trusted proxies write; [`ForwardedField::Either`] if never called.
    pub fn forwarded_field(mut self, field: ForwardedField) -> Self {
        self.proxies.field = field;
        self
    }

    /// The source of new request ids: 128 bits that no other call gives. A pseudo-random source
    /// seeded per thread if never called; its numbers are unlike each other, but no secret.
    pub fn request_numbers(self, source: impl Fn() -> u128 + Send + Sync + 'static) -> Self {
        Self { request_numbers: Box::new(source), ..self }
    }

    /// Takes the memory and makes the guard.
    ///
    /// # Errors
    /// [`GuardError`] for a capacity of 0 or memory that cannot be had.
    pub fn build(self) -> Result<Guard<C>, GuardError>
    where
        C: Clock,
    {
        let Self { contract, capacity, when_full, seed, clock, proxies, request_numbers } = self;
        let clock = Arc::new(clock.unwrap_or_else(|make| make()));
        let mut lanes = Vec::new();
        for stage in [Stage::BeforeAuth, Stage::AfterAuth] {
            for is_enforced in [true, false] {
                let rules: Vec<usize> = (0..contract.rules.len())
                    .filter(|&position| {
                        let rule = &contract.rules[position];
                        rule.stage == stage && rule.is_enforced == is_enforced
                    })
                    .collect();
                if rules.is_empty() {
                    continue;
                }
                let limiter = |plan| {
                    let builder = ratecell::Limiter::builder_for(plan)
                        .capacity(capacity)
                        .when_full(when_full)
                        .clock(Arc::clone(&clock));
                    let seeded = seed.into_iter().fold(builder, ratecell::LimiterBuilder::seed);
                    seeded.build()
                };
                lanes.push(Lane::new(&contract, stage, is_enforced, rules, limiter)?);
            }
        }
        Ok(Guard {
            lanes: lanes.into(),
            clock,
            proxies,
            request_numbers,
            counters: contract.rules.iter().map(|_| Counters::default()).collect(),
            all_shown: contract.rules.iter().all(|rule| rule.is_shown),
            always_shows_id: response::shows_request_id(&contract.response.always),
            contract,
        })
    }
}

impl<C> fmt::Debug for GuardBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardBuilder")
            .field("contract", &self.contract.name())
            .field("capacity", &self.capacity)
            .field("when_full", &self.when_full)
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}

/// Why a guard cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuardError {
    /// The rules of a stage are no plan.
    Plan(PlanError),
    /// The capacity is 0, or its memory cannot be had.
    Limiter(BuildError),
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(error) => write!(f, "the rules of a stage are no plan: {error}"),
            Self::Limiter(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for GuardError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Plan(error) => Some(error),
            Self::Limiter(error) => Some(error),
        }
    }
}
