//! What a response says about the limits of its request: which rules it names, and which speaks.

use core::iter;

use super::headers::Headers;
use super::problem::Problem;
use super::style::HeaderStyle;
use super::{MAX_INTEGER, seconds_up};
use crate::decision::{Decision, Verdict};
use crate::plan_decision::{Decided, PlanDecision, refuser, tightest};
use crate::quota::Quota;
use crate::rule::Rule;

/// How a rule is shown: under which name, or not at all.
type Naming<'a> = &'a dyn Fn(&'a Rule) -> Option<&'a str>;

/// What a response says about the limits of its request.
///
/// It starts from the decision, with every applied rule listed under its own name and the governing
/// rule speaking in fields that have one value; each can be changed. Copying it is cheap.
///
/// ```
/// use ratecell::http::{HeaderStyle, Report};
/// use ratecell::{Limiter, ManualClock};
///
/// let clock = ManualClock::new(0);
/// let text = "reads: fixed 1000/min; burst: sliding 3/10s";
/// let limiter = Limiter::builder(text).clock(&clock).build()?;
/// let decision = limiter.acquire("alice", 1)?;
/// let report = Report::new(&decision)
///     .naming(&|rule| (rule.name() != "burst").then_some(rule.name()));
/// let fields: Vec<_> = report
///     .headers(HeaderStyle::X_RATELIMIT, 1_000_000_000)
///     .map(|field| format!("{}: {}", field.name(), field.value()))
///     .collect();
/// assert_eq!(
///     fields,
///     ["X-RateLimit-Limit: 1000", "X-RateLimit-Remaining: 999", "X-RateLimit-Reset: 61"]
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Report<'a> {
    decision: &'a PlanDecision<'a>,
    naming: Option<Naming<'a>>,
    speaker: Option<&'a str>,
    enforced: bool,
    next: Option<&'a Report<'a>>,
}

impl<'a> Report<'a> {
    /// A report of one plan's answer.
    pub const fn new(decision: &'a PlanDecision<'a>) -> Self {
        Self { decision, naming: None, speaker: None, enforced: true, next: None }
    }

    /// The same with each rule shown under the name that `naming` gives it, and not at all where
    /// that is none. A rule that is not shown may still refuse, and decides on Retry-After; it
    /// neither is listed nor speaks.
    #[must_use]
    pub const fn naming(self, naming: Naming<'a>) -> Self {
        Self { naming: Some(naming), ..self }
    }

    /// The same with the rule called `rule` speaking in fields that have one value, shown or not,
    /// whenever it applies.
    #[must_use]
    pub const fn spoken_by(self, rule: &'a str) -> Self {
        Self { speaker: Some(rule), ..self }
    }

    /// The same of a plan that is only tried: it is listed, but its refusals refuse nothing, and it
    /// speaks only where no enforced rule can.
    #[must_use]
    pub const fn not_enforced(self) -> Self {
        Self { enforced: false, ..self }
    }

    /// The same followed by the report of another plan that was asked for the same request.
    #[must_use]
    pub const fn then(self, next: &'a Report<'a>) -> Self {
        Self { next: Some(next), ..self }
    }

    /// Whether any enforced plan refused.
    pub fn refused(&self) -> bool {
        self.parts().any(|part| part.enforced && !part.decision.allowed())
    }

    /// The rules shown, in order.
    pub fn lines(&self) -> impl Iterator<Item = ReportLine<'a>> + use<'a> {
        self.parts().flat_map(|part| part.own_lines().filter_map(move |line| part.shown(line)))
    }

    /// The rule that speaks in fields that have one value: that of [`Self::spoken_by`], else of the
    /// rules shown the one that governs; none if no rule is shown.
    pub fn speaker(&self) -> Option<ReportLine<'a>> {
        if let Some(line) = self.parts().find_map(Self::appointed) {
            return Some(line);
        }
        let shown = |enforced: bool| {
            self.parts()
                .filter(move |part| part.enforced == enforced)
                .flat_map(|part| part.own_lines().filter_map(move |line| part.shown(line)))
        };
        let refused = if self.refused() { refuser(shown(true)) } else { None };
        refused.or_else(|| tightest(shown(true))).or_else(|| tightest(shown(false)))
    }

    /// The whole seconds of Retry-After: of the enforced rules that refused, the longest known wait,
    /// rounded up and at least 1. None if none refused, none of the waits is known, or no wait
    /// helps.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let refused = self.parts().filter(|part| part.enforced && !part.decision.allowed());
        let governing = refuser(refused.flat_map(Self::own_lines))?;
        governing.decision.retry_after_seconds()
    }

    /// The header fields of `style`, at Unix time `unix_now_ns`. A field whose value is unknown is
    /// left out.
    pub fn headers(&self, style: HeaderStyle, unix_now_ns: u64) -> Headers<'a> {
        Headers::new(*self, style, unix_now_ns)
    }

    /// The body of a refusal.
    pub const fn problem(&self) -> Problem<'a> {
        Problem::new(*self)
    }

    /// The concurrency rule that X-Concurrency fields speak of, shown or not: the one with the
    /// smallest share left.
    pub(super) fn concurrency(&self) -> Option<ReportLine<'a>> {
        let permits = self.parts().flat_map(Self::own_lines);
        let permits = permits.filter(|line| matches!(line.quota, Quota::Concurrency(_)));
        tightest(permits)
    }

    /// This report and those that follow it.
    fn parts(&self) -> impl Iterator<Item = Self> + use<'a> {
        iter::successors(Some(*self), |part| part.next.copied())
    }

    fn own_lines(self) -> impl Iterator<Item = ReportLine<'a>> {
        let refused = self.enforced && !self.decision.allowed();
        self.decision.rules().map(move |(rule, decision)| ReportLine {
            label: rule.name(),
            rule,
            quota: rule.quota(),
            decision,
            refused: refused && !decision.allowed(),
        })
    }

    fn shown(self, line: ReportLine<'a>) -> Option<ReportLine<'a>> {
        match self.naming {
            Some(naming) => Some(ReportLine { label: naming(line.rule)?, ..line }),
            None => Some(line),
        }
    }

    fn appointed(self) -> Option<ReportLine<'a>> {
        let speaker = self.speaker?;
        let line = self.own_lines().find(|line| line.rule.name() == speaker)?;
        Some(self.shown(line).unwrap_or(line))
    }
}

/// One rule of a [`Report`], with the numbers that fields show of it.
#[derive(Clone, Copy)]
pub struct ReportLine<'a> {
    label: &'a str,
    rule: &'a Rule,
    quota: &'a Quota,
    decision: &'a Decision,
    refused: bool,
}

impl<'a> ReportLine<'a> {
    /// The name it is shown under.
    pub const fn label(&self) -> &'a str {
        self.label
    }

    /// The rule. Its quota is the plan's even where the call brought other rules: the numbers below
    /// are those of the decision.
    pub const fn rule(&self) -> &'a Rule {
        self.rule
    }

    /// The rule's own decision.
    pub const fn decision(&self) -> &'a Decision {
        self.decision
    }

    /// Whether it was one that refused the request.
    pub const fn refused(&self) -> bool {
        self.refused
    }

    /// Whether it counts requests in flight.
    pub const fn is_concurrency(&self) -> bool {
        matches!(self.quota, Quota::Concurrency(_))
    }

    /// The capacity in units.
    pub const fn limit(&self) -> u32 {
        self.decision.limit()
    }

    /// Units left after the decision; 0 for a key that there is no slot for.
    pub const fn remaining(&self) -> u32 {
        match self.decision.verdict() {
            Verdict::Full => 0,
            _ => self.decision.remaining(),
        }
    }

    /// The quota in units per [`Self::window_seconds`], the `q` of RateLimit-Policy: of gcra its
    /// limit, not its burst, so that what is available may be more; else [`Self::limit`].
    pub fn quota_units(&self) -> u32 {
        let Quota::Gcra(quota) = self.quota else { return self.limit() };
        // The other rules of a call may have another rate: then the smallest limit of that
        // emission interval stands, which is its own limit but for rounding.
        let interval_ns = self.decision.unit().max(1);
        if interval_ns == quota.emission_interval_ns() {
            return quota.limit();
        }
        u32::try_from(quota.period_ns().div_ceil(interval_ns)).unwrap_or(u32::MAX)
    }

    /// The window in whole seconds, rounded up, at least 1; none for concurrency.
    pub fn window_seconds(&self) -> Option<u64> {
        self.quota.period_ns().map(|period_ns| seconds_up(period_ns).max(1))
    }

    /// The effective window in whole seconds, rounded up: what is left may be used over that time.
    ///
    /// With nothing left, the wait until one unit passes; of a fixed window, until its end; else the
    /// time in which the quota gives as much as is left, so that nobody who spreads it goes faster
    /// than can be served on. A rule that refused is never beyond its Retry-After. None for
    /// concurrency and for a key that there is no slot for, unless the wait is known.
    pub fn effective_window_seconds(&self) -> Option<u64> {
        let decision = self.decision;
        if self.remaining() == 0 {
            return decision.next_unit_after_ns().map(seconds_up);
        }
        let window = self.window_seconds()?;
        let seconds = match (self.quota, decision.reset_after_ns()) {
            (Quota::Fixed(_), Some(end_ns)) if end_ns > 0 => seconds_up(end_ns),
            _ => {
                // OVERFLOW: a u32 and the seconds of 366 days: below 2^57.
                let units = u64::from(self.remaining()).saturating_mul(window);
                units.div_ceil(u64::from(self.quota_units().max(1)))
            }
        };
        let retry_after = if self.refused { decision.retry_after_seconds() } else { None };
        Some(seconds.min(retry_after.unwrap_or(u64::MAX)).min(MAX_INTEGER))
    }

    /// The whole seconds until the rule is as good as new, rounded up, and of a refused call no
    /// less than its wait; none for concurrency.
    pub fn reset_after_seconds(&self) -> Option<u64> {
        self.reset_after_ns().map(seconds_up)
    }

    /// The Unix second at which the rule is as good as new, rounded up; none for concurrency.
    pub fn reset_unix_seconds(&self, unix_now_ns: u64) -> Option<u64> {
        self.reset_after_ns().map(|wait_ns| seconds_up(unix_now_ns.saturating_add(wait_ns)))
    }

    fn reset_after_ns(&self) -> Option<u64> {
        let reset_ns = self.decision.reset_after_ns()?;
        if self.decision.verdict() != Verdict::Full {
            return Some(reset_ns);
        }
        // The key has no cell: what is to be waited for is a slot.
        self.decision.retry_after_ns().map(|wait_ns| wait_ns.max(reset_ns))
    }
}

impl Decided for ReportLine<'_> {
    fn decided(&self) -> &Decision {
        self.decision
    }
}
