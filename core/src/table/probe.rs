//! Where a key lives: its regions, and the slots in them.

use super::layout::{HEADER_WORDS, KEY_REGIONS, REGION_SLOTS, Region, region_words};
use super::owner::{Owner, Tag};
use super::{Memory, Table};
use crate::atomic::{AtomicU64, Ordering};
use crate::key::KeyHash;

/// Words of a region whose cells are one word.
const WORD_REGION_WORDS: usize = 2 * REGION_SLOTS;

/// A slot, by its owner word and its cell.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'t> {
    pub(super) owner: OwnerWord<'t>,
    pub(super) cell: &'t [AtomicU64],
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
            let (owner, word) = self.find_word(hash)?;
            return Some(Spot { owner, cell: core::slice::from_ref(word) });
        }
        self.find_ring(hash)
    }

    /// As [`Self::find`] where cells are one word.
    #[inline(always)]
    pub(super) fn find_word(&self, hash: KeyHash) -> Option<(OwnerWord<'_>, &AtomicU64)> {
        let first = self.first_region(hash);
        self.find_word_in(first, hash).or_else(|| self.find_word_elsewhere(first, hash))
    }

    #[inline(always)]
    fn find_word_in(&self, region: u32, hash: KeyHash) -> Option<(OwnerWord<'_>, &AtomicU64)> {
        let start = (region as usize).wrapping_mul(WORD_REGION_WORDS).wrapping_add(HEADER_WORDS);
        let words = self.memory.words().get(start..)?.first_chunk::<WORD_REGION_WORDS>()?;
        let spot = |slot: usize| {
            // The masks bound the indices where the compiler sees it.
            let place = slot.wrapping_mul(2) & WORD_REGION_WORDS.wrapping_sub(2);
            Some((OwnerWord(words.get(place)?), words.get(place | 1)?))
        };
        // One branch for the key's own slot and the next, which four keys in five live in: which of
        // the two it is cannot be foretold.
        let (own, next) = (slot_at(hash, 0), slot_at(hash, 1));
        let next_is_home = spot(next)?.0.load().is_home_of(hash.identity);
        let near = spot(if next_is_home { next } else { own })?;
        if near.0.load().is_home_of(hash.identity) {
            return Some(near);
        }
        // Without a branch for each slot: which one it is cannot be foretold.
        let mut homes = 0_u32;
        for (slot, words) in (0..).zip(words.as_chunks::<2>().0) {
            let is_home = OwnerWord(words.first()?).load().is_home_of(hash.identity);
            homes |= u32::from(is_home).wrapping_shl(slot);
        }
        if homes == 0 { None } else { spot(homes.trailing_zeros() as usize) }
    }

    #[inline(never)]
    fn find_word_elsewhere(
        &self,
        first: u32,
        hash: KeyHash,
    ) -> Option<(OwnerWord<'_>, &AtomicU64)> {
        self.other_regions(hash, first).find_map(|region| self.find_word_in(region, hash))
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
        let len = region_words(&self.quota);
        core::iter::once(first).chain(self.other_regions(hash, first)).filter_map(move |index| {
            let start = (index as usize).wrapping_mul(len).wrapping_add(HEADER_WORDS);
            let words = self.memory.words().get(start..start.wrapping_add(len))?;
            Some(Region { words, cell_words: self.quota.cell_words() })
        })
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

/// `word`, of 32 bits, scaled to `0..len`.
#[inline]
const fn scaled(word: u64, len: u32) -> u32 {
    (word.wrapping_mul(len as u64) >> 32) as u32
}
