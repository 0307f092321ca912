//! The header fields that a response must carry.

use core::fmt::{self, Write as _};
use core::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

/// The header fields that a response must carry, in order; no name comes twice. Values are visible
/// ASCII characters and spaces.
///
/// A service sets them in place of what the response carried under these names. Names stand as
/// published, such as `X-RateLimit-Limit`; HTTP takes them in any case.
#[derive(Clone, Default)]
pub struct Fields {
    /// All values, one after the other.
    text: String,
    entries: SmallVec<[(Name, Range<usize>); 6]>,
}

#[derive(Clone)]
enum Name {
    Known(&'static str),
    Own(Arc<str>),
}

impl Name {
    fn as_str(&self) -> &str {
        match self {
            Self::Known(name) => name,
            Self::Own(name) => name,
        }
    }
}

impl Fields {
    /// Each name with its value.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.entries
            .iter()
            .map(|(name, range)| (name.as_str(), self.text.get(range.clone()).unwrap_or_default()))
    }

    /// The value of a field, its name in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), entries: SmallVec::new() }
    }

    pub(crate) fn push_number(&mut self, name: &'static str, number: u64) {
        let start = self.text.len();
        self.text.push_str(itoa::Buffer::new().format(number));
        self.entries.push((Name::Known(name), start..self.text.len()));
    }

    pub(crate) fn push(&mut self, name: &'static str, value: impl fmt::Display) {
        let start = self.text.len();
        // Writing to a String does not fail.
        let _ = write!(self.text, "{value}");
        self.entries.push((Name::Known(name), start..self.text.len()));
    }

    /// Adds a field of the contract's own, unless `write` says that it has no value.
    pub(crate) fn push_own(&mut self, name: &Arc<str>, write: impl FnOnce(&mut String) -> bool) {
        let start = self.text.len();
        if write(&mut self.text) {
            self.entries.push((Name::Own(Arc::clone(name)), start..self.text.len()));
        }
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
