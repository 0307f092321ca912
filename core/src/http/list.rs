//! The two list fields of draft 11, RateLimit-Policy and RateLimit.
//!
//! SOURCE: draft-ietf-httpapi-ratelimit-headers-11; RFC 9651 3.1 and 4.1 for the writing of lists.

use core::fmt::{self, Write as _};

use super::escaping::write_escaped;
use super::letters;
use super::report::{Report, ReportLine};

/// Writes a member for each rule: its quota and window, or that it counts requests in flight.
pub(super) fn policies(f: &mut fmt::Formatter<'_>, report: &Report<'_>) -> fmt::Result {
    members(f, report, |f, line| {
        write!(f, ";{}={}", letters::QUOTA, line.quota_units())?;
        if let Some(window) = line.window_seconds() {
            write!(f, ";{}={window}", letters::WINDOW)?;
        }
        if line.is_concurrency() {
            write!(f, ";{}=\"{}\"", letters::QUOTA_UNIT, letters::CONCURRENT_REQUESTS)?;
        }
        Ok(())
    })
}

/// Writes a member for each rule: what is available, and over which time.
pub(super) fn limits(f: &mut fmt::Formatter<'_>, report: &Report<'_>) -> fmt::Result {
    members(f, report, |f, line| {
        write!(f, ";{}={}", letters::AVAILABLE, line.remaining())?;
        match line.effective_window_seconds() {
            Some(seconds) => write!(f, ";{}={seconds}", letters::EFFECTIVE_WINDOW),
            None => Ok(()),
        }
    })
}

fn members(
    f: &mut fmt::Formatter<'_>,
    report: &Report<'_>,
    parameters: impl Fn(&mut fmt::Formatter<'_>, &ReportLine<'_>) -> fmt::Result,
) -> fmt::Result {
    for (position, line) in report.lines().enumerate() {
        if position > 0 {
            f.write_str(", ")?;
        }
        string(f, line.label())?;
        parameters(f, &line)?;
    }
    Ok(())
}

/// Writes a string of a structured field. It holds printable ASCII only, so any other character
/// becomes a question mark: a name that is misspelt is better than a field that is ignored whole.
fn string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let is_special = |byte| matches!(byte, b'"' | b'\\') || !matches!(byte, b' '..=b'~');
    f.write_char('"')?;
    write_escaped(f, text, is_special, |f, letter| match letter {
        '"' | '\\' => {
            f.write_char('\\')?;
            f.write_char(letter)
        }
        _ => f.write_char('?'),
    })?;
    f.write_char('"')
}
