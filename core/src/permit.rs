//! A permit: what a concurrency rule hands out and gets back on drop.

use core::fmt;
use core::ops::Deref;

use crate::keyed_plan::{HeldUnits, KeyedPlan};
use crate::plan_decision::PlanDecision;
use crate::table::Memory;

/// The answer to a [`hold`](KeyedPlan::hold), and the permits of its concurrency rules if it was
/// allowed. Dropping it gives them back; units of a rate stay taken.
///
/// ```
/// use ratecell::Limiter;
///
/// let limiter = Limiter::builder("concurrency 1").build()?;
/// let permit = limiter.hold("alice", 1)?;
/// assert!(permit.allowed());
/// assert!(!limiter.hold("alice", 1)?.allowed());
/// drop(permit);
/// assert!(limiter.hold("alice", 1)?.allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it gives the permits back"]
pub struct Permit<'p, M: Memory> {
    plan: &'p KeyedPlan<M>,
    decision: PlanDecision<'p>,
    held: HeldUnits,
}

impl<'p, M: Memory> Permit<'p, M> {
    pub(crate) const fn new(
        plan: &'p KeyedPlan<M>,
        decision: PlanDecision<'p>,
        held: HeldUnits,
    ) -> Self {
        Self { plan, decision, held }
    }
}

impl<'p, M: Memory> Deref for Permit<'p, M> {
    type Target = PlanDecision<'p>;

    fn deref(&self) -> &Self::Target {
        &self.decision
    }
}

impl<M: Memory> Drop for Permit<'_, M> {
    fn drop(&mut self) {
        self.plan.give_back_held(&self.held);
    }
}

impl<M: Memory> fmt::Debug for Permit<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(&self.decision).finish()
    }
}
