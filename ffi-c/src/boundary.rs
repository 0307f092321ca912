//! Pointers from C, checked as far as they can be: NULL, alignment, struct_size, length.
//!
//! One of the files with `unsafe`. What cannot be checked is P1 to P3 of the crate.

use core::ffi::{CStr, c_char, c_void};
#[cfg(feature = "std")]
use core::mem::MaybeUninit;

use crate::failure::Failure;
use crate::status::{RATECELL_OK, Status};

/// A struct that starts with its own size, so that later versions may add fields.
///
/// # Safety
/// The first field is a `u32` that holds the size.
pub(crate) unsafe trait Sized32 {}

/// The longest run of bytes that a pointer can have.
const MAX_BYTES: usize = isize::MAX.unsigned_abs();

/// Runs a call of the cells level: its result as a status, and nothing kept.
#[inline(always)]
pub(crate) fn status_of(call: impl FnOnce() -> Result<(), Failure>) -> Status {
    match call() {
        Ok(()) => RATECELL_OK,
        Err(failure) => failure.status(),
    }
}

fn check<T>(pointer: *const T, argument: &'static str) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(Failure::Null(argument));
    }
    if !pointer.is_aligned() {
        let accepted = align_of::<T>();
        return Err(Failure::Misaligned { argument, found: pointer.addr(), accepted });
    }
    Ok(())
}

/// An object to read, or one made for sharing such as a cell.
///
/// # Safety
/// P1 holds for `pointer`, and its bytes are a `T` whatever they are.
#[inline(always)]
pub(crate) unsafe fn object<'a, T>(
    pointer: *const T,
    argument: &'static str,
) -> Result<&'a T, Failure> {
    check(pointer, argument)?;
    // SAFETY: neither NULL nor misaligned, as checked; valid and not written to, as promised.
    Ok(unsafe { &*pointer })
}

/// An object that starts with its own size, to read.
///
/// # Safety
/// As for [`object`], as far as `struct_size` goes.
#[cfg(feature = "std")]
pub(crate) unsafe fn sized_object<'a, T: Sized32>(
    pointer: *const T,
    argument: &'static str,
) -> Result<&'a T, Failure> {
    // SAFETY: as promised to this function.
    unsafe { check_size(pointer, argument) }?;
    // SAFETY: neither NULL nor misaligned, as checked; valid, as promised, and of this size.
    Ok(unsafe { &*pointer })
}

/// # Safety
/// As for [`sized_object`].
#[inline(always)]
unsafe fn check_size<T: Sized32>(pointer: *const T, argument: &'static str) -> Result<(), Failure> {
    check(pointer, argument)?;
    // SAFETY: neither NULL nor misaligned; a `Sized32` starts with this word, which the caller has
    // set.
    let found = unsafe { pointer.cast::<u32>().read() };
    let accepted = size_of::<T>();
    if usize::try_from(found) != Ok(accepted) {
        return Err(Failure::StructSize { argument, found, accepted });
    }
    Ok(())
}

/// Where an answer goes: checked before the call does anything, written only when it succeeds.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// # Safety
    /// P1 holds for `pointer` for as long as the value lives.
    #[inline(always)]
    pub(crate) unsafe fn new(pointer: *mut T, argument: &'static str) -> Result<Self, Failure> {
        check(pointer, argument)?;
        Ok(Self(pointer))
    }

    /// # Safety
    /// As for [`Self::new`], and `struct_size` is set.
    #[inline(always)]
    pub(crate) unsafe fn sized(pointer: *mut T, argument: &'static str) -> Result<Self, Failure>
    where
        T: Sized32,
    {
        // SAFETY: as promised to this function.
        unsafe { check_size(pointer, argument) }?;
        Ok(Self(pointer))
    }

    /// Writes the answer.
    #[inline(always)]
    pub(crate) fn write(self, value: T) {
        // SAFETY: aligned and not NULL since `new`, and valid for writes as promised there.
        unsafe { self.0.write(value) };
    }

    /// Where the answer goes, for one that is written piece by piece: valid for writes.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(crate) const fn address(&self) -> *mut T {
        self.0
    }
}

/// So many elements in a row.
///
/// # Safety
/// P2 holds for `pointer` and `count`, and any bytes are a `T`.
#[inline(always)]
pub(crate) unsafe fn elements<'a, T>(
    pointer: *const T,
    count: usize,
    argument: &'static str,
) -> Result<&'a [T], Failure> {
    check(pointer, argument)?;
    let accepted = MAX_BYTES / size_of::<T>().max(1);
    if count > accepted {
        return Err(Failure::Length { argument, found: count, accepted });
    }
    // SAFETY: neither NULL nor misaligned; the product fits isize as checked; valid as promised.
    Ok(unsafe { core::slice::from_raw_parts(pointer, count) })
}

/// The bytes of a key.
///
/// # Safety
/// P2 holds for `pointer` and `len`.
#[inline(always)]
pub(crate) unsafe fn bytes<'a>(
    pointer: *const c_void,
    len: usize,
    argument: &'static str,
) -> Result<&'a [u8], Failure> {
    // SAFETY: as promised to this function; any byte is a u8.
    unsafe { elements(pointer.cast::<u8>(), len, argument) }
}

/// A text that ends in NUL.
///
/// # Safety
/// P1 and P3 hold for `pointer`.
#[inline]
pub(crate) unsafe fn text<'a>(
    pointer: *const c_char,
    argument: &'static str,
) -> Result<&'a str, Failure> {
    if pointer.is_null() {
        return Err(Failure::Null(argument));
    }
    // SAFETY: not NULL; it ends in NUL and stays unchanged, as promised.
    let bytes = unsafe { CStr::from_ptr(pointer) }.to_bytes();
    core::str::from_utf8(bytes)
        .map_err(|error| Failure::Utf8 { argument, offset: error.valid_up_to() })
}

/// Whether a field that has no meaning yet is 0, so that a later version may give it one.
#[cfg(feature = "std")]
pub(crate) fn reserved(found: u32, argument: &'static str) -> Result<(), Failure> {
    if found == 0 {
        return Ok(());
    }
    Err(Failure::Number { argument, found: found.into(), accepted: "0 alone" })
}

/// Where a text goes by the rules of snprintf; checked at first, written only by `print`.
#[cfg(feature = "std")]
pub(crate) struct TextBuffer<'b> {
    buffer: &'b mut [MaybeUninit<u8>],
    length: Out<usize>,
}

#[cfg(feature = "std")]
impl TextBuffer<'_> {
    /// # Safety
    /// P2 holds for `buffer` and P1 for `length`, and they do not overlap.
    pub(crate) unsafe fn new(
        buffer: *mut c_char,
        size: usize,
        length: *mut usize,
    ) -> Result<Self, Failure> {
        // SAFETY: as promised to this function.
        let length = unsafe { Out::new(length, "length") }?;
        if size == 0 {
            return Ok(Self { buffer: &mut [], length });
        }
        if buffer.is_null() {
            return Err(Failure::Null("buffer"));
        }
        if size > MAX_BYTES {
            return Err(Failure::Length { argument: "size", found: size, accepted: MAX_BYTES });
        }
        // SAFETY: not NULL, no longer than an object can be, valid for writes as promised; bytes
        // need no alignment and, as `MaybeUninit`, no value.
        let buffer = unsafe { core::slice::from_raw_parts_mut(buffer.cast(), size) };
        Ok(Self { buffer, length })
    }

    /// Writes the text, cut to fit and with a NUL if there is any room, and the length of the whole.
    pub(crate) fn print(self, text: &dyn core::fmt::Display) {
        self.buffer.fill(MaybeUninit::new(0));
        let (start, size) = (self.buffer.as_mut_ptr().cast::<u8>(), self.buffer.len());
        // SAFETY: the same bytes, borrowed for as long, which all have a value now.
        let buffer = unsafe { core::slice::from_raw_parts_mut(start, size) };
        self.length.write(ratecell::http::write_c_text(buffer, text));
    }
}
