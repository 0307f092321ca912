//! The table of the clients: redrawn in place on a terminal, a line a second elsewhere.
//!
//! Nothing is decided here. Wide as 80 columns, so that no line wraps and the way back up is right.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use tokio::time::interval;

use crate::tally::{Outcome, Tally};

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";

/// Why the demo ends before its time.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Nobody reads what is shown. Whoever stops reading, such as `head`, has seen enough.
#[derive(Debug)]
pub(crate) struct Unread;

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads the standard output")
    }
}

impl Error for Unread {}

/// What comes of showing something: [`Unread`] where nobody reads any more.
pub(crate) fn seen(shown: io::Result<()>) -> Result<(), Failure> {
    shown.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Unread.into(),
        _ => error.into(),
    })
}

/// Shows a line.
pub(crate) fn say(line: impl fmt::Display) -> Result<(), Failure> {
    seen(writeln!(io::stdout(), "{line}"))
}

/// Where the table is shown.
#[derive(Debug)]
pub(crate) struct Screen {
    is_terminal: bool,
    is_colored: bool,
    /// Lines to go up before the table is drawn again.
    drawn_lines: usize,
    start: Instant,
}

impl Screen {
    /// The standard output.
    pub(crate) fn new() -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let is_terminal = io::stdout().is_terminal() && !is_dumb;
        // SOURCE: https://no-color.org.
        let is_colored = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        Self { is_terminal, is_colored, drawn_lines: 0, start: Instant::now() }
    }

    /// Shows the tallies as they grow, for as long as it is polled.
    pub(crate) async fn follow(&mut self, tallies: &[&Tally]) -> Result<Infallible, Failure> {
        let period = if self.is_terminal { 100 } else { 1_000 };
        let mut frames = interval(Duration::from_millis(period));
        loop {
            frames.tick().await;
            seen(if self.is_terminal { self.draw(tallies) } else { self.log(tallies) })?;
        }
    }

    /// Shows the tallies as they are in the end.
    pub(crate) fn finish(&mut self, tallies: &[&Tally]) -> Result<(), Failure> {
        seen(self.draw(tallies))
    }

    /// Draws the table, over the last one on a terminal.
    fn draw(&mut self, tallies: &[&Tally]) -> io::Result<()> {
        let mut lines = vec![
            format!("{:50}refused by", ""),
            format!(
                "{:8} {:29} {:>5} {:>9}{:>5}{:>5}{:>9}{:>5}",
                "client", "sends", "sent", "admitted", "ip", "key", "inflight", "401"
            ),
        ];
        lines.extend(tallies.iter().map(|tally| self.row(tally)));
        let mut out = io::stdout().lock();
        if self.is_terminal && self.drawn_lines > 0 {
            write!(out, "\x1b[{}A", self.drawn_lines)?;
        }
        for line in &lines {
            writeln!(out, "{}{line}", if self.is_terminal { "\x1b[2K" } else { "" })?;
        }
        self.drawn_lines = lines.len();
        out.flush()
    }

    fn row(&self, tally: &Tally) -> String {
        use Outcome::{Admitted, RefusedByInflight, RefusedByIp, RefusedByKey, Unauthorized};

        let count = |outcome, width: usize, color| {
            let count = tally.outcome(outcome);
            self.colored(format!("{count:>width$}"), if count == 0 { DIM } else { color })
        };
        format!(
            "{:8} {:29} {:>5} {}{}{}{}{}",
            tally.name,
            tally.does,
            tally.sent(),
            count(Admitted, 9, GREEN),
            count(RefusedByIp, 5, RED),
            count(RefusedByKey, 5, RED),
            count(RefusedByInflight, 9, RED),
            count(Unauthorized, 5, PLAIN),
        )
    }

    /// One line: what each client was admitted and refused.
    fn log(&self, tallies: &[&Tally]) -> io::Result<()> {
        use Outcome::{Admitted, RefusedByInflight, RefusedByIp, RefusedByKey, Unauthorized};

        let named = [
            (RefusedByIp, "ip"),
            (RefusedByKey, "key"),
            (RefusedByInflight, "inflight"),
            (Unauthorized, "401"),
        ];
        let client = |tally: &&Tally| {
            let others = named.iter().map(|(outcome, name)| (tally.outcome(*outcome), name));
            let others = others.filter(|(count, _)| *count > 0);
            let others: String = others.map(|(count, name)| format!(", {name} {count}")).collect();
            format!("{} {}{others}", tally.name, tally.outcome(Admitted))
        };
        let clients: Vec<_> = tallies.iter().map(client).collect();
        let seconds = self.start.elapsed().as_secs();
        writeln!(io::stdout(), "{seconds} s  {}", clients.join(" | "))
    }

    fn colored(&self, text: String, color: &str) -> String {
        if self.is_colored { format!("{color}{text}{PLAIN}") } else { text }
    }
}
