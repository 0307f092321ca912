//! `Options`: what the command line asks for.

use std::time::Duration;

use super::Pace;

/// The parsed command line.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Run everything once and briefly, with small tables.
    pub quick: bool,
    /// Name the rows and run none.
    pub list: bool,
    /// Keep the rows whose name contains one of these; none means all.
    pub filters: Vec<String>,
}

impl Options {
    /// One line for the reader who mistyped.
    pub const USAGE: &'static str = "usage: ratecell-benches [--quick] [--list] [--filter TEXT]...";

    /// Reads the arguments after the program's name. An error names the argument and what fits.
    pub fn from_arguments(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--list" => options.list = true,
                // `cargo bench` passes this to every harness.
                "--bench" => {}
                "--filter" => match arguments.next() {
                    Some(text) => options.filters.push(text),
                    None => return Err("--filter wants a text after it".to_owned()),
                },
                other => return Err(format!("unknown argument `{other}`")),
            }
        }
        Ok(options)
    }

    /// Whether a row of this name is asked for.
    pub fn keeps(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|text| name.contains(text.as_str()))
    }

    /// How long a duel over this many keys takes: a batch must touch enough of a large table for
    /// the caches to be in the state that the row is about.
    pub fn pace(&self, keys: usize) -> Pace {
        match (self.quick, keys > 100_000) {
            (true, _) => Pace { rounds: 3, batch: Duration::from_micros(200) },
            (false, false) => Pace { rounds: 15, batch: Duration::from_millis(3) },
            (false, true) => Pace { rounds: 15, batch: Duration::from_millis(15) },
        }
    }

    /// How long a duel of several threads takes: batches far shorter than a scheduler's slice, so
    /// that threads found side by side at the start mostly stay so to the end.
    pub fn threads_pace(&self) -> Pace {
        Pace { rounds: if self.quick { 3 } else { 31 }, batch: Duration::from_micros(300) }
    }

    /// The number of keys that stands for "a million": fewer in a quick run.
    pub fn many(&self) -> usize {
        if self.quick { 20_000 } else { 1_000_000 }
    }
}
