//! Text into a caller's buffer of bytes, by the rules of C's `snprintf`.

use core::fmt::{self, Write as _};

/// Writes `value` into `buffer`, cut to fit and ended by a zero byte, and returns the length of the
/// whole in bytes, without that zero: at `buffer.len()` or more, it was cut.
///
/// An empty buffer is left alone, so that a first call can ask for the length.
///
/// ```
/// use ratecell::http::write_c_text;
///
/// let mut buffer = [0xff; 4];
/// assert_eq!(write_c_text(&mut buffer, &"q=600"), 5);
/// assert_eq!(&buffer, b"q=6\0");
/// assert_eq!(write_c_text(&mut [], &600), 3);
/// ```
///
/// A value whose `Display` fails ends where it failed. Values of this crate do not fail.
pub fn write_c_text(buffer: &mut [u8], value: &dyn fmt::Display) -> usize {
    let (room, ends) = match buffer.len().checked_sub(1) {
        Some(room) => buffer.split_at_mut_checked(room).unwrap_or_default(),
        None => Default::default(),
    };
    let room_len = room.len();
    let mut text = CText { room, written: 0, needed: 0 };
    let _ = write!(text, "{value}");
    let CText { room, written, needed } = text;
    // The zero stands behind what was written: inside the room, or in the byte kept for it.
    let end = if written < room_len { room.get_mut(written) } else { ends.first_mut() };
    if let Some(end) = end {
        *end = 0;
    }
    needed
}

struct CText<'b> {
    /// The buffer but its last byte.
    room: &'b mut [u8],
    written: usize,
    needed: usize,
}

impl fmt::Write for CText<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.needed = self.needed.saturating_add(text.len());
        let rest = self.room.iter_mut().skip(self.written);
        for (place, byte) in rest.zip(text.bytes()) {
            *place = byte;
            self.written = self.written.saturating_add(1);
        }
        Ok(())
    }
}
