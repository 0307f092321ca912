//! Clocks that Python injects: callables that return nanoseconds.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt};
use ratecell::MAX_NOW_NS;

/// The clock, if it can be one.
///
/// # Errors
/// `TypeError` if it cannot be called.
pub(crate) fn callable(clock: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    if clock.is_callable() {
        return Ok(clock);
    }
    Err(PyTypeError::new_err(format!(
        "clock is {clock:?}; accepted is a callable that returns nanoseconds as an int"
    )))
}

/// The time that a clock tells.
///
/// # Errors
/// What the clock raises; `TypeError` or `ValueError` for what is no time.
pub(crate) fn time_of(clock: &Bound<'_, PyAny>) -> PyResult<u64> {
    let time = clock.call0()?;
    if !time.is_instance_of::<PyInt>() || time.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!(
            "the clock returned {time:?}; accepted is an int of nanoseconds"
        )));
    }
    match time.extract::<u64>() {
        Ok(now_ns) if now_ns <= MAX_NOW_NS => Ok(now_ns),
        _ => Err(PyValueError::new_err(format!(
            "the clock returned {time}; accepted is 0 to {MAX_NOW_NS} nanoseconds"
        ))),
    }
}
