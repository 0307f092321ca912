//! A permit that owns its share of the limiter, and so may outlive the call that took it.

use core::fmt;
use std::sync::Arc;

use heapless::Vec;

use super::Limiter;
use crate::call_error::CallError;
use crate::clock::Clock;
use crate::decision::Decision;
use crate::keyed_plan::HeldUnits;
use crate::keys::Keys;
use crate::plan::{MAX_RULES, Plan};
use crate::plan_decision::PlanDecision;
use crate::system_clock::SystemClock;

/// The answer to a [`hold_owned`](Limiter::hold_owned), and the permits of its concurrency rules if
/// it was allowed. Dropping it gives them back, on whatever thread; units of a rate stay taken.
///
/// ```
/// use std::sync::Arc;
///
/// use ratecell::Limiter;
///
/// let limiter = Arc::new(Limiter::builder("concurrency 1").build()?);
/// let permit = limiter.hold_owned("alice", 1)?;
/// assert!(permit.decision().allowed());
///
/// let task = std::thread::spawn(move || drop(permit));
/// task.join().unwrap();
/// assert!(limiter.hold_owned("alice", 1)?.allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it gives the permits back"]
pub struct OwnedPermit<C = SystemClock> {
    limiter: Arc<Limiter<C>>,
    /// The decision in parts, since a [`PlanDecision`] borrows the plan and this one owns it.
    allowed: bool,
    applied: Vec<Decision, MAX_RULES>,
    held: HeldUnits,
}

impl<C: Clock> OwnedPermit<C> {
    /// Acquires under `rules`, which fit the limiter's plan.
    pub(super) fn take(
        limiter: Arc<Limiter<C>>,
        now_ns: u64,
        rules: &Plan,
        keys: Keys<'_>,
        cost: u32,
    ) -> Result<Self, CallError> {
        let (answer, held) = limiter.keyed.take_for(now_ns, rules, keys, cost)?;
        let PlanDecision { allowed, applied, .. } = answer;
        Ok(Self { limiter, allowed, applied, held })
    }
}

impl<C> OwnedPermit<C> {
    /// Whether every applied rule was charged. If not, it holds nothing.
    #[inline]
    pub const fn allowed(&self) -> bool {
        self.allowed
    }

    /// What the call was answered.
    pub fn decision(&self) -> PlanDecision<'_> {
        PlanDecision::from_parts(self.limiter.keyed.plan(), self.allowed, self.applied.clone())
    }

    /// The limiter that the permits go back to.
    pub const fn limiter(&self) -> &Arc<Limiter<C>> {
        &self.limiter
    }
}

impl<C> Drop for OwnedPermit<C> {
    fn drop(&mut self) {
        self.limiter.keyed.give_back_held(&self.held);
    }
}

impl<C> fmt::Debug for OwnedPermit<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedPermit").field(&self.decision()).finish()
    }
}
