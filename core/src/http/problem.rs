//! The body of a refusal as a problem document.

use core::fmt::{self, Write as _};

use super::json_text::JsonText;
use super::report::{Report, ReportLine};
use crate::decision::Verdict;

const TYPE: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";
const STATUS: u16 = 429;

/// The body of a refusal, of the media type [`Problem::MEDIA_TYPE`], written by `Display`.
///
/// ```
/// use ratecell::http::Report;
/// use ratecell::{Limiter, ManualClock};
///
/// let clock = ManualClock::new(48_000_000_000);
/// let limiter = Limiter::builder("key: fixed 1/min").clock(&clock).build()?;
/// assert!(limiter.acquire("alice", 1)?.allowed());
/// let refused = limiter.acquire("alice", 1)?;
/// assert_eq!(
///     Report::new(&refused).problem().to_string(),
///     "{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\",\
///      \"title\":\"Quota Exceeded\",\"status\":429,\
///      \"detail\":\"0 of 1 left of the limit \\\"key\\\"; retry after 12 s\",\
///      \"violated-policies\":[\"key\"]}",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Its `violated-policies` are the rules that refused and are shown. SOURCE: RFC 9457;
/// draft-ietf-httpapi-ratelimit-headers-11, whose problem type is requested and not yet registered.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    report: Report<'a>,
    status: u16,
    detail: Option<&'a str>,
}

impl<'a> Problem<'a> {
    /// The media type of the body.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    pub(super) const fn new(report: Report<'a>) -> Self {
        Self { report, status: STATUS, detail: None }
    }

    /// The same with another status than 429.
    #[must_use]
    pub const fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same with words of the provider's own instead of the numbers of the rule that speaks.
    #[must_use]
    pub const fn with_detail(self, detail: &'a str) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{\"type\":\"{TYPE}\",\"title\":\"Quota Exceeded\",\"status\":{}", self.status)?;
        f.write_str(",\"detail\":\"")?;
        let mut text = JsonText(f);
        match (self.detail, self.report.speaker()) {
            (Some(detail), _) => text.write_str(detail)?,
            (None, Some(line)) => explain(&mut text, &line, self.report.retry_after_seconds())?,
            (None, None) => text.write_str("A limit of this service is used up")?,
        }
        f.write_str("\",\"violated-policies\":[")?;
        let refused = self.report.lines().filter(ReportLine::refused);
        for (position, line) in refused.enumerate() {
            f.write_str(if position > 0 { ",\"" } else { "\"" })?;
            JsonText(f).write_str(line.label())?;
            f.write_char('"')?;
        }
        f.write_str("]}")
    }
}

impl fmt::Debug for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn explain(
    to: &mut impl fmt::Write,
    line: &ReportLine<'_>,
    retry_after: Option<u64>,
) -> fmt::Result {
    let (name, limit) = (line.label(), line.limit());
    if line.decision().verdict() == Verdict::Never {
        return write!(to, "the request costs more than the {limit} of the limit \"{name}\"");
    }
    write!(to, "{} of {limit} left of the limit \"{name}\"", line.remaining())?;
    match retry_after {
        Some(seconds) => write!(to, "; retry after {seconds} s"),
        None => Ok(()),
    }
}
