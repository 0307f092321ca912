//! `TableReport`: the rows and how they are printed.

use std::fmt;

use super::{Claim, Spread};

/// What the two figures of a row are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds a call.
    Nanoseconds,
    /// Bytes a key.
    Bytes,
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured.
    pub case: String,
    /// Whose figure comes first.
    pub subject: &'static str,
    /// The subject's figure.
    pub subject_figure: f64,
    /// Whom it stands against.
    pub opponent: &'static str,
    /// The opponent's figure.
    pub opponent_figure: f64,
    /// Subject over opponent.
    pub ratio: Spread,
    /// What the ratio is read as.
    pub claim: Claim,
    /// What the figures are.
    pub unit: Unit,
}

/// The whole table.
#[derive(Debug, Default)]
pub struct TableReport {
    rows: Vec<Row>,
}

impl Row {
    /// The title line above rows of this form.
    pub const TITLE: &'static str = "case                                  subject                       figure  \
        against                       figure      ratio        (min..max)  budget";

    fn figure(&self, figure: f64) -> String {
        match self.unit {
            Unit::Nanoseconds if figure >= 1e6 => format!("{:.2} ms", figure / 1e6),
            Unit::Nanoseconds if figure >= 1e4 => format!("{:.1} us", figure / 1e3),
            Unit::Nanoseconds if figure >= 100.0 => format!("{figure:.0} ns"),
            Unit::Nanoseconds => format!("{figure:.2} ns"),
            Unit::Bytes => format!("{figure:.1} B"),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let median = self.claim.ratio(self.ratio.median);
        // A gain turns the ratio over, and with it least and greatest.
        let ends = [self.claim.ratio(self.ratio.least), self.claim.ratio(self.ratio.greatest)];
        let (least, greatest) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
        let line = format!(
            "{:<36}  {:<24}{:>12}  {:<24}{:>12}  {:>5} {:>7} {:>17}  {:<8}{}",
            self.case,
            self.subject,
            self.figure(self.subject_figure),
            self.opponent,
            self.figure(self.opponent_figure),
            self.claim.word(),
            times(median),
            format!("({}..{})", times(least), times(greatest)),
            self.claim.budget(),
            self.claim.verdict(median),
        );
        f.write_str(line.trim_end())
    }
}

impl TableReport {
    /// Adds a row at the end.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The rows with a budget, and how many of them kept it.
    pub fn budgets_kept(&self) -> (usize, usize) {
        let verdict = |row: &Row| row.claim.verdict(row.claim.ratio(row.ratio.median));
        let kept = self.rows.iter().filter(|row| verdict(row) == "ok").count();
        let missed = self.rows.iter().filter(|row| verdict(row) == "MISS").count();
        (kept + missed, kept)
    }
}

/// A ratio with three digits that matter.
fn times(ratio: f64) -> String {
    match ratio {
        ratio if ratio >= 100.0 => format!("{ratio:.0}x"),
        ratio if ratio >= 10.0 => format!("{ratio:.1}x"),
        ratio => format!("{ratio:.2}x"),
    }
}
