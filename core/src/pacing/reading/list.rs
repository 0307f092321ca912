//! Lists of structured fields, as far as rate limits need them: RateLimit and RateLimit-Policy.
//!
//! A field with any error is ignored whole; parameters that are not known are passed over.
//! SOURCE: RFC 9651 4.2; draft-ietf-httpapi-ratelimit-headers-11, and -07 for `limit=10, ...`.

use heapless::Vec;

use super::cursor::Cursor;
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
    cursor.skip_spaces();
    if cursor.is_at_end() {
        return Some(());
    }
    loop {
        let member = member(&mut cursor)?;
        let _ = members.push(member);
        cursor.skip_spaces();
        if cursor.is_at_end() {
            return Some(());
        }
        if !cursor.skip(b',') {
            return None;
        }
        cursor.skip_spaces();
    }
}

/// Reads the one limit of draft 7, `limit=10, remaining=5, reset=3`; none if it is malformed or
/// lacks what is left.
pub(super) fn read_draft_7<'t>(line: &'t [u8]) -> Option<Member<'t>> {
    let mut cursor = Cursor::new(line);
    let mut found = Member::default();
    loop {
        cursor.skip_spaces();
        let key = cursor.take_while(is_key);
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
        if key.is_empty() {
            return None;
        }
        cursor.skip_spaces();
        if cursor.is_at_end() {
            return found.available.map(|_| found);
        }
        if !cursor.skip(b',') {
            return None;
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
    while let Some((key, value)) = parameter(cursor)? {
        let place = match () {
            () if key == letters::QUOTA.as_bytes() => &mut member.quota,
            () if key == letters::WINDOW.as_bytes() => &mut member.window,
            () if key == letters::AVAILABLE.as_bytes() => &mut member.available,
            () if key == letters::EFFECTIVE_WINDOW.as_bytes() => &mut member.effective_window,
            () if key == letters::QUOTA_UNIT.as_bytes() => {
                let Bare::Text(unit) = value else { return None };
                member.is_concurrency = unit == letters::CONCURRENT_REQUESTS.as_bytes();
                member.is_foreign =
                    !member.is_concurrency && !matches!(unit, b"requests" | b"request");
                continue;
            }
            () => continue,
        };
        // The parameters that are known are integers; another form is a malformed field.
        let Bare::Integer(number) = value else { return None };
        *place = Some(number);
    }
    Some(member)
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
    cursor.skip_spaces();
    let starts_well = matches!(cursor.peek(), Some(b'a'..=b'z' | b'*'));
    let key = cursor.take_while(is_key);
    if !starts_well {
        return None;
    }
    let value = if cursor.skip(b'=') { bare_item(cursor)? } else { Bare::Other };
    Some(Some((key, value)))
}

fn bare_item<'t>(cursor: &mut Cursor<'t>) -> Option<Bare<'t>> {
    match cursor.peek()? {
        b'"' => string(cursor).map(Bare::Text),
        b'0'..=b'9' => {
            let number = cursor.number()?;
            if !cursor.skip(b'.') {
                return Some(Bare::Integer(number));
            }
            let fraction = cursor.take_while(|byte| byte.is_ascii_digit());
            (1..=3).contains(&fraction.len()).then_some(Bare::Other)
        }
        b'-' | b'@' | b'?' => {
            cursor.next();
            cursor.skip(b'-');
            let digits = cursor.take_while(|byte| byte.is_ascii_digit() || byte == b'.');
            (!digits.is_empty()).then_some(Bare::Other)
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
