//! What a plan answers: each applied rule's decision, and which of them governs.
//!
//! SOURCE: SPEC "Plans".

use core::fmt;
use core::time::Duration;

use heapless::Vec;

use crate::decision::{Decision, Verdict};
use crate::http::{HeaderStyle, Headers, Report};
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
    pub(crate) const fn from_parts(
        plan: &'p Plan,
        allowed: bool,
        applied: Vec<Decision, MAX_RULES>,
    ) -> Self {
        Self { plan, allowed, applied }
    }

    /// The answer with nothing filled in.
    pub(crate) fn clear(&mut self) {
        self.allowed = true;
        self.applied.clear();
    }

    /// Adds the answer of the next rule that applies.
    #[inline(always)]
    pub(crate) fn add(&mut self, decision: Decision) {
        self.allowed &= decision.allowed();
        // There is room for as many as a plan has rules.
        let _ = self.applied.push(decision);
    }

    /// The answer that was given before under this plan: with its verdict, and the decisions of its
    /// applied rules in the plan's order, of which those beyond the plan are left out.
    ///
    /// ```
    /// use ratecell::{Limiter, PlanDecision};
    ///
    /// let limiter = Limiter::builder("key: fixed 5/min; inflight: concurrency 8").build()?;
    /// let decision = limiter.acquire("alice", 1)?;
    /// let kept: Vec<_> = decision.rules().map(|(_, own)| *own).collect();
    /// let again = PlanDecision::restored(limiter.plan(), decision.allowed(), kept);
    /// assert_eq!(again.to_string(), decision.to_string());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn restored(
        plan: &'p Plan,
        allowed: bool,
        applied: impl IntoIterator<Item = Decision>,
    ) -> Self {
        let mut answer = Self::from_parts(plan, allowed, Vec::new());
        for decision in applied {
            if answer.applied.push(decision).is_err() {
                break;
            }
        }
        answer
    }

    /// Whether every applied rule was charged.
    #[inline]
    pub const fn allowed(&self) -> bool {
        self.allowed
    }

    /// The governing rule and its decision; none if every rule was skipped.
    pub fn governing(&self) -> Option<(&'p Rule, &Decision)> {
        let decision = if self.allowed {
            tightest(self.applied.iter())
        } else {
            refuser(self.applied.iter())
        }?;
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

    /// The whole seconds of an HTTP Retry-After: see [`Decision::retry_after_seconds`].
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.governing().and_then(|(_, decision)| decision.retry_after_seconds())
    }

    /// The header fields of `style` at Unix time `unix_now_ns`, for every applied rule under its
    /// own name, with the governing rule speaking in fields that have one value. Allocates nothing.
    ///
    /// ```
    /// use ratecell::http::HeaderStyle;
    /// use ratecell::{Limiter, ManualClock};
    ///
    /// let clock = ManualClock::new(0);
    /// let limiter = Limiter::builder("key: sliding 600/min").clock(&clock).build()?;
    /// let decision = limiter.acquire("alice", 1)?;
    /// let mut fields = decision.headers(HeaderStyle::DRAFT_11, 0);
    /// let policy = fields.next().unwrap();
    /// assert_eq!(policy.name(), "RateLimit-Policy");
    /// assert_eq!(policy.value().to_string(), "\"key\";q=600;w=60");
    /// assert_eq!(fields.next().unwrap().value().to_string(), "\"key\";r=599;t=60");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Report`] chooses other names, hides rules and joins the answers of several plans.
    pub fn headers(&self, style: HeaderStyle, unix_now_ns: u64) -> Headers<'_> {
        Report::new(self).headers(style, unix_now_ns)
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

/// What holds one rule's decision, so that a governing one can be found among several.
pub(crate) trait Decided {
    /// The decision.
    fn decided(&self) -> &Decision;
}

impl Decided for &Decision {
    fn decided(&self) -> &Decision {
        self
    }
}

/// Of several answers that allow, the one with the smallest share of its capacity left; the first
/// among equals.
pub(crate) fn tightest<T: Decided>(answers: impl Iterator<Item = T>) -> Option<T> {
    answers.reduce(
        |best, other| {
            if other.decided().is_tighter_than(best.decided()) { other } else { best }
        },
    )
}

/// Of several answers the one that a refusal is down to: the first `never`, else the longest known
/// wait, else the first that refuses.
pub(crate) fn refuser<T: Decided>(answers: impl Iterator<Item = T>) -> Option<T> {
    let mut longest: Option<T> = None;
    for answer in answers {
        match answer.decided().verdict() {
            Verdict::Allow => continue,
            Verdict::Never => return Some(answer),
            Verdict::Deny | Verdict::Full => {}
        }
        let wait_ns = answer.decided().retry_after_ns();
        // An unknown wait is shorter than any known one.
        if longest.as_ref().is_none_or(|best| wait_ns > best.decided().retry_after_ns()) {
            longest = Some(answer);
        }
    }
    longest
}
