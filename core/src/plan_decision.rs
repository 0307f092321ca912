//! What a plan answers: each applied rule's decision, and which of them governs.
//!
//! SOURCE: SPEC "Plans".

use core::fmt;
use core::time::Duration;

use heapless::Vec;

use crate::decision::{Decision, Verdict};
use crate::plan::{MAX_RULES, Plan};
use crate::rule::Rule;

/// What a plan answers to one call. Its numbers are those of the governing rule.
///
/// Which rule governs is worked out when it is asked for. Of a refused plan, the first `never`,
/// else the longest known wait, else the first refusal; of an allowed one, the smallest share of
/// its capacity left; among equals the first.
#[derive(Clone)]
#[must_use = "a refusal that nobody reads limits nothing"]
pub struct PlanDecision<'p> {
    plan: &'p Plan,
    pub(crate) allowed: bool,
    /// In the plan's order, without the rules that were skipped.
    pub(crate) applied: Vec<Decision, MAX_RULES>,
}

impl<'p> PlanDecision<'p> {
    /// The answer to a call that no rule applies to, to be filled in.
    #[inline(always)]
    pub(crate) const fn new(plan: &'p Plan) -> Self {
        Self { plan, allowed: true, applied: Vec::new() }
    }

    /// The answer that was given before under the same plan.
    #[cfg(feature = "std")]
    pub(crate) const fn from_parts(
        plan: &'p Plan,
        allowed: bool,
        applied: Vec<Decision, MAX_RULES>,
    ) -> Self {
        Self { plan, allowed, applied }
    }

    /// Whether every applied rule was charged.
    #[inline]
    pub const fn allowed(&self) -> bool {
        self.allowed
    }

    /// The governing rule and its decision; none if every rule was skipped.
    pub fn governing(&self) -> Option<(&'p Rule, &Decision)> {
        let decision = if self.allowed { self.tightest() } else { self.refuser() }?;
        Some((self.rule_of(decision)?, decision))
    }

    /// What became of the call.
    pub fn verdict(&self) -> Verdict {
        self.governing().map_or(Verdict::Allow, |(_, decision)| decision.verdict())
    }

    /// The name of the governing rule; none if every rule was skipped.
    pub fn rule(&self) -> Option<&'p str> {
        self.governing().map(|(rule, _)| rule.name())
    }

    /// The governing rule's capacity in units; none if every rule was skipped.
    pub fn limit(&self) -> Option<u32> {
        self.governing().map(|(_, decision)| decision.limit())
    }

    /// The largest cost that the governing rule would allow right now, after this decision; none
    /// if every rule was skipped.
    pub fn remaining(&self) -> Option<u32> {
        self.governing().map(|(_, decision)| decision.remaining())
    }

    /// The governing rule's wait: 0 when allowed, none when unknown or when none helps.
    pub fn retry_after_ns(&self) -> Option<u64> {
        self.governing().map_or(Some(0), |(_, decision)| decision.retry_after_ns())
    }

    /// [`Self::retry_after_ns`] as a [`Duration`].
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_ns().map(Duration::from_nanos)
    }

    /// The wait until the governing rule is as good as new if nobody calls; none for concurrency,
    /// or if every rule was skipped.
    pub fn reset_after_ns(&self) -> Option<u64> {
        self.governing().and_then(|(_, decision)| decision.reset_after_ns())
    }

    /// [`Self::reset_after_ns`] as a [`Duration`].
    pub fn reset_after(&self) -> Option<Duration> {
        self.reset_after_ns().map(Duration::from_nanos)
    }

    /// Each applied rule with its own decision, in the plan's order. Of a refused plan, what each
    /// would answer, uncharged.
    pub fn rules(&self) -> impl Iterator<Item = (&'p Rule, &Decision)> {
        self.applied.iter().filter_map(|decision| Some((self.rule_of(decision)?, decision)))
    }

    /// The rule called `name` with its own decision; none if the plan has no such rule or the call
    /// brought no key for it.
    ///
    /// ```
    /// use ratecell::Limiter;
    ///
    /// let limiter = Limiter::builder("key: sliding 600/min; inflight: concurrency 8").build()?;
    /// let decision = limiter.acquire("alice", 1)?;
    /// let left = decision.rule_named("inflight").map(|(_, own)| own.remaining());
    /// assert_eq!(left, Some(7));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rule_named(&self, name: &str) -> Option<(&'p Rule, &Decision)> {
        self.rules().find(|(rule, _)| rule.name() == name)
    }

    fn rule_of(&self, decision: &Decision) -> Option<&'p Rule> {
        self.plan.rules().get(usize::from(decision.position()))
    }

    fn tightest(&self) -> Option<&Decision> {
        let decisions = self.applied.iter();
        decisions.reduce(|best, other| if other.is_tighter_than(best) { other } else { best })
    }

    fn refuser(&self) -> Option<&Decision> {
        let refused = || self.applied.iter().filter(|decision| !decision.allowed());
        let never = refused().find(|decision| decision.verdict() == Verdict::Never);
        never.or_else(|| {
            // An unknown wait is shorter than any known one.
            refused().reduce(|best, other| {
                if other.retry_after_ns() > best.retry_after_ns() { other } else { best }
            })
        })
    }
}

impl fmt::Debug for PlanDecision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.rules().map(|(rule, decision)| (rule.name(), decision))).finish()
    }
}

impl fmt::Display for PlanDecision<'_> {
    /// Says why in a sentence: `key: denied: 0 of 600 left, retry after 100ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.governing() {
            Some((rule, decision)) => write!(f, "{}: {decision}", rule.name()),
            None => write!(f, "allowed: no rule applies to the keys given"),
        }
    }
}
