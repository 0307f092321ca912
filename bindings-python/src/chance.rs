//! Chance: what spreads clients and makes the ids of requests. It keeps no secret.
//!
//! Each thread has a generator, which a fork copies: without a new seed, prefork workers would give
//! the same ids and come back after a refusal at the same instant.

use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict};

/// A number, uniform over all of `u64`.
pub(crate) fn random() -> u64 {
    fastrand::u64(..)
}

/// Has forked children draw from a seed of their own. Only the thread that forked lives on in them.
pub(crate) fn renew_after_fork(py: Python<'_>) -> PyResult<()> {
    let os = py.import("os")?;
    if !os.hasattr("register_at_fork")? {
        return Ok(());
    }
    let renew = PyCFunction::new_closure(py, None, None, |arguments, _| -> PyResult<()> {
        let bytes = arguments.py().import("os")?.call_method1("urandom", (8,))?;
        fastrand::seed(u64::from_le_bytes(bytes.extract()?));
        Ok(())
    })?;
    let when = PyDict::new(py);
    when.set_item("after_in_child", renew)?;
    os.call_method("register_at_fork", (), Some(&when)).map(drop)
}
