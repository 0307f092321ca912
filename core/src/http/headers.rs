//! Header fields one by one: a name, and a value that writes itself.

use core::fmt;

use super::list;
use super::report::{Report, ReportLine};
use super::style::HeaderStyle;

/// The header fields of a [`Report`], each name at most once. Made by [`Report::headers`].
#[derive(Clone)]
pub struct Headers<'a> {
    report: Report<'a>,
    style: HeaderStyle,
    unix_now_ns: u64,
    /// Found once a field asks for it.
    speaker: Option<Option<ReportLine<'a>>>,
}

impl<'a> Headers<'a> {
    pub(super) const fn new(report: Report<'a>, style: HeaderStyle, unix_now_ns: u64) -> Self {
        Self { report, style: style.without_clash(), unix_now_ns, speaker: None }
    }

    fn field(&mut self, field: HeaderStyle) -> Option<Header<'a>> {
        use HeaderStyle as Style;
        let report = self.report;
        let limit = |line: ReportLine<'_>| Value::Number(line.limit().into());
        let remaining = |line: ReportLine<'_>| Value::Number(line.remaining().into());
        let reset_after = |line: ReportLine<'_>| line.reset_after_seconds().map(Value::Number);
        let (name, value) = match field {
            Style::X_RATELIMIT_LIMIT => (Name::X_RATELIMIT_LIMIT, limit(self.speaker()?)),
            Style::X_RATELIMIT_REMAINING => {
                (Name::X_RATELIMIT_REMAINING, remaining(self.speaker()?))
            }
            Style::X_RATELIMIT_RESET => {
                let reset = self.speaker()?.reset_unix_seconds(self.unix_now_ns)?;
                (Name::X_RATELIMIT_RESET, Value::Number(reset))
            }
            Style::X_RATELIMIT_RESET_AFTER => {
                (Name::X_RATELIMIT_RESET, reset_after(self.speaker()?)?)
            }
            Style::RETRY_AFTER => (Name::RETRY_AFTER, Value::Number(report.retry_after_seconds()?)),
            Style::X_CONCURRENCY_LIMIT => {
                let limit = report.concurrency()?.limit();
                (Name::X_CONCURRENCY_LIMIT, Value::Number(limit.into()))
            }
            Style::X_CONCURRENCY_RUNNING => {
                let permits = report.concurrency()?;
                let running = permits.limit().saturating_sub(permits.decision().remaining());
                (Name::X_CONCURRENCY_RUNNING, Value::Number(running.into()))
            }
            Style::RATELIMIT_POLICY => {
                report.lines().next()?;
                (Name::RATELIMIT_POLICY, Value::Policies(report))
            }
            Style::RATELIMIT => {
                report.lines().next()?;
                (Name::RATELIMIT, Value::Limits(report))
            }
            Style::DRAFT_6_LIMIT => (Name::RATELIMIT_LIMIT, limit(self.speaker()?)),
            Style::DRAFT_6_REMAINING => (Name::RATELIMIT_REMAINING, remaining(self.speaker()?)),
            Style::DRAFT_6_RESET => (Name::RATELIMIT_RESET, reset_after(self.speaker()?)?),
            Style::DRAFT_7 => (Name::RATELIMIT, Value::OneLimit(self.speaker()?)),
            _ => return None,
        };
        Some(Header { name, value: HeaderValue(value) })
    }

    fn speaker(&mut self) -> Option<ReportLine<'a>> {
        *self.speaker.get_or_insert_with(|| self.report.speaker())
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        while let Some((field, rest)) = self.style.split_first() {
            self.style = rest;
            if let Some(header) = self.field(field) {
                return Some(header);
            }
        }
        None
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.clone().map(|field| (field.name(), field.value()));
        f.debug_map().entries(fields).finish()
    }
}

/// One header field.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    name: Name,
    value: HeaderValue<'a>,
}

impl<'a> Header<'a> {
    /// Its name as the texts write it, such as `X-RateLimit-Limit`.
    pub const fn name(&self) -> &'static str {
        self.name.written
    }

    /// Its name in small letters, as HTTP/2 and `HeaderName::from_static` want it.
    pub const fn name_lower(&self) -> &'static str {
        self.name.lower
    }

    /// Its value.
    pub const fn value(&self) -> HeaderValue<'a> {
        self.value
    }
}

/// The value of a header field: printable ASCII, written by `Display`.
#[derive(Clone, Copy)]
pub struct HeaderValue<'a>(Value<'a>);

impl HeaderValue<'_> {
    /// The value if it is one number, as it is for all fields but the lists of rules.
    pub const fn as_number(&self) -> Option<u64> {
        match self.0 {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }
}

impl fmt::Display for HeaderValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Value::Number(number) => write!(f, "{number}"),
            Value::Policies(report) => list::policies(f, report),
            Value::Limits(report) => list::limits(f, report),
            Value::OneLimit(line) => {
                write!(f, "limit={}, remaining={}", line.limit(), line.remaining())?;
                match line.reset_after_seconds() {
                    Some(reset) => write!(f, ", reset={reset}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Debug for HeaderValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Number(u64),
    /// The members of RateLimit-Policy.
    Policies(Report<'a>),
    /// The members of RateLimit.
    Limits(Report<'a>),
    /// The only member of draft 7's RateLimit.
    OneLimit(ReportLine<'a>),
}

#[derive(Clone, Copy, Debug)]
struct Name {
    written: &'static str,
    lower: &'static str,
}

macro_rules! names {
    ($($constant:ident $written:literal $lower:literal)*) => {
        impl Name {
            $(const $constant: Self = Self { written: $written, lower: $lower };)*
        }
    };
}

names! {
    X_RATELIMIT_LIMIT "X-RateLimit-Limit" "x-ratelimit-limit"
    X_RATELIMIT_REMAINING "X-RateLimit-Remaining" "x-ratelimit-remaining"
    X_RATELIMIT_RESET "X-RateLimit-Reset" "x-ratelimit-reset"
    RETRY_AFTER "Retry-After" "retry-after"
    X_CONCURRENCY_LIMIT "X-Concurrency-Limit" "x-concurrency-limit"
    X_CONCURRENCY_RUNNING "X-Concurrency-Running" "x-concurrency-running"
    RATELIMIT_POLICY "RateLimit-Policy" "ratelimit-policy"
    RATELIMIT "RateLimit" "ratelimit"
    RATELIMIT_LIMIT "RateLimit-Limit" "ratelimit-limit"
    RATELIMIT_REMAINING "RateLimit-Remaining" "ratelimit-remaining"
    RATELIMIT_RESET "RateLimit-Reset" "ratelimit-reset"
}
