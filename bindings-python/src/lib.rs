//! The native half of the Python package: it translates calls from Python to the core.
//!
//! It decides nothing, keeps no key and starts no thread. What has to be awaited, decorated or
//! hooked into a framework is pure Python over it, in `python/ratecell`.
//!
//! **Threads.** The module says `gil_used = false`: it is right without the interpreter's lock.
//! Every class is frozen, so Rust hands out shared references only. What changes behind them is
//! the core's atomic cells, made for that; the place of a `Permit`, behind a mutex that is held
//! for one `take`; the outcomes of an `Answer`, behind one that is held for a push or a copy; and
//! cells that are written once (`PyOnceLock`). A key or cost is read from
//! immutable Python objects; a dict of keys is copied by the interpreter's own call first. No lock is
//! held while Python code runs, so nothing can deadlock against the interpreter.
//!
//! Units: nanoseconds in what ends in `_ns`; else seconds as a float, rounded up.

// One file speaks to the interpreter by pointers, and allows it for itself.
#![deny(unsafe_code)]

mod acquire;
mod answer;
mod argument;
mod chance;
mod clock;
mod contract;
mod cost;
mod decision;
mod environ;
#[expect(unsafe_code, reason = "the one file that speaks to the interpreter by pointers")]
mod fastcall;
mod guard;
mod key;
mod limiter;
mod outcome;
mod pacer;
mod permit;
mod plan;
mod ready;
mod request;
mod seconds;
mod stats;

use pyo3::prelude::*;

use crate::fastcall::add_method;

#[pymodule(gil_used = false)]
fn _ratecell(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<answer::Answer>()?;
    module.add_class::<contract::Contract>()?;
    module.add_class::<decision::Decision>()?;
    module.add_class::<decision::RuleDecision>()?;
    module.add_class::<guard::Guard>()?;
    module.add_class::<limiter::LimiterBase>()?;
    module.add_class::<outcome::Outcome>()?;
    module.add_class::<pacer::Pacer>()?;
    module.add_class::<pacer::Retries>()?;
    module.add_class::<pacer::Sent>()?;
    module.add_class::<permit::Permit>()?;
    module.add_class::<plan::Plan>()?;
    module.add_class::<plan::Rule>()?;
    module.add_class::<stats::GuardStats>()?;
    module.add_class::<stats::TableStats>()?;
    module.add_function(wrap_pyfunction!(decision::restored_decision, module)?)?;
    chance::renew_after_fork(module.py())?;
    add_fast_methods(module.py())
}

fn add_fast_methods(py: Python<'_>) -> PyResult<()> {
    add_method::<acquire::Acquire>(py)?;
    add_method::<acquire::Peek>(py)?;
    add_method::<answer::Admit>(py)?;
    add_method::<answer::Finish>(py)?;
    add_method::<answer::Send>(py)?;
    add_method::<environ::AdmitEnviron>(py)
}
