//! What a refusal's JSON body says of its limit.
//!
//! A scan and not a parser: it keeps track of where it is, checks the shape but not every letter,
//! and builds nothing. A body that breaks off or does not close is ignored whole. Keys with
//! escapes are not recognized; none that matter has any. SOURCE: RFC 8259.

use super::cursor::{Cursor, number};

/// The deepest nesting that is followed; a body nested deeper is ignored.
const MAX_DEPTH: usize = 32;

/// The members of a refusal's body that matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Body<'t> {
    /// `error.details.retry_after_seconds`, rounded up.
    pub(super) retry_after_seconds: Option<u64>,
    /// `error.details.limit`.
    pub(super) limit: Option<u64>,
    /// `error.details.window`, as it stands.
    pub(super) window: Option<&'t [u8]>,
    /// `error.details.reason`, as it stands.
    pub(super) reason: Option<&'t [u8]>,
    /// `error`, where it is a text.
    pub(super) error: Option<&'t [u8]>,
}

/// Reads a body; none if it is not JSON as far as this looks.
pub(super) fn read(text: &[u8]) -> Option<Body<'_>> {
    let mut scan = Scan { cursor: Cursor::new(text), body: Body::default() };
    scan.skip_white();
    scan.value(Place::Root, MAX_DEPTH)?;
    scan.skip_white();
    scan.cursor.is_at_end().then_some(scan.body)
}

/// Where a value stands, as far as it matters.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Error,
    Details,
    RetryAfter,
    Limit,
    Window,
    Reason,
    Elsewhere,
}

impl Place {
    const fn member(self, key: &[u8]) -> Self {
        match (self, key) {
            (Self::Root, b"error") => Self::Error,
            (Self::Error, b"details") => Self::Details,
            (Self::Details, b"retry_after_seconds") => Self::RetryAfter,
            (Self::Details, b"limit") => Self::Limit,
            (Self::Details, b"window") => Self::Window,
            (Self::Details, b"reason") => Self::Reason,
            _ => Self::Elsewhere,
        }
    }
}

struct Scan<'t> {
    cursor: Cursor<'t>,
    body: Body<'t>,
}

impl<'t> Scan<'t> {
    fn value(&mut self, place: Place, depth: usize) -> Option<()> {
        match self.cursor.peek()? {
            b'{' => self.object(place, depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b'"' => {
                let text = self.string()?;
                match place {
                    Place::Error => self.body.error = Some(text),
                    Place::Window => self.body.window = Some(text),
                    Place::Reason => self.body.reason = Some(text),
                    _ => {}
                }
                Some(())
            }
            b'-' | b'0'..=b'9' => {
                let word = self.cursor.take_while(is_number);
                match place {
                    Place::RetryAfter => self.body.retry_after_seconds = rounded_up(word),
                    Place::Limit => self.body.limit = number(word),
                    _ => {}
                }
                Some(())
            }
            b't' => self.cursor.expect(b"true"),
            b'f' => self.cursor.expect(b"false"),
            b'n' => self.cursor.expect(b"null"),
            _ => None,
        }
    }

    fn object(&mut self, place: Place, depth: usize) -> Option<()> {
        self.cursor.next();
        self.skip_white();
        if self.cursor.skip(b'}') {
            return Some(());
        }
        loop {
            self.skip_white();
            if self.cursor.peek() != Some(b'"') {
                return None;
            }
            let key = self.string()?;
            self.skip_white();
            self.cursor.expect(b":")?;
            self.skip_white();
            self.value(place.member(key), depth)?;
            self.skip_white();
            if self.cursor.skip(b'}') {
                return Some(());
            }
            self.cursor.expect(b",")?;
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.cursor.next();
        self.skip_white();
        if self.cursor.skip(b']') {
            return Some(());
        }
        loop {
            self.skip_white();
            self.value(Place::Elsewhere, depth)?;
            self.skip_white();
            if self.cursor.skip(b']') {
                return Some(());
            }
            self.cursor.expect(b",")?;
        }
    }

    /// Takes a string and gives what stands between its quotes.
    fn string(&mut self) -> Option<&'t [u8]> {
        self.cursor.next();
        let mut start = self.cursor;
        let mut len = 0_usize;
        loop {
            let byte = self.cursor.next()?;
            match byte {
                b'"' => return start.take(len),
                b'\\' => {
                    self.cursor.next()?;
                    len = len.checked_add(2)?;
                }
                0..=0x1f => return None,
                _ => len = len.checked_add(1)?,
            }
        }
    }

    fn skip_white(&mut self) {
        self.cursor.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }
}

const fn is_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}

/// A number such as `12`, `12.5` or `5e-05`, rounded up; one beyond the largest counts as that. None
/// for one below 0 and any other form.
fn rounded_up(word: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(word);
    let whole = cursor.digits();
    let has_fraction = cursor.skip(b'.');
    let fraction = if has_fraction { cursor.digits() } else { b"" };
    let moved = if cursor.skip(b'e') || cursor.skip(b'E') { exponent(&mut cursor)? } else { 0 };
    if whole.is_empty() || has_fraction && fraction.is_empty() || !cursor.is_at_end() {
        return None;
    }
    // So many digits stand before the point once the exponent has moved it.
    let before = i64::try_from(whole.len()).ok()?.saturating_add(moved);
    let before = usize::try_from(before.max(0)).unwrap_or(usize::MAX);
    let digits = || whole.iter().chain(fraction).map(|digit| digit.wrapping_sub(b'0'));
    let kept = digits()
        .take(before)
        .fold(0_u64, |number, digit| number.saturating_mul(10).saturating_add(digit.into()));
    let is_whole = digits().skip(before).all(|digit| digit == 0);
    let missing = before.saturating_sub(whole.len().saturating_add(fraction.len()));
    let scale = 10_u64.saturating_pow(u32::try_from(missing).unwrap_or(u32::MAX));
    Some(kept.saturating_mul(scale).saturating_add(u64::from(!is_whole)))
}

/// What follows the `e` of a number: by how many digits the point moves to the right.
fn exponent(cursor: &mut Cursor<'_>) -> Option<i64> {
    let is_negative = !cursor.skip(b'+') && cursor.skip(b'-');
    let size = i64::try_from(number(cursor.digits())?).unwrap_or(i64::MAX);
    Some(if is_negative { size.saturating_neg() } else { size })
}
