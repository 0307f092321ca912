//! What a guard has to know of a request: plain data that every language can give.

use core::fmt;
use core::net::IpAddr;

use ratecell::{CallError, ParseError, Quota};

/// A request, as far as a contract may look at it.
///
/// ```
/// use ratecell_contract::Request;
///
/// let headers = [("authorization", "Bearer pk_live_1")];
/// let request = Request {
///     peer: Some([192, 0, 2, 1].into()),
///     headers: &headers,
///     ..Request::new("GET", "/v1/items?page=2")
/// };
/// assert_eq!(request.cost, 1);
/// ```
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method, in letters of any case.
    pub method: &'a str,
    /// The path of the request target, still percent-encoded. A query, or the start of an absolute
    /// URI, may stand with it and is passed over.
    pub path: &'a str,
    /// The address that the connection comes from; none if it has none, as on a Unix socket.
    pub peer: Option<IpAddr>,
    /// The header fields.
    pub headers: &'a dyn Headers,
    /// What the service has worked out: the keys of rules `by = "value:NAME"`, and `request_id`.
    pub values: &'a [(&'a str, &'a [u8])],
    /// This caller's own limits, by the name of the rule.
    pub limits: &'a [(&'a str, Limit<'a>)],
    /// What the request costs, in units of every rule that applies; usually 1. A cost of 0 is
    /// always allowed and counts nothing.
    pub cost: u32,
}

impl<'a> Request<'a> {
    /// A request of cost 1 without an address, header fields, values or limits of its own.
    pub const fn new(method: &'a str, path: &'a str) -> Self {
        Self { method, path, peer: None, headers: &NoHeaders, values: &[], limits: &[], cost: 1 }
    }

    /// The value called `name`; the first if there are several.
    pub(crate) fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.values.iter().find(|(other, _)| *other == name).map(|&(_, value)| value)
    }
}

impl fmt::Debug for Request<'_> {
    /// Shows no header field and no value: they hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("peer", &self.peer)
            .field("limits", &self.limits)
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}

/// The header fields of a request.
pub trait Headers {
    /// Calls `visit` with each value of the field called `name`, which is in lower case, in the
    /// order in which they came.
    fn each<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8]));
}

/// No header field at all.
#[derive(Clone, Copy, Debug)]
pub struct NoHeaders;

impl Headers for NoHeaders {
    fn each<'h>(&'h self, _name: &str, _visit: &mut dyn FnMut(&'h [u8])) {}
}

fn each_pair<'h, N: AsRef<str>, V: AsRef<[u8]>>(
    pairs: &'h [(N, V)],
    name: &str,
    visit: &mut dyn FnMut(&'h [u8]),
) {
    let named = pairs.iter().filter(|(other, _)| other.as_ref().eq_ignore_ascii_case(name));
    named.for_each(|(_, value)| visit(value.as_ref()));
}

impl<N: AsRef<str>, V: AsRef<[u8]>, const LEN: usize> Headers for [(N, V); LEN] {
    fn each<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        each_pair(self, name, visit);
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for &[(N, V)] {
    fn each<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        each_pair(self, name, visit);
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for Vec<(N, V)> {
    fn each<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        each_pair(self, name, visit);
    }
}

/// A caller's own limit in place of a rule's.
///
/// The key's state stays as it is: a raised rate never applies to the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<'a> {
    /// Another number with the rule's own period, segments and kind: units per period, or permits.
    /// A gcra rule whose burst is its limit keeps that so; another burst stays as it is.
    Cap(u32),
    /// The text of a limit, such as `sliding 1200/min segments 62`, of the rule's kind; if fixed or
    /// sliding, of its period and segments.
    Text(&'a str),
    /// As [`Self::Text`], already read.
    Quota(Quota),
}

/// What is wrong with a request. Nothing was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// A limit is for a rule that the contract does not have.
    UnknownRule {
        /// The name that was given.
        found: String,
        /// The names of the contract's rules.
        accepted: String,
    },
    /// Two limits are for one rule.
    LimitTwice {
        /// Its name.
        rule: String,
    },
    /// The text of a limit cannot be read.
    Text {
        /// The rule that it is for.
        rule: String,
        /// What is wrong with it.
        error: ParseError,
    },
    /// The limit cannot stand in for the rule's.
    Limit {
        /// The rule that it is for.
        rule: String,
        /// What is accepted.
        expected: String,
    },
    /// The limiter does not take the call.
    Call(CallError),
}

impl From<CallError> for RequestError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownRule { found, accepted } => {
                write!(f, "limits: found one for the rule `{found}`, expected one of {accepted}")
            }
            Self::LimitTwice { rule } => {
                write!(f, "limits: found two for the rule `{rule}`, expected one at the most")
            }
            Self::Text { rule, error } => write!(f, "limits: for the rule `{rule}`: {error}"),
            Self::Limit { rule, expected } => {
                write!(f, "limits: for the rule `{rule}`: {expected}")
            }
            Self::Call(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl core::error::Error for RequestError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Text { error, .. } => Some(error),
            Self::Call(error) => Some(error),
            _ => None,
        }
    }
}
