//! What a request that passes takes along: its permits, and what its response must show.
//!
//! - P1: a response carries each field of the layers once, whatever the handler wrote under its
//!   name. Of two layers the inner one, which knows more of the caller, has the word; only lists,
//!   which name the rule that each number is of, are put together.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Extensions, Response};

use crate::body::GuardedBody;
use crate::held::Held;

/// The fields of one layer, each name once.
pub(crate) type Fields = Vec<(HeaderName, HeaderValue)>;

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

/// In the extensions of a response: the names that layers further in have written.
#[derive(Clone, Debug, Default)]
struct Said(Vec<HeaderName>);

impl Passage {
    /// Writes the fields into the handler's response, and lets its body keep the permits.
    pub(crate) fn leave<R>(self, response: Response<R>) -> Response<GuardedBody<R>> {
        let (mut parts, body) = response.into_parts();
        write(self.fields, self.is_inner, &mut parts.headers, &mut parts.extensions);
        Response::from_parts(parts, GuardedBody::of_handler(body, self.held))
    }
}

/// Writes the fields of a layer into a response.
pub(crate) fn write(
    fields: Fields,
    is_inner: bool,
    headers: &mut HeaderMap,
    extensions: &mut Extensions,
) {
    let said = extensions.remove::<Said>();
    let Some(Said(mut said)) = said.or_else(|| is_inner.then(Said::default)) else {
        for (name, value) in fields {
            headers.insert(name, value);
        }
        return;
    };
    let said_before = said.len();
    for (name, value) in fields {
        let value = match headers.get(&name).filter(|_| said[..said_before].contains(&name)) {
            Some(inner) if is_list(inner) && is_list(&value) => joined(&value, inner),
            Some(_) => continue,
            None if !is_list(&value) && said[..said_before].iter().any(|it| are_kin(it, &name)) => {
                continue;
            }
            None => value,
        };
        if is_inner {
            said.push(name.clone());
        }
        headers.insert(name, value);
    }
    if is_inner {
        extensions.insert(Said(said));
    }
}

/// Whether a value is a list of rules: its members begin with the name of one, in quotes.
fn is_list(value: &HeaderValue) -> bool {
    value.as_bytes().first() == Some(&b'"')
}

/// Two lists as one, the outer layer's first.
fn joined(outer: &HeaderValue, inner: &HeaderValue) -> HeaderValue {
    let text = Bytes::from([outer.as_bytes(), b", ", inner.as_bytes()].concat());
    // Both are values, so the two are one, too.
    HeaderValue::from_maybe_shared(text).unwrap_or_else(|_| inner.clone())
}

/// Whether two fields speak of one rule together, such as `x-ratelimit-limit` and
/// `x-ratelimit-remaining`: they must come from one layer.
fn are_kin(one: &HeaderName, other: &HeaderName) -> bool {
    const FAMILIES: [&str; 3] = ["x-ratelimit-", "x-concurrency-", "ratelimit-"];
    let in_both =
        |family: &&str| one.as_str().starts_with(family) && other.as_str().starts_with(family);
    FAMILIES.iter().any(in_both)
}

#[cfg(test)]
mod tests {
    use super::{Fields, write};
    use http::{Extensions, HeaderMap, HeaderName, HeaderValue};

    fn fields(pairs: &[(&'static str, &'static str)]) -> Fields {
        let field =
            |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        pairs.iter().map(field).collect()
    }

    /// What a response carries after the layers have written, from the innermost to the outermost.
    fn written(handler: &[(&'static str, &'static str)], layers: &[Fields]) -> Vec<String> {
        let mut headers: HeaderMap = fields(handler).into_iter().collect();
        let mut extensions = Extensions::new();
        for (position, layer) in layers.iter().enumerate() {
            let is_inner = position + 1 < layers.len();
            write(layer.clone(), is_inner, &mut headers, &mut extensions);
        }
        assert!(extensions.is_empty(), "nothing is left for the server to see");
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}", value.to_str().unwrap())
        };
        let mut lines: Vec<_> = headers.iter().map(text).collect();
        lines.sort();
        lines
    }

    #[test]
    fn a_field_of_the_handler_under_the_same_name_is_replaced() {
        let layer = fields(&[("x-ratelimit-limit", "60")]);
        let handler = [("x-ratelimit-limit", "9"), ("x-own", "1")];
        assert_eq!(written(&handler, &[layer]), ["x-own: 1", "x-ratelimit-limit: 60"]);
    }

    #[test]
    fn the_inner_layer_has_the_word_and_no_family_is_mixed() {
        let inner = fields(&[("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "1")]);
        let outer = fields(&[
            ("x-ratelimit-limit", "300"),
            ("x-ratelimit-remaining", "299"),
            ("x-ratelimit-reset", "7"),
            ("x-concurrency-limit", "8"),
        ]);
        let expected =
            ["x-concurrency-limit: 8", "x-ratelimit-limit: 60", "x-ratelimit-remaining: 1"];
        assert_eq!(written(&[("x-ratelimit-limit", "9")], &[inner, outer]), expected);
    }

    #[test]
    fn lists_of_rules_are_put_together_in_the_order_of_the_stages() {
        let inner = fields(&[("ratelimit", "\"key\";r=3")]);
        let middle = fields(&[("ratelimit", "\"ip\";r=9")]);
        let outer = fields(&[("ratelimit", "\"all\";r=5"), ("ratelimit-policy", "\"all\";q=5")]);
        let expected =
            ["ratelimit-policy: \"all\";q=5", "ratelimit: \"all\";r=5, \"ip\";r=9, \"key\";r=3"];
        assert_eq!(written(&[("ratelimit", "\"mine\";r=1")], &[inner, middle, outer]), expected);
        let draft_7 = fields(&[("ratelimit", "limit=5, remaining=1")]);
        assert_eq!(
            written(&[], &[draft_7.clone(), fields(&[("ratelimit", "limit=9, remaining=2")])]),
            ["ratelimit: limit=5, remaining=1"],
        );
    }
}
