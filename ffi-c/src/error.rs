//! What is wrong, in a sentence that C can print.

use core::ffi::c_char;
use core::fmt::{self, Write as _};

use crate::boundary::Sized32;
use crate::failure::Failure;
use crate::rule_decision::RATECELL_UNKNOWN;
use crate::status::{RATECELL_OK, Status};

/// The bytes that a message takes at most, its NUL among them.
pub const RATECELL_MESSAGE_SIZE: usize = 480;

/// What is wrong, and where. Set struct_size before it is passed, by RATECELL_ERROR_INIT.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug)]
pub struct Error {
    /// sizeof(ratecell_error), set by the caller.
    pub struct_size: u32,
    /// What the call returned.
    pub status: Status,
    /// The byte of the text that is wrong, from 0, its length if something is missing at its end;
    /// RATECELL_UNKNOWN if no text is.
    pub offset: u64,
    /// The line of a contract that is wrong, from 1; 0 if none is.
    pub line: u32,
    /// The column of that line in characters, from 1; 0 if no line is wrong.
    pub column: u32,
    /// The bytes of message before its NUL.
    pub message_len: u32,
    /// 1 if the message was longer than there is room, and is cut after a whole character.
    pub message_cut: u32,
    /// A sentence in UTF-8 that ends in NUL: which argument, what was found, what is accepted.
    pub message: [c_char; RATECELL_MESSAGE_SIZE],
}

// SAFETY: the first field is `struct_size`, a u32, and `repr(C)` keeps it first.
unsafe impl Sized32 for Error {}

impl Error {
    /// The error of no failure.
    pub(crate) const NONE: Self = Self {
        #[expect(clippy::cast_possible_truncation, reason = "some hundred bytes")]
        struct_size: size_of::<Self>() as u32,
        status: RATECELL_OK,
        offset: RATECELL_UNKNOWN,
        line: 0,
        column: 0,
        message_len: 0,
        message_cut: 0,
        message: [0; RATECELL_MESSAGE_SIZE],
    };

    /// The error that says what a failure is.
    pub(crate) fn of(failure: &Failure) -> Self {
        let offset = failure.offset().map_or(RATECELL_UNKNOWN, |offset| offset as u64);
        let (line, column) = failure.place();
        let mut error = Self { status: failure.status(), offset, line, column, ..Self::NONE };
        // It fails only when the message is cut, which the error then says.
        let _ = write!(Message(&mut error), "{failure}");
        error
    }
}

/// Writes into the message of an error, up to its end.
struct Message<'e>(&'e mut Error);

impl fmt::Write for Message<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let mut utf8 = [0; 4];
            let utf8 = character.encode_utf8(&mut utf8).as_bytes();
            let start = self.0.message_len as usize;
            let end = start.saturating_add(utf8.len());
            // The last byte stays the NUL that ends the message.
            let room = self.0.message.get_mut(..RATECELL_MESSAGE_SIZE.saturating_sub(1));
            let Some(place) = room.and_then(|room| room.get_mut(start..end)) else {
                self.0.message_cut = 1;
                return Err(fmt::Error);
            };
            for (to, &from) in place.iter_mut().zip(utf8) {
                *to = from as c_char;
            }
            self.0.message_len = u32::try_from(end).unwrap_or(u32::MAX);
        }
        Ok(())
    }
}
