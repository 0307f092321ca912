//! Text as it stands inside a JSON string. SOURCE: RFC 8259, section 7.

use core::fmt::{self, Write};

use super::escaping::write_escaped;

/// Passes text on to `to` with what a JSON string may not hold escaped; the quotes around it are
/// the caller's.
pub(super) struct JsonText<'t, W>(pub(super) &'t mut W);

impl<W: Write> Write for JsonText<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_special = |byte| matches!(byte, b'"' | b'\\' | ..b' ');
        write_escaped(self.0, text, is_special, |to, letter| match letter {
            '"' | '\\' => {
                to.write_char('\\')?;
                to.write_char(letter)
            }
            control => write!(to, "\\u{:04x}", u32::from(control)),
        })
    }
}
