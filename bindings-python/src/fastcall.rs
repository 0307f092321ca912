//! The two hot calls, and the bytes of a string, by the interpreter's own pointers.
//!
//! pyo3 takes the vectorcall convention and borrows a string's UTF-8 only if the wheel gives up
//! Python 3.9, because the limited API names both since 3.10. The interpreter itself has had both since
//! 3.7, with the signatures that 3.10 made stable; 3.9 is out of support and does not change any more. So they are
//! declared here, for a call at half the price: no tuple, no dict, no copy of the key.
//!
//! SOURCE: "Stable Application Binary Interface" and "Vectorcall", Python/C API reference.

use core::ffi::{CStr, c_char, c_int};
use core::panic::AssertUnwindSafe;
use core::ptr;
use core::slice;
use std::panic::catch_unwind;

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use pyo3::{Borrowed, ffi};

use crate::limiter::{Arguments, Call, LimiterBase};

/// `METH_FASTCALL | METH_KEYWORDS`.
const FASTCALL: c_int = 0x0080 | 0x0002;

/// A method called with an array of arguments: the positional ones, then the values of `names`.
type FastMethod = unsafe extern "C" fn(
    this: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject;

unsafe extern "C" {
    fn PyUnicode_AsUTF8AndSize(
        text: *mut ffi::PyObject,
        size: *mut ffi::Py_ssize_t,
    ) -> *const c_char;
}

/// The UTF-8 bytes of a string, without a copy.
///
/// # Errors
/// `UnicodeEncodeError`, a `ValueError`, if it has a lone surrogate.
#[inline]
pub(crate) fn utf8<'a>(text: &'a Bound<'_, PyString>) -> PyResult<&'a str> {
    let mut size = 0;
    // SAFETY: the thread is attached and the object is a string, as `text` is a `Bound` of one;
    // `size` is written before it is read.
    let start = unsafe { PyUnicode_AsUTF8AndSize(text.as_ptr(), &raw mut size) };
    let (false, Ok(size)) = (start.is_null(), usize::try_from(size)) else {
        return Err(PyErr::fetch(text.py()));
    };
    // SAFETY: `size` bytes from `start` belong to the string, which keeps them unchanged as long as
    // it lives, and `text` keeps it alive for 'a.
    let bytes = unsafe { slice::from_raw_parts(start.cast::<u8>(), size) };
    // SAFETY: the interpreter made them as UTF-8, and refuses surrogates.
    Ok(unsafe { str::from_utf8_unchecked(bytes) })
}

const ACQUIRE: &CStr = cr#"acquire($self, key, cost=1, *, rules=None)
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

const PEEK: &CStr = cr#"peek($self, key, cost=1, *, rules=None)
--

Answer what ``acquire`` would, with ``remaining`` before the charge, and change nothing.

>>> from ratecell import Limiter
>>> Limiter("600/min").peek("alice").remaining
600
"#;

/// Adds the methods to the class. Their first lines are what `inspect.signature` reads.
pub(crate) fn add_methods(py: Python<'_>) -> PyResult<()> {
    add_method(py, c"acquire", acquire, ACQUIRE)?;
    add_method(py, c"peek", peek, PEEK)
}

fn add_method(
    py: Python<'_>,
    name: &'static CStr,
    method: FastMethod,
    doc: &'static CStr,
) -> PyResult<()> {
    // SAFETY: both are function pointers; the flags below tell the interpreter which it is.
    let method = unsafe { core::mem::transmute::<FastMethod, ffi::PyCFunction>(method) };
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: method },
        ml_flags: FASTCALL,
        ml_doc: doc.as_ptr(),
    }));
    let class = py.get_type::<LimiterBase>();
    // SAFETY: the class is a type object, and the definition, leaked, outlives the descriptor.
    let descriptor = unsafe { ffi::PyDescr_NewMethod(class.as_type_ptr(), definition) };
    // SAFETY: a new reference, or null with an exception set.
    let descriptor = unsafe { Bound::from_owned_ptr_or_err(py, descriptor)? };
    class.setattr(PyString::from_bytes(py, name.to_bytes())?, descriptor)
}

unsafe extern "C" fn acquire(
    this: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as the interpreter calls it, by the descriptor of the class.
    unsafe { respond(Call::Acquire, this, arguments, positional, names) }
}

unsafe extern "C" fn peek(
    this: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: as the interpreter calls it, by the descriptor of the class.
    unsafe { respond(Call::Peek, this, arguments, positional, names) }
}

/// Answers a call: a new reference, or null with an exception set.
///
/// # Safety
/// Called by the interpreter through the class's descriptor, so that the thread is attached, `this`
/// is a `LimiterBase`, `arguments` has `positional` and then as many more as `names`, which is null or a tuple,
/// has; all of them live until the call returns.
#[inline]
unsafe fn respond(
    call: Call,
    this: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the thread is attached, as this function asks.
    let py = unsafe { Python::assume_attached() };
    // SAFETY: a live object, as this function asks.
    let this = unsafe { Borrowed::from_ptr(py, this) };
    // SAFETY: the descriptor has checked its class.
    let this = unsafe { this.cast_unchecked::<LimiterBase>() };
    // SAFETY: null, or a live tuple, as this function asks.
    let names = unsafe { Borrowed::from_ptr_or_opt(py, names) };
    let names: Option<Borrowed<'_, '_, PyTuple>> =
        // SAFETY: a tuple, as this function asks.
        names.map(|names| unsafe { names.cast_unchecked() });
    let named = names.map_or(0, |names| names.len());
    let positional = positional.unsigned_abs();
    let values = if positional + named == 0 {
        &[]
    } else {
        // SAFETY: as many live objects as there are positional and named ones; `Bound` is a
        // transparent pointer to one, and is only borrowed here, so no count changes.
        unsafe { slice::from_raw_parts(arguments.cast::<Bound<'_, PyAny>>(), positional + named) }
    };
    let answer = catch_unwind(AssertUnwindSafe(|| {
        let arguments = read(call, values, positional, names)?;
        this.get().answer(py, call, &arguments)
    }));
    match answer {
        Ok(Ok(decision)) => decision.into_ptr(),
        Ok(Err(error)) => fail(py, error),
        Err(_) => fail(py, PyRuntimeError::new_err("a defect of ratecell: the call panicked")),
    }
}

fn fail(py: Python<'_>, error: PyErr) -> *mut ffi::PyObject {
    error.restore(py);
    ptr::null_mut()
}

/// Sorts the arguments: `(key, cost=1, *, rules=None)`.
#[inline]
fn read<'a, 'py>(
    call: Call,
    values: &'a [Bound<'py, PyAny>],
    positional: usize,
    names: Option<Borrowed<'_, 'py, PyTuple>>,
) -> PyResult<Arguments<'a, 'py>> {
    if let ([key], None) = (values, names) {
        return Ok(Arguments { key, cost: None, rules: None });
    }
    read_all(call.name(), values, positional, names)
}

#[cold]
fn read_all<'a, 'py>(
    call: &str,
    values: &'a [Bound<'py, PyAny>],
    positional: usize,
    names: Option<Borrowed<'_, 'py, PyTuple>>,
) -> PyResult<Arguments<'a, 'py>> {
    let (placed, named) = values.split_at(positional.min(values.len()));
    if placed.len() > 2 {
        return Err(PyTypeError::new_err(format!(
            "{call}() was given {} arguments by position; accepted are key and cost",
            placed.len()
        )));
    }
    let (mut key, mut cost, mut rules) = (placed.first(), placed.get(1), None);
    if let Some(names) = names {
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
