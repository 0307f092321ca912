//! What a call is answered, as a Python object.
//!
//! A decision keeps each rule's own beside the limiter that it speaks of. Which rule governs, every
//! number, name and text is worked out by the core when it is asked for, so that a service that only
//! asks "allowed?" pays for no more.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use ratecell::http::HeaderStyle;
use ratecell::{CallError, ParseError, PlanDecision};
use smallvec::SmallVec;

use crate::argument::{choice_of, ns_of, text_of};
use crate::seconds::seconds;

/// What a call is answered: allowed or not, and the numbers that go with it.
///
/// Truthy when the units were taken. Its own numbers are those of the governing rule, which is
/// named by ``rule``; ``rules`` has each applied rule's. Immutable. Spans of time are seconds as a
/// float, rounded up, and nanoseconds as an int in what ends in ``_ns``.
///
/// >>> from ratecell import Limiter
/// >>> limiter = Limiter("2/min", clock=lambda: 0)
/// >>> decision = limiter.acquire("alice", 2)
/// >>> bool(decision), decision.remaining
/// (True, 0)
/// >>> decision = limiter.acquire("alice")
/// >>> bool(decision), decision.retry_after
/// (False, 30.0)
/// >>> decision
/// <Decision gcra: denied: 0 of 2 left, retry after 30s>
///
/// It can be copied and pickled; a pickle is for the same version of ratecell.
#[pyclass(frozen, subclass, module = "ratecell")]
pub(crate) struct Decision {
    rules: Rules,
    allowed: bool,
    cost: u32,
    /// When it was made. A time read later, if only by a microsecond, would put the end of a window
    /// past its whole second, and rounding up would make that a second.
    now_ns: u64,
    /// Those of the applied rules, in the plan's order; most plans have one.
    applied: SmallVec<[ratecell::Decision; 1]>,
}

/// The rules that a decision speaks of.
enum Rules {
    /// Those of a limiter.
    Of(Arc<ratecell::Limiter>),
    /// Those of a limiter that is elsewhere.
    Alone(Box<ratecell::Plan>),
}

impl Rules {
    fn plan(&self) -> &ratecell::Plan {
        match self {
            Self::Of(limiter) => limiter.plan(),
            Self::Alone(plan) => plan,
        }
    }
}

/// A decision as it is pickled: the plan's text, the time, the cost, the verdict, and the words of each
/// applied rule's own decision.
type Pickled = (String, u64, u32, bool, Vec<[u64; 5]>);

/// The decision of which `Decision.__reduce__` gave this.
#[pyfunction]
#[pyo3(signature = (plan, now_ns, cost, allowed, applied, /))]
pub(crate) fn restored_decision(
    plan: &str,
    now_ns: u64,
    cost: u32,
    allowed: bool,
    applied: Vec<[u64; 5]>,
) -> PyResult<Decision> {
    let plan =
        plan.parse().map_err(|error: ParseError| PyValueError::new_err(error.to_string()))?;
    let applied: Option<_> = applied.into_iter().map(ratecell::Decision::from_words).collect();
    let applied =
        applied.ok_or_else(|| PyValueError::new_err("a pickle of another version of ratecell"))?;
    Ok(Decision { rules: Rules::Alone(Box::new(plan)), cost, now_ns, allowed, applied })
}

impl Decision {
    /// The answer of a limiter whose plan has one rule.
    #[inline]
    pub(crate) fn of_only_rule(
        limiter: &Arc<ratecell::Limiter>,
        now_ns: u64,
        cost: u32,
        decision: ratecell::Decision,
    ) -> Self {
        let applied = SmallVec::from_buf([decision]);
        let rules = Rules::Of(Arc::clone(limiter));
        Self { rules, allowed: decision.allowed(), cost, now_ns, applied }
    }

    /// The answer of a limiter.
    pub(crate) fn of(
        limiter: &Arc<ratecell::Limiter>,
        now_ns: u64,
        cost: u32,
        decision: &PlanDecision<'_>,
    ) -> Self {
        let applied = decision.rules().map(|(_, decision)| *decision).collect();
        let rules = Rules::Of(Arc::clone(limiter));
        Self { rules, allowed: decision.allowed(), cost, now_ns, applied }
    }

    fn pickled(&self) -> Pickled {
        let applied = self.applied.iter().map(ratecell::Decision::to_words).collect();
        (self.rules.plan().to_string(), self.now_ns, self.cost, self.allowed, applied)
    }

    fn plan_decision(&self) -> PlanDecision<'_> {
        let applied = self.applied.iter().copied();
        PlanDecision::restored(self.rules.plan(), self.allowed, applied)
    }

    fn each(&self) -> Vec<RuleDecision> {
        let answer = self.plan_decision();
        let rules = answer.rules();
        rules
            .map(|(rule, decision)| RuleDecision { rule: rule.clone(), decision: *decision })
            .collect()
    }
}

#[pymethods]
impl Decision {
    /// Whether the units were taken; for peek, whether they would be.
    #[getter]
    fn allowed(&self) -> bool {
        self.allowed
    }

    /// "allow"; "deny": not now; "never": the cost is above the capacity, no wait helps; "full":
    /// no slot was in reach of a new key.
    #[getter]
    fn verdict(&self) -> &'static str {
        self.plan_decision().verdict().as_str()
    }

    /// The name of the governing rule; None if no rule applies to the keys given.
    #[getter]
    fn rule(&self) -> Option<&str> {
        self.plan_decision().rule()
    }

    /// The governing rule's capacity in units; None if no rule applies.
    #[getter]
    fn limit(&self) -> Option<u32> {
        self.plan_decision().limit()
    }

    /// The largest cost that the governing rule would allow right now, after this decision; None
    /// if no rule applies.
    #[getter]
    fn remaining(&self) -> Option<u32> {
        self.plan_decision().remaining()
    }

    /// Seconds, rounded up, after which the same call passes if nobody else calls meanwhile; 0.0
    /// when allowed, None when no wait helps or none can be known.
    #[getter]
    fn retry_after(&self) -> Option<f64> {
        self.retry_after_ns().map(seconds)
    }

    /// As retry_after in nanoseconds; exact: one nanosecond earlier the call is still refused.
    #[getter]
    fn retry_after_ns(&self) -> Option<u64> {
        self.plan_decision().retry_after_ns()
    }

    /// Seconds, rounded up, until the governing rule is as good as new if nobody calls; None for
    /// concurrency, or if no rule applies.
    #[getter]
    fn reset_after(&self) -> Option<f64> {
        self.reset_after_ns().map(seconds)
    }

    /// As reset_after in nanoseconds.
    #[getter]
    fn reset_after_ns(&self) -> Option<u64> {
        self.plan_decision().reset_after_ns()
    }

    /// The cost that was asked for, in units.
    #[getter]
    fn cost(&self) -> u32 {
        self.cost
    }

    /// Each applied rule's own decision by the rule's name, in the plan's order. Of a refused call
    /// it is what the rule would have answered, uncharged.
    #[getter]
    fn rules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let rules = PyDict::new(py);
        for each in self.each() {
            let name = each.rule.name().to_owned();
            rules.set_item(name, each)?;
        }
        Ok(rules)
    }

    /// The header fields of the styles named, as of the decision.
    ///
    /// A style is a group, "x-ratelimit", "x-concurrency", "ratelimit" (draft 11), "draft-6",
    /// "draft-7", or a single field such as "retry-after". ``reset`` says what X-RateLimit-Reset
    /// holds: "unix" seconds, or "seconds" from now. Whole seconds are rounded up; a field whose
    /// value is unknown is left out, and Retry-After stands on refusals only. ``unix_now_ns`` is the
    /// Unix time of the decision; if None, its time by the limiter's clock.
    ///
    /// Raises ValueError for an unknown style, or styles that write one field in two forms.
    ///
    /// >>> from ratecell import Limiter
    /// >>> limiter = Limiter("2/min", clock=lambda: 0)
    /// >>> limiter.acquire("alice", 2).headers("x-ratelimit", "retry-after", reset="seconds")
    /// {'X-RateLimit-Limit': '2', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': '60'}
    /// >>> limiter.acquire("alice").headers("retry-after")
    /// {'Retry-After': '30'}
    #[pyo3(signature = (style, /, *more, reset = Reset::Unix, unix_now_ns = None), text_signature = "($self, style, /, *more, reset='unix', unix_now_ns=None)")]
    fn headers<'py>(
        &self,
        py: Python<'py>,
        style: &Bound<'_, PyAny>,
        more: &Bound<'_, PyTuple>,
        #[pyo3(from_py_with = reset_of)] reset: Reset,
        unix_now_ns: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let mut styles = style_of(style)?;
        for style in more {
            styles = styles | style_of(&style)?;
        }
        if matches!(reset, Reset::Seconds) {
            styles = styles.with_reset_after();
        }
        styles.check().map_err(|clash| PyValueError::new_err(clash.to_string()))?;
        let fields = PyDict::new(py);
        let unix_now_ns = match unix_now_ns {
            Some(now) => ns_of(now, "unix_now_ns")?,
            None => self.now_ns,
        };
        for field in self.plan_decision().headers(styles, unix_now_ns) {
            fields.set_item(field.name(), field.value().to_string())?;
        }
        Ok(fields)
    }

    fn __bool__(&self) -> bool {
        self.allowed
    }

    fn __str__(&self) -> String {
        self.plan_decision().to_string()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let class = slf.get_type().name()?;
        Ok(format!("<{class} {}>", slf.get().plan_decision()))
    }

    /// Equal when the costs and each applied rule's names and numbers are.
    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = other.get();
            self.cost == other.cost && self.allowed == other.allowed && self.each() == other.each()
        })
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.cost.hash(&mut hasher);
        for each in self.each() {
            each.hash_into(&mut hasher);
        }
        hasher.finish()
    }

    /// Itself, as it never changes.
    fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (_memo, /))]
    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'_, PyAny>) -> Bound<'py, Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Pickled)> {
        let module = slf.py().import("ratecell._ratecell")?;
        Ok((module.getattr("restored_decision")?, slf.get().pickled()))
    }
}

/// A call that makes no sense, as a `ValueError`.
#[cold]
pub(crate) fn call_error(error: &CallError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// What X-RateLimit-Reset holds.
#[derive(Clone, Copy)]
pub(crate) enum Reset {
    Unix,
    Seconds,
}

fn reset_of(reset: &Bound<'_, PyAny>) -> PyResult<Reset> {
    choice_of(reset, "reset", &[("unix", Reset::Unix), ("seconds", Reset::Seconds)])
}

fn style_of(style: &Bound<'_, PyAny>) -> PyResult<HeaderStyle> {
    let name = text_of(style, "style")?;
    HeaderStyle::named(name).ok_or_else(|| {
        let accepted: Vec<_> = HeaderStyle::NAMES.iter().map(|(name, _)| *name).collect();
        let accepted = accepted.join(", ");
        PyValueError::new_err(format!("style is {name:?}; accepted are {accepted}"))
    })
}

/// One rule's own answer to a call. Immutable.
#[pyclass(frozen, module = "ratecell")]
#[derive(PartialEq)]
pub(crate) struct RuleDecision {
    rule: ratecell::Rule,
    decision: ratecell::Decision,
}

impl RuleDecision {
    fn hash_into(&self, hasher: &mut DefaultHasher) {
        self.rule.hash(hasher);
        self.decision.verdict().hash(hasher);
        self.decision.remaining().hash(hasher);
        self.decision.reset_after_ns().hash(hasher);
    }
}

#[pymethods]
impl RuleDecision {
    /// The rule's name.
    #[getter]
    fn name(&self) -> &str {
        self.rule.name()
    }

    /// The dimension whose keys the rule counts.
    #[getter]
    fn by(&self) -> &str {
        self.rule.dimension()
    }

    /// Whether this rule allows the call. It was charged only if every other one allows it too.
    #[getter]
    fn allowed(&self) -> bool {
        self.decision.allowed()
    }

    /// "allow", "deny", "never" or "full".
    #[getter]
    fn verdict(&self) -> &'static str {
        self.decision.verdict().as_str()
    }

    /// The rule's capacity in units.
    #[getter]
    fn limit(&self) -> u32 {
        self.decision.limit()
    }

    /// The largest cost that the rule would allow right now, after this decision.
    #[getter]
    fn remaining(&self) -> u32 {
        self.decision.remaining()
    }

    /// Seconds, rounded up, after which the rule would allow the call; 0.0 when it does, None when
    /// no wait helps or none can be known.
    #[getter]
    fn retry_after(&self) -> Option<f64> {
        self.retry_after_ns().map(seconds)
    }

    /// As retry_after in nanoseconds; exact.
    #[getter]
    fn retry_after_ns(&self) -> Option<u64> {
        self.decision.retry_after_ns()
    }

    /// Seconds, rounded up, until the rule is as good as new; None for concurrency.
    #[getter]
    fn reset_after(&self) -> Option<f64> {
        self.reset_after_ns().map(seconds)
    }

    /// As reset_after in nanoseconds.
    #[getter]
    fn reset_after_ns(&self) -> Option<u64> {
        self.decision.reset_after_ns()
    }

    fn __bool__(&self) -> bool {
        self.decision.allowed()
    }

    fn __str__(&self) -> String {
        format!("{}: {}", self.rule.name(), self.decision)
    }

    fn __repr__(&self) -> String {
        format!("<RuleDecision {}: {}>", self.rule.name(), self.decision)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| *other.get() == *self)
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash_into(&mut hasher);
        hasher.finish()
    }

    /// Itself, as it never changes.
    fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (_memo, /))]
    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'_, PyAny>) -> Bound<'py, Self> {
        slf
    }
}
