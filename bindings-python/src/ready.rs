//! An awaitable that is ready at once.

use pyo3::exceptions::PyStopIteration;
use pyo3::prelude::*;

/// What `__aenter__` and `__aexit__` return: awaiting it yields to no event loop, so it works under
/// every one of them.
#[pyclass(frozen, module = "ratecell._ratecell")]
pub(crate) struct Ready {
    value: Py<PyAny>,
}

impl Ready {
    pub(crate) const fn new(value: Py<PyAny>) -> Self {
        Self { value }
    }
}

#[pymethods]
impl Ready {
    fn __await__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Err(PyStopIteration::new_err((self.value.clone_ref(py),)))
    }
}
