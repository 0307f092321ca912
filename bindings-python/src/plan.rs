//! Plans and rules as Python objects.

use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use ratecell::Quota;

use crate::fastcall::utf8;
use crate::seconds::seconds;

/// An ordered list of 1 to 8 rules, read from text and acquired all or nothing.
///
/// Parsing takes a microsecond or so; a plan that is used often is best parsed once.
///
/// >>> from ratecell import Plan
/// >>> plan = Plan("ip: fixed 300/min by ip; sliding 600 per minute")
/// >>> str(plan)
/// 'ip: fixed 300/min by ip; sliding: sliding 600/min segments 14 by key'
/// >>> plan.rules[0].period
/// 60.0
///
/// Raises ValueError for a text that is no plan: it names the byte, what was found there and what
/// is accepted. Immutable; equal plans compare and hash equal.
#[pyclass(frozen, module = "ratecell")]
pub(crate) struct Plan(pub(crate) Arc<ratecell::Plan>);

#[pymethods]
impl Plan {
    #[new]
    #[pyo3(signature = (text, /))]
    fn new(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        plan_of(text, "text").map(Self)
    }

    /// The rules, in order.
    #[getter]
    fn rules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.rules().iter().cloned().map(Rule))
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Plan({:?})", self.0.to_string())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyString::new(py, &self.0.to_string()).hash()
    }

    fn __reduce__(slf: &Bound<'_, Self>) -> PyResult<(Py<PyAny>, (String,))> {
        Ok((slf.get_type().into_any().unbind(), (slf.get().0.to_string(),)))
    }
}

/// A plan from its text or from a [`Plan`]; `argument` names it in an error.
///
/// # Errors
/// `TypeError` for another type, `ValueError` for a text that is no plan.
pub(crate) fn plan_of(plan: &Bound<'_, PyAny>, argument: &str) -> PyResult<Arc<ratecell::Plan>> {
    if let Ok(plan) = plan.cast::<Plan>() {
        return Ok(plan.get().0.clone());
    }
    let Ok(text) = plan.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!(
            "{argument} is {plan:?}; accepted are a str such as \"600/min\" and a Plan"
        )));
    };
    let text = utf8(text)?;
    match text.parse() {
        Ok(plan) => Ok(Arc::new(plan)),
        Err(error) => Err(PyValueError::new_err(format!("{argument} {text:?}: {error}"))),
    }
}

/// One rule of a plan: a named limit, counted per key of one dimension.
#[pyclass(frozen, module = "ratecell")]
pub(crate) struct Rule(ratecell::Rule);

#[pymethods]
impl Rule {
    /// Its name, unlike those of the other rules of its plan.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The dimension whose keys it counts: "key", "ip", ...
    #[getter]
    fn by(&self) -> &str {
        self.0.dimension()
    }

    /// "gcra", "fixed", "sliding" or "concurrency".
    #[getter]
    fn kind(&self) -> &'static str {
        self.0.quota().kind().as_str()
    }

    /// Units per period, or permits for concurrency.
    #[getter]
    fn limit(&self) -> u32 {
        match self.0.quota() {
            Quota::Gcra(quota) => quota.limit(),
            quota => quota.capacity(),
        }
    }

    /// Units at once: the burst for gcra, else the limit.
    #[getter]
    fn capacity(&self) -> u32 {
        self.0.quota().capacity()
    }

    /// The period in nanoseconds; None for concurrency.
    #[getter]
    fn period_ns(&self) -> Option<u64> {
        self.0.quota().period_ns()
    }

    /// The period in seconds; None for concurrency.
    #[getter]
    fn period(&self) -> Option<f64> {
        self.period_ns().map(seconds)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Rule {}>", self.0)
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyString::new(py, &self.0.to_string()).hash()
    }
}
