//! Keys from Python objects: the same bytes that other languages make of the same key.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyList, PyMapping, PyString, PyTuple, PyType};
use ratecell::{Key, Keys};

use crate::fastcall::utf8;

const ACCEPTED: &str = "accepted are str, bytes, int, ipaddress.IPv4Address, ipaddress.IPv6Address";

/// The keys that a Python object stands for.
pub(crate) enum Given<'a> {
    One(Key<'a>),
    Each(&'a [(&'a str, Key<'a>)]),
}

impl<'a> From<Given<'a>> for Keys<'a> {
    #[inline]
    fn from(given: Given<'a>) -> Self {
        match given {
            Given::One(key) => Self::One(key),
            Given::Each(each) => Self::Each(each),
        }
    }
}

/// Calls `call` with the keys that `key` stands for: one alone, or a dict's, one a dimension.
///
/// # Errors
/// `TypeError` or `ValueError` for what is no key, or what `call` answers.
#[inline]
pub(crate) fn with_keys<R>(
    key: &Bound<'_, PyAny>,
    call: impl FnOnce(Given<'_>) -> PyResult<R>,
) -> PyResult<R> {
    if let Ok(text) = key.cast::<PyString>() {
        return call(Given::One(Key::from(utf8(text)?)));
    }
    if let Ok(keys) = key.cast::<PyDict>() {
        // The interpreter copies the items before any is looked at, so that no other thread can
        // change what is borrowed from them.
        return with_keys_of(keys.items(), call);
    }
    if let Some(key) = key_in(key, Place::Alone)? {
        return call(Given::One(key));
    }
    match key.cast::<PyMapping>() {
        Ok(keys) => with_keys_of(keys.items()?, call),
        Err(_) => Err(wrong_type(key, Place::Alone)),
    }
}

fn with_keys_of<R>(
    items: Bound<'_, PyList>,
    call: impl FnOnce(Given<'_>) -> PyResult<R>,
) -> PyResult<R> {
    let mut owned: Vec<(Bound<'_, PyString>, Bound<'_, PyAny>)> = Vec::with_capacity(items.len());
    for item in items {
        let (dimension, key): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        let dimension = dimension.cast_into::<PyString>().map_err(|error| {
            let found = error.into_inner();
            PyTypeError::new_err(format!("a dimension of key is {found:?}; accepted are str"))
        })?;
        owned.push((dimension, key));
    }
    let mut each = Vec::with_capacity(owned.len());
    for (dimension, key) in &owned {
        let dimension = utf8(dimension)?;
        each.push((dimension, key_of(key, dimension, "key")?));
    }
    call(Given::Each(&each))
}

/// The bytes of each key that a rule of the plan counts by, with its dimension: what tells the line
/// of those who wait for one key from another's.
pub(crate) fn identity<'py>(
    plan: &ratecell::Plan,
    key: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    let py = key.py();
    with_keys(key, |given| {
        let dimensions = || plan.rules().iter().map(ratecell::Rule::dimension);
        match given {
            Given::One(key) => {
                // The core refuses a key alone where it could be for one of several.
                let only = dimensions().find(|by| *by == "key").or_else(|| dimensions().next());
                PyTuple::new(py, [(only, PyBytes::new(py, key.as_bytes()))])
            }
            Given::Each(each) => {
                let counted = each.iter().filter(|(by, _)| dimensions().any(|it| it == *by));
                let mut sorted: Vec<_> =
                    counted.map(|(by, key)| (*by, PyBytes::new(py, key.as_bytes()))).collect();
                sorted.sort_unstable_by_key(|(by, _)| *by);
                PyTuple::new(py, sorted)
            }
        }
    })
}

/// One key, if it is of a type that can be one.
fn key_in<'a>(key: &'a Bound<'_, PyAny>, place: Place<'_>) -> PyResult<Option<Key<'a>>> {
    if let Ok(text) = key.cast::<PyString>() {
        return Ok(Some(Key::from(utf8(text)?)));
    }
    if let Ok(bytes) = key.cast::<PyBytes>() {
        return Ok(Some(Key::from(bytes.as_bytes())));
    }
    if key.is_instance_of::<PyInt>() && !key.is_instance_of::<PyBool>() {
        return key.extract::<u64>().map(|number| Some(number.into())).map_err(|_| {
            PyValueError::new_err(format!(
                "{} is {key}; accepted is 0 to {}, other numbers as str or bytes",
                place,
                u64::MAX,
            ))
        });
    }
    Ok(address_of(key)?.map(Key::from))
}

/// The key of `name` in the dict called `argument`.
///
/// # Errors
/// `TypeError` or `ValueError` for what is no key.
pub(crate) fn key_of<'a>(
    key: &'a Bound<'_, PyAny>,
    name: &str,
    argument: &str,
) -> PyResult<Key<'a>> {
    let place = Place::In { argument, name };
    key_in(key, place)?.ok_or_else(|| wrong_type(key, place))
}

/// Where a key was given, for an error.
#[derive(Clone, Copy)]
enum Place<'a> {
    Alone,
    In { argument: &'a str, name: &'a str },
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone => f.write_str("key"),
            Self::In { argument, name } => write!(f, "{argument}[{name:?}]"),
        }
    }
}

fn wrong_type(key: &Bound<'_, PyAny>, place: Place<'_>) -> PyErr {
    let or_dict = match place {
        Place::Alone => ", or a dict of these by dimension",
        Place::In { .. } => "",
    };
    PyTypeError::new_err(format!("{place} is {key:?}; {ACCEPTED}{or_dict}"))
}

/// The address that `key` is, if it is one of the standard library's.
pub(crate) fn address_of(key: &Bound<'_, PyAny>) -> PyResult<Option<IpAddr>> {
    static V4: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static V6: PyOnceLock<Py<PyType>> = PyOnceLock::new();

    let py = key.py();
    let is_v4 = key.is_instance(V4.import(py, "ipaddress", "IPv4Address")?)?;
    if !is_v4 && !key.is_instance(V6.import(py, "ipaddress", "IPv6Address")?)? {
        return Ok(None);
    }
    let packed = key.getattr("packed")?;
    let octets = packed.extract::<&[u8]>()?;
    Ok(match (<[u8; 4]>::try_from(octets), <[u8; 16]>::try_from(octets)) {
        (Ok(v4), _) => Some(IpAddr::V4(Ipv4Addr::from(v4))),
        (_, Ok(v6)) => Some(IpAddr::V6(Ipv6Addr::from(v6))),
        _ => None,
    })
}
