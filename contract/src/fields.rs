//! The header fields that a response must carry.

use core::fmt::{self, Write as _};
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
    entries: SmallVec<[Entry; 6]>,
}

/// A name, and where in the text its value ends. It begins where the one before ends.
///
/// The end stands in both variants beside the tag, which makes an entry a quarter smaller: outcomes
/// hold six and are moved about.
#[derive(Clone)]
enum Entry {
    Known { name: &'static str, end: u32 },
    Own { name: Arc<str>, end: u32 },
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Self::Known { name, .. } => name,
            Self::Own { name, .. } => name,
        }
    }

    const fn end(&self) -> usize {
        match self {
            Self::Known { end, .. } | Self::Own { end, .. } => *end as usize,
        }
    }
}

impl Fields {
    /// Each name with its value.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let value = self.text.get(start..entry.end()).unwrap_or_default();
            start = entry.end();
            (entry.name(), value)
        })
    }

    /// The value of a field, its name in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), entries: SmallVec::new() }
    }

    pub(crate) fn push_number(&mut self, name: &'static str, number: u64) {
        self.text.push_str(itoa::Buffer::new().format(number));
        self.entries.push(Entry::Known { name, end: self.end() });
    }

    pub(crate) fn push(&mut self, name: &'static str, value: impl fmt::Display) {
        // Writing to a String does not fail.
        let _ = write!(self.text, "{value}");
        self.entries.push(Entry::Known { name, end: self.end() });
    }

    /// Adds a field of the contract's own, unless `write` says that it has no value.
    pub(crate) fn push_own(&mut self, name: &Arc<str>, write: impl FnOnce(&mut String) -> bool) {
        if write(&mut self.text) {
            self.entries.push(Entry::Own { name: Arc::clone(name), end: self.end() });
        }
    }

    fn end(&self) -> u32 {
        // No response has 4 GB of header fields.
        u32::try_from(self.text.len()).unwrap_or(u32::MAX)
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
