//! What responses show and what refusals say.

use std::sync::Arc;

use ratecell::http::HeaderStyle;

use crate::template::{Template, Word};

/// A header field whose value is made for each response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldTemplate {
    pub(crate) name: Arc<str>,
    pub(crate) value: Template,
}

/// What responses show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) style: HeaderStyle,
    pub(crate) always: Box<[FieldTemplate]>,
}

/// The names of the fields that a style may write, in lower case.
pub(crate) const KNOWN_FIELDS: [&str; 11] = [
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "retry-after",
    "x-concurrency-limit",
    "x-concurrency-running",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
];

/// What the refusals of one rule say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The rule's name.
    pub(crate) rule: Box<str>,
    pub(crate) status: u16,
    pub(crate) content_type: Box<str>,
    pub(crate) body: Body,
    pub(crate) fields: Box<[FieldTemplate]>,
}

impl Refused {
    /// Whether a refusal shows the id of the request.
    pub(crate) fn shows_request_id(&self) -> bool {
        let in_body = match &self.body {
            Body::Problem => false,
            Body::Template(template) => template.place_of(Word::RequestId).is_some(),
        };
        in_body || shows_request_id(&self.fields)
    }
}

/// Whether any of the fields shows the id of the request.
pub(crate) fn shows_request_id(fields: &[FieldTemplate]) -> bool {
    fields.iter().any(|field| field.value.place_of(Word::RequestId).is_some())
}

/// The body of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// A problem of RFC 9457.
    Problem,
    Template(Template),
}

/// The content type of a body for which the contract names none.
pub(crate) const DEFAULT_CONTENT_TYPE: &str = "application/json";
