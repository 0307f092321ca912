//! A key table over memory of the caller's: the cells of one rule, by key.
//!
//! One of the files with `unsafe`: the pointers of its calls, and the core's table inside an object
//! of the caller's.

use core::ffi::c_void;
use core::mem::MaybeUninit;

use ratecell::{AtomicU64, Key, Seed, TableStats, WhenFull, words_from_raw};

use crate::boundary::{self, Out, Sized32, status_of};
use crate::failure::Failure;
use crate::quota::Quota;
use crate::rule_decision::RuleDecision;
use crate::status::Status;

/// Refuse a new key that finds no slot, with the verdict RATECELL_FULL.
pub const RATECELL_WHEN_FULL_DENY: u32 = 1;
/// Allow a new key that finds no slot, uncharged. It then has nothing to give back.
pub const RATECELL_WHEN_FULL_ALLOW: u32 = 2;

/// The bytes of a seed.
pub const RATECELL_SEED_SIZE: usize = 16;

/// A key table's handle, in memory of the caller's: made by ratecell_table_init or
/// ratecell_table_attach, never copied or moved, and of no use to another process.
///
/// It needs no clean-up: when no call uses it any more its memory may be used for something else.
#[repr(C, align(8))]
#[derive(Debug)]
pub struct Table {
    /// Not to be touched.
    pub opaque: [u64; 16],
}

/// What a table has counted. Set struct_size before each call, by RATECELL_COUNTS_INIT.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// sizeof(ratecell_counts), set by the caller.
    pub struct_size: u32,
    /// Always 0.
    pub reserved: u32,
    /// Slots in all.
    pub slots: u64,
    /// Slots that have a key, those as good as new among them.
    pub keys: u64,
    /// Keys that were given a slot so far.
    pub inserted: u64,
    /// Calls refused because no slot was in reach.
    pub full_denied: u64,
    /// Calls allowed uncharged because no slot was in reach.
    pub full_allowed: u64,
    /// Charges that had to stay although their call was refused or tried again.
    pub stranded: u64,
}

// SAFETY: the first field is `struct_size`, a u32, and `repr(C)` keeps it first.
unsafe impl Sized32 for Counts {}

impl Counts {
    pub(crate) fn of(stats: &TableStats) -> Self {
        Self {
            #[expect(clippy::cast_possible_truncation, reason = "some dozen bytes")]
            struct_size: size_of::<Self>() as u32,
            reserved: 0,
            slots: stats.slots as u64,
            keys: stats.keys,
            inserted: stats.inserted,
            full_denied: stats.full_denied,
            full_allowed: stats.full_allowed,
            stranded: stats.stranded,
        }
    }
}

pub(crate) fn when_full(number: u32) -> Result<WhenFull, Failure> {
    match number {
        RATECELL_WHEN_FULL_DENY => Ok(WhenFull::Deny),
        RATECELL_WHEN_FULL_ALLOW => Ok(WhenFull::Allow),
        found => Err(Failure::Number {
            argument: "when_full",
            found: found.into(),
            accepted: "RATECELL_WHEN_FULL_DENY (1) and RATECELL_WHEN_FULL_ALLOW (2)",
        }),
    }
}

type Core = ratecell::Table<&'static [AtomicU64]>;

/// What the bytes of a [`Table`] hold once it is made.
#[repr(C)]
struct Made {
    mark: u64,
    table: MaybeUninit<Core>,
}

const _: () = assert!(size_of::<Made>() <= size_of::<Table>());
const _: () = assert!(align_of::<Made>() <= align_of::<Table>());
// A `Table` that goes out of use without clean-up leaks nothing.
const _: () = assert!(!core::mem::needs_drop::<Core>());

/// "ratetabl" in ASCII, first byte lowest.
const MARK: u64 = u64::from_le_bytes(*b"ratetabl");

/// The core's table in an object that C gives.
///
/// # Safety
/// P1 and P5 hold for `table`.
#[inline(always)]
unsafe fn made<'a>(table: *const Table) -> Result<&'a Core, Failure> {
    // SAFETY: P1 as promised; a `Made` fits in a `Table` as asserted above, and its bytes may be
    // any, since its table is one only behind the mark.
    let made = unsafe { boundary::object(table.cast::<Made>(), "table") }?;
    if made.mark != MARK {
        return Err(Failure::NotInitialized { argument: "table" });
    }
    // SAFETY: the mark says that `make` has written the table; by P5 its memory is still there.
    Ok(unsafe { made.table.assume_init_ref() })
}

/// # Safety
/// P1 holds for `table`, which no other call uses yet.
unsafe fn make(table: *mut Table, core: Core) -> Result<(), Failure> {
    // SAFETY: P1 as promised; a `Made` fits in a `Table` as asserted above.
    let out = unsafe { Out::new(table.cast::<Made>(), "table") }?;
    out.write(Made { mark: MARK, table: MaybeUninit::new(core) });
    Ok(())
}

/// # Safety
/// P2 and P5 hold for `memory`.
unsafe fn words(memory: *mut c_void, size: usize) -> Result<&'static [AtomicU64], Failure> {
    if memory.is_null() {
        return Err(Failure::Null("memory"));
    }
    let accepted = isize::MAX.unsigned_abs();
    if size > accepted {
        return Err(Failure::Length { argument: "size", found: size, accepted });
    }
    // SAFETY: not NULL and no longer than an object can be, as checked; valid and touched by this
    // library only for as long as the table is used, by P5; misalignment is its error.
    Ok(unsafe { words_from_raw(memory.cast(), size) }?)
}

/// The bytes of memory of a table for so many keys that all owe.
///
/// 20 bytes a key, for a sliding quota 10 for each of segments + 3; at least a region of 8 slots. Even
/// with four fifths of the slots taken fewer than one new key in 10,000 finds none.
/// For a constant at compile time there is RATECELL_TABLE_SIZE.
///
/// Fails with RATECELL_CAPACITY for 0 keys, RATECELL_TOO_LARGE for more than fit in memory, or as
/// ratecell_table_init does for the quota.
///
/// Threads: any, at once. Signals: safe. Memory: allocates nothing. Clock: not read. NULL:
/// RATECELL_NULL. Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_table_size(
    quota: *const Quota,
    keys: usize,
    size: *mut usize,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `size`.
        let out = unsafe { Out::new(size, "size") }?;
        // SAFETY: P1 for `quota`; any bytes are one.
        let quota = unsafe { boundary::object(quota, "quota") }?.any()?;
        if keys == 0 {
            return Err(Failure::ZeroCapacity);
        }
        let bytes = ratecell::table_words(&quota, keys).checked_mul(8);
        let fits = bytes.filter(|&bytes| bytes <= isize::MAX.unsigned_abs());
        out.write(fits.ok_or(Failure::TooManyKeys { found: keys as u64 })?);
        Ok(())
    })
}

/// Makes a table without keys in size bytes of memory, whatever they held.
///
/// memory is aligned to 8, for speed to 128, and belongs to the table until the table is used no
/// more. seed is RATECELL_SEED_SIZE secret bytes: whoever can guess them can aim for the slot of
/// another's key. All of the memory is written.
///
/// Fails with RATECELL_TOO_SMALL, RATECELL_TOO_LARGE, RATECELL_MISALIGNED, RATECELL_LENGTH for a
/// size that no object has, RATECELL_NUMBER for another when_full, RATECELL_NOT_INITIALIZED or a
/// quota's status for a quota that is none.
///
/// Threads: no other call may use the table or its memory before this one returns. Signals: safe.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: table is not written;
/// its memory may be. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_table_init(
    table: *mut Table,
    memory: *mut c_void,
    size: usize,
    quota: *const Quota,
    when_full: u32,
    seed: *const u8,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `table`.
        unsafe { Out::new(table, "table") }?;
        // SAFETY: P1 for `quota`; any bytes are one.
        let quota = unsafe { boundary::object(quota, "quota") }?.any()?;
        let when_full = self::when_full(when_full)?;
        // SAFETY: P1 for the 16 bytes of `seed`; any bytes are a seed.
        let seed = unsafe { boundary::object(seed.cast::<[u8; RATECELL_SEED_SIZE]>(), "seed") }?;
        // SAFETY: P2 and P5 for `memory`.
        let words = unsafe { words(memory, size) }?;
        let core = ratecell::Table::new(words, quota, Seed::from_bytes(*seed))?;
        // SAFETY: P1 for `table`; no other call uses it yet, as the header asks.
        unsafe { make(table, core.when_full(when_full)) }
    })
}

/// Makes a handle to the table that is in the memory already, with its keys and its seed: one that
/// another process made in shared memory, or that was there before a restart.
///
/// Fails with RATECELL_NOT_A_TABLE, RATECELL_OTHER_LAYOUT for a table of another kind, period,
/// segments or version, or as ratecell_table_init does.
///
/// Threads: no other call may use this handle before this one returns; others may use the memory.
/// Signals: safe. Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing
/// is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_table_attach(
    table: *mut Table,
    memory: *mut c_void,
    size: usize,
    quota: *const Quota,
    when_full: u32,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `table`.
        unsafe { Out::new(table, "table") }?;
        // SAFETY: P1 for `quota`; any bytes are one.
        let quota = unsafe { boundary::object(quota, "quota") }?.any()?;
        let when_full = self::when_full(when_full)?;
        // SAFETY: P2 and P5 for `memory`.
        let words = unsafe { words(memory, size) }?;
        let core = ratecell::Table::attach(words, quota)?;
        // SAFETY: P1 for `table`; no other call uses it yet, as the header asks.
        unsafe { make(table, core.when_full(when_full)) }
    })
}

/// Takes cost units of a key at now_ns if the table's quota allows it; a cost of 0 takes nothing.
///
/// key is key_len bytes, of which no copy is kept. now_ns is nanoseconds on any one clock, below
/// 2^63; a clock that runs late or steps back never admits more.
///
/// Fails with RATECELL_NOT_INITIALIZED for a table that is none and RATECELL_LENGTH for a length
/// that no object has.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL, also for a key of length 0.
/// Failure: nothing is taken or written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_table_acquire(
    table: *const Table,
    key: *const c_void,
    key_len: usize,
    now_ns: u64,
    cost: u32,
    decision: *mut RuleDecision,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `decision`.
        let out = unsafe { Out::new(decision, "decision") }?;
        // SAFETY: P1 and P5 for `table`.
        let table = unsafe { made(table) }?;
        // SAFETY: P2 for `key`.
        let key = Key::from(unsafe { boundary::bytes(key, key_len, "key") }?);
        out.write(RuleDecision::of(&table.acquire(table.hash(key), now_ns, cost)));
        Ok(())
    })
}

/// As ratecell_table_acquire under another quota for this call, such as a customer's own cap: of
/// the same kind, and if fixed or sliding of the same period and segments. The key's state stays as
/// it is: a raised rate never applies to the past.
///
/// Fails with RATECELL_OTHER_RULES for a quota that cannot stand in, or as ratecell_table_acquire.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL, also for a key of length 0.
/// Failure: nothing is taken or written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_table_acquire_with(
    table: *const Table,
    quota: *const Quota,
    key: *const c_void,
    key_len: usize,
    now_ns: u64,
    cost: u32,
    decision: *mut RuleDecision,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `decision`.
        let out = unsafe { Out::new(decision, "decision") }?;
        // SAFETY: P1 and P5 for `table`.
        let table = unsafe { made(table) }?;
        // SAFETY: P1 for `quota`; any bytes are one.
        let quota = unsafe { boundary::object(quota, "quota") }?.any()?;
        // SAFETY: P2 for `key`.
        let key = Key::from(unsafe { boundary::bytes(key, key_len, "key") }?);
        let answer = table.acquire_with(&quota, table.hash(key), now_ns, cost);
        out.write(RuleDecision::of(&answer.ok_or(Failure::OtherQuota)?));
        Ok(())
    })
}

/// Says what ratecell_table_acquire would answer, with remaining before the charge. Changes
/// nothing. Fails as it does.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL, also for a key of length 0.
/// Failure: nothing is written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_table_peek(
    table: *const Table,
    key: *const c_void,
    key_len: usize,
    now_ns: u64,
    cost: u32,
    decision: *mut RuleDecision,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `decision`.
        let out = unsafe { Out::new(decision, "decision") }?;
        // SAFETY: P1 and P5 for `table`.
        let table = unsafe { made(table) }?;
        // SAFETY: P2 for `key`.
        let key = Key::from(unsafe { boundary::bytes(key, key_len, "key") }?);
        out.write(RuleDecision::of(&table.peek(table.hash(key), now_ns, cost)));
        Ok(())
    })
}

/// Gives cost permits of a key back, for a table of a concurrency quota.
///
/// Fails with RATECELL_RELEASE if the key holds fewer, as it does in a table of any other quota;
/// nothing changes then. Else as ratecell_table_acquire.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL, also for a key of length 0.
/// Failure: nothing is given back. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_table_release(
    table: *const Table,
    key: *const c_void,
    key_len: usize,
    cost: u32,
) -> Status {
    status_of(|| {
        // SAFETY: P1 and P5 for `table`.
        let table = unsafe { made(table) }?;
        // SAFETY: P2 for `key`.
        let key = Key::from(unsafe { boundary::bytes(key, key_len, "key") }?);
        table.release(table.hash(key), cost).map_err(|error| Failure::Call(error.into()))
    })
}

/// Forgets what a key has used; a charge that happens meanwhile may stay. Permits of a concurrency
/// quota stay with their holders. Fails as ratecell_table_acquire does.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL, also for a key of length 0.
/// Failure: nothing is forgotten. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_table_reset(
    table: *const Table,
    key: *const c_void,
    key_len: usize,
) -> Status {
    status_of(|| {
        // SAFETY: P1 and P5 for `table`.
        let table = unsafe { made(table) }?;
        // SAFETY: P2 for `key`.
        let key = Key::from(unsafe { boundary::bytes(key, key_len, "key") }?);
        table.reset(table.hash(key));
        Ok(())
    })
}

/// Writes what the table has counted so far. The counters wrap at 2^64.
///
/// Fails with RATECELL_STRUCT_SIZE, or RATECELL_NOT_INITIALIZED for a table that is none.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is written.
/// Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_table_stats(table: *const Table, counts: *mut Counts) -> Status {
    status_of(|| {
        // SAFETY: P1 for `counts`, whose struct_size is set.
        let out = unsafe { Out::sized(counts, "counts") }?;
        // SAFETY: P1 and P5 for `table`.
        let table = unsafe { made(table) }?;
        out.write(Counts::of(&table.stats()));
        Ok(())
    })
}
