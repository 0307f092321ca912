//! The two hot calls of a limiter, `acquire` and `peek`.

use core::ffi::CStr;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::fastcall::{FastMethod, Values, utf8};
use crate::limiter::{Arguments, Call, LimiterBase};

pub(crate) struct Acquire;

impl FastMethod for Acquire {
    type Class = LimiterBase;
    const NAME: &'static CStr = c"acquire";
    const DOC: &'static CStr = cr#"acquire($self, key, cost=1, *, rules=None)
--

Take ``cost`` units of every rule that the key applies to, or of none.

``key`` is a str, bytes, an int from 0 to 2**64 - 1, an ipaddress object, or a dict of these by
dimension. ``cost`` is 0 to 2**32 - 1 units; 0 is always allowed and changes nothing. ``rules``
stand in for the limiter's own for this call, such as a customer's own cap: a text or a Plan, rule
by rule of the same kind, and for fixed and sliding of the same period and segments.

Permits of concurrency rules stay taken until ``release``; ``hold`` gives them back by itself.
Never blocks; threads may share the limiter. A refusal is a value; raises TypeError or ValueError
for arguments that make no sense.

>>> from ratecell import Limiter
>>> limiter = Limiter("ip: fixed 300/min by ip; key: sliding 600/min")
>>> limiter.acquire({"ip": "192.0.2.1", "key": "alice"})
<Decision ip: allowed: 299 of 300 left>
"#;

    #[inline]
    fn call<'py>(
        this: &Bound<'py, LimiterBase>,
        values: Values<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        answer(Call::Acquire, this, values)
    }
}

pub(crate) struct Peek;

impl FastMethod for Peek {
    type Class = LimiterBase;
    const NAME: &'static CStr = c"peek";
    const DOC: &'static CStr = cr#"peek($self, key, cost=1, *, rules=None)
--

Answer what ``acquire`` would, with ``remaining`` before the charge, and change nothing.

>>> from ratecell import Limiter
>>> Limiter("600/min").peek("alice").remaining
600
"#;

    #[inline]
    fn call<'py>(
        this: &Bound<'py, LimiterBase>,
        values: Values<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        answer(Call::Peek, this, values)
    }
}

#[inline]
fn answer<'py>(
    call: Call,
    limiter: &Bound<'py, LimiterBase>,
    values: Values<'_, 'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let arguments = read(call, values)?;
    limiter.get().answer(limiter.py(), call, &arguments).map(Bound::into_any)
}

/// Sorts the arguments: `(key, cost=1, *, rules=None)`.
#[inline]
fn read<'a, 'py>(call: Call, values: Values<'a, 'py>) -> PyResult<Arguments<'a, 'py>> {
    if let ([key], None) = (values.all, values.names) {
        return Ok(Arguments { key, cost: None, rules: None });
    }
    read_all(call.name(), values)
}

#[cold]
fn read_all<'a, 'py>(call: &str, values: Values<'a, 'py>) -> PyResult<Arguments<'a, 'py>> {
    let (placed, named) = values.all.split_at(values.positional.min(values.all.len()));
    if placed.len() > 2 {
        return Err(PyTypeError::new_err(format!(
            "{call}() was given {} arguments by position; accepted are key and cost",
            placed.len()
        )));
    }
    let (mut key, mut cost, mut rules) = (placed.first(), placed.get(1), None);
    if let Some(names) = values.names {
        for (name, value) in names.iter().zip(named) {
            let name = name.cast_into::<PyString>()?;
            let place = match utf8(&name)? {
                "key" => &mut key,
                "cost" => &mut cost,
                "rules" => &mut rules,
                other => {
                    return Err(PyTypeError::new_err(format!(
                        "{call}() was given {other:?}; accepted are key, cost and rules"
                    )));
                }
            };
            if place.replace(value).is_some() {
                return Err(PyTypeError::new_err(format!("{call}() was given {name} twice")));
            }
        }
    }
    let key = key.ok_or_else(|| PyTypeError::new_err(format!("{call}() was given no key")))?;
    Ok(Arguments { key, cost, rules })
}
