//! The response to a request of ASGI, with what it must show and give back.
//!
//! A request may pass several layers: a contract before and after authentication, the limits of its
//! route. The outermost makes the answer and wraps `send` by it; each adds the outcomes that it let
//! pass. A message goes on to the server's `send` without a coroutine in between, but for the last
//! one of a response that holds permits.

use core::ffi::CStr;
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use percent_encoding::{percent_decode, percent_encode};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use ratecell_contract::{Fields, Stage};
use smallvec::SmallVec;

use crate::argument::{dict_of, text_of};
use crate::cost::Cost;
use crate::fastcall::{FastMethod, Values, utf8};
use crate::guard::{Asked, Guard, stage_of};
use crate::outcome::{Outcome, append_content, append_raw_fields};
use crate::request::{IN_PATH, RequestHeaders, peer_of};

/// Where a scope has the answer of its request.
const OUTCOMES: &str = "ratecell.outcomes";

/// What was decided about a request so far, in order; most have one decision.
type Outcomes = SmallVec<[Py<Outcome>; 1]>;

/// The response to a request, with the outcomes that it must show and give back.
#[pyclass(frozen, module = "ratecell._ratecell")]
pub(crate) struct Answer {
    /// The send of whoever is outside.
    send: Py<PyAny>,
    outcomes: Mutex<Outcomes>,
    /// Whether the response has begun, so that nothing else can be answered.
    started: AtomicBool,
    /// Whether an outcome with permits was added.
    has_permits: AtomicBool,
}

#[pymethods]
impl Answer {
    #[new]
    #[pyo3(signature = (send, /))]
    fn new(send: Bound<'_, PyAny>) -> Self {
        Self {
            send: send.unbind(),
            outcomes: Mutex::default(),
            started: AtomicBool::new(false),
            has_permits: AtomicBool::new(false),
        }
    }

    /// Whether the response has begun.
    #[getter]
    fn started(&self) -> bool {
        // ORDERING: Relaxed. It is set and read by the task of one request, and publishes nothing.
        self.started.load(Ordering::Relaxed)
    }

    /// Show a refusal, and get the header fields that speak of its body.
    ///
    /// It comes last, so that its fields go before those of earlier outcomes.
    #[pyo3(signature = (outcome, /))]
    fn refuse<'py>(&self, outcome: &Bound<'py, Outcome>) -> PyResult<Bound<'py, PyList>> {
        let headers = PyList::empty(outcome.py());
        if let Some(refusal) = outcome.get().refusal() {
            append_content(&headers, refusal)?;
        }
        self.add(outcome.clone().unbind());
        Ok(headers)
    }

    /// Give all permits back.
    fn release(&self, py: Python<'_>) {
        if self.holds_permits() {
            for outcome in self.outcomes(py) {
                outcome.get().release();
            }
        }
    }

    /// Lets the collector see the server's send, which may well refer to the scope that has this.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.send)
    }
}

impl Answer {
    fn add(&self, outcome: Py<Outcome>) {
        if outcome.get().holds_permits() {
            // ORDERING: Relaxed, as of `started`.
            self.has_permits.store(true, Ordering::Relaxed);
        }
        self.locked().push(outcome);
    }

    fn holds_permits(&self) -> bool {
        // ORDERING: Relaxed, as of `started`.
        self.has_permits.load(Ordering::Relaxed)
    }

    /// The outcomes so far. They are used without the lock, because what is made of them may run the
    /// collector, and with it any Python code.
    fn outcomes(&self, py: Python<'_>) -> Outcomes {
        self.locked().iter().map(|outcome| outcome.clone_ref(py)).collect()
    }

    fn locked(&self) -> MutexGuard<'_, Outcomes> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The message that starts a response, with the fields of the outcomes in place of those that
    /// the application has written under their names.
    fn start<'py>(&self, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = message.py();
        // ORDERING: Relaxed; see `started`.
        self.started.store(true, Ordering::Relaxed);
        let outcomes = self.outcomes(py);
        if outcomes.is_empty() {
            return Ok(message.clone());
        }
        let merged = PyList::empty(py);
        if let Some(headers) = item(message, intern!(py, "headers"))? {
            for pair in headers.try_iter()? {
                let pair = pair?;
                let name = pair.get_item(0)?;
                let name = name.cast::<PyBytes>()?.as_bytes();
                if !outcomes.iter().any(|outcome| outcome.get().has_field(name)) {
                    merged.append(pair)?;
                }
            }
        }
        if let [outcome] = &*outcomes {
            append_raw_fields(&merged, outcome.get().fields())?;
        } else {
            let fields: SmallVec<[_; 4]> =
                outcomes.iter().map(|outcome| outcome.get().fields()).collect();
            append_raw_fields(&merged, &Fields::merged(&fields))?;
        }
        // The message is the application's own and stays as it is.
        let shown = match message.cast::<PyDict>() {
            Ok(message) => message.copy()?,
            Err(_) => {
                let shown = PyDict::new(py);
                shown.update(message.cast()?)?;
                shown
            }
        };
        shown.set_item(intern!(py, "headers"), merged)?;
        Ok(shown.into_any())
    }
}

/// `Answer.admit`.
pub(crate) struct Admit;

impl FastMethod for Admit {
    type Class = Answer;
    const NAME: &'static CStr = c"admit";
    const DOC: &'static CStr =
        c"admit($self, guard, scope, stage, cost, values=None, limits=None, /)
--

What a guard decides about a scope. If it passes, the answer shows it.
";

    #[inline]
    fn call<'py>(
        this: &Bound<'py, Answer>,
        values: Values<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let given = values.by_position::<4, 6>("admit")?;
        let [Some(guard), Some(scope), Some(stage), Some(cost), values, limits] = given else {
            return Err(PyTypeError::new_err("admit() takes a guard, scope, stage and cost"));
        };
        let answer = this.get();
        let (values, limits) = (dict_of(values, "values")?, dict_of(limits, "limits")?);
        let outcome = answer.admit(&Layer {
            guard: guard.cast()?.get(),
            scope,
            stage: stage_of(stage)?,
            cost: cost.extract()?,
            values: values.as_ref(),
            limits: limits.as_ref(),
        })?;
        let outcome = Bound::new(scope.py(), outcome)?;
        if outcome.get().refusal().is_none() {
            answer.add(outcome.clone().unbind());
        }
        Ok(outcome.into_any())
    }
}

/// What a layer asks about a scope.
struct Layer<'a, 'py> {
    guard: &'a Guard,
    scope: &'a Bound<'py, PyAny>,
    stage: Stage,
    cost: Cost,
    values: Option<&'a Bound<'py, PyDict>>,
    limits: Option<&'a Bound<'py, PyDict>>,
}

impl Answer {
    fn admit(&self, layer: &Layer<'_, '_>) -> PyResult<Outcome> {
        let Layer { guard, scope, .. } = *layer;
        let py = scope.py();
        // A websocket's handshake is a GET.
        let method = item(scope, intern!(py, "method"))?;
        let method = match &method {
            Some(method) => text_of(method, "method")?,
            None => "GET",
        };
        let raw_path = item(scope, intern!(py, "raw_path"))?.filter(|path| !path.is_none());
        let path = item(scope, intern!(py, "path"))?;
        let path = path_of(scope, raw_path.as_ref(), path.as_ref())?;
        let peer = match item(scope, intern!(py, "client"))?.filter(|client| !client.is_none()) {
            Some(client) => Some(client.get_item(0)?),
            None => None,
        };
        let shown = self.outcomes(py);
        guard.decide(
            py,
            &Asked {
                method,
                path: &path,
                peer: peer_of(peer.as_ref())?,
                headers: RequestHeaders::new(item(scope, intern!(py, "headers"))?, None)?,
                request_id: shown.iter().find_map(|outcome| outcome.get().request_id()),
                values: layer.values,
                limits: layer.limits,
                cost: layer.cost,
                stage: layer.stage,
            },
        )
    }
}

/// The path of a scope, percent-encoded: as it was sent, unless the service has put another in its
/// place since, by which it is then routed.
fn path_of<'a>(
    scope: &Bound<'_, PyAny>,
    raw: Option<&'a Bound<'_, PyAny>>,
    path: Option<&'a Bound<'_, PyAny>>,
) -> PyResult<Cow<'a, str>> {
    let path = path.map(|path| text_of(path, "path")).transpose()?;
    if let Some(raw) = raw {
        let raw = raw.cast::<PyBytes>()?.as_bytes();
        let is_kept = match path {
            Some(path) => raw == path.as_bytes() || is_decoded(scope, raw, path)?,
            None => true,
        };
        if is_kept {
            return Ok(match str::from_utf8(raw) {
                Ok(raw) if raw.is_ascii() => Cow::Borrowed(raw),
                _ => raw.iter().copied().map(char::from).collect(),
            });
        }
    }
    let path = path.ok_or_else(|| PyKeyError::new_err("path"))?;
    Ok(percent_encode(path.as_bytes(), IN_PATH).into())
}

/// Whether a path is what was sent, decoded: all of it, or what is left of it without the root path,
/// which some routers cut off for what is mounted below them.
fn is_decoded(scope: &Bound<'_, PyAny>, raw: &[u8], path: &str) -> PyResult<bool> {
    let sent = raw.split(|&byte| byte == b'?').next().unwrap_or_default();
    let sent = percent_decode(sent).decode_utf8_lossy();
    let Some(root) = sent.strip_suffix(path) else { return Ok(false) };
    if root.is_empty() {
        return Ok(true);
    }
    let root_path = item(scope, intern!(scope.py(), "root_path"))?;
    root_path.map_or(Ok(false), |found| Ok(text_of(&found, "root_path")? == root))
}

/// `Answer.send`.
pub(crate) struct Send;

impl FastMethod for Send {
    type Class = Answer;
    const NAME: &'static CStr = c"send";
    const DOC: &'static CStr = c"send($self, message, /)
--

Send a message of the application, with the fields that the response must carry.

Returns what has to be awaited.
";

    #[inline]
    fn call<'py>(
        this: &Bound<'py, Answer>,
        values: Values<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let [Some(message)] = values.by_position::<1, 1>("send")? else {
            return Err(PyTypeError::new_err("send() takes a message"));
        };
        let py = message.py();
        let answer = this.get();
        let send = answer.send.bind(py);
        let kind =
            item(message, intern!(py, "type"))?.ok_or_else(|| PyKeyError::new_err("type"))?;
        match utf8(kind.cast()?)? {
            "http.response.start" | "websocket.accept" | "websocket.http.response.start" => {
                send.call1((answer.start(message)?,))
            }
            "http.response.body" if answer.holds_permits() && is_last(message)? => {
                static SEND_LAST: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
                let send_last = SEND_LAST.import(py, "ratecell.asgi", "send_last")?;
                send_last.call1((send, message, this))
            }
            _ => send.call1((message,)),
        }
    }
}

/// `Answer.finish`.
pub(crate) struct Finish;

impl FastMethod for Finish {
    type Class = Answer;
    const NAME: &'static CStr = c"finish";
    const DOC: &'static CStr = c"finish($self, scope, /)
--

Give all permits back, and let go of the scope.
";

    #[inline]
    fn call<'py>(
        this: &Bound<'py, Answer>,
        values: Values<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let [Some(scope)] = values.by_position::<1, 1>("finish")? else {
            return Err(PyTypeError::new_err("finish() takes a scope"));
        };
        let py = scope.py();
        this.get().release(py);
        // The server's send may refer to the scope, which would then wait for the collector.
        match scope.del_item(intern!(py, OUTCOMES)) {
            Err(error) if !error.is_instance_of::<PyKeyError>(py) => Err(error),
            _ => Ok(py.None().into_bound(py)),
        }
    }
}

/// Whether a message is the last of its response's body.
fn is_last(body: &Bound<'_, PyAny>) -> PyResult<bool> {
    match item(body, intern!(body.py(), "more_body"))? {
        Some(more) => Ok(!more.is_truthy()?),
        None => Ok(true),
    }
}

/// What a scope or message has under a name: they are dicts, or at least mappings.
fn item<'py>(
    mapping: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if let Ok(dict) = mapping.cast::<PyDict>() {
        return dict.get_item(name);
    }
    match mapping.get_item(name) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_instance_of::<PyKeyError>(mapping.py()) => Ok(None),
        Err(error) => Err(error),
    }
}
