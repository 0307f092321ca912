//! The id of a request: the service's, the caller's, or a new one.
//!
//! An id from outside goes into header fields and bodies, so only one of plain characters and of
//! modest length is taken over.

use core::fmt::Write as _;

use crate::contract::RequestIdSource;
use crate::request::Request;

/// The longest id that is taken over.
const MAX_LEN: usize = 128;

/// The longest prefix of new ids.
const MAX_PREFIX_LEN: usize = 32;

/// The name of the value in which the service gives the id.
const VALUE: &str = "request_id";

/// The id of a request. `number` gives a number that no other request has.
pub(crate) fn request_id(
    source: &RequestIdSource,
    request: &Request<'_>,
    number: impl FnOnce() -> u128,
) -> String {
    if let Some(id) = request.value(VALUE).and_then(accepted) {
        return id.to_owned();
    }
    let mut id = None;
    if let Some(name) = &source.header {
        request.headers.each(name, &mut |value| id = id.or(accepted(value)));
    }
    if let Some(id) = id {
        return id.to_owned();
    }
    let mut id = String::with_capacity(source.prefix.len() + 32);
    id.push_str(&source.prefix);
    // Writing to a String does not fail.
    let _ = write!(id, "{:032x}", number());
    id
}

fn accepted(bytes: &[u8]) -> Option<&str> {
    let is_plain = !bytes.is_empty() && bytes.iter().all(|&byte| may_hold(byte));
    str::from_utf8(bytes).ok().filter(|_| is_plain && bytes.len() <= MAX_LEN)
}

/// Whether a text may begin new ids.
pub(crate) fn is_prefix(text: &str) -> bool {
    text.len() <= MAX_PREFIX_LEN && text.bytes().all(may_hold)
}

/// Letters, digits and what else identifiers commonly hold: nothing that JSON or a header field
/// would read as more than itself.
const fn may_hold(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'~' | b':' | b'+' | b'/' | b'=')
}
