//! The call that is not rare, as a plain Node-API function over shared words.
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
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use napi::{Env, Unknown, sys};
use ratecell::{CallError, KeyHash, Keys};

use crate::bound::{Bound, MAX_DIMENSIONS};
use crate::key_fault::{self, KeyFault};
use crate::words::{self, KeyKind, Op, Words};

/// Strings up to this many bytes of UTF-8 are read without an allocation.
const SHORT_LEN: usize = 256;
/// A short buffer is trusted only below this: the engine stops before a character that does not
/// fit whole, so a string that just fits and one cut short look alike near the end.
const SURE_LEN: usize = SHORT_LEN - 8;

/// What the function's data points to; dropped when the engine collects the function.
struct CallSite {
    bound: Rc<Bound>,
    words: *mut [u32; words::LEN],
    words_ref: sys::napi_ref,
}

/// Makes the function by which JavaScript calls `bound` through `words`, an `Int32Array` of
/// [`words::LEN`] that the package makes for itself and gives to nobody.
///
/// # Errors
/// A sentence, if `words` is no such array or the engine is out of memory.
pub(crate) fn bind(
    env: sys::napi_env,
    bound: Rc<Bound>,
    words: sys::napi_value,
) -> Result<sys::napi_value, String> {
    let (data, words_ref) = hold_words(env, words)?;
    let site = Box::into_raw(Box::new(CallSite { bound, words: data, words_ref }));
    let mut function = ptr::null_mut();
    // SAFETY: the rules of a callback; the name is none, which a length of 0 says. `site` lives
    // until `collect`, which the engine runs once, after which nobody can call the function.
    let made = unsafe {
        sys::napi_create_function(env, ptr::null(), 0, Some(call), site.cast(), &raw mut function)
    };
    // SAFETY: the rules of a callback; `function` is an object if it was made, else the call fails.
    let owned = made == sys::Status::napi_ok
        && unsafe {
            sys::napi_add_finalizer(
                env,
                function,
                site.cast(),
                Some(collect),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        } == sys::Status::napi_ok;
    if owned {
        return Ok(function);
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
unsafe extern "C" fn collect(env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `data` is what `bind` gave with this finalizer, from `Box::into_raw`, and the engine
    // calls a finalizer once, when the function is gone.
    let site = unsafe { Box::from_raw(data.cast::<CallSite>()) };
    // SAFETY: `env` is the one that made the reference, and this is its only deletion.
    unsafe { sys::napi_delete_reference(env, site.words_ref) };
}

/// What JavaScript calls. Its arguments are the keys that are strings or bytes; all else is words.
unsafe extern "C" fn call(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let mut arguments = [ptr::null_mut(); MAX_DIMENSIONS];
    let mut count = MAX_DIMENSIONS;
    let mut data = ptr::null_mut();
    // SAFETY: the rules of a callback; `arguments` has room for `count` values.
    let status = unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &raw mut count,
            arguments.as_mut_ptr(),
            ptr::null_mut(),
            &raw mut data,
        )
    };
    if status != sys::Status::napi_ok || data.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: `data` is what `bind` gave with this function; it lives as long as the function, and
    // a function that runs is alive. It is only ever shared.
    let site = unsafe { &*data.cast::<CallSite>() };
    // SAFETY: the memory has `words::LEN` words, aligned to them as every `Int32Array` is, and is
    // held by `words_ref`; the package never detaches it. Only JavaScript of this thread also sees
    // it, and that does not run before this callback returns: nothing below calls JavaScript. The
    // reference is made once a call and ends with it.
    let words = unsafe { &mut *site.words };
    // No panic may cross into the engine. None is known; the core is proven to have none.
    let outcome =
        catch_unwind(AssertUnwindSafe(|| answer(env, &site.bound, &arguments, &mut Words(words))));
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => fault.throw(env),
        Err(_) => throw(env, sys::napi_throw_error, "ratecell has a defect: it panicked"),
    }
    ptr::null_mut()
}

/// Why a call throws.
enum Fault {
    /// The words are not as the package writes them.
    Words,
    Key(KeyFault, String),
    Call(CallError),
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl Fault {
    #[cold]
    fn throw(self, env: sys::napi_env) {
        match self {
            Self::Words => throw(env, sys::napi_throw_error, "ratecell's words are malformed"),
            Self::Key(fault, name) => {
                throw(env, sys::napi_throw_type_error, &format!("{name} {fault}"));
            }
            Self::Call(error @ CallError::DimensionMissing) => {
                throw(env, sys::napi_throw_type_error, &error.to_string());
            }
            Self::Call(error) => throw(env, sys::napi_throw_range_error, &error.to_string()),
        }
    }
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

/// Reads the keys and has the call carried out.
#[inline]
fn answer(
    env: sys::napi_env,
    bound: &Bound,
    arguments: &[sys::napi_value; MAX_DIMENSIONS],
    words: &mut Words<'_>,
) -> Result<(), Fault> {
    let op = Op::from_word(words.get(words::OP)).ok_or(Fault::Words)?;
    let count = words.get(words::KEYS) as usize;
    if count == 0 {
        let keys = match key_hash(env, bound, arguments, words, 0)? {
            Some(hash) => Keys::OneHash(hash),
            // Only to give a permit back takes no key.
            None if op == Op::GiveBack => Keys::EachHash(&[]),
            None => return Err(Fault::Words),
        };
        return Ok(bound.carry_out(op, keys, words)?);
    }
    let dimensions = bound.dimensions.get(..count).ok_or(Fault::Words)?;
    let mut hashes = [("", KeyHash::from_u64(0)); MAX_DIMENSIONS];
    let mut found = 0;
    for (index, dimension) in dimensions.iter().enumerate() {
        if let Some(hash) = key_hash(env, bound, arguments, words, index)? {
            hashes[found] = (dimension.as_str(), hash);
            found += 1;
        }
    }
    Ok(bound.carry_out(op, Keys::EachHash(&hashes[..found]), words)?)
}

/// The hash of the key at a position; none if the call has none there.
#[inline]
fn key_hash(
    env: sys::napi_env,
    bound: &Bound,
    arguments: &[sys::napi_value; MAX_DIMENSIONS],
    words: &Words<'_>,
    index: usize,
) -> Result<Option<KeyHash>, Fault> {
    let place = words::VALUES + index * words::VALUE_LEN;
    match KeyKind::from_word(words.get(words::KINDS + index)).ok_or(Fault::Words)? {
        KeyKind::Absent => Ok(None),
        KeyKind::Integer => Ok(Some(bound.hash(&words.get_u64(place).to_le_bytes()))),
        KeyKind::Hash => {
            Ok(Some(KeyHash::from_words([words.get_u64(place), words.get_u64(place + 2)])))
        }
        KeyKind::Argument => {
            argument_hash(env, bound, arguments[index]).map(Some).map_err(|fault| {
                let dimension = bound.dimensions.get(index).map_or("", String::as_str);
                let alone = words.get(words::KEYS) == 0;
                Fault::Key(fault, if alone { "key".to_owned() } else { format!("key.{dimension}") })
            })
        }
    }
}

#[inline]
fn argument_hash(
    env: sys::napi_env,
    bound: &Bound,
    argument: sys::napi_value,
) -> Result<KeyHash, KeyFault> {
    if argument.is_null() {
        return Err(KeyFault::OtherType);
    }
    // Not set to zero first: that takes as long as reading a short string.
    let mut short = [MaybeUninit::<u8>::uninit(); SHORT_LEN];
    let mut len = 0;
    // SAFETY: the rules of a callback; `short` has `SHORT_LEN` bytes, of which the engine fills at
    // most that many, the last with a zero.
    let status = unsafe {
        sys::napi_get_value_string_utf8(
            env,
            argument,
            short.as_mut_ptr().cast(),
            SHORT_LEN,
            &raw mut len,
        )
    };
    if status != sys::Status::napi_ok {
        return bytes_hash(env, bound, argument);
    }
    if len < SURE_LEN {
        // SAFETY: the engine has filled `len` bytes, fewer than `short` has; u8 has no other needs.
        let utf8 = unsafe { std::slice::from_raw_parts(short.as_ptr().cast::<u8>(), len) };
        if !key_fault::may_hide_surrogate(utf8) {
            return Ok(bound.hash(utf8));
        }
    }
    long_string_hash(env, bound, argument)
}

/// As UTF-16, which shows every surrogate and the whole length, and from there to UTF-8.
#[cold]
fn long_string_hash(
    env: sys::napi_env,
    bound: &Bound,
    string: sys::napi_value,
) -> Result<KeyHash, KeyFault> {
    let mut len = 0;
    // SAFETY: the rules of a callback; a null buffer asks for the length in units of 16 bits.
    let status =
        unsafe { sys::napi_get_value_string_utf16(env, string, ptr::null_mut(), 0, &raw mut len) };
    if status != sys::Status::napi_ok {
        return Err(KeyFault::OtherType);
    }
    let mut units = vec![0_u16; len.saturating_add(1)];
    // SAFETY: the rules of a callback; `units` has room for the whole string and a zero.
    let status = unsafe {
        sys::napi_get_value_string_utf16(env, string, units.as_mut_ptr(), units.len(), &raw mut len)
    };
    if status != sys::Status::napi_ok {
        return Err(KeyFault::OtherType);
    }
    let units = units.get(..len).unwrap_or(&units);
    match String::from_utf16(units) {
        Ok(text) => Ok(bound.hash(text.as_bytes())),
        Err(_) => Err(KeyFault::LoneSurrogate),
    }
}

/// The bytes of a `Uint8Array`, of which a `Buffer` is one. The package copies those over shared
/// memory before, so that no other thread writes them meanwhile.
fn bytes_hash(
    env: sys::napi_env,
    bound: &Bound,
    array: sys::napi_value,
) -> Result<KeyHash, KeyFault> {
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
    if status != sys::Status::napi_ok || kind != sys::TypedarrayType::uint8_array {
        return Err(KeyFault::OtherType);
    }
    if length == 0 || data.is_null() {
        return Ok(bound.hash(&[]));
    }
    // SAFETY: the engine says that there are `length` bytes at `data`; they stay while the array is
    // alive, which the running call keeps it. No JavaScript of this thread runs meanwhile, and no
    // other thread has them, as they are not over shared memory.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) };
    Ok(bound.hash(bytes))
}

/// The function that [`bind`] made, as napi's methods return it.
pub(crate) fn unknown(env: &Env, value: sys::napi_value) -> Unknown<'_> {
    // SAFETY: `bind` made it in the running method, so it belongs to `env` and its scope is open.
    unsafe { Unknown::from_raw_unchecked(env.raw(), value) }
}
