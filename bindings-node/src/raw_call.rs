//! Calls that are not rare, as plain Node-API functions over shared words.
//!
//! All `unsafe` of the addon is here: it reads strings and bytes by pointer and sees the shared
//! words as memory. What holds for every call of a Node-API function below, and is what each
//! `SAFETY` comment refers to as *the rules of a callback*:
//!
//! - `env` is the one that the engine passed to the running callback (or, in [`bind`], that napi
//!   passed to the running method), on the thread that it belongs to;
//! - each `napi_value` was made in the running call, so its handle scope is still open;
//! - each pointer for a result points to a local that is alive and of the type that is written.

use std::ffi::{CString, c_char, c_void};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use napi::{Env, Unknown, sys};

use crate::bytes_fault::BytesFault;
use crate::utf16;
use crate::words::{self, Words};

/// How many units of 16 bits are read without an allocation; a zero ends them.
const SHORT_LEN: usize = 256;

/// What a function of JavaScript's calls: a limiter or a guard.
pub(crate) trait Callee: 'static {
    /// Does what the words and arguments ask, and gives the text to return, if there is one.
    fn call(
        &self,
        arguments: &Arguments<'_>,
        words: &mut Words<'_>,
    ) -> Result<Option<String>, Thrown>;
}

/// What a call throws.
pub(crate) enum Thrown {
    /// The words are not as the package writes them.
    Malformed,
    /// A `TypeError`.
    Type(String),
    /// A `RangeError`.
    Range(String),
}

/// What the function's data points to; dropped when the engine collects the function.
struct CallSite<T> {
    callee: Rc<T>,
    words: *mut [u32; words::LEN],
    words_ref: sys::napi_ref,
}

/// Makes the function by which JavaScript calls `callee` through `words`, an `Int32Array` of
/// [`words::LEN`] that the package makes for itself and gives to nobody.
///
/// A call has `ARGUMENTS` arguments; more are passed over. The engine fills all of them in on every
/// call, so they are as few as can be.
///
/// # Errors
/// A sentence, if `words` is no such array or the engine is out of memory.
pub(crate) fn bind<'e, T: Callee, const ARGUMENTS: usize>(
    env: &'e Env,
    callee: Rc<T>,
    words: sys::napi_value,
) -> Result<Unknown<'e>, String> {
    let env = env.raw();
    let (data, words_ref) = hold_words(env, words)?;
    let site = Box::into_raw(Box::new(CallSite { callee, words: data, words_ref }));
    let mut function = ptr::null_mut();
    // SAFETY: the rules of a callback; the name is none, which a length of 0 says. `site` lives
    // until `collect`, which the engine runs once, after which nobody can call the function.
    let made = unsafe {
        sys::napi_create_function(
            env,
            ptr::null(),
            0,
            Some(call::<T, ARGUMENTS>),
            site.cast(),
            &raw mut function,
        )
    };
    // SAFETY: the rules of a callback; `function` is an object if it was made, else the call fails.
    let owned = made == sys::Status::napi_ok
        && unsafe {
            sys::napi_add_finalizer(
                env,
                function,
                site.cast(),
                Some(collect::<T>),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        } == sys::Status::napi_ok;
    if owned {
        // SAFETY: `function` was made above in the running method, so it belongs to `env` and its
        // scope is open.
        return Ok(unsafe { Unknown::from_raw_unchecked(env, function) });
    }
    // SAFETY: `site` came from `Box::into_raw` above; without a finalizer nobody else frees it, and
    // the function, if there is one, is dropped here and was never handed out.
    drop(unsafe { Box::from_raw(site) });
    Err("the engine could not make a function".to_owned())
}

/// The memory of the words, kept alive by a reference.
fn hold_words(
    env: sys::napi_env,
    array: sys::napi_value,
) -> Result<(*mut [u32; words::LEN], sys::napi_ref), String> {
    let (mut kind, mut length, mut data) = (-1, 0, ptr::null_mut());
    // SAFETY: the rules of a callback; null is allowed for what is not asked.
    let status = unsafe {
        sys::napi_get_typedarray_info(
            env,
            array,
            &raw mut kind,
            &raw mut length,
            &raw mut data,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    if status != sys::Status::napi_ok
        || kind != sys::TypedarrayType::int32_array
        || length != words::LEN
        || data.is_null()
    {
        return Err(format!("the words are no Int32Array of {}", words::LEN));
    }
    let mut words_ref = ptr::null_mut();
    // SAFETY: the rules of a callback.
    let status = unsafe { sys::napi_create_reference(env, array, 1, &raw mut words_ref) };
    if status != sys::Status::napi_ok {
        return Err("the engine could not keep the words".to_owned());
    }
    Ok((data.cast(), words_ref))
}

/// Frees what a function pointed to.
unsafe extern "C" fn collect<T>(env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `data` is what `bind` gave with this finalizer, from `Box::into_raw`, and the engine
    // calls a finalizer once, when the function is gone.
    let site = unsafe { Box::from_raw(data.cast::<CallSite<T>>()) };
    // SAFETY: `env` is the one that made the reference, and this is its only deletion.
    unsafe { sys::napi_delete_reference(env, site.words_ref) };
}

/// What JavaScript calls.
unsafe extern "C" fn call<T: Callee, const ARGUMENTS: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // Not set to null first: that takes as long as the rest of it.
    let mut values = [MaybeUninit::<sys::napi_value>::uninit(); ARGUMENTS];
    let mut count = ARGUMENTS;
    let mut data = ptr::null_mut();
    // SAFETY: the rules of a callback; `values` has room for `count` of them.
    let status = unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &raw mut count,
            values.as_mut_ptr().cast(),
            ptr::null_mut(),
            &raw mut data,
        )
    };
    if status != sys::Status::napi_ok || data.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: `data` is what `bind` gave with this function; it lives as long as the function, and
    // a function that runs is alive. It is only ever shared.
    let site = unsafe { &*data.cast::<CallSite<T>>() };
    // SAFETY: the memory has `words::LEN` words, aligned to them as every `Int32Array` is, and is
    // held by `words_ref`; the package never detaches it. Only JavaScript of this thread also sees
    // it, and that does not run before this callback returns: nothing below calls JavaScript. The
    // reference is made once a call and ends with it.
    let words = unsafe { &mut *site.words };
    // SAFETY: the engine has filled in `ARGUMENTS` values, those that were not passed with undefined,
    // and `values` has as many; pointers have no other needs.
    let values = unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), ARGUMENTS) };
    let arguments = Arguments { env, values: &values[..count.min(ARGUMENTS)], call: PhantomData };
    // No panic may cross into the engine. None is known; the core is proven to have none.
    let outcome =
        catch_unwind(AssertUnwindSafe(|| site.callee.call(&arguments, &mut Words(words))));
    match outcome {
        Ok(Ok(None)) => return ptr::null_mut(),
        Ok(Ok(Some(text))) => return new_string(env, &text),
        Ok(Err(Thrown::Malformed)) => {
            throw(env, sys::napi_throw_error, "ratecell's words are malformed");
        }
        Ok(Err(Thrown::Type(message))) => throw(env, sys::napi_throw_type_error, &message),
        Ok(Err(Thrown::Range(message))) => throw(env, sys::napi_throw_range_error, &message),
        Err(_) => throw(env, sys::napi_throw_error, "ratecell has a defect: it panicked"),
    }
    ptr::null_mut()
}

fn new_string(env: sys::napi_env, text: &str) -> sys::napi_value {
    let mut string = ptr::null_mut();
    let len = isize::try_from(text.len()).unwrap_or(isize::MAX);
    // ASCII is Latin-1 too, which an engine only has to copy.
    let create =
        if text.is_ascii() { sys::napi_create_string_latin1 } else { sys::napi_create_string_utf8 };
    // SAFETY: the rules of a callback; there are `len` bytes at the pointer. If the engine cannot
    // make it, `string` stays null, which is undefined to JavaScript.
    unsafe { create(env, text.as_ptr().cast(), len, &raw mut string) };
    string
}

type Throw =
    unsafe fn(sys::napi_env, code: *const c_char, message: *const c_char) -> sys::napi_status;

#[cold]
fn throw(env: sys::napi_env, how: Throw, message: &str) {
    let message = CString::new(message.replace('\0', " ")).unwrap_or_default();
    // SAFETY: the rules of a callback; a null code is allowed, and the message ends in a zero and
    // outlives the call. If an exception is pending already, the call fails and that one stays.
    unsafe { how(env, ptr::null(), message.as_ptr()) };
}

/// The arguments of a running call.
pub(crate) struct Arguments<'c> {
    env: sys::napi_env,
    values: &'c [sys::napi_value],
    call: PhantomData<&'c sys::napi_env>,
}

impl Arguments<'_> {
    /// Gives `read` the UTF-8 of the string, or the bytes of the `Uint8Array`, at `index`.
    #[inline]
    pub(crate) fn with_bytes<R>(
        &self,
        index: usize,
        read: impl FnOnce(&[u8]) -> R,
    ) -> Result<R, BytesFault> {
        let Some(&value) = self.values.get(index) else { return Err(BytesFault::OtherType) };
        // Not set to zero first: that takes as long as reading a short string. As UTF-16, since it
        // shows every surrogate, is a plain copy for every engine, and loses nothing, as Latin-1
        // would.
        let mut short = [MaybeUninit::<u16>::uninit(); SHORT_LEN];
        let mut len = 0;
        // SAFETY: the rules of a callback; `short` has room for `SHORT_LEN` units, of which the
        // engine fills at most that many, the last with a zero.
        let status = unsafe {
            sys::napi_get_value_string_utf16(
                self.env,
                value,
                short.as_mut_ptr().cast(),
                SHORT_LEN,
                &raw mut len,
            )
        };
        if status != sys::Status::napi_ok {
            return Ok(read(self.bytes(value)?));
        }
        // A string that just fits and one cut short look alike.
        if len >= SHORT_LEN - 1 {
            return Ok(read(self.long_string(value)?.as_bytes()));
        }
        // SAFETY: the engine has filled `len` units, fewer than `short` has; u16 has no other needs.
        let units = unsafe { std::slice::from_raw_parts(short.as_ptr().cast::<u16>(), len) };
        utf16::with_utf8(units, read)
    }

    /// A string of any length.
    #[cold]
    fn long_string(&self, value: sys::napi_value) -> Result<String, BytesFault> {
        let mut len = 0;
        // SAFETY: the rules of a callback; a null buffer asks for the length in units of 16 bits.
        let status = unsafe {
            sys::napi_get_value_string_utf16(self.env, value, ptr::null_mut(), 0, &raw mut len)
        };
        if status != sys::Status::napi_ok {
            return Err(BytesFault::OtherType);
        }
        let mut units = vec![0_u16; len.saturating_add(1)];
        // SAFETY: the rules of a callback; `units` has room for the whole string and a zero.
        let status = unsafe {
            sys::napi_get_value_string_utf16(
                self.env,
                value,
                units.as_mut_ptr(),
                units.len(),
                &raw mut len,
            )
        };
        if status != sys::Status::napi_ok {
            return Err(BytesFault::OtherType);
        }
        utf16::string(units.get(..len).unwrap_or(&units))
    }

    /// The bytes of a `Uint8Array`, of which a `Buffer` is one. The package copies those over
    /// shared memory before, so that no other thread writes them meanwhile.
    fn bytes(&self, value: sys::napi_value) -> Result<&[u8], BytesFault> {
        let (mut kind, mut length, mut data) = (-1, 0, ptr::null_mut());
        // SAFETY: the rules of a callback; null is allowed for what is not asked.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                value,
                &raw mut kind,
                &raw mut length,
                &raw mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        if status != sys::Status::napi_ok || kind != sys::TypedarrayType::uint8_array {
            return Err(BytesFault::OtherType);
        }
        if length == 0 || data.is_null() {
            return Ok(&[]);
        }
        // SAFETY: the engine says that there are `length` bytes at `data`; they stay while the array
        // is alive, which the running call keeps it, and with it `self`. No JavaScript of this thread
        // runs meanwhile, and no other thread has them, as they are not over shared memory.
        Ok(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) })
    }
}
