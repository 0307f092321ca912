//! A key table without locks: fixed slots over memory that the caller owns.
//!
//! A slot is an owner word and its cell's words. A key lives in one slot of its three regions of
//! eight; nothing is allocated and nothing moves. It deliberately keeps no keys, no order of use and
//! no time of its own: a slot is free for another key when its cell is as good as new, and then only.
//! SOURCE: our own construction; its loom models are in `core/tests/loom_table.rs`.
//!
//! **Charge, then look again.** A call charges the key's cell and then reads the owner word. Still
//! the key's: done. Marked as leaving: it takes the mark off; done. Another's: it takes the charge
//! back and starts over.
//!
//! - T1: no key is admitted beyond its rule's bound, under any interleaving.
//! - T2: a key that owes keeps its slot; a flood of new keys frees none of them.
//! - T3: a thread that stops anywhere stops nobody: every step is one word and any thread may
//!   finish it, undo it or pass it by.
//! - T4: a refused call writes nothing, except that it may finish another's half-done step.

mod claim;
mod layout;
mod memory;
mod owner;

pub use layout::{TableError, table_words};
#[cfg(feature = "std")]
pub use memory::HeapMemory;
#[cfg(not(loom))]
pub use memory::words_from_raw;
pub use memory::{Memory, StaticMemory};

use core::fmt;

use crate::atomic::{AtomicU64, Ordering};
use crate::cell::{self, Receipt, ReleaseError};
use crate::concurrency::Held;
use crate::decision::{Decision, UNKNOWN};
use crate::key::{Key, KeyHash, Seed};
use crate::quota::Quota;
use claim::Claim;
use layout::{Counter, HEADER_WORDS, Header, KEY_REGIONS, REGION_SLOTS, Region, region_words};
use owner::{Owner, Tag};

/// How often a call that keeps losing slots to other keys tries again before it counts as full.
const ATTEMPTS: u32 = 64;

/// What a table does with a new key when every slot in its reach belongs to a key that owes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Refuse the call, with the verdict `full`.
    #[default]
    Deny,
    /// Allow the call without charging it.
    Allow,
}

/// The cells of one rule, by key.
///
/// ```
/// use ratecell::{GcraQuota, HeapMemory, Seed, Table};
///
/// let quota = GcraQuota::new(600, 60_000_000_000, 10)?.into();
/// let table = Table::new(HeapMemory::for_keys(&quota, 65_536), quota, Seed::random())?;
/// assert_eq!(table.acquire(table.hash("alice"), 0, 4).remaining(), 6);
/// assert_eq!(table.acquire(table.hash("bob"), 0, 1).remaining(), 9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Progress: lock-free. Threads share it by reference.
pub struct Table<M> {
    memory: M,
    quota: Quota,
    header: Header,
    when_full: WhenFull,
}

impl<M: Memory> Table<M> {
    /// A table with no keys in `memory`, whatever the memory held.
    ///
    /// # Errors
    /// [`TableError`] if the memory is too small or too large.
    pub fn new(memory: M, quota: Quota, seed: Seed) -> Result<Self, TableError> {
        let words = memory.words();
        let header = Header::fitting(&quota, seed, words.len())?;
        for word in words {
            word.store(0, Ordering::Relaxed);
        }
        header.write(&quota, words);
        Ok(Self { memory, quota, header, when_full: WhenFull::Deny })
    }

    /// The table that [`Self::new`] made in `memory` before, with its keys and its seed.
    ///
    /// # Errors
    /// [`TableError`] if the memory does not hold a table whose cells mean the same to `quota`.
    pub fn attach(memory: M, quota: Quota) -> Result<Self, TableError> {
        let header = Header::read(&quota, memory.words())?;
        Ok(Self { memory, quota, header, when_full: WhenFull::Deny })
    }

    /// The same table with what it does when it is full; [`WhenFull::Deny`] if never called.
    #[must_use]
    pub fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }

    /// The quota of every key.
    pub const fn quota(&self) -> &Quota {
        &self.quota
    }

    /// How many slots there are.
    pub const fn slots(&self) -> usize {
        (self.header.regions as usize).saturating_mul(REGION_SLOTS)
    }

    /// The hash of a key under this table's seed.
    #[inline]
    pub fn hash<'k>(&self, key: impl Into<Key<'k>>) -> KeyHash {
        self.header.seed.hash(key)
    }

    /// Takes `cost` units of a key at `now_ns` if its quota allows it. Lock-free; loads only on a
    /// denial.
    #[inline]
    pub fn acquire(&self, hash: KeyHash, now_ns: u64, cost: u32) -> Decision {
        self.charge(&self.quota, hash, None, now_ns, cost).0
    }

    /// As [`Self::acquire`] under another quota that shares the key's state; none if it cannot:
    /// see [`Quota::shares_state_with`].
    pub fn acquire_with(
        &self,
        quota: &Quota,
        hash: KeyHash,
        now_ns: u64,
        cost: u32,
    ) -> Option<Decision> {
        self.quota.shares_state_with(quota).then(|| self.charge(quota, hash, None, now_ns, cost).0)
    }

    /// What [`Self::acquire`] would answer, with `remaining` before the charge. Writes nothing.
    #[inline]
    pub fn peek(&self, hash: KeyHash, now_ns: u64, cost: u32) -> Decision {
        self.look(&self.quota, hash, now_ns, cost).0
    }

    /// Gives `cost` permits of a key back, for a concurrency quota. Lock-free.
    ///
    /// # Errors
    /// [`ReleaseError`] if the key holds fewer, or the quota is of another kind; nothing changes.
    pub fn release(&self, hash: KeyHash, cost: u32) -> Result<(), ReleaseError> {
        match self.held(hash) {
            // A slot with permits held is nobody else's until they are back.
            Some(word) => cell::release_word(word, cost),
            None => Held(0).check_release(cost),
        }
    }

    /// Whether [`Self::release`] would succeed now.
    pub(crate) fn check_release(&self, hash: KeyHash, cost: u32) -> Result<(), ReleaseError> {
        let held = self.held(hash).map_or(0, |word| word.load(Ordering::SeqCst));
        Held(held).check_release(cost)
    }

    /// The word that counts a key's permits, if it has any.
    fn held(&self, hash: KeyHash) -> Option<&AtomicU64> {
        match self.quota {
            Quota::Concurrency(_) => self.find(hash)?.cell.first(),
            _ => None,
        }
    }

    /// Forgets what a key has used. Lock-free; a charge that happens meanwhile may stay, and one
    /// that a plan takes back meanwhile may come back twice.
    ///
    /// Permits of a concurrency quota stay with their holders: give them back by
    /// [`Self::release`].
    pub fn reset(&self, hash: KeyHash) {
        if let Some(spot) = self.find(hash) {
            self.quota.empty(spot.cell, || spot.load().is_home_of(hash.identity));
        }
    }

    /// The counters so far. They wrap at 2^64.
    pub fn stats(&self) -> TableStats {
        let inserted = self.counter(Counter::Inserted);
        TableStats {
            slots: self.slots(),
            keys: inserted.wrapping_sub(self.counter(Counter::Removed)),
            inserted,
            full_denied: self.counter(Counter::FullDenied),
            full_allowed: self.counter(Counter::FullAllowed),
            stranded: self.counter(Counter::Stranded),
        }
    }

    /// Decides a call and charges it if allowed; `spot` is where an earlier look found the key.
    #[inline]
    pub(crate) fn charge<'t>(
        &'t self,
        quota: &Quota,
        hash: KeyHash,
        spot: Option<Spot<'t>>,
        now_ns: u64,
        cost: u32,
    ) -> (Decision, Option<Charge<'t>>) {
        let Some(spot) = spot.or_else(|| self.find(hash)) else {
            return self.charge_new(quota, hash, now_ns, cost);
        };
        match self.charge_spot(spot, quota, hash, now_ns, cost) {
            Some(answer) => answer,
            None => self.charge_new(quota, hash, now_ns, cost),
        }
    }

    /// As [`Self::charge`] where the key may have no slot yet.
    #[cold]
    fn charge_new(
        &self,
        quota: &Quota,
        hash: KeyHash,
        now_ns: u64,
        cost: u32,
    ) -> (Decision, Option<Charge<'_>>) {
        let fresh = quota.fresh(now_ns, cost);
        let mut wait_ns = UNKNOWN;
        for _ in 0..ATTEMPTS {
            if let Some(spot) = self.settle(hash) {
                match self.charge_spot(spot, quota, hash, now_ns, cost) {
                    Some(answer) => return answer,
                    None => continue,
                }
            }
            if cost == 0 || !fresh.allowed() {
                return (fresh, None);
            }
            match self.claim(hash, now_ns) {
                Claim::Placed | Claim::Lost => {}
                Claim::Full { wait_ns: found_ns } => {
                    wait_ns = found_ns;
                    if self.settle(hash).is_none() {
                        break;
                    }
                }
            }
        }
        match self.when_full {
            WhenFull::Deny => {
                self.count(Counter::FullDenied);
                (fresh.as_full(wait_ns), None)
            }
            WhenFull::Allow => {
                self.count(Counter::FullAllowed);
                (fresh, None)
            }
        }
    }

    /// Charges the cell of a slot that was the key's. None: it no longer is, and nothing is left
    /// charged that could be taken back.
    #[inline]
    fn charge_spot<'t>(
        &self,
        spot: Spot<'t>,
        quota: &Quota,
        hash: KeyHash,
        now_ns: u64,
        cost: u32,
    ) -> Option<(Decision, Option<Charge<'t>>)> {
        let (decision, receipt) = quota.charge(spot.cell, now_ns, cost);
        let Some(receipt) = receipt else {
            return spot.load().is_home_of(hash.identity).then_some((decision, None));
        };
        let charge = Charge { cell: spot.cell, receipt };
        if spot.keep(hash) {
            return Some((decision, Some(charge)));
        }
        self.take_back(&charge);
        None
    }

    /// Takes a charge back, or counts it where that could mint.
    pub(crate) fn take_back(&self, charge: &Charge<'_>) {
        if !self.quota.take_back(charge.cell, &charge.receipt) {
            self.count(Counter::Stranded);
        }
    }

    /// What a charge would be answered, with `remaining` before it, and where the key lives.
    /// Writes nothing.
    #[inline]
    pub(crate) fn look(
        &self,
        quota: &Quota,
        hash: KeyHash,
        now_ns: u64,
        cost: u32,
    ) -> (Decision, Option<Spot<'_>>) {
        while let Some(spot) = self.find(hash) {
            let decision = quota.peek(spot.cell, now_ns, cost);
            if spot.load().is_home_of(hash.identity) {
                return (decision, Some(spot));
            }
        }
        (self.look_new(quota, hash, now_ns, cost), None)
    }

    #[cold]
    fn look_new(&self, quota: &Quota, hash: KeyHash, now_ns: u64, cost: u32) -> Decision {
        let fresh = quota.fresh(now_ns, cost);
        if cost == 0 || !fresh.allowed() || self.when_full == WhenFull::Allow {
            return fresh;
        }
        match self.candidate(hash, now_ns) {
            Ok(_) => fresh,
            Err(wait_ns) => fresh.as_full(wait_ns),
        }
    }

    /// The first slot that is the key's home. At most one is.
    #[inline]
    fn find(&self, hash: KeyHash) -> Option<Spot<'_>> {
        for choice in 0..KEY_REGIONS {
            let region = self.region(hash, choice)?;
            for step in 0..REGION_SLOTS {
                let slot = slot_at(hash, step);
                let owner = region.owner(slot)?;
                if Owner(owner.load(Ordering::SeqCst)).is_home_of(hash.identity) {
                    return Some(Spot { owner, cell: region.cell(slot)? });
                }
            }
        }
        None
    }

    /// One of the key's regions; none beyond the table's last. A key's regions are distinct.
    #[inline]
    fn region(&self, hash: KeyHash, choice: usize) -> Option<Region<'_>> {
        let regions = self.header.regions;
        let first = scaled(hash.place >> 32, regions);
        let index = match choice {
            0 => first,
            _ => self.other_region(hash, first, choice)?,
        };
        let len = region_words(&self.quota);
        let start = (index as usize).wrapping_mul(len).wrapping_add(HEADER_WORDS);
        let words = self.memory.words().get(start..start.wrapping_add(len))?;
        Some(Region { words, cell_words: self.quota.cell_words() })
    }

    /// The second or third region of a key.
    #[inline]
    fn other_region(&self, hash: KeyHash, first: u32, choice: usize) -> Option<u32> {
        let regions = self.header.regions;
        if choice >= regions as usize {
            return None;
        }
        let after =
            |index: u32| if index.wrapping_add(1) < regions { index.wrapping_add(1) } else { 0 };
        let mut second = scaled(hash.place & 0xffff_ffff, regions);
        if second == first {
            second = after(second);
        }
        if choice == 1 {
            return Some(second);
        }
        // The halves of the place mixed by an odd factor: neither alone says where this is.
        let mixed = (hash.place ^ hash.identity).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let mut third = scaled(mixed, regions);
        while third == first || third == second {
            third = after(third);
        }
        Some(third)
    }

    fn count(&self, counter: Counter) {
        // Nothing is decided by a counter, so models leave them out to have fewer interleavings.
        if cfg!(loom) {
            return;
        }
        if let Some(word) = self.memory.words().get(counter as usize) {
            // ORDERING: Relaxed. A statistic; it publishes nothing.
            word.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counter(&self, counter: Counter) -> u64 {
        self.memory.words().get(counter as usize).map_or(0, |word| word.load(Ordering::Relaxed))
    }
}

impl<M> fmt::Debug for Table<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("quota", &self.quota)
            .field("regions", &self.header.regions)
            .field("when_full", &self.when_full)
            .finish_non_exhaustive()
    }
}

/// The slot to look at in a given step: the key's own first, then the rest of its cache line.
#[inline]
const fn slot_at(hash: KeyHash, step: usize) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "its low bits are all that counts")]
    let low = hash.identity as usize;
    (low ^ step) & REGION_SLOTS.wrapping_sub(1)
}

/// `word`, of 32 bits, scaled to `0..len`.
#[inline]
const fn scaled(word: u64, len: u32) -> u32 {
    (word.wrapping_mul(len as u64) >> 32) as u32
}

/// A slot, by its owner word and its cell.
#[derive(Clone, Copy)]
pub(crate) struct Spot<'t> {
    owner: &'t AtomicU64,
    cell: &'t [AtomicU64],
}

impl Spot<'_> {
    #[inline]
    fn load(&self) -> Owner {
        Owner(self.owner.load(Ordering::SeqCst))
    }

    #[inline]
    fn exchange(&self, from: Owner, to: Owner) -> bool {
        self.owner.compare_exchange(from.0, to.0, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Looks at the owner after a charge, and takes a mark off that would let the slot go.
    /// Whether the slot is still the key's.
    #[inline]
    fn keep(&self, hash: KeyHash) -> bool {
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

/// A charge that can be taken back.
pub(crate) struct Charge<'t> {
    cell: &'t [AtomicU64],
    receipt: Receipt,
}

/// What a table has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableStats {
    /// Slots in all.
    pub slots: usize,
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
