//! Lists of structured fields, as far as rate limits need them: RateLimit and RateLimit-Policy.
//!
//! A field with any error is ignored whole; parameters that are not known are passed over.
//! SOURCE: RFC 9651 4.2; draft-ietf-httpapi-ratelimit-headers-11, and -07 for `limit=10, ...`.

use heapless::Vec;

use super::cursor::{self, Cursor};
use crate::http::letters;

/// The most members of a field that are kept; any after them are read and dropped.
pub(super) const MAX_MEMBERS: usize = 16;

/// The members of a list, or what draft 7 has in its place.
pub(super) type Members<'t> = Vec<Member<'t>, MAX_MEMBERS>;

/// A member of RateLimit or RateLimit-Policy.
#[derive(Clone, Copy, Default)]
pub(super) struct Member<'t> {
    /// The policy's name as it stands between the quotes; empty in drafts 6 and 7.
    pub(super) name: &'t [u8],
    pub(super) quota: Option<u64>,
    pub(super) window: Option<u64>,
    pub(super) available: Option<u64>,
    pub(super) effective_window: Option<u64>,
    /// Whether it counts requests in flight.
    pub(super) is_concurrency: bool,
    /// Whether it counts something else than requests, of which one request is not one.
    pub(super) is_foreign: bool,
}

/// Adds the members of a field's line; none if it is malformed.
pub(super) fn read<'t>(line: &'t [u8], members: &mut Members<'t>) -> Option<()> {
    let mut cursor = Cursor::new(line);
    cursor.skip_all(b' ');
    if cursor.is_at_end() {
        return Some(());
    }
    loop {
        let member = member(&mut cursor)?;
        let _ = members.push(member);
        if !comma(&mut cursor)? {
            return Some(());
        }
    }
}

/// Reads the one limit of draft 7, `limit=10, remaining=5, reset=3`; none if it is malformed or
/// lacks what is left.
pub(super) fn read_draft_7<'t>(line: &'t [u8]) -> Option<Member<'t>> {
    let mut cursor = Cursor::new(line);
    let mut found = Member::default();
    cursor.skip_all(b' ');
    loop {
        let key = key(&mut cursor)?;
        let value = if cursor.skip(b'=') { bare_item(&mut cursor)? } else { Bare::Other };
        while parameter(&mut cursor)?.is_some() {}
        if let Bare::Integer(number) = value {
            match key {
                b"limit" => found.quota = Some(number),
                b"remaining" => found.available = Some(number),
                b"reset" => found.effective_window = Some(number),
                _ => {}
            }
        }
        if !comma(&mut cursor)? {
            return found.available.map(|_| found);
        }
    }
}

fn member<'t>(cursor: &mut Cursor<'t>) -> Option<Member<'t>> {
    let mut member = Member::default();
    match bare_item(cursor)? {
        Bare::Text(name) => member.name = name,
        // Drafts 6 and 7 wrote `RateLimit-Policy: 100;w=60`.
        Bare::Integer(quota) => member.quota = Some(quota),
        Bare::Other => return None,
    }
    // Of a parameter that stands twice the last one counts, whatever the first was.
    let [mut quota, mut window, mut available, mut effective_window, mut unit] = [None; 5];
    while let Some((key, value)) = parameter(cursor)? {
        let place = match () {
            () if key == letters::QUOTA.as_bytes() => &mut quota,
            () if key == letters::WINDOW.as_bytes() => &mut window,
            () if key == letters::AVAILABLE.as_bytes() => &mut available,
            () if key == letters::EFFECTIVE_WINDOW.as_bytes() => &mut effective_window,
            () if key == letters::QUOTA_UNIT.as_bytes() => &mut unit,
            () => continue,
        };
        *place = Some(value);
    }
    member.quota = integer(quota)?.or(member.quota);
    member.window = integer(window)?;
    member.available = integer(available)?;
    member.effective_window = integer(effective_window)?;
    if let Some(unit) = unit {
        let Bare::Text(unit) = unit else { return None };
        member.is_concurrency = unit == letters::CONCURRENT_REQUESTS.as_bytes();
        member.is_foreign = !member.is_concurrency && !matches!(unit, b"requests" | b"request");
    }
    Some(member)
}

/// A parameter that is an integer where it is there; another form makes the field malformed.
#[expect(clippy::option_option, reason = "malformed and absent are two things")]
const fn integer(value: Option<Bare<'_>>) -> Option<Option<u64>> {
    match value {
        None => Some(None),
        Some(Bare::Integer(number)) => Some(Some(number)),
        Some(_) => None,
    }
}

/// The value of an item or of a parameter.
#[derive(Clone, Copy)]
enum Bare<'t> {
    /// A string without its quotes, or a token.
    Text(&'t [u8]),
    /// An integer of 0 and more.
    Integer(u64),
    /// Any other form.
    Other,
}

/// The next parameter: the outer none if it is malformed, the inner one if there is none.
#[expect(clippy::option_option, reason = "malformed and absent are two things")]
fn parameter<'t>(cursor: &mut Cursor<'t>) -> Option<Option<(&'t [u8], Bare<'t>)>> {
    if !cursor.skip(b';') {
        return Some(None);
    }
    cursor.skip_all(b' ');
    let key = key(cursor)?;
    let value = if cursor.skip(b'=') { bare_item(cursor)? } else { Bare::Other };
    Some(Some((key, value)))
}

/// Steps over a comma, and says whether there was one or the text has ended; none if neither.
fn comma(cursor: &mut Cursor<'_>) -> Option<bool> {
    let mut ends = *cursor;
    ends.skip_all(b' ');
    if ends.is_at_end() {
        return Some(false);
    }
    cursor.skip_spaces();
    cursor.expect(b",")?;
    cursor.skip_spaces();
    Some(true)
}

fn key<'t>(cursor: &mut Cursor<'t>) -> Option<&'t [u8]> {
    let starts_well = matches!(cursor.peek(), Some(b'a'..=b'z' | b'*'));
    starts_well.then(|| cursor.take_while(is_key))
}

fn bare_item<'t>(cursor: &mut Cursor<'t>) -> Option<Bare<'t>> {
    match cursor.peek()? {
        b'"' => string(cursor).map(Bare::Text),
        b'0'..=b'9' => number(cursor),
        b'-' => {
            cursor.next();
            number(cursor).map(|_| Bare::Other)
        }
        b'@' => {
            cursor.next();
            cursor.skip(b'-');
            cursor::integer(cursor.digits()).map(|_| Bare::Other)
        }
        b'?' => {
            cursor.next();
            matches!(cursor.next(), Some(b'0' | b'1')).then_some(Bare::Other)
        }
        b':' => {
            cursor.next();
            cursor.take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
            cursor.skip(b':').then_some(Bare::Other)
        }
        b'a'..=b'z' | b'A'..=b'Z' | b'*' => Some(Bare::Text(cursor.take_while(is_token))),
        _ => None,
    }
}

/// An integer, or a decimal of at most 12 digits before the point and 3 after it.
fn number<'t>(cursor: &mut Cursor<'t>) -> Option<Bare<'t>> {
    let digits = cursor.digits();
    let whole = cursor::integer(digits)?;
    if !cursor.skip(b'.') {
        return Some(Bare::Integer(whole));
    }
    let fits = digits.len() <= 12 && (1..=3).contains(&cursor.digits().len());
    fits.then_some(Bare::Other)
}

fn string<'t>(cursor: &mut Cursor<'t>) -> Option<&'t [u8]> {
    cursor.next();
    let mut start = *cursor;
    let mut len = 0_usize;
    loop {
        match cursor.next()? {
            b'"' => return start.take(len),
            b'\\' => {
                if !matches!(cursor.next()?, b'"' | b'\\') {
                    return None;
                }
                len = len.checked_add(2)?;
            }
            b' '..=b'~' => len = len.checked_add(1)?,
            _ => return None,
        }
    }
}

const fn is_key(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*')
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
                | b':'
                | b'/'
        )
}
