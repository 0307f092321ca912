//! A place in a text of bytes that moves forward only.

/// What is left to read.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'t> {
    rest: &'t [u8],
}

impl<'t> Cursor<'t> {
    pub(super) const fn new(text: &'t [u8]) -> Self {
        Self { rest: text }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(super) fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Steps over `byte` if it comes next, and says whether it did.
    pub(super) fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.next();
        }
        found
    }

    /// Steps over `text` if it comes next.
    pub(super) fn expect(&mut self, text: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// Takes the bytes up to the first that `fits` does not hold for.
    pub(super) fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'t [u8] {
        let len = self.rest.iter().take_while(|&&byte| fits(byte)).count();
        let (taken, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    /// Takes `len` bytes; none if there are fewer.
    pub(super) fn take(&mut self, len: usize) -> Option<&'t [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    pub(super) fn skip_all(&mut self, byte: u8) {
        self.take_while(|other| other == byte);
    }

    pub(super) fn skip_spaces(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t'));
    }

    pub(super) fn digits(&mut self) -> &'t [u8] {
        self.take_while(|byte| byte.is_ascii_digit())
    }
}

/// A number of one digit and more and nothing else: no sign, no space. One beyond the largest counts
/// as the largest: to its reader, a wait that long or a limit that high are the same.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &digit| {
        let digit = digit.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        Some(number.saturating_mul(10).saturating_add(digit.into()))
    })
}

/// An integer of structured fields, 0 and more: with more than 15 digits it is none, and the field
/// malformed. SOURCE: RFC 9651 3.3.1.
pub(super) fn integer(digits: &[u8]) -> Option<u64> {
    if digits.len() > 15 { None } else { number(digits) }
}
