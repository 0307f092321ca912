//! Why a run of the cases did not pass, and where.

use std::fmt;
use std::path::PathBuf;

/// The first thing that was not as expected, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where it is; boxed to keep the success of a call small.
    pub place: Box<Place>,
    /// What was expected. An answer is written as in the file.
    pub expected: String,
    /// What was found instead.
    pub found: String,
}

/// A place in the cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file or folder.
    pub file: PathBuf,
    /// The line, from 1; none when the whole file is at fault.
    pub line: Option<usize>,
    /// The case's name; none when the line could not be read.
    pub case: Option<String>,
    /// The step's index, from 0; none when the whole case is at fault.
    pub step: Option<usize>,
}

impl Place {
    pub(crate) fn file(file: PathBuf) -> Self {
        Self { file, line: None, case: None, step: None }
    }

    pub(crate) fn failure(&self, expected: impl Into<String>, found: impl Into<String>) -> Failure {
        Failure { place: Box::new(self.clone()), expected: expected.into(), found: found.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  expected: {}\n  found:    {}", self.place, self.expected, self.found)
    }
}

impl std::error::Error for Failure {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(case) = &self.case {
            write!(f, ": case {case}")?;
        }
        if let Some(step) = self.step {
            write!(f, ", step index {step}")?;
        }
        Ok(())
    }
}
