//! `Claim`: what a row's ratio means, and what the design promises of it.

/// The direction of a ratio, with a budget or for information.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Claim {
    /// Subject over opponent must be at most this (floors: the opponent is the least possible work).
    CostAtMost(f64),
    /// Opponent over subject must be at least this (peers: how many times cheaper the subject is).
    GainAtLeast(f64),
    /// Subject over opponent, no budget.
    Cost,
    /// Opponent over subject, no budget.
    Gain,
}

impl Claim {
    /// The row's ratio, from the cost of the subject over the cost of the opponent.
    pub fn ratio(self, subject_over_opponent: f64) -> f64 {
        match self {
            Self::CostAtMost(_) | Self::Cost => subject_over_opponent,
            Self::GainAtLeast(_) | Self::Gain => subject_over_opponent.recip(),
        }
    }

    /// The word that says which way the ratio is read.
    pub fn word(self) -> &'static str {
        match self {
            Self::CostAtMost(_) | Self::Cost => "cost",
            Self::GainAtLeast(_) | Self::Gain => "gain",
        }
    }

    /// The budget as text, empty when there is none.
    pub fn budget(self) -> String {
        match self {
            Self::CostAtMost(most) => format!("<= {most}x"),
            Self::GainAtLeast(least) => format!(">= {least}x"),
            Self::Cost | Self::Gain => String::new(),
        }
    }

    /// `ok`, `MISS`, or nothing when there is no budget.
    pub fn verdict(self, ratio: f64) -> &'static str {
        let kept = match self {
            Self::CostAtMost(most) => ratio <= most,
            Self::GainAtLeast(least) => ratio >= least,
            Self::Cost | Self::Gain => return "",
        };
        if kept { "ok" } else { "MISS" }
    }
}
