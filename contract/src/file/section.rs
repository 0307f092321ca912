//! A table of the file: its values by key, each with its place, and faults for what is not one.

use core::ops::Range;
use core::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::text::Text;
use crate::contract_error::Faults;

/// The most characters of the file that a fault repeats.
const MAX_FOUND_LEN: usize = 40;

/// A table of the file.
#[derive(Clone, Debug)]
pub(super) struct Section<'d> {
    /// As it is written: `[[rule]]`, `[response]`.
    pub(super) title: &'static str,
    table: &'d DeTable<'d>,
    span: Range<usize>,
}

impl<'d> Section<'d> {
    pub(super) const fn new(
        title: &'static str,
        table: &'d DeTable<'d>,
        span: Range<usize>,
    ) -> Self {
        Self { title, table, span }
    }

    /// Where the table begins.
    pub(super) const fn start(&self) -> usize {
        self.span.start
    }

    /// A fault for each key that is not among `keys`.
    pub(super) fn accept_keys(&self, keys: &[&str], faults: &mut Faults<'_>) {
        for key in self.table.keys() {
            let found = key.get_ref().as_ref();
            if !keys.contains(&found) {
                let expected = format!("expected one of {}", list(keys));
                let found = format!("the key {}", quoted(found));
                faults.add(key.span().start, self.title, found, expected);
            }
        }
    }

    /// Where `key` is written, or the start of the table.
    pub(super) fn place_of(&self, key: &str) -> usize {
        let found = self.table.keys().find(|name| name.get_ref().as_ref() == key);
        found.map_or(self.span.start, |name| name.span().start)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Every key with its value, a string, in the order of the file.
    pub(super) fn all_texts(&self, faults: &mut Faults<'_>) -> Vec<(Text<'d>, Text<'d>)> {
        let mut texts = Vec::new();
        for (key, value) in self.table.iter() {
            let name = Text { value: key.get_ref().as_ref(), span: key.span() };
            if let Some(text) = text(name.value, value, faults) {
                texts.push((name, text));
            }
        }
        texts.sort_by_key(|(name, _)| name.span.start);
        texts
    }

    /// The string at `key`.
    pub(super) fn text(&self, key: &'static str, faults: &mut Faults<'_>) -> Option<Text<'d>> {
        text(key, self.table.get(key)?, faults)
    }

    /// As [`Self::text`], with a fault if the key is missing.
    pub(super) fn needed_text(
        &self,
        key: &'static str,
        what: &str,
        faults: &mut Faults<'_>,
    ) -> Option<Text<'d>> {
        if !self.table.contains_key(key) {
            let expected = format!("expected {key} = {what}");
            faults.add(self.span.start, self.title, format!("no `{key}`"), expected);
        }
        self.text(key, faults)
    }

    /// The strings of the list at `key`, of at least one.
    pub(super) fn texts(
        &self,
        key: &'static str,
        faults: &mut Faults<'_>,
    ) -> Option<Vec<Text<'d>>> {
        let value = self.table.get(key)?;
        let expected = "expected a list of strings, with at least one";
        let DeValue::Array(items) = value.get_ref() else {
            faults.add(value.span().start, key, found(value, faults.text()), expected);
            return None;
        };
        if items.is_empty() {
            faults.add(value.span().start, key, "an empty list", expected);
            return None;
        }
        Some(items.iter().filter_map(|item| text(key, item, faults)).collect())
    }

    /// The truth value at `key`.
    pub(super) fn truth(&self, key: &'static str, faults: &mut Faults<'_>) -> Option<bool> {
        let value = self.table.get(key)?;
        if let DeValue::Boolean(truth) = value.get_ref() {
            return Some(*truth);
        }
        faults.add(value.span().start, key, found(value, faults.text()), "expected true or false");
        None
    }

    /// The integer at `key`, within `range`.
    pub(super) fn integer(
        &self,
        key: &'static str,
        range: RangeInclusive<u32>,
        faults: &mut Faults<'_>,
    ) -> Option<u32> {
        let value = self.table.get(key)?;
        if let DeValue::Integer(integer) = value.get_ref() {
            let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
            if let Some(number) = number.filter(|number| range.contains(number)) {
                return Some(number);
            }
        }
        let expected = format!("expected an integer from {} to {}", range.start(), range.end());
        faults.add(value.span().start, key, found(value, faults.text()), expected);
        None
    }

    /// What the word at `key` stands for.
    pub(super) fn word<T: Copy>(
        &self,
        key: &'static str,
        words: &[(&str, T)],
        faults: &mut Faults<'_>,
    ) -> Option<T> {
        let text = self.text(key, faults)?;
        let meaning = words.iter().find(|(word, _)| *word == text.value).map(|&(_, it)| it);
        if meaning.is_none() {
            let accepted: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let expected = format!("expected one of {}", list(&accepted));
            faults.add(text.span.start, key, quoted(text.value), expected);
        }
        meaning
    }

    /// The table at `key`.
    pub(super) fn section(
        &self,
        key: &'static str,
        title: &'static str,
        faults: &mut Faults<'_>,
    ) -> Option<Section<'d>> {
        let value = self.table.get(key)?;
        if let DeValue::Table(table) = value.get_ref() {
            return Some(Section::new(title, table, value.span()));
        }
        let expected = format!("expected the table {title}");
        faults.add(value.span().start, key, found(value, faults.text()), expected);
        None
    }

    /// The tables of the list at `key`; none, and a fault, if it is no list.
    pub(super) fn sections(
        &self,
        key: &'static str,
        title: &'static str,
        faults: &mut Faults<'_>,
    ) -> Option<Vec<Section<'d>>> {
        let Some(value) = self.table.get(key) else { return Some(Vec::new()) };
        let place = self.place_of(key);
        let DeValue::Array(items) = value.get_ref() else {
            let expected = format!("expected {title}, with two brackets each");
            faults.add(place, key, found(value, faults.text()), expected);
            return None;
        };
        let mut sections = Vec::new();
        for item in items.iter() {
            if let DeValue::Table(table) = item.get_ref() {
                sections.push(Section::new(title, table, item.span()));
            } else {
                let expected = format!("expected tables {title}");
                faults.add(item.span().start, key, found(item, faults.text()), expected);
            }
        }
        Some(sections)
    }
}

fn text<'d>(
    key: &str,
    value: &'d Spanned<DeValue<'d>>,
    faults: &mut Faults<'_>,
) -> Option<Text<'d>> {
    if let DeValue::String(text) = value.get_ref() {
        return Some(Text { value: text.as_ref(), span: value.span() });
    }
    faults.add(value.span().start, short(key), found(value, faults.text()), "expected a string");
    None
}

/// What a value is, as a fault tells it: its type, and how it is written where that is short.
fn found(value: &Spanned<DeValue<'_>>, file: &str) -> String {
    let kind = match value.get_ref() {
        DeValue::String(_) => "the string",
        DeValue::Integer(_) => "the integer",
        DeValue::Float(_) => "the float",
        DeValue::Boolean(_) => "the truth value",
        DeValue::Datetime(_) => "the date",
        DeValue::Array(_) => return "a list".into(),
        DeValue::Table(_) => return "a table".into(),
    };
    format!("{kind} {}", short(file.get(value.span()).unwrap_or_default()))
}

/// A string as a fault shows it.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", short(text))
}

/// The start of a text of the file, with escapes in place of characters that are not to be seen.
pub(super) fn short(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_FOUND_LEN).flat_map(char::escape_debug).collect();
    if text.chars().count() > MAX_FOUND_LEN {
        shown.push_str("...");
    }
    shown.replace("\\\"", "\"").replace("\\'", "'")
}

/// `a`, `b` or `c`.
pub(super) fn list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}
