//! What a guard looks at of a request, from Python objects.
//!
//! Header fields are looked up where the framework keeps them, so that a request costs no more than
//! the fields its rules ask for. A field's value is its bytes: what WSGI gives as a string is taken
//! back to the Latin-1 that it was made from.

use core::cell::RefCell;
use core::net::{IpAddr, SocketAddr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyInt, PyString, PyTuple};
use ratecell_contract::{Headers, Limit};
use typed_arena::Arena;

use crate::fastcall::utf8;

/// The header fields of a request, where its framework keeps them.
pub(crate) struct RequestHeaders<'py> {
    source: Source<'py>,
    /// The values that were asked for; without room until there is one.
    values: Arena<u8>,
    /// The first thing that was no header field.
    error: RefCell<Option<PyErr>>,
}

enum Source<'py> {
    None,
    /// An iterable of pairs of name and value.
    Pairs(Bound<'py, PyAny>),
    /// A dict as of WSGI, with names such as `HTTP_X_API_KEY`.
    Environ(Bound<'py, PyDict>),
}

impl<'py> RequestHeaders<'py> {
    /// From the arguments `headers` and `environ`, of which one may be given.
    pub(crate) fn new(
        headers: Option<Bound<'py, PyAny>>,
        environ: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let source = match (headers, environ) {
            (None, None) => Source::None,
            (Some(headers), None) => Source::Pairs(headers),
            (None, Some(environ)) => Source::Environ(environ),
            (Some(_), Some(_)) => {
                let message = "headers and environ are both given; accepted is one of them";
                return Err(PyTypeError::new_err(message));
            }
        };
        Ok(Self { source, values: Arena::with_capacity(0), error: RefCell::new(None) })
    }

    /// Why a field could not be read, if one could not.
    pub(crate) fn take_error(&self) -> Option<PyErr> {
        self.error.borrow_mut().take()
    }

    fn each_pair<'h>(
        &'h self,
        pairs: &Bound<'py, PyAny>,
        name: &str,
        visit: &mut dyn FnMut(&'h [u8]),
    ) -> PyResult<()> {
        let iterator = pairs.try_iter().map_err(|_| {
            PyTypeError::new_err(format!(
                "headers is {pairs:?}; accepted is an iterable of pairs of name and value"
            ))
        })?;
        for pair in iterator {
            let (found, value) = pair_of(&pair?)?;
            let is_named = if let Ok(found) = found.cast::<PyBytes>() {
                found.as_bytes().eq_ignore_ascii_case(name.as_bytes())
            } else if let Ok(found) = found.cast::<PyString>() {
                utf8(found)?.eq_ignore_ascii_case(name)
            } else {
                return Err(PyTypeError::new_err(format!(
                    "headers has the name {found:?}; accepted are bytes and str"
                )));
            };
            if is_named {
                visit(self.kept(&value)?);
            }
        }
        Ok(())
    }

    fn in_environ<'h>(
        &'h self,
        environ: &Bound<'py, PyDict>,
        name: &str,
        visit: &mut dyn FnMut(&'h [u8]),
    ) -> PyResult<()> {
        // These two have no prefix in CGI, and so in WSGI.
        let prefix = if matches!(name, "content-type" | "content-length") { "" } else { "HTTP_" };
        let key = format!("{prefix}{}", name.to_ascii_uppercase().replace('-', "_"));
        match environ.get_item(key)? {
            Some(value) => {
                visit(self.kept(&value)?);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn kept(&self, value: &Bound<'py, PyAny>) -> PyResult<&[u8]> {
        if let Ok(bytes) = value.cast::<PyBytes>() {
            return Ok(self.values.alloc_extend(bytes.as_bytes().iter().copied()));
        }
        let Ok(text) = value.cast::<PyString>() else {
            return Err(PyTypeError::new_err(format!(
                "a header field is {value:?}; accepted are bytes, and str of Latin-1"
            )));
        };
        let text = utf8(text)?;
        if let Some(strange) = text.chars().find(|character| u32::from(*character) > 255) {
            return Err(PyValueError::new_err(format!(
                "a header field holds {strange:?}; accepted are bytes, and str of Latin-1"
            )));
        }
        Ok(self.values.alloc_extend(text.chars().map(|character| character as u8)))
    }
}

/// The name and value of a header field: a tuple, or whatever has two items and is no text.
fn pair_of<'py>(pair: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    if let Ok(pair) = pair.cast::<PyTuple>()
        && pair.len() == 2
    {
        return Ok((pair.get_item(0)?, pair.get_item(1)?));
    }
    let is_text = pair.is_instance_of::<PyString>() || pair.is_instance_of::<PyBytes>();
    if !is_text
        && let (Ok(2), Ok(name), Ok(value)) = (pair.len(), pair.get_item(0), pair.get_item(1))
    {
        return Ok((name, value));
    }
    Err(PyTypeError::new_err(format!("headers has {pair:?}; accepted are pairs of name and value")))
}

impl Headers for RequestHeaders<'_> {
    fn each<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        let read = match &self.source {
            Source::None => Ok(()),
            Source::Pairs(pairs) => self.each_pair(pairs, name, visit),
            Source::Environ(environ) => self.in_environ(environ, name, visit),
        };
        if let Err(error) = read {
            self.error.borrow_mut().get_or_insert(error);
        }
    }
}

/// The address of a peer: an `ipaddress` object or its text; none for what is no address, such as
/// the path of a Unix socket or the name that a test client gives itself.
pub(crate) fn peer_of(peer: Option<&Bound<'_, PyAny>>) -> PyResult<Option<IpAddr>> {
    let Some(peer) = peer.filter(|peer| !peer.is_none()) else { return Ok(None) };
    if let Ok(text) = peer.cast::<PyString>() {
        let text = utf8(text)?;
        // A zone, as in fe80::1%eth0, is this machine's and no part of the address.
        let address = text.split_once('%').map_or(text, |(address, _zone)| address);
        // Some servers add the port, which is no part of it either.
        let parsed = address.parse::<IpAddr>();
        return Ok(parsed.or_else(|_| address.parse::<SocketAddr>().map(|it| it.ip())).ok());
    }
    crate::key::address_of(peer)?.map(Some).ok_or_else(|| {
        PyTypeError::new_err(format!(
            "peer is {peer:?}; accepted are str, ipaddress.IPv4Address, ipaddress.IPv6Address, None"
        ))
    })
}

/// What is encoded of a path: all but what a path may hold as it is, and the backslash. A path that
/// was decoded does not say whether that was sent as it is; if so it counts as a slash, too.
///
/// SOURCE: RFC 3986 section 3.3, pchar and the slash.
pub(crate) const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/')
    .remove(b'\\');

/// The names and Python objects of a dict, held while a request borrows from them.
pub(crate) fn named<'py>(
    dict: Option<&Bound<'py, PyDict>>,
    argument: &str,
) -> PyResult<Vec<(Bound<'py, PyString>, Bound<'py, PyAny>)>> {
    let Some(dict) = dict else { return Ok(Vec::new()) };
    let mut pairs = Vec::with_capacity(dict.len());
    for item in dict.items() {
        let item = item.cast_into::<PyTuple>()?;
        let name = item.get_item(0)?.cast_into::<PyString>().map_err(|error| {
            let found = error.into_inner();
            PyTypeError::new_err(format!("a name in {argument} is {found:?}; accepted are str"))
        })?;
        pairs.push((name, item.get_item(1)?));
    }
    Ok(pairs)
}

/// A caller's own limit: a number, or the text of a rule.
pub(crate) fn limit_of<'a>(rule: &str, limit: &'a Bound<'_, PyAny>) -> PyResult<Limit<'a>> {
    if let Ok(text) = limit.cast::<PyString>() {
        return Ok(Limit::Text(utf8(text)?));
    }
    if !limit.is_instance_of::<PyInt>() || limit.is_instance_of::<PyBool>() {
        return Err(PyTypeError::new_err(format!(
            "limits[{rule:?}] is {limit:?}; accepted are an int, and the str of a limit"
        )));
    }
    limit.extract::<u32>().map(Limit::Cap).map_err(|_| {
        PyValueError::new_err(format!(
            "limits[{rule:?}] is {limit:?}; accepted is 1 to {}",
            u32::MAX
        ))
    })
}
