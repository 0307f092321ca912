//! The client's side: the core's pacer and backoff, told the time by Python.
//!
//! All times are Unix nanoseconds. A pacer is behind a mutex that is held for one call of the core,
//! in which no Python code runs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ratecell::pacing::{self, Backoff, BackoffSettings, Reading};

use crate::chance::random;
use crate::plan::plan_of;

/// A request that was sent.
#[pyclass(frozen, module = "ratecell._ratecell")]
pub(crate) struct Sent(pacing::Sent);

/// Says when a client is to send, so that none of its requests is refused.
#[pyclass(frozen, module = "ratecell._ratecell")]
pub(crate) struct Pacer(Mutex<pacing::Pacer>);

#[pymethods]
impl Pacer {
    #[new]
    #[pyo3(signature = (plan = None, *, sharers = 1, now_ns = None))]
    fn new(plan: Option<&Bound<'_, PyAny>>, sharers: u32, now_ns: Option<u64>) -> PyResult<Self> {
        let pacer = match plan {
            None => pacing::Pacer::new(),
            Some(plan) => {
                let plan = plan_of(plan, "plan")?;
                pacing::Pacer::told(&plan, sharers, now_ns.unwrap_or(0), &mut random)
                    .map_err(|error| PyValueError::new_err(error.to_string()))?
            }
        };
        Ok(Self(Mutex::new(pacer)))
    }

    /// Whether it may be forgotten.
    fn is_at_rest(&self, now_ns: u64) -> bool {
        self.lock().is_at_rest(now_ns)
    }

    /// Sends a request now, if that is the time; else says how many nanoseconds to wait before
    /// asking again.
    fn send<'py>(&self, py: Python<'py>, now_ns: u64) -> PyResult<Bound<'py, PyAny>> {
        let mut pacer = self.lock();
        let wait_ns = pacer.wait_ns(now_ns);
        if wait_ns > 0 {
            drop(pacer);
            return Ok(wait_ns.into_pyobject(py)?.into_any());
        }
        let sent = pacer.sent(now_ns, &mut random);
        drop(pacer);
        Ok(Bound::new(py, Sent(sent))?.into_any())
    }

    /// Takes note of the answer to a request that is still in flight; gives whether it is a refusal,
    /// and its Retry-After in nanoseconds.
    #[pyo3(
        signature = (sent, now_ns, status, headers, body = None),
        text_signature = "($self, sent, now_ns, status, headers, body=b'')"
    )]
    fn answered(
        &self,
        sent: &Bound<'_, Sent>,
        now_ns: u64,
        status: u16,
        headers: Vec<(Bound<'_, PyBytes>, Bound<'_, PyBytes>)>,
        body: Option<&[u8]>,
    ) -> (bool, Option<u64>) {
        let headers = headers.iter().filter_map(|(name, value)| {
            // A name that is no ASCII is none that anybody knows.
            Some((core::str::from_utf8(name.as_bytes()).ok()?, value.as_bytes()))
        });
        let reading = Reading::of(now_ns, status, headers, body.unwrap_or_default());
        self.lock().answered(&sent.get().0, now_ns, &reading, &mut random);
        (reading.refused(), reading.retry_after_ns())
    }

    /// Takes note that a request is no longer in flight, whether or not it was answered.
    fn ended(&self, sent: &Bound<'_, Sent>) {
        self.lock().ended(sent.get().0);
    }
}

impl Pacer {
    fn lock(&self) -> MutexGuard<'_, pacing::Pacer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The retries of one call: 1 s, 2 s, 4 s, then giving up, if nothing else is said.
#[pyclass(frozen, module = "ratecell._ratecell")]
pub(crate) struct Retries(Mutex<pacing::Retries>);

#[pymethods]
impl Retries {
    #[new]
    #[pyo3(signature = (
        now_ns, *, base_ns = BackoffSettings::DEFAULT.base_ns,
        cap_ns = BackoffSettings::DEFAULT.cap_ns, retries = BackoffSettings::DEFAULT.retries,
        budget_ns = BackoffSettings::DEFAULT.budget_ns,
    ), text_signature = "(now_ns, *, base_ns=1000000000, cap_ns=60000000000, retries=3, budget_ns=600000000000)")]
    fn new(now_ns: u64, base_ns: u64, cap_ns: u64, retries: u32, budget_ns: u64) -> PyResult<Self> {
        let settings =
            BackoffSettings { base_ns, cap_ns, retries, budget_ns, ..BackoffSettings::DEFAULT };
        let backoff =
            Backoff::new(settings).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(Self(Mutex::new(backoff.start(now_ns))))
    }

    /// How many nanoseconds to wait before the next retry; None to give up.
    #[pyo3(signature = (now_ns, retry_after_ns = None))]
    fn wait_ns(&self, now_ns: u64, retry_after_ns: Option<u64>) -> Option<u64> {
        let mut retries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        retries.wait_ns(now_ns, retry_after_ns, &mut random).ok()
    }
}
