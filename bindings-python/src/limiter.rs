//! The calls of a limiter, from Python to the core.

use std::sync::Arc;

use pyo3::exceptions::{PyMemoryError, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyTuple};
use ratecell::{BuildError, CallError, Clock as _, Keys, TableError, WhenFull};

use crate::argument::choice_of;
use crate::clock::{callable, time_of};
use crate::cost::Cost;
use crate::decision::{Decision, call_error};
use crate::key::{self, Given};
use crate::permit::Permit;
use crate::plan::{Plan, plan_of};
use crate::stats::TableStats;

/// What is native of ``ratecell.Limiter``.
#[pyclass(frozen, subclass, weakref, module = "ratecell._ratecell")]
pub(crate) struct LimiterBase {
    core: Arc<ratecell::Limiter>,
    /// A callable that returns the time in nanoseconds; without one the core's clock does.
    clock: Option<Py<PyAny>>,
}

/// Whether a call takes its units or only looks.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    Acquire,
    Peek,
}

impl Call {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Peek => "peek",
        }
    }
}

/// The arguments of a call as Python gave them.
pub(crate) struct Arguments<'a, 'py> {
    pub(crate) key: &'a Bound<'py, PyAny>,
    pub(crate) cost: Option<&'a Bound<'py, PyAny>>,
    pub(crate) rules: Option<&'a Bound<'py, PyAny>>,
}

impl LimiterBase {
    /// What `acquire` and `peek` do.
    #[inline]
    pub(crate) fn answer<'py>(
        &self,
        py: Python<'py>,
        call: Call,
        arguments: &Arguments<'_, 'py>,
    ) -> PyResult<Bound<'py, Decision>> {
        let Cost(cost) = arguments.cost.map_or(Ok(Cost::ONE), PyAnyMethods::extract)?;
        let rules = arguments.rules.filter(|rules| !rules.is_none());
        let rules = rules.map(|rules| plan_of(rules, "rules")).transpose()?;
        let now_ns = self.now_ns(py)?;
        let decision = key::with_keys(arguments.key, |given| {
            let keyed = self.core.keyed();
            if let (Call::Acquire, None, Given::One(key)) = (call, &rules, &given)
                && let Some(table) = keyed.only_table()
            {
                let decision = table.acquire(table.hash(*key), now_ns, cost);
                return Ok(Decision::of_only_rule(&self.core, now_ns, cost, decision));
            }
            let keys = Keys::from(given);
            let answer = match (call, &rules) {
                (Call::Acquire, None) => keyed.acquire(now_ns, keys, cost),
                (Call::Acquire, Some(rules)) => keyed.acquire_with(now_ns, rules, keys, cost),
                (Call::Peek, None) => keyed.peek(now_ns, keys, cost),
                (Call::Peek, Some(rules)) => keyed.peek_with(now_ns, rules, keys, cost),
            };
            let answer = answer.map_err(|error| call_error(&error))?;
            Ok(Decision::of(&self.core, now_ns, cost, &answer))
        })?;
        Bound::new(py, decision)
    }

    #[inline]
    fn now_ns(&self, py: Python<'_>) -> PyResult<u64> {
        match &self.clock {
            None => Ok(self.core.clock().now_ns()),
            Some(clock) => time_of(clock.bind(py)),
        }
    }
}

#[pymethods]
impl LimiterBase {
    #[new]
    #[pyo3(
        signature = (rules, *, capacity = None, when_full = WhenFull::Deny, clock = None),
        text_signature = "(rules, *, capacity=None, when_full='deny', clock=None)"
    )]
    fn new(
        py: Python<'_>,
        rules: &Bound<'_, PyAny>,
        capacity: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = when_full_of)] when_full: WhenFull,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let plan = plan_of(rules, "rules")?;
        let clock = clock.map(callable).transpose()?;
        let mut builder = ratecell::Limiter::builder_for((*plan).clone()).when_full(when_full);
        if let Some(capacity) = capacity {
            builder = builder.capacity(capacity_of(capacity)?);
        }
        // Taking the memory of a large table takes a while, in which other threads may run.
        let core = py.detach(|| builder.build()).map_err(|error| build_error(&error))?;
        Ok(Self { core: Arc::new(core), clock: clock.map(Bound::unbind) })
    }

    /// The rules of this limiter.
    #[getter]
    fn plan(&self) -> Plan {
        Plan(Arc::new(self.core.plan().clone()))
    }

    /// As ``acquire``, with a permit that gives the permits of concurrency rules back: when its
    /// ``with`` or ``async with`` block ends, by ``release``, or when it is collected.
    ///
    /// >>> from ratecell import Limiter
    /// >>> limiter = Limiter("concurrency 8; 600/min")
    /// >>> with limiter.hold("alice") as held:
    /// ...     bool(held)
    /// True
    #[pyo3(signature = (key, cost = Cost::ONE, *, rules = None), text_signature = "($self, key, cost=1, *, rules=None)")]
    fn hold<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        cost: Cost,
        rules: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Permit>> {
        let Cost(cost) = cost;
        let rules = rules.map(|rules| plan_of(rules, "rules")).transpose()?;
        let now_ns = self.now_ns(py)?;
        let permit = key::with_keys(key, |given| {
            let keys = Keys::from(given);
            Permit::of(&self.core, now_ns, cost, |limiter| match &rules {
                None => limiter.keyed().hold(now_ns, keys, cost),
                Some(rules) => limiter.keyed().hold_with(now_ns, rules, keys, cost),
            })
            .map_err(|error| call_error(&error))
        })?;
        Bound::new(py, permit)
    }

    /// Give back the permits that an allowed ``acquire`` with the same key and cost took.
    ///
    /// Raises ValueError if fewer are held; nothing changes then. With ``when_full="allow"`` a call
    /// may pass without taking any: use ``hold``, which knows.
    #[pyo3(signature = (key, cost = Cost::ONE), text_signature = "($self, key, cost=1)")]
    fn release(&self, key: &Bound<'_, PyAny>, cost: Cost) -> PyResult<()> {
        let Cost(cost) = cost;
        self.with_keys(key, |keys| self.core.release(keys, cost))
    }

    /// Forget what a key has used. Permits stay with their holders.
    #[pyo3(signature = (key))]
    fn reset(&self, key: &Bound<'_, PyAny>) -> PyResult<()> {
        self.with_keys(key, |keys| self.core.reset(keys))
    }

    /// What each rule's table has counted, by the rule's name.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = PyDict::new(py);
        for (rule, counted) in self.core.stats() {
            stats.set_item(rule.name(), Bound::new(py, TableStats::from(counted))?)?;
        }
        Ok(stats)
    }

    /// What tells the line of those who wait for one key from another's.
    fn _identity<'py>(&self, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
        key::identity(self.core.plan(), key)
    }

    fn __repr__(&self) -> String {
        format!("Limiter({:?})", self.core.plan().to_string())
    }

    /// Lets the collector see the clock, which may well refer to whoever has this limiter.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.clock.as_ref().map_or(Ok(()), |clock| visit.call(clock))
    }
}

impl LimiterBase {
    fn with_keys(
        &self,
        key: &Bound<'_, PyAny>,
        call: impl FnOnce(Keys<'_>) -> Result<(), CallError>,
    ) -> PyResult<()> {
        key::with_keys(key, |given| call(given.into()).map_err(|error| call_error(&error)))
    }
}

/// What to do when a table is full.
pub(crate) fn when_full_of(when_full: &Bound<'_, PyAny>) -> PyResult<WhenFull> {
    choice_of(when_full, "when_full", &[("deny", WhenFull::Deny), ("allow", WhenFull::Allow)])
}

/// For how many keys there is to be room.
pub(crate) fn capacity_of(capacity: &Bound<'_, PyAny>) -> PyResult<usize> {
    if !capacity.is_instance_of::<PyInt>() || capacity.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!(
            "capacity is {capacity:?}; accepted is an int, the number of keys"
        )));
    }
    match capacity.extract::<usize>() {
        Ok(keys) if keys > 0 => Ok(keys),
        _ => Err(PyValueError::new_err(format!(
            "capacity is {capacity}; accepted is 1 key or more, within memory"
        ))),
    }
}

fn build_error(error: &BuildError) -> PyErr {
    match error {
        BuildError::Table(TableError::OutOfMemory { .. }) => {
            PyMemoryError::new_err(error.to_string())
        }
        _ => PyValueError::new_err(error.to_string()),
    }
}
