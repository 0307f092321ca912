//! What is wrong with the text of a contract: every fault with its place.
//!
//! Lines and columns count from 1; a column is a character, a tab included. A byte order mark at the
//! start of the text is no character of its first line.
//!
//! Places are worked out once all faults are known, in one pass over the text, so that the time for
//! a text that is nothing but faults grows with its length only.

use core::fmt;

/// What is wrong with the text of a contract: at least one fault, in the order of the text.
///
/// ```
/// use ratecell_contract::Contract;
///
/// let text = "name = \"shop\"\n[[rule]]\nname = \"reads\"\nlimit = \"fixed 10/fortnight\"\nby = \"ip\"\n";
/// let error = Contract::parse(text).unwrap_err();
/// let fault = &error.faults()[0];
/// assert_eq!((fault.line(), fault.column()), (4, 19));
/// assert_eq!(
///     fault.to_string(),
///     "4:19: limit: found `fortnight`, expected a unit: ns, us, ms, s, min, h or d",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractError {
    faults: Vec<Fault>,
}

impl ContractError {
    /// Each fault, in the order of the text; never empty.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

impl fmt::Display for ContractError {
    /// One fault a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, fault) in self.faults.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl core::error::Error for ContractError {}

/// One fault in the text of a contract: where, what was found there and what is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    offset: usize,
    line: usize,
    column: usize,
    subject: String,
    found: String,
    expected: String,
}

impl Fault {
    /// The byte at which it is, counted from 0.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The line, counted from 1.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The character in the line, counted from 1.
    pub const fn column(&self) -> usize {
        self.column
    }

    /// What it is about: a key such as `limit`, or a table such as `[response]`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What was found.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What is accepted, as the end of a sentence.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, subject, found, expected, .. } = self;
        write!(f, "{line}:{column}: {subject}: found {found}, {expected}")
    }
}

/// Collects the faults of a text while it is read.
#[derive(Debug)]
pub(crate) struct Faults<'t> {
    text: &'t str,
    list: Vec<Fault>,
}

impl<'t> Faults<'t> {
    pub(crate) const fn new(text: &'t str) -> Self {
        Self { text, list: Vec::new() }
    }

    pub(crate) const fn text(&self) -> &'t str {
        self.text
    }

    /// Adds a fault at a byte of the text. `expected` ends the sentence: `expected a unit`.
    pub(crate) fn add(
        &mut self,
        offset: usize,
        subject: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        self.list.push(Fault {
            offset,
            line: 1,
            column: 1,
            subject: subject.into(),
            found: found.into(),
            expected: expected.into(),
        });
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The error of all faults. Whoever gives no contract has added one.
    pub(crate) fn into_error(mut self) -> ContractError {
        if self.list.is_empty() {
            self.add(0, "the contract", "a text that cannot be read", "expected a contract");
        }
        self.list.sort_by_key(|fault| fault.offset);
        let mut place = Place::START;
        for fault in &mut self.list {
            place.move_to(fault.offset, self.text);
            (fault.line, fault.column) = (place.line, place.column);
        }
        // What several rules share is read for each of them.
        self.list.dedup();
        ContractError { faults: self.list }
    }
}

/// A place in a text that moves forward only.
struct Place {
    offset: usize,
    line: usize,
    column: usize,
}

impl Place {
    const START: Self = Self { offset: 0, line: 1, column: 1 };

    fn move_to(&mut self, offset: usize, text: &str) {
        for (at, character) in text[self.offset..offset].char_indices() {
            match character {
                '\n' => (self.line, self.column) = (self.line + 1, 1),
                '\u{feff}' if self.offset + at == 0 => {}
                _ => self.column += 1,
            }
        }
        self.offset = offset;
    }
}
