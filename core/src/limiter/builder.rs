//! Builds a limiter, and says what is wrong with what was asked for.

use core::fmt;

use super::Limiter;
use crate::key::Seed;
use crate::keyed_plan::KeyedPlan;
use crate::plan::Plan;
use crate::system_clock::SystemClock;
use crate::table::{HeapMemory, TableError, WhenFull};
use crate::text::ParseError;

/// The keys that a limiter has room for if nobody says.
const DEFAULT_CAPACITY: usize = 65_536;

/// Builds a [`Limiter`]; started by [`Limiter::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder limits nothing until it is built"]
pub struct LimiterBuilder<C = SystemClock> {
    plan: Result<Plan, BuildError>,
    capacity: usize,
    when_full: WhenFull,
    seed: Option<Seed>,
    /// The clock or, as long as none is given, what makes it: the first [`SystemClock`] of a process
    /// takes milliseconds, which a builder with another clock is not to wait for.
    clock: Result<C, fn() -> C>,
}

impl LimiterBuilder {
    pub(super) fn new(plan: Result<Plan, BuildError>) -> Self {
        Self {
            plan,
            capacity: DEFAULT_CAPACITY,
            when_full: WhenFull::Deny,
            seed: None,
            clock: Err(SystemClock::new),
        }
    }
}

impl<C> LimiterBuilder<C> {
    /// For how many keys each rule has room at once; 65,536 if never called.
    ///
    /// It takes 32 bytes a key, and 170 for a sliding rule of 14 segments. Keys whose limit is as good
    /// as new take no room: a slot of theirs goes to the next new key.
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

    /// The clock; a [`SystemClock`] if never called.
    pub fn clock<D>(self, clock: D) -> LimiterBuilder<D> {
        let Self { plan, capacity, when_full, seed, clock: _ } = self;
        LimiterBuilder { plan, capacity, when_full, seed, clock: Ok(clock) }
    }

    /// Takes the memory and makes the limiter.
    ///
    /// # Errors
    /// [`BuildError`] for a text that is no plan, a capacity of 0, or memory that cannot be had.
    pub fn build(self) -> Result<Limiter<C>, BuildError> {
        let plan = self.plan?;
        if self.capacity == 0 {
            return Err(BuildError::ZeroCapacity);
        }
        let seed = self.seed.unwrap_or_else(Seed::random);
        let memory = |quota: &_| HeapMemory::try_for_keys(quota, self.capacity);
        let keyed = KeyedPlan::try_new(plan, seed, |rule| memory(rule.quota()))
            .map_err(BuildError::Table)?
            .when_full(self.when_full);
        Ok(Limiter { keyed, clock: self.clock.unwrap_or_else(|make| make()) })
    }
}

/// Why a limiter cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The text is not a plan.
    Text(ParseError),
    /// The capacity is 0. Room for no key is an error, never "unlimited".
    ZeroCapacity,
    /// A table cannot be made.
    Table(TableError),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(error) => write!(f, "the plan cannot be read: {error}"),
            Self::ZeroCapacity => write!(f, "the capacity is 0 keys, accepted are 1 and more"),
            Self::Table(error) => write!(f, "the capacity cannot be had: {error}"),
        }
    }
}

impl core::error::Error for BuildError {}

#[cfg(test)]
mod tests {
    use super::{BuildError, LimiterBuilder};
    use crate::clock::ManualClock;

    #[test]
    fn the_default_clock_is_not_made_before_it_is_known_to_be_wanted() {
        let builder = LimiterBuilder::new("5/min".parse().map_err(BuildError::Text));
        assert!(builder.clock.is_err());
        assert!(builder.clock(ManualClock::new(7)).clock.is_ok());
    }
}
