//! How many units a call asks for.

use arbitrary::Arbitrary;
use ratecell_reference::Answer;

/// How many units a call asks for, relative to the capacity or to the last answer.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Cost {
    /// So many.
    Units(u8),
    /// That many 255ths of the capacity.
    Share(u8),
    /// The capacity, and so many more.
    Capacity(bool),
    /// What the last answer left, and so many more.
    Remaining(bool),
    /// Any number.
    Any(u32),
}

impl Cost {
    /// The number of units.
    pub fn units(self, capacity: u32, last: Option<&Answer>) -> u32 {
        match self {
            Self::Units(units) => u32::from(units),
            Self::Share(share) => {
                u32::try_from(u64::from(capacity) * u64::from(share) / 255).expect("at most all")
            }
            Self::Capacity(more) => capacity.saturating_add(u32::from(more)),
            Self::Remaining(more) => {
                last.map_or(1, |answer| answer.remaining).saturating_add(u32::from(more))
            }
            Self::Any(units) => units,
        }
    }
}
