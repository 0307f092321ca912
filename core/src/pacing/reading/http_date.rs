//! A date of HTTP in its preferred form, `Sun, 06 Nov 1994 08:49:37 GMT`.
//!
//! The two obsolete forms are not read; no server in use sends them. SOURCE: RFC 9110 5.6.7; the
//! days of a civil date after H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".

use super::cursor::Cursor;

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// The Unix second of a date from 1970 to 9999; none if it is not one.
pub(super) fn unix_seconds(text: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(text);
    let weekday = cursor.take_while(|byte| byte.is_ascii_alphabetic());
    if weekday.len() != 3 {
        return None;
    }
    cursor.expect(b", ")?;
    let day = fixed(&mut cursor, 2)?;
    cursor.expect(b" ")?;
    let name = cursor.take_while(|byte| byte.is_ascii_alphabetic());
    let month = (1_u64..).zip(MONTHS).find(|(_, month)| *month == name)?.0;
    cursor.expect(b" ")?;
    let year = fixed(&mut cursor, 4)?;
    cursor.expect(b" ")?;
    let hour = fixed(&mut cursor, 2)?;
    cursor.expect(b":")?;
    let minute = fixed(&mut cursor, 2)?;
    cursor.expect(b":")?;
    let second = fixed(&mut cursor, 2)?;
    cursor.expect(b" GMT")?;
    // A second of 60 is a leap second.
    let fits = cursor.is_at_end()
        && (1970..=9999).contains(&year)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !fits {
        return None;
    }
    let days = days_since_1970(year, month, day)?;
    let hours = days.checked_mul(24)?.checked_add(hour)?;
    hours.checked_mul(60)?.checked_add(minute)?.checked_mul(60)?.checked_add(second)
}

fn fixed(cursor: &mut Cursor<'_>, digits: usize) -> Option<u64> {
    let before = *cursor;
    let number = cursor.number()?;
    let mut counted = before;
    (counted.take_while(|byte| byte.is_ascii_digit()).len() == digits).then_some(number)
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
