//! Methods called by the interpreter's own convention, and the bytes of a string by its own pointer.
//!
//! pyo3 takes the vectorcall convention and borrows a string's UTF-8 only if the wheel gives up
//! Python 3.9, because the limited API names both since 3.10. The interpreter itself has had both since
//! 3.7, with the signatures that 3.10 made stable; 3.9 is out of support and does not change any more. So they are
//! declared here, for a call at half the price: no tuple, no dict, no copy of a key.
//!
//! A [`FastMethod`] says in safe code what it does; all pointers stay in this file.
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
use pyo3::{Borrowed, PyClass, ffi};

/// `METH_FASTCALL | METH_KEYWORDS`.
const FASTCALL: c_int = 0x0080 | 0x0002;

/// A method called with an array of arguments: the positional ones, then the values of `names`.
type FastFunction = unsafe extern "C" fn(
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

/// A method whose every call counts.
pub(crate) trait FastMethod {
    /// The class that has it.
    type Class: PyClass;
    const NAME: &'static CStr;
    /// Its docstring; the first line is what `inspect.signature` reads.
    const DOC: &'static CStr;

    /// Does what it does.
    ///
    /// # Errors
    /// The exception that the caller gets.
    fn call<'py>(
        this: &Bound<'py, Self::Class>,
        values: Values<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>>;
}

/// The arguments of a call.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a, 'py> {
    /// Those by position, then those by name.
    pub(crate) all: &'a [Bound<'py, PyAny>],
    /// How many are by position.
    pub(crate) positional: usize,
    /// The names of the others, in order.
    pub(crate) names: Option<Borrowed<'a, 'py, PyTuple>>,
}

impl<'a, 'py> Values<'a, 'py> {
    /// From `LEAST` to `MOST` arguments by position; what was left out is none.
    ///
    /// # Errors
    /// `TypeError` for any other number, and for arguments by name.
    #[inline]
    pub(crate) fn by_position<const LEAST: usize, const MOST: usize>(
        self,
        call: &str,
    ) -> PyResult<[Option<&'a Bound<'py, PyAny>>; MOST]> {
        if self.names.is_none() && (LEAST..=MOST).contains(&self.positional) {
            return Ok(core::array::from_fn(|place| self.all.get(place)));
        }
        Err(PyTypeError::new_err(format!(
            "{call}() was given {} arguments; accepted are {LEAST} to {MOST} by position",
            self.all.len()
        )))
    }
}

/// Adds a method to its class.
///
/// # Errors
/// What the interpreter says if it cannot.
pub(crate) fn add_method<M: FastMethod>(py: Python<'_>) -> PyResult<()> {
    // SAFETY: both are function pointers; the flags below tell the interpreter which it is.
    let method = unsafe { core::mem::transmute::<FastFunction, ffi::PyCFunction>(respond::<M>) };
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: M::NAME.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: method },
        ml_flags: FASTCALL,
        ml_doc: M::DOC.as_ptr(),
    }));
    let class = py.get_type::<M::Class>();
    // SAFETY: the class is a type object, and the definition, leaked, outlives the descriptor.
    let descriptor = unsafe { ffi::PyDescr_NewMethod(class.as_type_ptr(), definition) };
    // SAFETY: a new reference, or null with an exception set.
    let descriptor = unsafe { Bound::from_owned_ptr_or_err(py, descriptor)? };
    class.setattr(PyString::from_bytes(py, M::NAME.to_bytes())?, descriptor)
}

/// Answers a call: a new reference, or null with an exception set.
///
/// # Safety
/// Called by the interpreter through the class's descriptor, so that the thread is attached, `this`
/// is an `M::Class`, `arguments` has `positional` and then as many more as `names`, which is null or
/// a tuple, has; all of them live until the call returns.
unsafe extern "C" fn respond<M: FastMethod>(
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
    let this = unsafe { this.cast_unchecked::<M::Class>() };
    // SAFETY: null, or a live tuple, as this function asks.
    let names = unsafe { Borrowed::from_ptr_or_opt(py, names) };
    let names: Option<Borrowed<'_, '_, PyTuple>> =
        // SAFETY: a tuple, as this function asks.
        names.map(|names| unsafe { names.cast_unchecked() });
    let named = names.map_or(0, |names| names.len());
    let positional = positional.unsigned_abs();
    let all = if positional + named == 0 {
        &[]
    } else {
        // SAFETY: as many live objects as there are positional and named ones; `Bound` is a
        // transparent pointer to one, and is only borrowed here, so no count changes.
        unsafe { slice::from_raw_parts(arguments.cast::<Bound<'_, PyAny>>(), positional + named) }
    };
    let values = Values { all, positional, names };
    match catch_unwind(AssertUnwindSafe(|| M::call(&this, values))) {
        Ok(Ok(answer)) => answer.into_ptr(),
        Ok(Err(error)) => fail(py, error),
        Err(_) => fail(py, PyRuntimeError::new_err("a defect of ratecell: the call panicked")),
    }
}

fn fail(py: Python<'_>, error: PyErr) -> *mut ffi::PyObject {
    error.restore(py);
    ptr::null_mut()
}
