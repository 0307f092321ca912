//! Text as it stands inside a JSON string. SOURCE: RFC 8259, section 7.

use core::fmt::{self, Write};

/// Passes text on to `to` with what a JSON string may not hold escaped; the quotes around it are
/// the caller's.
pub(super) struct JsonText<'t, W>(pub(super) &'t mut W);

impl<W: Write> Write for JsonText<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '"' => self.0.write_str("\\\"")?,
                '\\' => self.0.write_str("\\\\")?,
                '\0'..='\u{1f}' => write!(self.0, "\\u{:04x}", u32::from(letter))?,
                _ => self.0.write_char(letter)?,
            }
        }
        Ok(())
    }
}
