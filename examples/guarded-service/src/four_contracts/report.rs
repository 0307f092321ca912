//! What each caller got: as bars over time while it runs, and in the end as bars and a table.
//!
//! Nothing is decided here. 80 columns at the most, so that no line wraps; on what is no terminal
//! there is plain text alone, and nothing before the end.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use tokio::time::{interval, timeout};

use super::api::{APIS, Api};
use super::callers::{KINDS, WORKERS};
use super::chart::{axis, bars};
use super::provider::Timelines;
use super::shortened::FACTOR;
use super::timeline::Timeline;
use super::{MINUTE, SPAN};
use crate::screen::{Failure, seen};

/// The report of a run.
pub(crate) struct Report {
    service: SocketAddr,
    timelines: Arc<Timelines>,
    /// What has to be said in the end.
    notes: Vec<String>,
    is_terminal: bool,
    /// Lines to go up before the bars are drawn again.
    drawn_lines: usize,
}

impl Report {
    pub(crate) fn new(service: SocketAddr, timelines: Arc<Timelines>, notes: Vec<String>) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let is_terminal = io::stdout().is_terminal() && !is_dumb;
        Self { service, timelines, notes, is_terminal, drawn_lines: 0 }
    }

    /// Shows the bars as they grow, for `span`.
    pub(crate) async fn follow(&mut self, span: Duration) -> Result<(), Failure> {
        let drawing = async {
            let mut frames = interval(Duration::from_millis(250));
            loop {
                frames.tick().await;
                if self.is_terminal {
                    seen(self.draw())?;
                }
            }
        };
        // It draws until its time is over.
        timeout(span, drawing).await.unwrap_or(Ok(()))
    }

    /// What passes, one line for each caller, over the last drawing.
    fn draw(&mut self) -> io::Result<()> {
        let mut lines =
            vec![format!("{:21}{:49}{:>4} {:>4}", "what passes", axis(6), "pass", "429")];
        for api in &APIS {
            for kind in KINDS {
                let timeline = self.timeline(api, kind);
                let (passed, refused) = (timeline.passed(), timeline.refused());
                let bars = bars(&passed, self.most_passed(api));
                let (passed, refused): (u64, u64) = (passed.iter().sum(), refused.iter().sum());
                let caller = caller(api, kind);
                lines.push(format!("{:<11} {caller:<8} {bars} {passed:>4} {refused:>4}", api.name));
            }
        }
        let mut out = io::stdout().lock();
        if self.drawn_lines > 0 {
            write!(out, "\x1b[{}A", self.drawn_lines)?;
        }
        for line in &lines {
            writeln!(out, "\x1b[2K{line}")?;
        }
        self.drawn_lines = lines.len();
        out.flush()
    }

    /// The bars of what passed and what was refused, a table, and what it comes to.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        if self.is_terminal {
            self.draw()?;
        }
        let mut out = io::stdout().lock();
        for api in &APIS {
            let short = api.per_minute / FACTOR;
            writeln!(
                out,
                "\n{}\n{}, here {short} in {} s",
                api.url(self.service),
                api.published,
                MINUTE.as_secs()
            )?;
            writeln!(out, "{:21}{}", "", axis(MINUTE.as_secs()).trim_end())?;
            let most =
                KINDS.map(|kind| *self.timeline(api, kind).refused().iter().max().unwrap_or(&0));
            let most_refused = most.into_iter().max().unwrap_or(0);
            for kind in KINDS {
                let timeline = self.timeline(api, kind);
                let passed = bars(&timeline.passed(), self.most_passed(api));
                writeln!(out, "{:<11} passed   {passed}", caller(api, kind))?;
                let refused = timeline.refused();
                if refused.iter().any(|count| *count > 0) {
                    writeln!(out, "{:<11} refused  {}", "", bars(&refused, most_refused))?;
                }
            }
        }
        writeln!(out, "\n{}\n", self.table())?;
        for note in &self.notes {
            writeln!(out, "{note}")?;
        }
        if !self.notes.is_empty() {
            writeln!(out)?;
        }
        writeln!(
            out,
            "naive sends twice what is allowed, whatever it is answered. ratecell is {WORKERS} workers\n\
             that know nothing of each other, told the contract and how many they are. The\n\
             others do what the documentation of their API says: see examples/clients."
        )
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header(["API", "client", "sent", "passed", "of the limit", "refused", "of all"]);
        for api in &APIS {
            for kind in KINDS {
                let (passed, refused) = self.totals(api, kind);
                let share =
                    |part: u64, of: u64| format!("{:.1} %", 100.0 * part as f64 / of.max(1) as f64);
                table.add_row([
                    api.name.to_owned(),
                    caller(api, kind).to_owned(),
                    (passed + refused).to_string(),
                    passed.to_string(),
                    share(passed, allowed(api, windows_in(SPAN))),
                    refused.to_string(),
                    share(refused, passed + refused),
                ]);
            }
        }
        for column in table.column_iter_mut().skip(2) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    /// What is not as published.
    pub(crate) fn findings(&self) -> Vec<String> {
        let mut findings = Vec::new();
        // A machine that stalls may take longer; the limits then hold for longer.
        let windows =
            windows_in(self.timelines.values().map(|it| it.age()).max().unwrap_or(SPAN)) + 1;
        for api in &APIS {
            for kind in KINDS {
                let (passed, most) = (self.totals(api, kind).0, allowed(api, windows));
                if !(1..=most).contains(&passed) {
                    let caller = caller(api, kind);
                    findings.push(format!(
                        "{}: {passed} of {caller} passed, published are 1 to {most}",
                        api.name
                    ));
                }
            }
        }
        findings
    }

    fn timeline(&self, api: &Api, kind: &'static str) -> &Timeline {
        &self.timelines[&(api.name, kind)]
    }

    fn totals(&self, api: &Api, kind: &'static str) -> (u64, u64) {
        let timeline = self.timeline(api, kind);
        (timeline.passed().iter().sum(), timeline.refused().iter().sum())
    }

    /// The highest bar of what passes, the same for all callers of an API.
    fn most_passed(&self, api: &Api) -> u64 {
        let passed = KINDS.iter().flat_map(|kind| self.timeline(api, kind).passed());
        passed.max().unwrap_or(0)
    }
}

/// What a caller is called on the screen.
fn caller(api: &Api, kind: &'static str) -> &'static str {
    if kind == KINDS[0] { api.documented } else { kind }
}

/// The windows that a span which begins with one touches.
fn windows_in(span: Duration) -> u64 {
    span.as_nanos().div_ceil(MINUTE.as_nanos()) as u64
}

/// What a limit allows in so many windows.
fn allowed(api: &Api, windows: u64) -> u64 {
    u64::from(api.per_minute / FACTOR) * windows
}
