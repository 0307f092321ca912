//! Arguments of fixed kinds. An error names the argument, what was found and what is accepted, on
//! every interpreter: pyo3 says the name in a note, which Python has since 3.11.

use std::path::PathBuf;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyInt, PyMapping, PyString};

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

/// The dict of an argument that may be left out or None; a copy of any other mapping.
///
/// # Errors
/// `TypeError` for anything else.
pub(crate) fn dict_of<'py>(
    value: Option<&Bound<'py, PyAny>>,
    argument: &str,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let Some(value) = value.filter(|value| !value.is_none()) else { return Ok(None) };
    if let Ok(dict) = value.cast() {
        return Ok(Some(dict.clone()));
    }
    let Ok(mapping) = value.cast::<PyMapping>() else {
        return Err(PyTypeError::new_err(format!(
            "{argument} is {value:?}; accepted are None and a dict"
        )));
    };
    let dict = PyDict::new(value.py());
    dict.update(mapping)?;
    Ok(Some(dict))
}

/// The path of an argument that names a file.
///
/// # Errors
/// `TypeError` for what is no path, which says what else is accepted there; what the interpreter
/// says of a text that no file can be called.
pub(crate) fn path_of(
    value: &Bound<'_, PyAny>,
    argument: &str,
    accepted: &str,
) -> PyResult<PathBuf> {
    value.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyTypeError>(value.py()) {
            PyTypeError::new_err(format!("{argument} is {value:?}; accepted are {accepted}"))
        } else {
            error
        }
    })
}
