//! Text in which some letters cannot stand as they are.

use core::fmt::{self, Write};

/// Writes `text`, with the letters that begin with a special byte left to `escape`.
///
/// What lies between them is written whole, since each write goes through a formatter. A byte that
/// is special begins a letter.
pub(super) fn write_escaped<W: Write>(
    to: &mut W,
    text: &str,
    is_special: impl Fn(u8) -> bool,
    escape: impl Fn(&mut W, char) -> fmt::Result,
) -> fmt::Result {
    let mut rest = text;
    loop {
        let special = rest.bytes().position(&is_special);
        let Some((plain, tail)) = special.and_then(|at| rest.split_at_checked(at)) else {
            return to.write_str(rest);
        };
        to.write_str(plain)?;
        let mut letters = tail.chars();
        if let Some(letter) = letters.next() {
            escape(to, letter)?;
        }
        rest = letters.as_str();
    }
}
