//! The name of a rule or of a dimension.

use core::fmt;
use core::str::FromStr;

use heapless::String;

/// The most bytes in the name of a rule or of a dimension: 32.
pub const MAX_NAME_LEN: usize = 32;

/// The name of a rule or of a dimension: an ASCII letter, then letters, digits, `_` and `-`, 32
/// bytes at the most. Case counts.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Name(String<MAX_NAME_LEN>);

impl Name {
    /// The name as text.
    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a byte may stand in a name after its first.
    pub(crate) const fn may_hold(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
    }

    /// `stem`, or for the second and later ones `stem-number`. A stem is a word of this crate's own: a
    /// kind's, or `key`.
    pub(crate) fn numbered(stem: &str, number: usize) -> Self {
        use core::fmt::Write as _;

        let mut text = String::new();
        // Neither fails: a stem, a hyphen and one digit are shorter than a name may be.
        let _ = text.push_str(stem);
        if number > 1 {
            let _ = write!(text, "-{number}");
        }
        Self(text)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut bytes = text.bytes();
        let starts_well = bytes.next().is_some_and(|first| first.is_ascii_alphabetic());
        if !starts_well || !bytes.all(Self::may_hold) {
            return Err(NameError::Malformed);
        }
        let name = String::try_from(text).map_err(|_| NameError::TooLong { found: text.len() })?;
        Ok(Self(name))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// It does not start with a letter, or holds something else than letters, digits, `_` and `-`.
    Malformed,
    /// It is longer than 32 bytes.
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => {
                write!(f, "a name is an ASCII letter, then letters, digits, `_` and `-`")
            }
            Self::TooLong { found } => {
                write!(f, "the name has {found} bytes, accepted are 1 to {MAX_NAME_LEN}")
            }
        }
    }
}

impl core::error::Error for NameError {}
