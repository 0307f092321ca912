//! A string of the file that knows where each of its bytes stands.
//!
//! A rule or a body is a language of its own inside a TOML string; its faults are shown at their
//! own place in the file, also after escapes.

use core::ops::Range;

/// A string value with its place in the file.
#[derive(Clone, Debug)]
pub(super) struct Text<'d> {
    /// The string as TOML decodes it.
    pub(super) value: &'d str,
    /// Where it stands, quotes included.
    pub(super) span: Range<usize>,
}

impl Text<'_> {
    /// Where in the file the byte at `offset` of the value stands.
    pub(super) fn place(&self, file: &str, offset: usize) -> usize {
        self.places(file).of(offset)
    }

    /// The places of several bytes, found in one walk through the text.
    pub(super) fn places<'f>(&self, file: &'f str) -> Places<'f> {
        let raw = file.get(self.span.clone()).unwrap_or_default();
        let (opening, has_escapes) = match raw.as_bytes() {
            [b'"', b'"', b'"', ..] => (3, true),
            [b'\'', b'\'', b'\'', ..] => (3, false),
            [b'"', ..] => (1, true),
            [b'\'', ..] => (1, false),
            _ => (0, false),
        };
        let mut at = opening;
        if opening == 3 {
            // A newline right after the opening quotes is no part of the value.
            let rest = raw.get(at..).unwrap_or_default();
            at += if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
        }
        Places { raw, start: self.span.start, has_escapes, at, decoded: 0 }
    }
}

/// A walk through a string as it stands in the file.
pub(super) struct Places<'f> {
    raw: &'f str,
    /// Where `raw` begins in the file.
    start: usize,
    has_escapes: bool,
    /// How far it has come, in `raw` and in the value.
    at: usize,
    decoded: usize,
}

impl Places<'_> {
    /// Where in the file the byte at `offset` of the value stands. Offsets come in ascending order.
    pub(super) fn of(&mut self, offset: usize) -> usize {
        while self.decoded < offset {
            let rest = self.raw.get(self.at..).unwrap_or_default();
            let Some(first) = rest.chars().next() else { break };
            let (width, length) = match first {
                '\\' if self.has_escapes => escape(rest),
                _ => (first.len_utf8(), first.len_utf8()),
            };
            self.at += width;
            self.decoded += length;
        }
        self.start + self.at
    }
}

/// How many bytes an escape takes in the file, and how many its value.
fn escape(raw: &str) -> (usize, usize) {
    let digits = match raw.as_bytes().get(1) {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        Some(b' ' | b'\t' | b'\r' | b'\n') => {
            // An escaped line end swallows all white space up to the next character.
            let rest = raw.get(1..).unwrap_or_default();
            return (raw.len() - rest.trim_start().len(), 0);
        }
        _ => return (2, 1),
    };
    let number = raw.get(2..2 + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let character = number.and_then(char::from_u32).unwrap_or_default();
    (2 + digits, character.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::Text;

    /// Where the `!` of each value stands in its file.
    #[test]
    fn a_byte_of_a_value_is_found_in_the_file_behind_any_escape() {
        for (raw, value) in [
            (r#""ab!""#, "ab!"),
            (r#""a\tb\"!""#, "a\tb\"!"),
            (r#""\u00e9\U0001F600\x41!""#, "\u{e9}\u{1F600}A!"),
            ("'a\\b!'", "a\\b!"),
            ("\"\"\"\nab!\"\"\"", "ab!"),
            ("'''\r\nab!'''", "ab!"),
            ("\"\"\"a\\\n   b!\"\"\"", "ab!"),
        ] {
            let file = format!("key = {raw}");
            let table = toml::de::DeTable::parse(&file).unwrap();
            let read = table.get_ref().get("key").unwrap().get_ref();
            assert_eq!(read.as_str(), Some(value), "{raw}");
            let text = Text { value, span: 6..file.len() };
            let offset = value.find('!').unwrap();
            assert_eq!(text.place(&file, offset), file.find('!').unwrap(), "{raw}");
        }
    }
}
