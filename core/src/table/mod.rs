//! A key table without locks: fixed slots over memory that the caller owns.
//!
//! A slot is an owner word and its cell's words. A key lives in one slot of its four regions of
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
//! - T4: a refused call writes nothing, except that it may finish another's half-done step, and that
//!   one refused as `full` is counted.

mod charge;
mod claim;
mod layout;
#[expect(unsafe_code, reason = "the one file that sees raw memory as words")]
mod memory;
mod owner;
mod probe;

pub use layout::{TableError, table_words};
#[cfg(feature = "std")]
pub use memory::HeapMemory;
#[cfg(not(loom))]
pub use memory::words_from_raw;
pub use memory::{Memory, StaticMemory};

use core::fmt;

pub(crate) use charge::{Charge, Sighting};
pub(crate) use layout::Counter;

use crate::atomic::{AtomicU64, Ordering};
use crate::cell::{self, ReleaseError};
use crate::concurrency::{ConcurrencyQuota, Held};
use crate::decision::Decision;
use crate::key::{Key, KeyHash, Seed};
use crate::quota::Quota;
use layout::{Header, REGION_SLOTS};

/// What a table does with a new key when every slot in its reach belongs to a key that owes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// Refuse the call, with the verdict `full`.
    #[default]
    Deny,
    /// Allow the call without charging it. It then has nothing to give back: hold permits by
    /// `hold`, which knows, and not by hand.
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
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.set_when_full(when_full);
        self
    }

    pub(crate) const fn set_when_full(&mut self, when_full: WhenFull) {
        self.when_full = when_full;
    }

    /// The quota of every key.
    #[inline]
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
        self.acquire_under(&self.quota, hash, now_ns, cost)
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
    /// [`ReleaseError`] if the key holds fewer than `cost`, as it does under any other kind of quota;
    /// nothing changes.
    pub fn release(&self, hash: KeyHash, cost: u32) -> Result<(), ReleaseError> {
        match self.held(hash) {
            // A slot with permits held is nobody else's until they are back.
            Some(word) => cell::release_word(word, cost),
            None => Held(0).check_release(cost),
        }
    }

    /// Takes `cost` permits of a key however many are held: what [`Self::release`] gave back too
    /// early. Where the key has lost its slot since and finds no other, they stay given back.
    #[cold]
    pub(crate) fn hold_again(&self, hash: KeyHash, cost: u32) {
        let _ = self.charge(&ConcurrencyQuota::LARGEST.into(), hash, None, 0, cost);
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
            self.quota.empty(spot.cell, || spot.owner.load().is_home_of(hash.identity));
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

    pub(crate) fn count(&self, counter: Counter) {
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
