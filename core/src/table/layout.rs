//! How a table lies in its words: a header, then regions of slots. Offsets only, no pointers.
//!
//! ```text
//! words 0..16      magic, version and kind, regions, segments, period, seed (2), 0, counters (8)
//! then, a region   one-word cells: 8 x (owner, cell)      longer ones: 8 owners, then 8 cells
//! ```
//! A region of one-word cells is two cache lines of 64 bytes.

use core::fmt;

use crate::atomic::{AtomicU64, Ordering};
use crate::key::Seed;
use crate::quota::{Kind, Quota};

/// Slots in a region; a model has fewer, so that it can be explored.
pub(super) const REGION_SLOTS: usize = if cfg!(loom) { 2 } else { 8 };

/// Regions that a key may live in, as far as its table has so many.
pub(super) const KEY_REGIONS: usize = if cfg!(loom) { 2 } else { 4 };

pub(super) const HEADER_WORDS: usize = 16;

/// "ratecell" in ASCII, first byte lowest.
const MAGIC: u64 = u64::from_le_bytes(*b"ratecell");
const VERSION: u64 = 1;

/// Where the counters stand in the header.
#[derive(Clone, Copy)]
pub(crate) enum Counter {
    FullDenied = 8,
    FullAllowed = 9,
    Stranded = 10,
    Inserted = 11,
    Removed = 12,
}

/// How many words a table needs at the least for `keys` keys of `quota` that all owe: four fifths
/// of its slots.
///
/// A gcra, fixed or concurrency slot takes 16 bytes, so 20 a key. A sliding slot takes 8 bytes for
/// each of segments + 3 words, so 170 a key with 14 segments. With that many keys, and no slot as
/// good as new, fewer than one new key in 10,000 finds no slot. More words make calls faster: with
/// two slots a key, most keys live where they are looked for first.
pub const fn table_words(quota: &Quota, keys: usize) -> usize {
    let slots = keys.saturating_add(keys.div_ceil(4));
    let regions = slots.div_ceil(REGION_SLOTS);
    let regions = if regions == 0 { 1 } else { regions };
    regions.saturating_mul(region_words(quota)).saturating_add(HEADER_WORDS)
}

pub(super) const fn region_words(quota: &Quota) -> usize {
    quota.cell_words().saturating_add(1).saturating_mul(REGION_SLOTS)
}

/// The words of one region.
#[derive(Clone, Copy)]
pub(super) struct Region<'t> {
    pub(super) words: &'t [AtomicU64],
    pub(super) cell_words: usize,
}

impl<'t> Region<'t> {
    #[inline]
    pub(super) fn owner(&self, slot: usize) -> Option<&'t AtomicU64> {
        let index = if self.cell_words == 1 { slot.wrapping_mul(2) } else { slot };
        self.words.get(index)
    }

    #[inline]
    pub(super) fn cell(&self, slot: usize) -> Option<&'t [AtomicU64]> {
        let start = if self.cell_words == 1 {
            slot.wrapping_mul(2).wrapping_add(1)
        } else {
            slot.wrapping_mul(self.cell_words).wrapping_add(REGION_SLOTS)
        };
        self.words.get(start..start.wrapping_add(self.cell_words))
    }
}

/// What the header of a table says.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) regions: u32,
    pub(super) seed: Seed,
}

impl Header {
    /// The header for as many regions as `len` words hold.
    pub(super) fn fitting(quota: &Quota, seed: Seed, len: usize) -> Result<Self, TableError> {
        let needed = table_words(quota, 1);
        if len < needed {
            return Err(TableError::TooSmall { found_words: len, needed_words: needed });
        }
        let whole = len.saturating_sub(HEADER_WORDS).checked_div(region_words(quota)).unwrap_or(0);
        let Ok(regions) = u32::try_from(whole) else {
            return Err(TableError::TooLarge { found_words: len });
        };
        Ok(Self { regions, seed })
    }

    /// Writes the header; the magic goes last, so that a half-written table is not one.
    pub(super) fn write(&self, quota: &Quota, words: &[AtomicU64]) {
        for (word, value) in words.iter().zip(self.fields(quota)).skip(1) {
            word.store(value, Ordering::SeqCst);
        }
        if let Some(magic) = words.first() {
            magic.store(MAGIC, Ordering::SeqCst);
        }
    }

    /// Reads the header of a table that was made before.
    pub(super) fn read(quota: &Quota, words: &[AtomicU64]) -> Result<Self, TableError> {
        let field = |index: usize| words.get(index).map_or(0, |word| word.load(Ordering::SeqCst));
        let seed = Seed([field(5), field(6)]);
        let header = Self::fitting(quota, seed, words.len())?;
        let regions = u32::try_from(field(2)).unwrap_or(u32::MAX);
        if field(0) != MAGIC {
            return Err(TableError::NotATable);
        }
        let found = Self { regions, seed };
        let same = found.fields(quota).iter().enumerate().all(|(i, &value)| field(i) == value);
        if !same || regions == 0 || regions > header.regions {
            return Err(TableError::OtherLayout);
        }
        Ok(found)
    }

    fn fields(&self, quota: &Quota) -> [u64; 7] {
        let kind: u64 = match quota.kind() {
            Kind::Gcra => 1,
            Kind::Fixed => 2,
            Kind::Sliding => 3,
            Kind::Concurrency => 4,
        };
        // A gcra cell means the same at any period.
        let period_ns = match quota {
            Quota::Gcra(_) => 0,
            _ => quota.period_ns().unwrap_or(0),
        };
        [
            MAGIC,
            VERSION << 32 | (REGION_SLOTS as u64) << 8 | kind,
            u64::from(self.regions),
            quota.cell_words() as u64,
            period_ns,
            self.seed.0[0],
            self.seed.0[1],
        ]
    }
}

/// Why memory cannot be a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableError {
    /// The memory has too few words for a single region.
    TooSmall {
        /// Words of 8 bytes given.
        found_words: usize,
        /// Words of 8 bytes that the smallest table of this quota takes.
        needed_words: usize,
    },
    /// The memory has more regions than 2^32 - 1.
    TooLarge {
        /// Words of 8 bytes given.
        found_words: usize,
    },
    /// The heap does not have so much memory.
    OutOfMemory {
        /// Words of 8 bytes asked for.
        words: usize,
    },
    /// The memory does not start at a multiple of 8 bytes.
    Misaligned {
        /// The address given.
        found: usize,
    },
    /// The memory to attach to was never made a table.
    NotATable,
    /// The memory to attach to is a table of another kind, period, segments or version.
    OtherLayout,
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooSmall { found_words, needed_words } => write!(
                f,
                "the memory has {found_words} words of 8 bytes, accepted are {needed_words} and \
                 more for this quota"
            ),
            Self::TooLarge { found_words } => write!(
                f,
                "the memory has {found_words} words of 8 bytes, accepted are fewer than 2^32 \
                 regions"
            ),
            Self::OutOfMemory { words } => {
                write!(f, "the heap cannot supply {words} words of 8 bytes")
            }
            Self::Misaligned { found } => {
                write!(f, "the memory starts at {found:#x}, accepted are multiples of 8")
            }
            Self::NotATable => write!(f, "the memory to attach to does not begin as a table does"),
            Self::OtherLayout => write!(
                f,
                "the memory to attach to is a table of another kind, period, segments or version"
            ),
        }
    }
}

impl core::error::Error for TableError {}
