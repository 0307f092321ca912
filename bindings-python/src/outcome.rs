//! What becomes of a request, as a Python object.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use ratecell_contract::{Fields, Pass, Refusal};

use crate::fastcall::utf8;
use crate::guard::GuardClock;
use crate::ready::Ready;
use crate::seconds::seconds;

/// What becomes of a request: it passes, or it is refused with a response that is ready to send.
///
/// Truthy when it passes. It then holds permits until it is released, left as a ``with`` or ``async
/// with`` block, or collected: keep it until the last byte of the response is sent or given up.
#[pyclass(frozen, module = "ratecell")]
pub(crate) struct Outcome(State);

enum State {
    Passes(Pass<GuardClock>),
    /// A pass with permits; what it shows stays readable when they are gone.
    Holds {
        fields: Fields,
        request_id: Option<String>,
        would_refuse: Vec<Arc<str>>,
        /// Taken by the first release.
        pass: Mutex<Option<Box<Pass<GuardClock>>>>,
    },
    Refused(Refusal),
}

impl From<ratecell_contract::Outcome<GuardClock>> for Outcome {
    #[inline]
    fn from(mut outcome: ratecell_contract::Outcome<GuardClock>) -> Self {
        use ratecell_contract::Outcome::{Pass, Refuse};
        let holds = matches!(&outcome, Pass(pass) if pass.holds_permits());
        let fields = if holds { outcome.take_fields() } else { Fields::default() };
        Self(match outcome {
            Refuse(refusal) => State::Refused(refusal),
            Pass(pass) if holds => State::Holds {
                fields,
                request_id: pass.request_id().map(str::to_owned),
                would_refuse: pass.would_refuse().map(Arc::from).collect(),
                pass: Mutex::new(Some(Box::new(pass))),
            },
            Pass(pass) => State::Passes(pass),
        })
    }
}

impl Outcome {
    pub(crate) fn fields(&self) -> &Fields {
        match &self.0 {
            State::Passes(pass) => pass.fields(),
            State::Holds { fields, .. } => fields,
            State::Refused(refusal) => refusal.fields(),
        }
    }

    /// Whether the response must carry a field of that name, in any case.
    pub(crate) fn has_field(&self, name: &[u8]) -> bool {
        self.fields().iter().any(|(ours, _)| ours.as_bytes().eq_ignore_ascii_case(name))
    }

    /// A block entered with what was given back would run without a permit.
    fn check_is_held(&self) -> PyResult<()> {
        if matches!(self.0, State::Holds { .. }) && !self.holds_permits() {
            let message = "the permits were given back; accepted is a new outcome, from admit";
            return Err(PyRuntimeError::new_err(message));
        }
        Ok(())
    }

    pub(crate) const fn refusal(&self) -> Option<&Refusal> {
        match &self.0 {
            State::Passes(_) | State::Holds { .. } => None,
            State::Refused(refusal) => Some(refusal),
        }
    }
}

#[pymethods]
impl Outcome {
    /// Whether the request goes on to its handler.
    #[getter]
    fn passes(&self) -> bool {
        self.refusal().is_none()
    }

    /// The header fields that the response must carry, in place of what it carried under these
    /// names: pairs of name and value, each name once. Of a refusal with Content-Type and
    /// Content-Length, so that they are all there is.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let headers = PyList::new(py, self.fields().iter())?;
        if let Some(refusal) = self.refusal() {
            headers.append(("Content-Type", refusal.content_type()))?;
            headers.append(("Content-Length", refusal.body().len().to_string()))?;
        }
        Ok(headers)
    }

    /// As headers, in the bytes of ASGI: names in lower case.
    #[getter]
    fn raw_headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let headers = PyList::empty(py);
        append_raw_fields(&headers, self.fields())?;
        if let Some(refusal) = self.refusal() {
            append_content(&headers, refusal)?;
        }
        Ok(headers)
    }

    /// The header fields of an application's response of WSGI, with those that it must carry in
    /// their place.
    fn merged_headers<'py>(
        &self,
        py: Python<'py>,
        headers: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        let merged = PyList::empty(py);
        for pair in headers.try_iter()? {
            let pair = pair?;
            let name = pair.get_item(0)?;
            if !self.has_field(utf8(name.cast::<PyString>()?)?.as_bytes()) {
                merged.append(pair)?;
            }
        }
        for field in self.fields().iter() {
            merged.append(field)?;
        }
        Ok(merged)
    }

    /// As merged_headers of all outcomes about a request, the outermost layer's first.
    #[staticmethod]
    fn _merged_headers<'py>(
        outcomes: Vec<Bound<'py, Self>>,
        headers: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        if let [outcome] = &*outcomes {
            return outcome.get().merged_headers(headers.py(), headers);
        }
        let merged = PyList::empty(headers.py());
        for pair in headers.try_iter()? {
            let pair = pair?;
            let name = pair.get_item(0)?;
            let name = utf8(name.cast::<PyString>()?)?.as_bytes();
            if !outcomes.iter().any(|outcome| outcome.get().has_field(name)) {
                merged.append(pair)?;
            }
        }
        let fields: Vec<_> = outcomes.iter().map(|outcome| outcome.get().fields()).collect();
        for field in Fields::merged(&fields).iter() {
            merged.append(field)?;
        }
        Ok(merged)
    }

    /// The HTTP status of the refusal; None if the request passes.
    #[getter]
    fn status(&self) -> Option<u16> {
        self.refusal().map(Refusal::status)
    }

    /// The body of the refusal; None if the request passes.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.refusal().map(|refusal| PyBytes::new(py, refusal.body().as_bytes()))
    }

    /// The name of the rule that refuses; None if the request passes.
    #[getter]
    fn rule(&self) -> Option<&str> {
        self.refusal().map(Refusal::rule)
    }

    /// Seconds, rounded up, after which the same request passes if nobody else comes meanwhile; 0.0
    /// when it passes, None when no wait helps or none can be known.
    #[getter]
    fn retry_after(&self) -> Option<f64> {
        self.retry_after_ns().map(seconds)
    }

    /// As retry_after in nanoseconds; exact.
    #[getter]
    fn retry_after_ns(&self) -> Option<u64> {
        self.refusal().map_or(Some(0), Refusal::retry_after_ns)
    }

    /// The names of the rules that would have refused the request, were they enforced.
    #[getter]
    fn would_refuse<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        match &self.0 {
            State::Passes(pass) => PyTuple::new(py, pass.would_refuse()),
            State::Holds { would_refuse, .. } => {
                PyTuple::new(py, would_refuse.iter().map(|name| &**name))
            }
            State::Refused(refusal) => PyTuple::new(py, refusal.would_refuse()),
        }
    }

    /// The id of the request, if the response shows it; else None.
    #[getter]
    pub(crate) fn request_id(&self) -> Option<&str> {
        match &self.0 {
            State::Passes(pass) => pass.request_id(),
            State::Holds { request_id, .. } => request_id.as_deref(),
            State::Refused(refusal) => refusal.request_id(),
        }
    }

    /// Whether it holds permits, so that when it is released matters.
    #[getter]
    pub(crate) fn holds_permits(&self) -> bool {
        match &self.0 {
            State::Holds { pass, .. } => {
                pass.lock().unwrap_or_else(PoisonError::into_inner).is_some()
            }
            State::Passes(_) | State::Refused(_) => false,
        }
    }

    /// Gives the permits back. Once is enough: a second time does nothing. A ``with`` block that is
    /// entered after it raises RuntimeError.
    pub(crate) fn release(&self) {
        if let State::Holds { pass, .. } = &self.0 {
            let held = pass.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(held);
        }
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

    fn __bool__(&self) -> bool {
        self.passes()
    }

    fn __repr__(&self) -> String {
        match self.refusal() {
            None => "<Outcome passes>".into(),
            Some(refusal) => format!("<Outcome {} by {}>", refusal.status(), refusal.rule()),
        }
    }
}

/// Adds the fields that a response must carry, as ASGI wants them.
pub(crate) fn append_raw_fields(headers: &Bound<'_, PyList>, fields: &Fields) -> PyResult<()> {
    fields.iter().try_for_each(|(name, value)| append_raw(headers, name, value))
}

/// Adds the fields that speak of a refusal's body.
pub(crate) fn append_content(headers: &Bound<'_, PyList>, refusal: &Refusal) -> PyResult<()> {
    append_raw(headers, "content-type", refusal.content_type())?;
    append_raw(headers, "content-length", &refusal.body().len().to_string())
}

/// Adds a field as ASGI wants it: its name in lower case.
fn append_raw(headers: &Bound<'_, PyList>, name: &str, value: &str) -> PyResult<()> {
    let py = headers.py();
    let name = PyBytes::new_with(py, name.len(), |bytes| {
        bytes.copy_from_slice(name.as_bytes());
        bytes.make_ascii_lowercase();
        Ok(())
    })?;
    headers.append((name, PyBytes::new(py, value.as_bytes())))
}
