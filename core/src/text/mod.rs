//! The text form of rules: reading it, with errors that point at the byte, and its units.
//!
//! ```text
//! plan   = rule *( ";" rule )
//! rule   = [ name ":" ] [ kind ] amount *option [ "by" dimension ]
//! amount = integer ( "/" | "per" ) [ integer ] unit        concurrency: an integer alone
//! option = "burst" integer | "segments" integer
//! ```
//! Words are read in any case, with any spacing, none included where a digit meets a letter.
//! Names keep their case. SOURCE: SPEC "Text form of rules".

mod lexer;
mod parse_error;
mod parser;

pub use parse_error::{ParseError, Problem};
pub(crate) use parser::{parse_plan, parse_rule};

use core::fmt;

/// The units and their lengths in nanoseconds; of one length, the first is printed.
const UNITS: [(&str, u64); 17] = [
    ("d", 86_400_000_000_000),
    ("day", 86_400_000_000_000),
    ("days", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("hour", 3_600_000_000_000),
    ("hours", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("m", 60_000_000_000),
    ("minute", 60_000_000_000),
    ("minutes", 60_000_000_000),
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("second", 1_000_000_000),
    ("seconds", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

fn unit_ns(word: &str) -> Option<u64> {
    UNITS.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(word)).map(|&(_, ns)| ns)
}

/// A period in nanoseconds, printed in the largest unit that divides it: `min`, `2h`, `1500ms`.
pub(crate) struct Period(pub(crate) u64);

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, ns) in UNITS {
            match (self.0.checked_rem(ns), self.0.checked_div(ns)) {
                (Some(0), Some(1)) => return f.write_str(unit),
                (Some(0), Some(count)) => return write!(f, "{count}{unit}"),
                _ => {}
            }
        }
        Ok(())
    }
}
