//! Why an argument of JavaScript's has no bytes.

use std::fmt;

/// Why an argument has no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BytesFault {
    /// It is neither a string nor a `Uint8Array`.
    OtherType,
    /// The string holds half of a surrogate pair, which has no UTF-8.
    LoneSurrogate,
}

impl fmt::Display for BytesFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherType => "is neither a string nor a Uint8Array",
            Self::LoneSurrogate => {
                "has a lone surrogate, which has no UTF-8; accepted are well-formed strings: \
                 see String.prototype.toWellFormed, or pass bytes"
            }
        })
    }
}
