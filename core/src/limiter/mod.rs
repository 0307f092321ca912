//! The limiter of a service: a plan, its tables on the heap and a clock.

mod builder;
mod owned_permit;

pub use builder::{BuildError, LimiterBuilder};
pub use owned_permit::OwnedPermit;

use core::time::Duration;
use std::sync::Arc;

use crate::call_error::CallError;
use crate::clock::Clock;
use crate::key::Key;
use crate::keyed_plan::KeyedPlan;
use crate::keys::Keys;
use crate::permit::Permit;
use crate::plan::Plan;
use crate::plan_decision::PlanDecision;
use crate::rule::Rule;
use crate::system_clock::SystemClock;
use crate::table::{HeapMemory, TableStats};

/// A permit of a [`Limiter`].
pub type HeldPermit<'l> = Permit<'l, HeapMemory>;

/// A plan with its tables on the heap and a clock: what a service asks on every request.
///
/// ```
/// use ratecell::Limiter;
///
/// let limiter = Limiter::builder("600/min burst 2").capacity(10_000).build()?;
/// assert!(limiter.acquire("alice", 2)?.allowed());
///
/// let refused = limiter.acquire("alice", 1)?;
/// assert!(!refused.allowed());
/// assert!(refused.retry_after() <= Some(std::time::Duration::from_millis(100)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Memory is taken once, when it is built. Progress: lock-free. Threads share it by reference.
#[derive(Debug)]
pub struct Limiter<C = SystemClock> {
    keyed: KeyedPlan<HeapMemory>,
    clock: C,
}

impl Limiter {
    /// Starts building a limiter from the text of a plan, such as
    /// `ip: fixed 300/min by ip; key: sliding 600/min; inflight: concurrency 8`.
    pub fn builder(plan: &str) -> LimiterBuilder {
        LimiterBuilder::new(plan.parse().map_err(BuildError::Text))
    }

    /// Starts building a limiter from a plan.
    pub fn builder_for(plan: Plan) -> LimiterBuilder {
        LimiterBuilder::new(Ok(plan))
    }
}

impl<C: Clock> Limiter<C> {
    /// Takes `cost` units of every rule that the keys apply to, or of none. Lock-free.
    ///
    /// Permits of concurrency rules stay taken until [`Self::release`]; [`Self::hold`] gives them
    /// back by itself.
    ///
    /// # Errors
    /// [`CallError`] if the keys do not say which dimension each is of: see [`Keys`].
    // Always, as the call that it makes: see there.
    #[inline(always)]
    pub fn acquire<'k>(
        &self,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<PlanDecision<'_>, CallError> {
        self.keyed.acquire(self.clock.now_ns(), keys, cost)
    }

    /// [`Self::acquire`] with a key for each dimension.
    ///
    /// ```
    /// use ratecell::Limiter;
    /// use std::net::Ipv4Addr;
    ///
    /// let limiter = Limiter::builder("ip: fixed 300/min by ip; key: sliding 600/min").build()?;
    /// let keys = [("ip", Ipv4Addr::LOCALHOST.into()), ("key", "alice".into())];
    /// assert_eq!(limiter.acquire_keys(&keys, 1)?.rule(), Some("ip"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`CallError::DimensionTwice`].
    #[inline]
    pub fn acquire_keys(
        &self,
        keys: &[(&str, Key<'_>)],
        cost: u32,
    ) -> Result<PlanDecision<'_>, CallError> {
        self.acquire(Keys::Each(keys), cost)
    }

    /// As [`Self::acquire`] under other rules for this call, such as a customer's own cap, which
    /// share the keys' state: a raised rate never applies to the past.
    ///
    /// ```
    /// use ratecell::{Limiter, ManualClock, Plan};
    ///
    /// let clock = ManualClock::new(0);
    /// let limiter = Limiter::builder("sliding 10/min").clock(&clock).build()?;
    /// let raised: Plan = "sliding 15/min".parse()?;
    /// assert!(limiter.acquire("alice", 10)?.allowed());
    /// assert_eq!(limiter.acquire_with(&raised, "alice", 1)?.remaining(), Some(4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`CallError`] if the rules do not fit the plan's: see [`KeyedPlan::acquire_with`].
    pub fn acquire_with<'k>(
        &self,
        rules: &Plan,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<PlanDecision<'_>, CallError> {
        self.keyed.acquire_with(self.clock.now_ns(), rules, keys, cost)
    }

    /// As [`Self::acquire`], but waits while the call is refused for a known time, sleeping by
    /// `sleep`: `tokio::time::sleep` or any other function from a [`Duration`] to a future.
    ///
    /// A refusal that no known wait ends (`never`, or only permits missing) is returned at once.
    /// Callers that wait are not queued: who wakes first takes first. Dropping the future stops the
    /// wait and takes nothing.
    ///
    /// # Errors
    /// As for [`Self::acquire`].
    pub async fn acquire_async<'k, S>(
        &self,
        keys: impl Into<Keys<'k>>,
        cost: u32,
        mut sleep: impl FnMut(Duration) -> S,
    ) -> Result<PlanDecision<'_>, CallError>
    where
        S: Future,
    {
        let keys = keys.into();
        loop {
            let decision = self.acquire(keys, cost)?;
            match decision.retry_after() {
                Some(wait) if !decision.allowed() => {
                    sleep(wait).await;
                }
                _ => return Ok(decision),
            }
        }
    }

    /// What [`Self::acquire`] would answer, with `remaining` before the charge. Writes nothing.
    ///
    /// # Errors
    /// As for [`Self::acquire`].
    pub fn peek<'k>(
        &self,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<PlanDecision<'_>, CallError> {
        self.keyed.peek(self.clock.now_ns(), keys, cost)
    }

    /// As [`Self::peek`] under other rules for this call: see [`Self::acquire_with`].
    ///
    /// # Errors
    /// As for [`Self::acquire_with`].
    pub fn peek_with<'k>(
        &self,
        rules: &Plan,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<PlanDecision<'_>, CallError> {
        self.keyed.peek_with(self.clock.now_ns(), rules, keys, cost)
    }

    /// As [`Self::acquire`], with the permits of concurrency rules given back on drop.
    ///
    /// # Errors
    /// As for [`Self::acquire`].
    pub fn hold<'k>(
        &self,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<HeldPermit<'_>, CallError> {
        self.keyed.hold(self.clock.now_ns(), keys, cost)
    }

    /// As [`Self::hold`] under other rules for this call: see [`Self::acquire_with`].
    ///
    /// # Errors
    /// As for [`Self::acquire_with`].
    pub fn hold_with<'k>(
        &self,
        rules: &Plan,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<HeldPermit<'_>, CallError> {
        self.keyed.hold_with(self.clock.now_ns(), rules, keys, cost)
    }

    /// As [`Self::hold`] with a permit that owns its share of the limiter, so that it can move into
    /// a task or live in a response's body.
    ///
    /// # Errors
    /// As for [`Self::acquire`].
    pub fn hold_owned<'k>(
        self: &Arc<Self>,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<OwnedPermit<C>, CallError> {
        OwnedPermit::take(Arc::clone(self), self.clock.now_ns(), self.plan(), keys.into(), cost)
    }

    /// As [`Self::hold_owned`] under other rules for this call: see [`Self::acquire_with`].
    ///
    /// # Errors
    /// As for [`Self::acquire_with`].
    pub fn hold_owned_with<'k>(
        self: &Arc<Self>,
        rules: &Plan,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<OwnedPermit<C>, CallError> {
        self.hold_owned_at(self.clock.now_ns(), rules, keys, cost)
    }

    /// As [`Self::hold_owned_with`] at a time of the caller's own, in nanoseconds on the clock's base,
    /// so that several limiters decide about one request at one instant. The clock is not read.
    ///
    /// ```
    /// use ratecell::Limiter;
    /// use std::sync::Arc;
    ///
    /// let limiter = Arc::new(Limiter::builder("concurrency 1").build()?);
    /// let permit = limiter.hold_owned_at(0, limiter.plan(), "alice", 1)?;
    /// assert!(permit.allowed());
    /// assert!(!limiter.hold_owned_at(0, limiter.plan(), "alice", 1)?.allowed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Self::acquire_with`].
    pub fn hold_owned_at<'k>(
        self: &Arc<Self>,
        now_ns: u64,
        rules: &Plan,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<OwnedPermit<C>, CallError> {
        self.keyed.check_rules(rules)?;
        OwnedPermit::take(Arc::clone(self), now_ns, rules, keys.into(), cost)
    }

    /// Gives back the permits that an allowed [`Self::acquire`] with the same keys and cost took.
    ///
    /// # Errors
    /// [`CallError::Release`] if fewer are held; nothing changes then. See [`KeyedPlan::release`] for
    /// releases that race.
    pub fn release<'k>(&self, keys: impl Into<Keys<'k>>, cost: u32) -> Result<(), CallError> {
        self.keyed.release(keys, cost)
    }

    /// Forgets what the keys have used; permits stay with their holders.
    ///
    /// # Errors
    /// As for [`Self::acquire`].
    pub fn reset<'k>(&self, keys: impl Into<Keys<'k>>) -> Result<(), CallError> {
        self.keyed.reset(keys)
    }

    /// Each rule with what its table has counted.
    pub fn stats(&self) -> impl Iterator<Item = (&Rule, TableStats)> {
        self.keyed.stats()
    }

    /// The plan.
    pub const fn plan(&self) -> &Plan {
        self.keyed.plan()
    }

    /// The plan with its tables, for calls at a time of the caller's own.
    pub const fn keyed(&self) -> &KeyedPlan<HeapMemory> {
        &self.keyed
    }

    /// The clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }
}
