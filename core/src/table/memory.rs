//! The memory of a key table: 64-bit words that the caller owns.
//!
//! The one file of this crate that uses `unsafe`: it sees heap blocks and byte ranges as words, and
//! says to the system how a heap block is used and to the processor what is read next.

use crate::atomic::AtomicU64;
#[cfg(feature = "std")]
use crate::quota::Quota;
#[cfg(any(not(loom), feature = "std"))]
use crate::table::layout::TableError;
#[cfg(feature = "std")]
use crate::table::layout::table_words;

/// Memory that a [`Table`](crate::Table) lives in.
///
/// `words` gives the same words each time. For speed they start at an address that 128 divides.
pub trait Memory {
    /// The words.
    fn words(&self) -> &[AtomicU64];
}

impl Memory for &[AtomicU64] {
    #[inline]
    fn words(&self) -> &[AtomicU64] {
        self
    }
}

impl<M: Memory> Memory for &M {
    #[inline]
    fn words(&self) -> &[AtomicU64] {
        (**self).words()
    }
}

/// Memory for a table in a static: no heap, no alignment to think of.
///
/// ```
/// use ratecell::{GcraQuota, Quota, Seed, StaticMemory, Table};
///
/// const QUOTA: GcraQuota = match GcraQuota::new(600, 60_000_000_000, 600) {
///     Ok(quota) => quota,
///     Err(_) => panic!("not a quota"),
/// };
/// static MEMORY: StaticMemory<{ ratecell::table_words(&Quota::Gcra(QUOTA), 64) }> =
///     StaticMemory::new();
///
/// let table = Table::new(&MEMORY, QUOTA.into(), Seed::random())?;
/// assert!(table.acquire(table.hash("alice"), 0, 1).allowed());
/// # Ok::<(), ratecell::TableError>(())
/// ```
#[repr(C, align(128))]
pub struct StaticMemory<const WORDS: usize>([AtomicU64; WORDS]);

impl<const WORDS: usize> StaticMemory<WORDS> {
    /// Memory of zeros.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; WORDS])
    }
}

#[cfg(not(loom))]
impl<const WORDS: usize> Default for StaticMemory<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const WORDS: usize> Memory for StaticMemory<WORDS> {
    #[inline]
    fn words(&self) -> &[AtomicU64] {
        &self.0
    }
}

impl<const WORDS: usize> core::fmt::Debug for StaticMemory<WORDS> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StaticMemory").field("words", &WORDS).finish_non_exhaustive()
    }
}

/// Memory for a table on the heap, taken once and given back on drop.
#[cfg(feature = "std")]
#[derive(Debug)]
pub struct HeapMemory(std::boxed::Box<[LinePair]>);

/// Two cache lines: the heap gives memory for them at an address that 128 divides.
#[cfg(feature = "std")]
#[derive(Debug)]
#[repr(C, align(128))]
struct LinePair([AtomicU64; LINE_PAIR_WORDS]);

#[cfg(feature = "std")]
const LINE_PAIR_WORDS: usize = 16;

#[cfg(feature = "std")]
impl HeapMemory {
    /// Memory for `keys` keys of `quota` that all owe, with room to be found at once: 32 bytes a
    /// key, two slots. Sliding slots are long, so there it is what [`table_words`] asks for.
    ///
    /// All of it is written at once, so that later no call waits for the system to supply a page. On
    /// Linux a table of 2 MiB and more is put on huge pages if the system has them.
    ///
    /// # Panics
    /// If the memory cannot be had; [`Self::try_for_keys`] does not.
    pub fn for_keys(quota: &Quota, keys: usize) -> Self {
        match Self::try_for_keys(quota, keys) {
            Ok(memory) => memory,
            #[expect(clippy::panic, reason = "documented, as for the allocations of std")]
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`Self::for_keys`].
    ///
    /// # Errors
    /// [`TableError::OutOfMemory`].
    pub fn try_for_keys(quota: &Quota, keys: usize) -> Result<Self, TableError> {
        // 1.6 times as many keys at four fifths load are two slots a key.
        let spare = if quota.cell_words() == 1 { keys.saturating_mul(3).div_ceil(5) } else { 0 };
        let words = table_words(quota, keys.saturating_add(spare));
        let pairs = words.div_ceil(LINE_PAIR_WORDS);
        let mut memory = std::vec::Vec::new();
        if memory.try_reserve_exact(pairs).is_err() {
            return Err(TableError::OutOfMemory { words });
        }
        ask_for_huge_pages(&mut memory);
        let zero = |_| AtomicU64::new(0);
        memory.extend((0..pairs).map(|_| LinePair(core::array::from_fn(zero))));
        Ok(Self(memory.into_boxed_slice()))
    }
}

/// Asks the system to back memory that nothing has written to yet by huge pages, as far as whole ones
/// fit: a random access to a large table of small pages waits for the page's address, too.
#[cfg(all(feature = "std", target_os = "linux"))]
fn ask_for_huge_pages(memory: &mut std::vec::Vec<LinePair>) {
    const HUGE_PAGE: usize = 1 << 21;
    let spare = memory.spare_capacity_mut();
    let (start, len) = (spare.as_mut_ptr(), size_of_val(spare));
    let first = start.addr().checked_next_multiple_of(HUGE_PAGE).unwrap_or(usize::MAX);
    let end = start.addr().saturating_add(len) & !HUGE_PAGE.wrapping_sub(1);
    if first >= end {
        return;
    }
    // SAFETY: `first..end` are whole pages within the memory that `spare` borrows for writing, so
    // nobody else uses them. This advice changes neither what they hold nor who may access them,
    // only what backs them; where the system knows no such advice it does nothing.
    unsafe {
        libc::madvise(start.with_addr(first).cast(), end.wrapping_sub(first), libc::MADV_HUGEPAGE);
    }
}

/// Does nothing: there is no such thing to ask for, or no common way to.
#[cfg(all(feature = "std", not(target_os = "linux")))]
const fn ask_for_huge_pages(_memory: &mut std::vec::Vec<LinePair>) {}

#[cfg(feature = "std")]
impl Memory for HeapMemory {
    #[inline]
    fn words(&self) -> &[AtomicU64] {
        let len = self.0.len().wrapping_mul(LINE_PAIR_WORDS);
        // SAFETY: a `LinePair` is `repr(C)` and holds 16 words and nothing else; what its alignment
        // of 128 might add is nothing, since words of 8 bytes fill it, as asserted below. So the box
        // is so many words in a row, borrowed for as long as `self`.
        unsafe { core::slice::from_raw_parts(self.0.as_ptr().cast::<AtomicU64>(), len) }
    }
}

#[cfg(feature = "std")]
const _: () = assert!(size_of::<LinePair>() == LINE_PAIR_WORDS * size_of::<AtomicU64>());

/// Tells the processor that a word is about to be read, so that its line may come while other work
/// is done. Does nothing where there is no stable way to say so.
#[inline]
pub(super) fn prefetch(word: &AtomicU64) {
    #[cfg(all(target_arch = "x86_64", not(loom)))]
    // SAFETY: a hint reads nothing that the program could see, faults at no address, and the line
    // is that of a word that is borrowed.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(word).cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(loom))))]
    let _ = word;
}

/// The words in a byte range that another language gave.
///
/// # Errors
/// [`TableError::Misaligned`] if `start` is not a multiple of 8. Bytes after the last whole word
/// are left alone.
///
/// # Safety
/// `start` is valid for reads and writes of `len` bytes for all of `'a`, and while it is, nothing
/// else touches the bytes but through atomics of 64 bits. They need no values set beforehand beyond
/// being initialized.
#[cfg(not(loom))]
pub unsafe fn words_from_raw<'a>(
    start: *mut u8,
    len: usize,
) -> Result<&'a [AtomicU64], TableError> {
    if !start.addr().is_multiple_of(align_of::<AtomicU64>()) {
        return Err(TableError::Misaligned { found: start.addr() });
    }
    let words = len.checked_div(size_of::<AtomicU64>()).unwrap_or(0);
    // SAFETY: `start` is not dangling for `len` bytes as the caller grants, is aligned as checked
    // above, and every bit pattern is an `AtomicU64`. The words lie within `len` bytes, which a
    // valid range keeps below `isize::MAX`.
    Ok(unsafe { core::slice::from_raw_parts(start.cast::<AtomicU64>(), words) })
}
