//! What a request that passes takes along: its permits, and what its response must show.
//!
//! - P1: a response carries each field of the layers once, whatever the handler wrote under its
//!   name. What it carries of several layers is for [`Fields::merged`] to say.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Extensions, Response};
use ratecell_contract::Fields;

use crate::body::GuardedBody;
use crate::held::Held;

/// A request that passed, from the decision until its response is there.
#[derive(Debug)]
pub(crate) struct Passage {
    pub(crate) fields: Fields,
    pub(crate) held: Option<Held>,
    /// Whether a layer further out will write its fields after this one.
    pub(crate) is_inner: bool,
}

/// In the extensions of a request: what a layer further out has to say to those further in.
#[derive(Clone, Debug)]
pub(crate) struct Outer {
    /// The id that it gave the request, so that all of them show the same.
    pub(crate) request_id: Option<Box<str>>,
}

/// In the extensions of a response: what the layers further in have written.
#[derive(Clone)]
struct Inner(Fields);

impl Passage {
    /// Writes the fields into the handler's response, and lets its body keep the permits.
    pub(crate) fn leave<R>(self, response: Response<R>) -> Response<GuardedBody<R>> {
        let (mut parts, body) = response.into_parts();
        write(self.fields, self.is_inner, &mut parts.headers, &mut parts.extensions);
        Response::from_parts(parts, GuardedBody::of_handler(body, self.held))
    }
}

/// Writes the fields of a layer into a response, with those of the layers further in.
///
/// An inner layer writes its own, too: whatever stands between the layers sees them, and may lose
/// the extensions.
pub(crate) fn write(
    mut fields: Fields,
    is_inner: bool,
    headers: &mut HeaderMap,
    extensions: &mut Extensions,
) {
    if let Some(Inner(inner)) = extensions.remove() {
        fields = Fields::merged(&[&fields, &inner]);
    }
    for (name, value) in fields.iter() {
        // Names and values were checked when the contract was read; none is lost here.
        if let (Some(name), Some(value)) = (field_name(name), field_value(value)) {
            headers.insert(name, value);
        }
    }
    if is_inner {
        extensions.insert(Inner(fields));
    }
}

/// The value of a field. Those that say the same in each response are at hand; others are copied.
pub(crate) fn field_value(value: &str) -> Option<HeaderValue> {
    match value {
        "no-store" => Some(const { HeaderValue::from_static("no-store") }),
        "application/json" => Some(const { HeaderValue::from_static("application/json") }),
        "application/problem+json" => {
            Some(const { HeaderValue::from_static("application/problem+json") })
        }
        other => HeaderValue::from_str(other).ok(),
    }
}

/// The name of a field. Those that most contracts show are at hand; others are copied.
fn field_name(name: &str) -> Option<HeaderName> {
    macro_rules! known {
        ($($published:literal $lower:literal)*) => {
            match name {
                $($published => Some(const { HeaderName::from_static($lower) }),)*
                other => HeaderName::from_bytes(other.as_bytes()).ok(),
            }
        };
    }
    known! {
        "X-RateLimit-Limit" "x-ratelimit-limit"
        "X-RateLimit-Remaining" "x-ratelimit-remaining"
        "X-RateLimit-Reset" "x-ratelimit-reset"
        "Retry-After" "retry-after"
        "Cache-Control" "cache-control"
        "X-Concurrency-Limit" "x-concurrency-limit"
        "X-Concurrency-Running" "x-concurrency-running"
        "RateLimit-Policy" "ratelimit-policy"
        "RateLimit" "ratelimit"
    }
}
