//! Arguments of fixed kinds. An error names the argument, what was found and what is accepted, on
//! every interpreter: pyo3 says the name in a note, which Python has since 3.11.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyString};

use crate::fastcall::utf8;

/// The text of an argument.
///
/// # Errors
/// `TypeError` for anything else.
pub(crate) fn text_of<'a>(value: &'a Bound<'_, PyAny>, argument: &str) -> PyResult<&'a str> {
    match value.cast::<PyString>() {
        Ok(text) => utf8(text),
        Err(_) => Err(PyTypeError::new_err(format!("{argument} is {value:?}; accepted is a str"))),
    }
}

/// The choice that an argument names.
///
/// # Errors
/// `ValueError` for any other text, `TypeError` for anything else.
pub(crate) fn choice_of<T: Copy>(
    value: &Bound<'_, PyAny>,
    argument: &str,
    choices: &[(&str, T)],
) -> PyResult<T> {
    let accepted = || {
        let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
        match names.split_last() {
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        }
    };
    let Ok(text) = value.cast::<PyString>() else {
        let accepted = accepted();
        let message = format!("{argument} is {value:?}; accepted are {accepted}");
        return Err(PyTypeError::new_err(message));
    };
    let text = utf8(text)?;
    let chosen = choices.iter().find(|(name, _)| *name == text);
    chosen.map(|&(_, choice)| choice).ok_or_else(|| {
        let accepted = accepted();
        PyValueError::new_err(format!("{argument} is {text:?}; accepted are {accepted}"))
    })
}

/// The nanoseconds of an argument.
///
/// # Errors
/// `ValueError` for an int out of range, `TypeError` for anything else.
pub(crate) fn ns_of(value: &Bound<'_, PyAny>, argument: &str) -> PyResult<u64> {
    if !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!(
            "{argument} is {value:?}; accepted is an int of nanoseconds"
        )));
    }
    value.extract().map_err(|_| {
        PyValueError::new_err(format!("{argument} is {value:?}; accepted is 0 to {}", u64::MAX))
    })
}

/// The dict of an argument that may be left out or None.
///
/// # Errors
/// `TypeError` for anything else.
pub(crate) fn dict_of<'a, 'py>(
    value: Option<&'a Bound<'py, PyAny>>,
    argument: &str,
) -> PyResult<Option<&'a Bound<'py, PyDict>>> {
    let Some(value) = value.filter(|value| !value.is_none()) else { return Ok(None) };
    match value.cast() {
        Ok(dict) => Ok(Some(dict)),
        Err(_) => Err(PyTypeError::new_err(format!(
            "{argument} is {value:?}; accepted are None and a dict"
        ))),
    }
}
