//! What a response says about its limits: header fields and the body of a refusal, written without
//! allocation from the same integers as the decision.
//!
//! A [`Report`] says which rules a response speaks of, a [`HeaderStyle`] which fields it carries,
//! and [`Headers`] gives the fields; [`Problem`] is the body. It deliberately knows nothing of
//! requests, statuses or contract files. SOURCE: draft-ietf-httpapi-ratelimit-headers-11, its
//! drafts 06 and 07, RFC 9651 (structured fields), RFC 9457 (problem bodies), RFC 9110 10.2.3
//! (Retry-After). Spans are whole seconds, always rounded up, so that obeying them works.
//!
//! - H1: every value parses as what its field is defined to be; an integer has 15 digits at most.
//! - H2: whoever comes back at Retry-After, `t` or a reset is not too early, if nobody else called.
//! - H3: Retry-After stands on refusals with a known wait only, and never before the `t` of a rule
//!   that refused.
//! - H4: no field is written twice.

mod c_text;
mod escaping;
mod headers;
mod json_text;
mod list;
mod problem;
mod report;
mod style;

pub use c_text::write_c_text;
pub use headers::{Header, HeaderValue, Headers};
pub use problem::Problem;
pub use report::{Report, ReportLine};
pub use style::{HeaderStyle, StyleClash};

/// The letters of the parameters of RateLimit-Policy and RateLimit, and the words for what is
/// counted: a later draft that renames them is an edit here.
pub(crate) mod letters {
    /// Units of a quota.
    pub(crate) const QUOTA: &str = "q";
    /// The window in seconds.
    pub(crate) const WINDOW: &str = "w";
    /// What is counted; left out for requests.
    pub(crate) const QUOTA_UNIT: &str = "qu";
    /// Units that are available.
    pub(crate) const AVAILABLE: &str = "r";
    /// The effective window in seconds.
    pub(crate) const EFFECTIVE_WINDOW: &str = "t";
    /// What a concurrency rule counts.
    pub(crate) const CONCURRENT_REQUESTS: &str = "concurrent-requests";
}

/// The most that a structured field's integer may be, 15 digits; RFC 9651 3.3.1.
pub(crate) const MAX_INTEGER: u64 = 999_999_999_999_999;

const SECOND_NS: u64 = 1_000_000_000;

/// A span in whole seconds, rounded up.
const fn seconds_up(span_ns: u64) -> u64 {
    span_ns.div_ceil(SECOND_NS)
}
