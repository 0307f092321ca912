//! Where a key lives: its regions, and the slots in them.

use core::hint::select_unpredictable;

use super::layout::{HEADER_WORDS, KEY_REGIONS, REGION_SLOTS, Region, region_words};
use super::memory::prefetch;
use super::owner::{Owner, Tag};
use super::{Memory, Table};
use crate::atomic::{AtomicU64, Ordering};
use crate::key::KeyHash;
use crate::quota::Quota;

/// Words of a region whose cells are one word.
const WORD_REGION_WORDS: usize = 2 * REGION_SLOTS;

/// Regions of one-word cells that would fit where the header lies.
const HEADER_REGIONS: usize = HEADER_WORDS / WORD_REGION_WORDS;

const _: () = assert!(HEADER_REGIONS * WORD_REGION_WORDS == HEADER_WORDS);

/// A slot, by its owner word and its cell.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'t> {
    pub(super) owner: OwnerWord<'t>,
    pub(super) cell: &'t [AtomicU64],
}

/// A key's home where cells are one word.
#[derive(Clone, Copy)]
pub(super) struct WordHome<'t> {
    pub(super) owner: OwnerWord<'t>,
    pub(super) word: &'t AtomicU64,
    /// What the word was, read after its owner.
    pub(super) seen: u64,
}

impl<'t> WordHome<'t> {
    #[inline]
    pub(super) const fn spot(self) -> Spot<'t> {
        Spot { owner: self.owner, cell: core::slice::from_ref(self.word) }
    }
}

/// The word that says whose a slot is.
#[derive(Clone, Copy)]
pub(super) struct OwnerWord<'t>(pub(super) &'t AtomicU64);

impl OwnerWord<'_> {
    #[inline]
    pub(super) fn load(self) -> Owner {
        Owner(self.0.load(Ordering::SeqCst))
    }

    #[inline]
    pub(super) fn exchange(self, from: Owner, to: Owner) -> bool {
        self.0.compare_exchange(from.0, to.0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Looks at the owner after a charge, and takes a mark off that would let the slot go.
    /// Whether the slot is still the key's.
    #[inline]
    pub(super) fn keep(self, hash: KeyHash) -> bool {
        self.load().is_owned_by(hash.identity) || self.keep_leaving(hash)
    }

    #[cold]
    fn keep_leaving(self, hash: KeyHash) -> bool {
        loop {
            let owner = self.load();
            if !owner.is_home_of(hash.identity) {
                return false;
            }
            if owner.tag() == Tag::Owned || self.exchange(owner, owner.owned()) {
                return true;
            }
        }
    }
}

impl<M: Memory> Table<M> {
    /// The first slot that is the key's home. At most one is.
    #[inline]
    pub(super) fn find(&self, hash: KeyHash) -> Option<Spot<'_>> {
        if self.quota.cell_words() == 1 {
            return self.find_word(hash).map(WordHome::spot);
        }
        self.find_ring(hash)
    }

    /// As [`Self::find`] where cells are one word.
    #[inline(always)]
    pub(super) fn find_word(&self, hash: KeyHash) -> Option<WordHome<'_>> {
        let first = self.first_region(hash);
        let words = self.word_region(first)?;
        // Four keys in five live in their own slot or the next. Which of the two it is cannot be
        // foretold, so both are read, and one branch tells the two from the rest.
        let (own, next) = (owner_place(slot_at(hash, 0)), owner_place(slot_at(hash, 1)));
        let load = |place: usize| Some(words.get(place)?.load(Ordering::SeqCst));
        let (own_owner, next_owner) = (Owner(load(own)?), Owner(load(next)?));
        let (own_seen, next_seen) = (load(own | 1)?, load(next | 1)?);
        let is_next = next_owner.is_home_of(hash.identity);
        if select_unpredictable(is_next, next_owner, own_owner).is_home_of(hash.identity) {
            let (owner, word) = slot_in(words, select_unpredictable(is_next, next, own))?;
            let seen = select_unpredictable(is_next, next_seen, own_seen);
            return Some(WordHome { owner, word, seen });
        }
        let (owner, word) = match home_among(words, hash) {
            Some(home) => home,
            None => self.find_word_elsewhere(first, hash)?,
        };
        Some(WordHome { owner, word, seen: word.load(Ordering::SeqCst) })
    }

    #[inline(never)]
    fn find_word_elsewhere(
        &self,
        first: u32,
        hash: KeyHash,
    ) -> Option<(OwnerWord<'_>, &AtomicU64)> {
        let mut others = self.other_regions(hash, first);
        others.find_map(|region| home_among(self.word_region(region)?, hash))
    }

    /// The words of a region whose cells are one word each.
    #[inline]
    fn word_region(&self, region: u32) -> Option<&[AtomicU64; WORD_REGION_WORDS]> {
        self.memory.words().as_chunks().0.get((region as usize).wrapping_add(HEADER_REGIONS))
    }

    fn find_ring(&self, hash: KeyHash) -> Option<Spot<'_>> {
        for region in self.regions(hash) {
            for step in 0..REGION_SLOTS {
                let slot = slot_at(hash, step);
                let owner = OwnerWord(region.owner(slot)?);
                if owner.load().is_home_of(hash.identity) {
                    return Some(Spot { owner, cell: region.cell(slot)? });
                }
            }
        }
        None
    }

    /// The regions that the key may live in: distinct, in the same order for every thread.
    pub(super) fn regions(&self, hash: KeyHash) -> impl Iterator<Item = Region<'_>> {
        let first = self.first_region(hash);
        core::iter::once(first)
            .chain(self.other_regions(hash, first))
            .filter_map(|index| self.region(index))
    }

    #[inline]
    fn region(&self, index: u32) -> Option<Region<'_>> {
        let len = region_words(&self.quota);
        let start = (index as usize).wrapping_mul(len).wrapping_add(HEADER_WORDS);
        let words = self.memory.words().get(start..start.wrapping_add(len))?;
        Some(Region { words, cell_words: self.quota.cell_words() })
    }

    /// Asks for the memory where the key is looked for first.
    #[inline]
    pub(crate) fn prefetch(&self, hash: KeyHash) {
        let (first, slot) = (self.first_region(hash), slot_at(hash, 0));
        let owner = match self.quota {
            Quota::Sliding(_) => self.region(first).and_then(|region| region.owner(slot)),
            _ => self.word_region(first).and_then(|words| words.get(owner_place(slot))),
        };
        if let Some(owner) = owner {
            prefetch(owner);
        }
    }

    #[inline]
    fn first_region(&self, hash: KeyHash) -> u32 {
        scaled(hash.place >> 32, self.header.regions)
    }

    /// The key's regions beyond its first, as far as the table has so many.
    fn other_regions(&self, hash: KeyHash, first: u32) -> impl Iterator<Item = u32> {
        let regions = self.header.regions;
        let mut taken = [first; KEY_REGIONS];
        let mut word = hash.place;
        (1..KEY_REGIONS.min(regions as usize)).map(move |choice| {
            let mut region = scaled(word & 0xffff_ffff, regions);
            while taken.contains(&region) {
                region = match region.wrapping_add(1) {
                    next if next < regions => next,
                    _ => 0,
                };
            }
            if let Some(next) = taken.get_mut(choice) {
                *next = region;
            }
            // The halves of the hash mixed by an odd factor: neither alone says where the next is.
            word = (word ^ hash.identity).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32);
            region
        })
    }
}

/// The slot to look at in a given step: the key's own first, then the rest of its cache line.
#[inline]
pub(super) const fn slot_at(hash: KeyHash, step: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "its low bits are all that counts")]
    let low = hash.place as usize;
    (low ^ step) & REGION_SLOTS.wrapping_sub(1)
}

/// The key's home among the slots of a region whose cells are one word.
#[inline(always)]
fn home_among(
    words: &[AtomicU64; WORD_REGION_WORDS],
    hash: KeyHash,
) -> Option<(OwnerWord<'_>, &AtomicU64)> {
    // Without a branch for each slot: which one it is cannot be foretold.
    let mut homes = 0_u32;
    for (slot, words) in (0..).zip(words.as_chunks::<2>().0) {
        let is_home = OwnerWord(words.first()?).load().is_home_of(hash.identity);
        homes |= u32::from(is_home).wrapping_shl(slot);
    }
    if homes == 0 { None } else { slot_in(words, owner_place(homes.trailing_zeros() as usize)) }
}

/// The slot whose owner is at `place` among the words of its region.
#[inline]
fn slot_in(
    words: &[AtomicU64; WORD_REGION_WORDS],
    place: usize,
) -> Option<(OwnerWord<'_>, &AtomicU64)> {
    Some((OwnerWord(words.get(place)?), words.get(place | 1)?))
}

/// Where a slot's owner lies in a region whose cells are one word; the cell is the next word.
#[inline]
const fn owner_place(slot: usize) -> usize {
    // The mask bounds it where the compiler sees that.
    slot.wrapping_mul(2) & WORD_REGION_WORDS.wrapping_sub(2)
}

/// `word`, of 32 bits, scaled to `0..len`.
#[inline]
const fn scaled(word: u64, len: u32) -> u32 {
    (word.wrapping_mul(len as u64) >> 32) as u32
}
