//! A request as C describes it, checked and turned into what a guard looks at.
//!
//! One of the files with `unsafe`: what the request points to.

use core::ffi::{c_char, c_void};
use core::net::IpAddr;
use std::ffi::CString;
use std::vec::Vec;

use ratecell_contract::{Headers, Limit};

use crate::boundary::{self, Sized32};
use crate::failure::Failure;

/// A header field of a request; a name that comes several times is given several times.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Its name, in any case; ends in NUL.
    pub name: *const c_char,
    /// The bytes of its value.
    pub value: *const c_void,
    /// How many there are.
    pub value_len: usize,
}

/// What a header function calls once for each value, in order; len bytes that stay where they are
/// until ratecell_admit returns.
pub type HeaderVisit =
    Option<unsafe extern "C" fn(state: *mut c_void, value: *const c_void, len: usize)>;

/// Finds the values of the header field called name, which is in small letters and ends in NUL, and
/// calls visit with state and each of them. It must return; it must not throw or jump out.
pub type HeaderFunction = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        name: *const c_char,
        visit: HeaderVisit,
        state: *mut c_void,
    ),
>;

/// What the service has worked out about a request: the key of rules with by = "value:NAME", or
/// "request_id".
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Value {
    /// NAME; ends in NUL.
    pub name: *const c_char,
    /// Its bytes.
    pub data: *const c_void,
    /// How many there are.
    pub len: usize,
}

/// A caller's own limit in place of a rule's.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OwnLimit {
    /// The name of the rule; ends in NUL.
    pub rule: *const c_char,
    /// The text of the limit, such as "sliding 1200/min segments 62", of the rule's kind, period and
    /// segments; NULL to change only the number, to cap.
    pub text: *const c_char,
    /// Units a period, or permits, if text is NULL.
    pub cap: u32,
    /// Always 0.
    pub reserved: u32,
}

/// A request, as far as a contract may look at it. Start from RATECELL_REQUEST_INIT, which sets
/// struct_size and cost. All that it points to stays where it is until ratecell_admit returns.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// sizeof(ratecell_request), set by the caller.
    pub struct_size: u32,
    /// What the request costs in units of every rule that applies, usually 1.
    pub cost: u32,
    /// The method as it was sent; ends in NUL.
    pub method: *const c_char,
    /// The path as it was sent, a query passed over; ends in NUL.
    pub path: *const c_char,
    /// The address that the connection comes from, in network order; NULL if it has none.
    pub peer: *const u8,
    /// 4 or 16, the bytes of peer; 0 if it is NULL.
    pub peer_len: usize,
    /// The header fields; NULL if there are none or header_function finds them.
    pub headers: *const Header,
    /// How many there are.
    pub headers_len: usize,
    /// Finds header fields if headers is NULL; NULL for none.
    pub header_function: HeaderFunction,
    /// What header_function is called with.
    pub header_context: *mut c_void,
    /// What the service has worked out; NULL for nothing.
    pub values: *const Value,
    /// How many there are.
    pub values_len: usize,
    /// This caller's own limits; NULL for none.
    pub limits: *const OwnLimit,
    /// How many there are.
    pub limits_len: usize,
}

// SAFETY: the first field is `struct_size`, a u32, and `repr(C)` keeps it first.
unsafe impl Sized32 for Request {}

/// A request of which everything is checked.
pub(crate) struct Checked<'r> {
    method: &'r str,
    path: &'r str,
    peer: Option<IpAddr>,
    headers: Fields<'r>,
    values: Vec<(&'r str, &'r [u8])>,
    limits: Vec<(&'r str, Limit<'r>)>,
    cost: u32,
}

impl Request {
    /// # Safety
    /// P1 to P3 hold for all that it points to.
    pub(crate) unsafe fn check(&self) -> Result<Checked<'_>, Failure> {
        Ok(Checked {
            // SAFETY: P1 and P3 as promised.
            method: unsafe { boundary::text(self.method, "request->method") }?,
            // SAFETY: P1 and P3 as promised.
            path: unsafe { boundary::text(self.path, "request->path") }?,
            // SAFETY: P2 as promised.
            peer: unsafe { self.peer() }?,
            // SAFETY: P2 and P3 as promised.
            headers: unsafe { self.headers() }?,
            // SAFETY: P2 and P3 as promised.
            values: unsafe { self.values() }?,
            // SAFETY: P2 and P3 as promised.
            limits: unsafe { self.limits() }?,
            cost: self.cost,
        })
    }

    /// # Safety
    /// P2 holds for `peer`.
    unsafe fn peer(&self) -> Result<Option<IpAddr>, Failure> {
        if self.peer.is_null() && self.peer_len == 0 {
            return Ok(None);
        }
        // SAFETY: P2 as promised.
        let bytes = unsafe { boundary::bytes(self.peer.cast(), self.peer_len, "request->peer") }?;
        let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
        let address = four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from));
        address.map(Some).map_err(|_| Failure::Number {
            argument: "request->peer_len",
            found: self.peer_len as u64,
            accepted: "4, 16, and 0 if peer is NULL",
        })
    }

    /// # Safety
    /// P2 and P3 hold for `headers`.
    unsafe fn headers(&self) -> Result<Fields<'_>, Failure> {
        if self.headers.is_null() && self.headers_len == 0 {
            return Ok(match self.header_function {
                Some(find) => Fields::Found { find, context: self.header_context },
                None => Fields::Listed(Vec::new()),
            });
        }
        let (start, count) = (self.headers, self.headers_len);
        // SAFETY: P2 as promised; any bytes are a `Header`.
        let headers = unsafe { boundary::elements(start, count, "request->headers") }?;
        let field = |field: &Header| {
            // SAFETY: P3 as promised.
            let name = unsafe { boundary::text(field.name, "the name of a header") }?;
            // SAFETY: P2 as promised.
            let value =
                unsafe { boundary::bytes(field.value, field.value_len, "the value of a header") }?;
            Ok((name, value))
        };
        headers.iter().map(field).collect::<Result<_, _>>().map(Fields::Listed)
    }

    /// # Safety
    /// P2 and P3 hold for `values`.
    unsafe fn values(&self) -> Result<Vec<(&str, &[u8])>, Failure> {
        if self.values.is_null() && self.values_len == 0 {
            return Ok(Vec::new());
        }
        // SAFETY: P2 as promised; any bytes are a `Value`.
        let all = unsafe { boundary::elements(self.values, self.values_len, "request->values") }?;
        let value = |value: &Value| {
            // SAFETY: P3 as promised.
            let name = unsafe { boundary::text(value.name, "the name of a value") }?;
            // SAFETY: P2 as promised.
            Ok((name, unsafe { boundary::bytes(value.data, value.len, "the data of a value") }?))
        };
        all.iter().map(value).collect()
    }

    /// # Safety
    /// P2 and P3 hold for `limits`.
    unsafe fn limits(&self) -> Result<Vec<(&str, Limit<'_>)>, Failure> {
        if self.limits.is_null() && self.limits_len == 0 {
            return Ok(Vec::new());
        }
        // SAFETY: P2 as promised; any bytes are an `OwnLimit`.
        let all = unsafe { boundary::elements(self.limits, self.limits_len, "request->limits") }?;
        let limit = |limit: &OwnLimit| {
            // SAFETY: P3 as promised.
            let rule = unsafe { boundary::text(limit.rule, "the rule of a limit") }?;
            boundary::reserved(limit.reserved, "reserved of a limit")?;
            if limit.text.is_null() {
                return Ok((rule, Limit::Cap(limit.cap)));
            }
            // SAFETY: P3 as promised.
            Ok((rule, Limit::Text(unsafe { boundary::text(limit.text, "the text of a limit") }?)))
        };
        all.iter().map(limit).collect()
    }
}

impl Checked<'_> {
    pub(crate) fn as_request(&self) -> ratecell_contract::Request<'_> {
        ratecell_contract::Request {
            method: self.method,
            path: self.path,
            peer: self.peer,
            headers: &self.headers,
            values: &self.values,
            limits: &self.limits,
            cost: self.cost,
        }
    }
}

/// The header fields of a request.
enum Fields<'r> {
    Listed(Vec<(&'r str, &'r [u8])>),
    Found {
        find: unsafe extern "C" fn(*mut c_void, *const c_char, HeaderVisit, *mut c_void),
        context: *mut c_void,
    },
}

impl Headers for Fields<'_> {
    fn each<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        match self {
            Self::Listed(fields) => {
                let named = fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
                named.for_each(|(_, value)| visit(value));
            }
            Self::Found { find, context } => {
                // A name of a contract has no NUL: it is a token of HTTP.
                let Ok(name) = CString::new(name) else { return };
                let mut visitor: Visitor<'_, 'h> = visit;
                let state = (&raw mut visitor).cast::<c_void>();
                // SAFETY: P6, as for clocks: the function may be called with its context, and calls
                // `visited` with the state only before it returns, while `visitor` lives.
                unsafe { find(*context, name.as_ptr(), Some(visited), state) };
            }
        }
    }
}

type Visitor<'v, 'h> = &'v mut dyn FnMut(&'h [u8]);

/// What a header function calls with each value.
unsafe extern "C" fn visited(state: *mut c_void, value: *const c_void, len: usize) {
    // SAFETY: P2: the bytes stay until the admission returns. A value that is none is passed over.
    let Ok(value) = (unsafe { boundary::bytes(value, len, "value") }) else { return };
    if state.is_null() {
        return;
    }
    // SAFETY: the state is the visitor in `each`, which lives as long as the header function runs,
    // and nobody else uses it meanwhile.
    let visit = unsafe { &mut *state.cast::<Visitor<'_, '_>>() };
    visit(value);
}
