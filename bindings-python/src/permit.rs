//! What `hold` returns: a decision with permits to give back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use ratecell::{CallError, HeldPermit};
use yoke::{Yoke, Yokeable};

use crate::decision::Decision;
use crate::ready::Ready;

/// The core's permit, which borrows from the limiter.
#[derive(Yokeable)]
pub(crate) struct Held<'a>(HeldPermit<'a>);

/// A permit kept beside the limiter that it borrows from.
type OwnedHeld = Yoke<Held<'static>, Arc<ratecell::Limiter>>;

/// A decision that gives the permits of its concurrency rules back when it is left or released.
///
/// Units of a rate stay taken. If the call was refused there is nothing to give back. Permits that
/// nobody gave back come back when the object is collected.
///
/// >>> from ratecell import Limiter
/// >>> limiter = Limiter("concurrency 1")
/// >>> with limiter.hold("alice") as held:
/// ...     bool(held), bool(limiter.hold("alice"))
/// (True, False)
/// >>> bool(limiter.peek("alice"))
/// True
#[pyclass(frozen, extends = Decision, module = "ratecell")]
pub(crate) struct Permit {
    /// Taken by the first release.
    held: Mutex<Option<OwnedHeld>>,
}

impl Permit {
    /// The permit of `call`, kept beside the limiter that it asks.
    pub(crate) fn of(
        limiter: &Arc<ratecell::Limiter>,
        now_ns: u64,
        cost: u32,
        call: impl for<'l> FnOnce(&'l ratecell::Limiter) -> Result<HeldPermit<'l>, CallError>,
    ) -> Result<PyClassInitializer<Self>, CallError> {
        let cart = Arc::clone(limiter);
        let held: OwnedHeld = Yoke::try_attach_to_cart(cart, |limiter| call(limiter).map(Held))?;
        // The permit is gone once it is released; what it decided stays readable.
        let decision = Decision::of(limiter, now_ns, cost, &held.get().0);
        Ok(PyClassInitializer::from(decision).add_subclass(Self { held: Mutex::new(Some(held)) }))
    }
}

impl Permit {
    fn locked(&self) -> MutexGuard<'_, Option<OwnedHeld>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block entered with what was given back would run without a permit.
    fn check_is_held(&self) -> PyResult<()> {
        if self.locked().is_some() {
            return Ok(());
        }
        Err(PyRuntimeError::new_err("the permit was given back; accepted is a new one, from hold"))
    }
}

#[pymethods]
impl Permit {
    /// What was refused or given back holds nothing, so that a pickle of it is its decision.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        if slf.get().locked().as_ref().is_some_and(|held| held.get().0.allowed()) {
            let message = "cannot pickle a Permit that was not given back; release it first";
            return Err(PyTypeError::new_err(message));
        }
        slf.py().get_type::<Decision>().call_method1("__reduce__", (slf,))
    }

    /// Gives the permits back. Once is enough: a second time does nothing, and so does leaving the
    /// ``with`` block after it. A ``with`` block that is entered after it raises RuntimeError.
    fn release(&self) {
        let held = self.locked().take();
        drop(held);
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().check_is_held()?;
        Ok(slf)
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) {
        self.release();
    }

    fn __aenter__(slf: Bound<'_, Self>) -> PyResult<Ready> {
        slf.get().check_is_held()?;
        Ok(Ready::new(slf.into_any().unbind()))
    }

    #[pyo3(signature = (*_exception))]
    fn __aexit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> Ready {
        self.release();
        Ready::new(py.None())
    }
}
