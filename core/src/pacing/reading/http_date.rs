//! A date of HTTP: `Sun, 06 Nov 1994 08:49:37 GMT`, or one of the two obsolete forms that every
//! recipient must accept, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
//!
//! The day of the week is not compared with the date. SOURCE: RFC 9110 5.6.7; the days of a civil
//! date after H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".

use super::cursor::{Cursor, number};

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// The mean length of a Gregorian year, in seconds.
const YEAR: u64 = 31_556_952;

/// The Unix second of a date from 1970 to 9999; none if it is not one. A year of two digits is the
/// latest that is at most 50 years after `now`, in Unix seconds.
pub(super) fn unix_seconds(text: &[u8], now: u64) -> Option<u64> {
    let mut cursor = Cursor::new(text);
    let weekday = cursor.take_while(|byte| byte.is_ascii_alphabetic());
    let (year, month, day, seconds);
    match (weekday.len(), cursor.next()?) {
        (3, b',') => {
            cursor.expect(b" ")?;
            day = fixed(&mut cursor, 2)?;
            cursor.expect(b" ")?;
            month = month_of(&mut cursor)?;
            cursor.expect(b" ")?;
            year = fixed(&mut cursor, 4)?;
            cursor.expect(b" ")?;
            seconds = seconds_of_day(&mut cursor)?;
            cursor.expect(b" GMT")?;
        }
        (6..=9, b',') => {
            cursor.expect(b" ")?;
            day = fixed(&mut cursor, 2)?;
            cursor.expect(b"-")?;
            month = month_of(&mut cursor)?;
            cursor.expect(b"-")?;
            year = whole_year(fixed(&mut cursor, 2)?, now)?;
            cursor.expect(b" ")?;
            seconds = seconds_of_day(&mut cursor)?;
            cursor.expect(b" GMT")?;
        }
        (3, b' ') => {
            month = month_of(&mut cursor)?;
            cursor.expect(b" ")?;
            let digits = if cursor.skip(b' ') { 1 } else { 2 };
            day = fixed(&mut cursor, digits)?;
            cursor.expect(b" ")?;
            seconds = seconds_of_day(&mut cursor)?;
            cursor.expect(b" ")?;
            year = fixed(&mut cursor, 4)?;
        }
        _ => return None,
    }
    let fits = cursor.is_at_end()
        && (1970..=9999).contains(&year)
        && (1..=days_of_month(year, month)).contains(&day);
    if !fits {
        return None;
    }
    days_since_1970(year, month, day)?.checked_mul(86_400)?.checked_add(seconds)
}

/// The month, from 1.
fn month_of(cursor: &mut Cursor<'_>) -> Option<u64> {
    let name = cursor.take_while(|byte| byte.is_ascii_alphabetic());
    (1..).zip(MONTHS).find(|(_, month)| *month == name).map(|(number, _)| number)
}

/// A time such as `08:49:37`.
fn seconds_of_day(cursor: &mut Cursor<'_>) -> Option<u64> {
    let hour = fixed(cursor, 2)?;
    cursor.expect(b":")?;
    let minute = fixed(cursor, 2)?;
    cursor.expect(b":")?;
    let second = fixed(cursor, 2)?;
    // A second of 60 is a leap second.
    if hour >= 24 || minute >= 60 || second > 60 {
        return None;
    }
    hour.checked_mul(60)?.checked_add(minute)?.checked_mul(60)?.checked_add(second)
}

/// A year of two digits in full.
fn whole_year(two_digits: u64, now: u64) -> Option<u64> {
    let latest = (now / YEAR).checked_add(1970 + 50)?;
    latest.checked_sub(latest.checked_sub(two_digits)? % 100)
}

const fn days_of_month(year: u64, month: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn fixed(cursor: &mut Cursor<'_>, digits: usize) -> Option<u64> {
    number(cursor.take(digits)?)
}

/// Years run from March, so that a leap day is the last of its year.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let from_march = if month > 2 { month.checked_sub(3)? } else { month.checked_add(9)? };
    let year = if month > 2 { year } else { year.checked_sub(1)? };
    let of_year = from_march.checked_mul(153)?.checked_add(2)?.checked_div(5)?.checked_add(day)?;
    let leap_days = (year / 4).checked_sub(year / 100)?.checked_add(year / 400)?;
    let days = year.checked_mul(365)?.checked_add(leap_days)?.checked_add(of_year)?;
    // Day 1 of March of the year 0 is day 1 here, and 1970-01-01 is 719,468 days after it.
    days.checked_sub(719_469)
}
