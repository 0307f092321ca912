//! A guard as a Python object.

use core::net::IpAddr;

use pyo3::exceptions::{PyMemoryError, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use ratecell::{BuildError, Clock, ManualClock, SystemClock, TableError, WhenFull};
use ratecell_contract::{
    ForwardedField, GuardError, Request, RequestError, Stage, TrustedProxy, TrustedProxyError,
};

use crate::argument::{choice_of, dict_of, path_of, text_of};
use crate::clock::{callable, time_of};
use crate::contract::Contract;
use crate::cost::Cost;
use crate::fastcall::utf8;
use crate::key::key_of;
use crate::limiter::{capacity_of, when_full_of};
use crate::outcome::Outcome;
use crate::request::{RequestHeaders, limit_of, named, peer_of};
use crate::stats::GuardStats;

/// The clock of a guard: the system's, or the time that an injected one told last.
pub(crate) enum GuardClock {
    System(SystemClock),
    Told(ManualClock),
}

impl Clock for GuardClock {
    fn now_ns(&self) -> u64 {
        match self {
            Self::System(clock) => clock.now_ns(),
            Self::Told(clock) => clock.now_ns(),
        }
    }
}

/// A contract with its limiters: what a service asks about every request.
///
/// ``contract`` is a Contract, or the path of its file. ``capacity``, ``when_full`` and ``clock`` are
/// as for Limiter. ``trusted_proxies`` are networks, such as "10.0.0.0/8", and addresses whose word is
/// taken for where a request comes from, and "unix:" for whoever connects without an address, as
/// through a Unix socket; they write in ``forwarded_field``: "x-forwarded-for", "forwarded", or
/// "either". Without them the address is that of the connection.
///
/// >>> from ratecell import Contract, Guard
/// >>> contract = Contract('''
/// ... name = "shop"
/// ... [[rule]]
/// ... name = "key"
/// ... limit = "fixed 1/min"
/// ... by = "bearer"
/// ... [response]
/// ... headers = ["x-ratelimit", "retry-after"]
/// ... ''')
/// >>> guard = Guard(contract, clock=lambda: 0)
/// >>> headers = [("authorization", "Bearer alice")]
/// >>> with guard.admit("GET", "/v1/items", headers=headers) as outcome:
/// ...     outcome.passes, dict(outcome.headers)["X-RateLimit-Remaining"]
/// (True, '0')
/// >>> outcome = guard.admit("GET", "/v1/items", headers=headers)
/// >>> outcome.status, dict(outcome.headers)["Retry-After"]
/// (429, '60')
///
/// Threads and event loops may share it; nothing here blocks.
#[pyclass(frozen, weakref, module = "ratecell")]
pub(crate) struct Guard {
    core: ratecell_contract::Guard<GuardClock>,
    clock: Option<Py<PyAny>>,
}

#[pymethods]
impl Guard {
    #[new]
    #[pyo3(
        signature = (
            contract, *, capacity = None, when_full = WhenFull::Deny, clock = None, trusted_proxies = None,
            forwarded_field = ForwardedField::Either,
        ),
        text_signature = "(contract, *, capacity=65536, when_full='deny', clock=None, trusted_proxies=(), forwarded_field='either')"
    )]
    fn new(
        py: Python<'_>,
        contract: &Bound<'_, PyAny>,
        capacity: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = when_full_of)] when_full: WhenFull,
        clock: Option<Bound<'_, PyAny>>,
        trusted_proxies: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = forwarded_field_of)] forwarded_field: ForwardedField,
    ) -> PyResult<Self> {
        let contract = contract_of(contract)?;
        let clock = clock.map(callable).transpose()?;
        let time = match &clock {
            None => GuardClock::System(SystemClock::new()),
            Some(clock) => GuardClock::Told(ManualClock::new(time_of(clock)?)),
        };
        let mut builder = ratecell_contract::Guard::builder(contract)
            .when_full(when_full)
            .trusted_proxies(&proxies_of(trusted_proxies)?)
            .forwarded_field(forwarded_field)
            .clock(time);
        if let Some(capacity) = capacity {
            builder = builder.capacity(capacity_of(capacity)?);
        }
        let core = py.detach(|| builder.build()).map_err(|error| guard_error(&error))?;
        Ok(Self { core, clock: clock.map(Bound::unbind) })
    }

    /// Decide about a request.
    ///
    /// ``path`` is as it was sent, percent-encoded, with or without its query. ``peer`` is the
    /// address that the connection comes from, as text or an ipaddress object; what is no address
    /// counts as unknown. Header fields are ``headers``, an iterable of pairs of name and value as
    /// bytes or str, or ``environ``, a dict as of WSGI. ``values`` are what the service has worked
    /// out, by name: the keys of rules by "value:NAME", and "request_id". ``limits`` are this
    /// caller's own, by the name of the rule: a number, or a text of the rule's kind and period.
    /// ``cost`` is in units of every rule that applies. ``stage`` is "before-auth", "after-auth",
    /// or "whole" for both in order.
    ///
    /// Raises TypeError or ValueError for what makes no sense.
    #[pyo3(
        signature = (
            method, path, *, peer = None, headers = None, environ = None, values = None,
            limits = None, cost = Cost::ONE, stage = Stage::Whole,
        ),
        text_signature = "($self, method, path, *, peer=None, headers=None, environ=None, values=None, limits=None, cost=1, stage='whole')"
    )]
    #[expect(clippy::too_many_arguments, reason = "what there is to know of a request")]
    fn admit(
        &self,
        py: Python<'_>,
        method: &Bound<'_, PyAny>,
        path: &Bound<'_, PyAny>,
        peer: Option<&Bound<'_, PyAny>>,
        headers: Option<Bound<'_, PyAny>>,
        environ: Option<&Bound<'_, PyAny>>,
        values: Option<&Bound<'_, PyAny>>,
        limits: Option<&Bound<'_, PyAny>>,
        cost: Cost,
        #[pyo3(from_py_with = stage_of)] stage: Stage,
    ) -> PyResult<Outcome> {
        let (values, limits) = (dict_of(values, "values")?, dict_of(limits, "limits")?);
        self.decide(
            py,
            &Asked {
                method: text_of(method, "method")?,
                path: text_of(path, "path")?,
                peer: peer_of(peer)?,
                headers: RequestHeaders::new(headers, dict_of(environ, "environ")?)?,
                request_id: None,
                values: values.as_ref(),
                limits: limits.as_ref(),
                cost,
                stage,
            },
        )
    }

    /// What each rule has counted, by its name.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let stats = PyDict::new(py);
        for counted in self.core.stats() {
            stats.set_item(counted.rule.name(), Bound::new(py, GuardStats::from(counted))?)?;
        }
        Ok(stats)
    }

    fn __repr__(&self) -> String {
        format!("<Guard {:?}>", self.core.contract().name())
    }

    /// Lets the collector see the clock.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.clock.as_ref().map_or(Ok(()), |clock| visit.call(clock))
    }
}

/// A request, as Python gave it.
pub(crate) struct Asked<'a, 'py> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) headers: RequestHeaders<'py>,
    /// The id that an earlier outcome has shown; one in `values` goes before it.
    pub(crate) request_id: Option<&'a str>,
    pub(crate) values: Option<&'a Bound<'py, PyDict>>,
    pub(crate) limits: Option<&'a Bound<'py, PyDict>>,
    pub(crate) cost: Cost,
    pub(crate) stage: Stage,
}

impl Guard {
    /// Decides about a request.
    pub(crate) fn decide(&self, py: Python<'_>, asked: &Asked<'_, '_>) -> PyResult<Outcome> {
        let values = named(asked.values, "values")?;
        let limits = named(asked.limits, "limits")?;
        let mut keys = Vec::with_capacity(values.len());
        for (name, value) in &values {
            let name = utf8(name)?;
            keys.push((name, key_of(value, name, "values")?));
        }
        let mut keys: Vec<_> = keys.iter().map(|(name, key)| (*name, key.as_bytes())).collect();
        keys.extend(asked.request_id.map(|id| ("request_id", id.as_bytes())));
        let mut caps = Vec::with_capacity(limits.len());
        for (rule, limit) in &limits {
            let rule = utf8(rule)?;
            caps.push((rule, limit_of(rule, limit)?));
        }
        let request = Request {
            peer: asked.peer,
            headers: &asked.headers,
            values: &keys,
            limits: &caps,
            cost: asked.cost.0,
            ..Request::new(asked.method, asked.path)
        };
        self.tell_time(py)?;
        let outcome = self.core.admit(asked.stage, &request);
        if let Some(error) = asked.headers.take_error() {
            // What a field that cannot be read would have decided is unknown. The permits go back
            // as the outcome is dropped.
            return Err(error);
        }
        outcome.map(Outcome::from).map_err(|error| request_error(&error))
    }

    /// Asks an injected clock. Threads may overtake each other here: each then decides at a time
    /// that the clock has just told one of them.
    fn tell_time(&self, py: Python<'_>) -> PyResult<()> {
        if let (Some(clock), GuardClock::Told(told)) = (&self.clock, self.core.clock()) {
            told.set(time_of(clock.bind(py))?);
        }
        Ok(())
    }
}

fn contract_of(contract: &Bound<'_, PyAny>) -> PyResult<ratecell_contract::Contract> {
    if let Ok(contract) = contract.cast::<Contract>() {
        return Ok(contract.get().0.clone());
    }
    let path = path_of(contract, "contract", "a Contract and the path of its file")?;
    Ok(Contract::read(path)?.0)
}

/// The proxies of `trusted_proxies`: texts, or `ipaddress` networks and addresses.
fn proxies_of(proxies: Option<&Bound<'_, PyAny>>) -> PyResult<Vec<TrustedProxy>> {
    let Some(proxies) = proxies else { return Ok(Vec::new()) };
    let is_text = proxies.is_instance_of::<PyString>() || proxies.is_instance_of::<PyBytes>();
    let (false, Ok(iterator)) = (is_text, proxies.try_iter()) else {
        return Err(PyTypeError::new_err(format!(
            "trusted_proxies is {proxies:?}; accepted is an iterable of networks"
        )));
    };
    let mut read = Vec::new();
    for proxy in iterator {
        let proxy = proxy?;
        let text = proxy.str()?;
        read.push(utf8(&text)?.parse().map_err(|error: TrustedProxyError| {
            let message = format!("trusted_proxies has {proxy:?}; {error}");
            if proxy.is_instance_of::<PyString>() {
                PyValueError::new_err(message)
            } else {
                PyTypeError::new_err(message)
            }
        })?);
    }
    Ok(read)
}

fn forwarded_field_of(field: &Bound<'_, PyAny>) -> PyResult<ForwardedField> {
    let choices = [
        ("x-forwarded-for", ForwardedField::XForwardedFor),
        ("forwarded", ForwardedField::Forwarded),
        ("either", ForwardedField::Either),
    ];
    choice_of(field, "forwarded_field", &choices)
}

/// The stage of that name.
pub(crate) fn stage_of(stage: &Bound<'_, PyAny>) -> PyResult<Stage> {
    let choices = [
        ("before-auth", Stage::BeforeAuth),
        ("after-auth", Stage::AfterAuth),
        ("whole", Stage::Whole),
    ];
    choice_of(stage, "stage", &choices)
}

fn guard_error(error: &GuardError) -> PyErr {
    match error {
        GuardError::Limiter(BuildError::Table(TableError::OutOfMemory { .. })) => {
            PyMemoryError::new_err(error.to_string())
        }
        _ => PyValueError::new_err(error.to_string()),
    }
}

#[cold]
fn request_error(error: &RequestError) -> PyErr {
    PyValueError::new_err(error.to_string())
}
