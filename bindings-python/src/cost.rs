//! The cost of a call, from a Python integer.

use pyo3::Borrowed;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBool;

/// The cost of a call: an integer from 0 to 2^32 - 1, or what `operator.index` makes one of.
#[derive(Clone, Copy)]
pub(crate) struct Cost(pub(crate) u32);

impl Cost {
    /// What a call costs that does not say.
    pub(crate) const ONE: Self = Self(1);
}

impl<'py> FromPyObject<'_, 'py> for Cost {
    type Error = PyErr;

    /// # Errors
    /// `TypeError` for a bool, a float or any other type, `ValueError` for an integer out of range.
    fn extract(cost: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if cost.is_instance_of::<PyBool>() {
            return Err(wrong_type(cost));
        }
        cost.extract::<u32>().map(Self).map_err(|error| {
            let py = cost.py();
            if error.is_instance_of::<PyOverflowError>(py) {
                PyValueError::new_err(format!("cost is {cost:?}; accepted is 0 to {}", u32::MAX))
            } else if error.is_instance_of::<PyTypeError>(py) {
                wrong_type(cost)
            } else {
                error
            }
        })
    }
}

fn wrong_type(cost: Borrowed<'_, '_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!("cost is {cost:?}; accepted is an int from 0 to {}", u32::MAX))
}
