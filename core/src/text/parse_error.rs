//! What is wrong with the text of a plan, and at which byte.

use core::fmt;

use heapless::String;

use crate::name::NameError;
use crate::plan::MAX_RULES;
use crate::quota_error::QuotaError;

/// The most bytes of the text that an error repeats.
const MAX_FOUND_LEN: usize = 32;

/// Why a text is not a plan: where, what was found there and what is accepted.
///
/// ```
/// let error = "ip: fixed 300/fortnight".parse::<ratecell::Plan>().unwrap_err();
/// assert_eq!(error.offset(), 14);
/// assert_eq!(
///     error.to_string(),
///     "at byte 14: found `fortnight`, expected a unit: ns, us, ms, s, min, h or d",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    offset: usize,
    found: String<MAX_FOUND_LEN>,
    problem: Problem,
}

impl ParseError {
    pub(super) fn new(text: &str, offset: usize, problem: Problem) -> Self {
        let mut found = String::new();
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        for (position, character) in text.get(offset..).unwrap_or_default().chars().enumerate() {
            let more = position == 0 || (is_word(character) && found.chars().all(is_word));
            // A longer token is cut short.
            if !more || found.push(character).is_err() {
                break;
            }
        }
        Self { offset, found, problem }
    }

    /// The byte at which the text goes wrong, counted from 0; its length if something is missing.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The token at [`Self::offset`], its first 32 bytes at the most; empty at the end of the text.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What is wrong with it.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: ", self.offset)?;
        if self.found.is_empty() {
            f.write_str("found the end of the text, ")?;
        } else {
            write!(f, "found `{}`, ", self.found)?;
        }
        write!(f, "{}", self.problem)
    }
}

impl core::error::Error for ParseError {}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Something else belongs here.
    Expected(&'static str),
    /// The underscores are not between digits, or two stand together.
    Underscores,
    /// The number is above what is accepted here.
    NumberTooLarge {
        /// The largest accepted.
        max: u64,
    },
    /// The option is for rules of another kind.
    OptionOfOtherKind {
        /// The kind that takes it.
        kind: &'static str,
    },
    /// The option was given before.
    OptionTwice,
    /// The name is not one.
    Name(NameError),
    /// The name is an earlier rule's.
    NameTwice,
    /// The rule is one more than a plan may have.
    TooManyRules,
    /// The numbers are no quota.
    Quota(QuotaError),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expected(what) => write!(f, "expected {what}"),
            Self::Underscores => write!(f, "expected single underscores between digits"),
            Self::NumberTooLarge { max } => write!(f, "expected at most {max}"),
            Self::OptionOfOtherKind { kind } => write!(f, "expected only in a {kind} rule"),
            Self::OptionTwice => write!(f, "expected once only"),
            Self::Name(error) => write!(f, "{error}"),
            Self::NameTwice => write!(f, "expected a name that no earlier rule has"),
            Self::TooManyRules => write!(f, "expected {MAX_RULES} rules at the most"),
            Self::Quota(error) => write!(f, "{error}"),
        }
    }
}
