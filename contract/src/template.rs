//! A body or a header value with places for the numbers of a decision, compiled once.
//!
//! A placeholder is a known name in braces, such as `{limit}`; a brace that is not followed by a
//! lower-case name and a brace is itself, so JSON needs no escaping. In JSON a placeholder knows
//! whether it stands inside a string: there a text is escaped, elsewhere it brings its own quotes
//! and an unknown number is `null`. Outside JSON an unknown number is the word `unknown`.
//!
//! - T1: a body that is JSON for one decision is JSON for all.

use core::fmt::Write as _;

/// Something that a template may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    RuleName,
    RuleMessage,
    Limit,
    Remaining,
    Window,
    WindowSeconds,
    RetryAfterSeconds,
    ResetSeconds,
    ResetUnix,
    RequestId,
    ConcurrencyLimit,
    ConcurrencyRunning,
}

/// Each placeholder with what it is for, in the order in which a fault lists them.
pub(crate) const WORDS: [(&str, Word); 12] = [
    ("rule.name", Word::RuleName),
    ("rule.message", Word::RuleMessage),
    ("limit", Word::Limit),
    ("remaining", Word::Remaining),
    ("window", Word::Window),
    ("window_seconds", Word::WindowSeconds),
    ("retry_after_seconds", Word::RetryAfterSeconds),
    ("reset_seconds", Word::ResetSeconds),
    ("reset_unix", Word::ResetUnix),
    ("request_id", Word::RequestId),
    ("concurrency.limit", Word::ConcurrencyLimit),
    ("concurrency.running", Word::ConcurrencyRunning),
];

/// What a placeholder shows for one decision.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shown<'v> {
    Number(u64),
    Text(&'v str),
    /// Nobody can know it, such as the wait for a permit.
    Unknown,
}

/// Gives what each placeholder shows.
pub(crate) trait Values {
    fn shown(&self, word: Word) -> Shown<'_>;
}

/// How texts are written into a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    Plain,
    Json,
}

/// A text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(Box<str>),
    Placeholder { word: Word, place: Place, offset: usize },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Plain,
    JsonString,
    JsonValue,
}

/// Why a text is not a template: the byte, and what was found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TemplateError {
    /// No placeholder has this name.
    UnknownPlaceholder { offset: usize, found: String },
    /// What it makes is not JSON.
    NotJson { offset: usize, problem: String },
}

impl Template {
    /// Compiles a text.
    pub(crate) fn new(text: &str, syntax: Syntax) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut string = JsonString::default();
        let (mut literal_start, mut at) = (0, 0);
        while let Some(found) = text[at..].find('{') {
            let brace = at + found;
            let Some(name) = placeholder_name(&text[brace + 1..]) else {
                at = brace + 1;
                continue;
            };
            let Some(&(_, word)) = WORDS.iter().find(|(known, _)| *known == name) else {
                let found = name.to_owned();
                return Err(TemplateError::UnknownPlaceholder { offset: brace, found });
            };
            let literal = &text[literal_start..brace];
            string.read(literal);
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.into()));
            }
            let place = match (syntax, string.is_open) {
                (Syntax::Plain, _) => Place::Plain,
                (Syntax::Json, true) => Place::JsonString,
                (Syntax::Json, false) => Place::JsonValue,
            };
            pieces.push(Piece::Placeholder { word, place, offset: brace });
            at = brace + name.len() + 2;
            literal_start = at;
        }
        if literal_start < text.len() {
            pieces.push(Piece::Literal(text[literal_start..].into()));
        }
        let template = Self { pieces };
        if syntax == Syntax::Json {
            template.check_json()?;
        }
        Ok(template)
    }

    /// Whether it shows `word`; the byte of the first place where it does.
    pub(crate) fn place_of(&self, wanted: Word) -> Option<usize> {
        self.placeholders().find(|&(word, _)| word == wanted).map(|(_, offset)| offset)
    }

    /// Each placeholder with its byte in the text.
    pub(crate) fn placeholders(&self) -> impl Iterator<Item = (Word, usize)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Placeholder { word, offset, .. } => Some((*word, *offset)),
        })
    }

    /// Appends what it makes of `values`.
    pub(crate) fn render(&self, values: &impl Values, out: &mut String) {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Placeholder { word, place, .. } => show(values.shown(*word), *place, out),
            }
        }
    }

    /// As [`Self::render`], or false and nothing if a placeholder is unknown.
    pub(crate) fn render_known(&self, values: &impl Values, out: &mut String) -> bool {
        let is_unknown = |(word, _)| matches!(values.shown(word), Shown::Unknown);
        if self.placeholders().any(is_unknown) {
            return false;
        }
        self.render(values, out);
        true
    }

    /// Whether it makes JSON: with all numbers known, and with none.
    fn check_json(&self) -> Result<(), TemplateError> {
        for sample in [Sample(Shown::Number(1)), Sample(Shown::Unknown)] {
            let mut made = String::new();
            self.render(&sample, &mut made);
            if let Err(error) = serde_json::from_str::<serde_json::Value>(&made) {
                let offset = if error.is_eof() {
                    made.len()
                } else {
                    byte_at(&made, error.line(), error.column())
                };
                let offset = self.source_of(&sample, offset);
                let problem = error.to_string();
                let problem = problem.rsplit_once(" at line").map_or(&*problem, |(why, _)| why);
                return Err(TemplateError::NotJson { offset, problem: problem.to_owned() });
            }
        }
        Ok(())
    }

    /// The byte of the text that made the byte at `offset` of what it makes of a sample.
    fn source_of(&self, sample: &Sample, offset: usize) -> usize {
        let (mut made, mut source) = (String::new(), 0);
        for piece in &self.pieces {
            let before = made.len();
            match piece {
                Piece::Literal(text) => made.push_str(text),
                Piece::Placeholder { word, place, offset } => {
                    source = *offset;
                    show(sample.shown(*word), *place, &mut made);
                }
            }
            if made.len() > offset {
                let within = matches!(piece, Piece::Literal(_));
                return source + if within { offset - before } else { 0 };
            }
            source += match piece {
                Piece::Literal(text) => text.len(),
                Piece::Placeholder { word, .. } => name_of(*word).len() + 2,
            };
        }
        source
    }
}

/// The name in `name}...`.
fn placeholder_name(rest: &str) -> Option<&str> {
    // It looks no further than the name goes on, so that a text of braces is read in one go.
    let is_name = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'.');
    let (name, rest) = rest.split_at(rest.bytes().take_while(is_name).count());
    (!name.is_empty() && rest.starts_with('}')).then_some(name)
}

pub(crate) fn name_of(word: Word) -> &'static str {
    WORDS.iter().find(|(_, other)| *other == word).map_or("", |(name, _)| name)
}

fn show(shown: Shown<'_>, place: Place, out: &mut String) {
    match (shown, place) {
        (Shown::Number(number), _) => out.push_str(itoa::Buffer::new().format(number)),
        (Shown::Text(text), Place::Plain) => out.push_str(text),
        (Shown::Text(text), Place::JsonString) => push_json(text, out),
        (Shown::Text(text), Place::JsonValue) => {
            out.push('"');
            push_json(text, out);
            out.push('"');
        }
        (Shown::Unknown, Place::JsonValue) => out.push_str("null"),
        (Shown::Unknown, Place::Plain | Place::JsonString) => out.push_str("unknown"),
    }
}

/// Appends a text as the inside of a JSON string. SOURCE: RFC 8259 section 7.
fn push_json(text: &str, out: &mut String) {
    let mut plain_start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !matches!(byte, b'"' | b'\\' | 0..=0x1f) {
            continue;
        }
        out.push_str(&text[plain_start..at]);
        plain_start = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            // Writing to a String does not fail.
            _ => drop(write!(out, "\\u{byte:04x}")),
        }
    }
    out.push_str(&text[plain_start..]);
}

/// Whether the end of what was read is inside a JSON string.
#[derive(Default)]
struct JsonString {
    is_open: bool,
}

impl JsonString {
    fn read(&mut self, literal: &str) {
        let mut escaped = false;
        for byte in literal.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if self.is_open => escaped = true,
                b'"' => self.is_open = !self.is_open,
                _ => {}
            }
        }
    }
}

/// Shows the same number everywhere, and a short text where a text belongs.
struct Sample(Shown<'static>);

impl Values for Sample {
    fn shown(&self, word: Word) -> Shown<'_> {
        match word {
            Word::RuleName | Word::RuleMessage | Word::RequestId => Shown::Text("x"),
            _ => self.0,
        }
    }
}

/// The byte of a place that `serde_json` tells, whose columns are bytes, counted from 1.
fn byte_at(text: &str, line: usize, column: usize) -> usize {
    let lines_before = text.split_inclusive('\n').take(line.saturating_sub(1));
    lines_before.map(str::len).sum::<usize>() + column.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::{Shown, Syntax, Template, TemplateError, Values, Word};

    struct Fixed;

    impl Values for Fixed {
        fn shown(&self, word: Word) -> Shown<'_> {
            match word {
                Word::Limit => Shown::Number(60),
                Word::RuleMessage => Shown::Text("a \"b\"\n\u{1}\u{e9}"),
                _ => Shown::Unknown,
            }
        }
    }

    fn rendered(text: &str, syntax: Syntax) -> String {
        let mut out = String::new();
        Template::new(text, syntax).unwrap().render(&Fixed, &mut out);
        out
    }

    #[test]
    fn a_text_is_escaped_inside_a_json_string_and_quoted_outside() {
        let json = rendered(r#"{"a":"\" {rule.message}","b":{rule.message}}"#, Syntax::Json);
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["a"], "\" a \"b\"\n\u{1}\u{e9}");
        assert_eq!(value["b"], "a \"b\"\n\u{1}\u{e9}");
    }

    #[test]
    fn an_unknown_number_is_null_in_json_and_a_word_elsewhere() {
        let body = r#"{"a":{remaining},"b":"{remaining}","c":{limit}}"#;
        assert_eq!(rendered(body, Syntax::Json), r#"{"a":null,"b":"unknown","c":60}"#);
        assert_eq!(rendered("wait {retry_after_seconds} s", Syntax::Plain), "wait unknown s");
    }

    #[test]
    fn braces_that_hold_no_name_are_themselves() {
        assert_eq!(rendered(r#"{"a":{}}"#, Syntax::Json), r#"{"a":{}}"#);
        assert_eq!(rendered("{ {} {A} {limit", Syntax::Plain), "{ {} {A} {limit");
    }

    #[test]
    fn what_is_not_json_is_found_at_its_byte() {
        let offset = |text| match Template::new(text, Syntax::Json) {
            Err(TemplateError::NotJson { offset, .. }) => offset,
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(offset(r#"{"limit":{limit},}"#), 17);
        assert_eq!(offset(r#"{"a":{limit}{limit}}"#), 12);
        assert_eq!(offset("{\"a\":1,\n\"b\" 2}"), 12);
        assert_eq!(offset(r#"{"a":"{limit}"#), 13);
        assert_eq!(offset(""), 0);
    }

    #[test]
    fn an_unknown_placeholder_is_found_at_its_brace() {
        let error = Template::new("a {limitt}", Syntax::Plain).unwrap_err();
        let found = "limitt".to_owned();
        assert_eq!(error, TemplateError::UnknownPlaceholder { offset: 2, found });
    }
}
