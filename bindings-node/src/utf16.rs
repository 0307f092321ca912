//! UTF-16 as JavaScript's strings have it, turned into the UTF-8 that every language hashes.
//!
//! A string of JavaScript's may hold half of a surrogate pair, which has no UTF-8: an error here.

use crate::bytes_fault::BytesFault;

/// Up to how many units the usual key has.
const USUAL_LEN: usize = 64;
/// Up to how many units are read on the stack.
const MOST_LEN: usize = 256;

/// Gives `read` the UTF-8 of `units`; allocates only if one of them is not ASCII or they are many.
#[inline]
pub(crate) fn with_utf8<R>(units: &[u16], read: impl FnOnce(&[u8]) -> R) -> Result<R, BytesFault> {
    // No longer than it has to be, as to fill it with zeros takes time too.
    if units.len() <= USUAL_LEN {
        with_utf8_in([0; USUAL_LEN], units, read)
    } else {
        with_utf8_in([0; MOST_LEN], units, read)
    }
}

#[inline]
fn with_utf8_in<R, const LEN: usize>(
    mut ascii: [u8; LEN],
    units: &[u16],
    read: impl FnOnce(&[u8]) -> R,
) -> Result<R, BytesFault> {
    if let Some(ascii) = ascii.get_mut(..units.len())
        && narrow(units, ascii)
    {
        return Ok(read(ascii));
    }
    string(units).map(|text| read(text.as_bytes()))
}

/// The text of `units`.
#[cold]
pub(crate) fn string(units: &[u16]) -> Result<String, BytesFault> {
    String::from_utf16(units).map_err(|_| BytesFault::LoneSurrogate)
}

/// Whether all units are ASCII; if so, `ascii` has them. Both are of one length.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "of use only if every unit is below 128")]
fn narrow(units: &[u16], ascii: &mut [u8]) -> bool {
    let mut all = 0;
    for (byte, &unit) in ascii.iter_mut().zip(units) {
        all |= unit;
        *byte = unit as u8;
    }
    all < 0x80
}
