//! Header fields and problem bodies, from whatever decision.

use core::fmt;

use ratecell::http::{HeaderStyle, Report, ReportLine, StyleClash, write_c_text};
use ratecell::{PlanDecision, Rule};

export! {
    fn style_named(name: &str) -> Option<HeaderStyle> {
        HeaderStyle::named(name)
    }

    fn style_check(style: HeaderStyle) -> Result<(), StyleClash> {
        style.check()
    }

    fn headers_write(
        decision: &PlanDecision<'_>,
        style: HeaderStyle,
        unix_now_ns: u64,
        to: &mut dyn fmt::Write,
    ) -> fmt::Result {
        for field in decision.headers(style, unix_now_ns) {
            write!(to, "{}: {}\r\n", field.name(), field.value())?;
        }
        Ok(())
    }

    fn report_headers_write<'a>(
        first: &'a PlanDecision<'a>,
        second: &'a Report<'a>,
        naming: &'a dyn Fn(&'a Rule) -> Option<&'a str>,
        style: HeaderStyle,
        to: &mut dyn fmt::Write,
    ) -> fmt::Result {
        let report = Report::new(first).naming(naming).spoken_by("key").then(second);
        for field in report.headers(style, 0) {
            write!(to, "{}: {}\r\n", field.name_lower(), field.value())?;
        }
        write!(to, "{}", report.problem())
    }

    fn report_line_numbers(line: &ReportLine<'_>, now: u64) -> (u32, u32, [Option<u64>; 4]) {
        let spans = [
            line.window_seconds(),
            line.effective_window_seconds(),
            line.reset_after_seconds(),
            line.reset_unix_seconds(now),
        ];
        (line.quota_units(), line.remaining(), spans)
    }

    fn c_text_write(buffer: &mut [u8], value: &dyn fmt::Display) -> usize {
        write_c_text(buffer, value)
    }
}
