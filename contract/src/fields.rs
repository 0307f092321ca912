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

    fn ending_at(&self, end: u32) -> Self {
        match self {
            Self::Known { name, .. } => Self::Known { name, end },
            Self::Own { name, .. } => Self::Own { name: Arc::clone(name), end },
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

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value of a field, its name in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// What a response carries of several outcomes about its request: those of stages or layers that
    /// it passed one by one, the outermost or earliest first.
    ///
    /// The later one, which knows more of the caller, has the word. Lists, which name the rule that
    /// each number is of, are put together in order, and no family such as `X-RateLimit-…` is made
    /// of two outcomes' numbers.
    pub fn merged(outcomes: &[&Self]) -> Self {
        let mut merged = Self::default();
        let mut later = outcomes;
        let mut earlier = Vec::with_capacity(outcomes.len());
        while let Some((fields, rest)) = later.split_first() {
            later = rest;
            for (entry, (name, value)) in fields.entries.iter().zip(fields.iter()) {
                if later.iter().any(|fields| fields.outdoes(name, value)) {
                    continue;
                }
                let lists = earlier.iter().filter_map(|fields: &&Self| fields.get(name));
                for list in lists.filter(|list| is_list(list) && is_list(value)) {
                    merged.text.push_str(list);
                    merged.text.push_str(", ");
                }
                merged.text.push_str(value);
                let end = merged.end();
                merged.entries.push(entry.ending_at(end));
            }
            earlier.push(*fields);
        }
        merged
    }

    /// Whether an earlier outcome's field is not shown beside these.
    fn outdoes(&self, name: &str, value: &str) -> bool {
        self.iter().any(|(ours, _)| {
            ours.eq_ignore_ascii_case(name) || (!is_list(value) && are_kin(ours, name))
        })
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

/// For languages that keep fields as texts of their own. Values are taken as they are, so they must be
/// what [`Fields::iter`] gave.
impl<'f> FromIterator<(&'f str, &'f str)> for Fields {
    fn from_iter<I: IntoIterator<Item = (&'f str, &'f str)>>(pairs: I) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs {
            fields.push_own(&Arc::from(name), |text| {
                text.push_str(value);
                true
            });
        }
        fields
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Whether a value is a list of rules: its members begin with the name of one, in quotes.
fn is_list(value: &str) -> bool {
    value.starts_with('"')
}

/// Whether two fields speak of one rule together, such as `X-RateLimit-Limit` and
/// `X-RateLimit-Remaining`: they must come from one outcome.
fn are_kin(one: &str, other: &str) -> bool {
    const FAMILIES: [&str; 3] = ["x-ratelimit-", "x-concurrency-", "ratelimit-"];
    let begins = |name: &str, family: &str| {
        name.get(..family.len()).is_some_and(|start| start.eq_ignore_ascii_case(family))
    };
    FAMILIES.iter().any(|family| begins(one, family) && begins(other, family))
}

#[cfg(test)]
mod tests {
    use super::Fields;

    fn fields(pairs: &[(&'static str, &str)]) -> Fields {
        let mut fields = Fields::default();
        for (name, value) in pairs {
            fields.push(name, value);
        }
        fields
    }

    fn merged(outcomes: &[Fields]) -> Vec<String> {
        let outcomes: Vec<_> = outcomes.iter().collect();
        let merged = Fields::merged(&outcomes);
        merged.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    #[test]
    fn the_later_outcome_has_the_word_and_no_family_is_mixed() {
        let outer = fields(&[
            ("X-RateLimit-Limit", "300"),
            ("X-RateLimit-Reset", "7"),
            ("X-Concurrency-Limit", "8"),
            ("Request-Id", "outer"),
        ]);
        let inner = fields(&[
            ("x-ratelimit-limit", "60"),
            ("X-RateLimit-Remaining", "1"),
            ("request-id", "inner"),
        ]);
        assert_eq!(
            merged(&[outer, inner]),
            [
                "X-Concurrency-Limit: 8",
                "x-ratelimit-limit: 60",
                "X-RateLimit-Remaining: 1",
                "request-id: inner"
            ]
        );
    }

    #[test]
    fn fields_that_were_texts_are_the_same_again() {
        let once = fields(&[("RateLimit", "\"ip\";r=9"), ("Retry-After", "7")]);
        let again: Fields = once.iter().collect();
        assert!(again.iter().eq(once.iter()));
    }

    #[test]
    fn lists_of_rules_are_put_together_in_order() {
        let outer = fields(&[("RateLimit", "\"all\";r=5"), ("RateLimit-Policy", "\"all\";q=5")]);
        let middle = fields(&[("RateLimit", "\"ip\";r=9")]);
        let inner = fields(&[("RateLimit", "\"key\";r=3"), ("RateLimit-Limit", "5")]);
        assert_eq!(
            merged(&[outer, middle, inner]),
            [
                "RateLimit-Policy: \"all\";q=5",
                "RateLimit: \"all\";r=5, \"ip\";r=9, \"key\";r=3",
                "RateLimit-Limit: 5"
            ]
        );
        let draft_7 = fields(&[("RateLimit", "limit=5, remaining=1")]);
        let list = fields(&[("RateLimit", "\"ip\";r=9")]);
        assert_eq!(merged(&[list.clone(), draft_7.clone()]), ["RateLimit: limit=5, remaining=1"]);
        assert_eq!(merged(&[draft_7, list]), ["RateLimit: \"ip\";r=9"]);
    }
}
