//! Cuts the text of a plan into words, integers and marks. Every token may be preceded by spaces.

use super::parse_error::{ParseError, Problem};
use crate::name::Name;

/// A token that was found, and where.
#[derive(Clone, Copy)]
pub(super) struct At<T> {
    pub(super) offset: usize,
    pub(super) token: T,
}

#[derive(Clone, Copy)]
pub(super) struct Lexer<'t> {
    text: &'t str,
    /// Bytes read so far; always at a character's start, since only ASCII is ever passed over.
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The offset of the next token, or the text's length.
    pub(super) fn offset(&mut self) -> usize {
        self.take_while(|byte| byte.is_ascii_whitespace());
        self.at
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.offset() == self.text.len()
    }

    /// A run of letters.
    pub(super) fn word(&mut self) -> Option<At<&'t str>> {
        let offset = self.offset();
        let token = self.take_while(|byte| byte.is_ascii_alphabetic());
        (!token.is_empty()).then_some(At { offset, token })
    }

    /// A run of what a name may hold, starting with a letter.
    pub(super) fn name(&mut self) -> Option<At<&'t str>> {
        let offset = self.offset();
        if !self.next_byte()?.is_ascii_alphabetic() {
            return None;
        }
        let token = self.take_while(Name::may_hold);
        Some(At { offset, token })
    }

    /// Digits, with single underscores between them; above 2^64 - 1 they count as that.
    pub(super) fn integer(&mut self) -> Result<Option<At<u64>>, ParseError> {
        let offset = self.offset();
        if !self.next_byte().is_some_and(|byte| byte.is_ascii_digit()) {
            return Ok(None);
        }
        let token = self.take_while(|byte| byte.is_ascii_digit() || byte == b'_');
        // By bytes: a search for a text keeps a bounds check where code is made small.
        let is_double = |pair: &[u8]| pair == b"__";
        if token.ends_with('_') || token.as_bytes().windows(2).any(is_double) {
            return Err(self.error_at(offset, Problem::Underscores));
        }
        // What does not fit 64 bits is above whatever is accepted anywhere.
        let value = token.bytes().filter(u8::is_ascii_digit).fold(0_u64, |value, digit| {
            value.saturating_mul(10).saturating_add(u64::from(digit.wrapping_sub(b'0')))
        });
        Ok(Some(At { offset, token: value }))
    }

    /// Passes over `mark` if it is next.
    pub(super) fn eat(&mut self, mark: u8) -> bool {
        self.offset();
        let found = self.next_byte() == Some(mark);
        if found {
            self.at = self.at.saturating_add(1);
        }
        found
    }

    /// An error about the next token.
    pub(super) fn error(&mut self, problem: Problem) -> ParseError {
        let offset = self.offset();
        self.error_at(offset, problem)
    }

    /// An error about the token at `offset`.
    pub(super) fn error_at(&self, offset: usize, problem: Problem) -> ParseError {
        ParseError::new(self.text, offset, problem)
    }

    fn next_byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take_while(&mut self, keep: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = rest.bytes().position(|byte| !keep(byte)).unwrap_or(rest.len());
        self.at = self.at.saturating_add(len);
        rest.get(..len).unwrap_or_default()
    }
}
