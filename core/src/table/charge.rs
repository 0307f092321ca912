//! How a key's cell is charged: charge, then look at the owner again.
//!
//! ```text
//! thread 1, key a               thread 2, key b              slot's owner    cell
//! finds the slot of a           finds its cell as new        a               as new
//!                               marks it leaving             a, leaving      as new
//! charges                                                    a, leaving      charged
//! looks, takes the mark off                                  a               charged
//!                               looks again, lets it be      a               charged
//! ```
//! Had thread 2 looked again before the charge, its claim would have gone through, and thread 1 would
//! have seen b as the owner, taken its charge back and started over.

use super::claim::Claim;
use super::layout::Counter;
use super::probe::{OwnerWord, Spot};
use super::{Memory, Table, WhenFull};
use crate::atomic::{AtomicU64, Ordering};
use crate::cell::{Receipt, WordQuota};
use crate::decision::{Decision, UNKNOWN};
use crate::key::KeyHash;
use crate::quota::Quota;

/// How often a call that keeps losing slots to other keys tries again before it counts as full.
const ATTEMPTS: u32 = 64;

/// What a look has seen of a key's slot.
#[derive(Clone, Copy)]
pub(crate) struct Sighting<'t> {
    spot: Spot<'t>,
    /// Of a cell of one word that the call may charge: the word, and what it is after the charge.
    step: Option<(u64, u64)>,
}

impl<'t> Sighting<'t> {
    /// Where the key lives.
    pub(crate) const fn spot(&self) -> Spot<'t> {
        self.spot
    }

    /// What charging it as it was seen has charged.
    pub(crate) fn charge(&self) -> Option<Charge<'t>> {
        let (before, after) = self.step?;
        Some(Charge { cell: self.spot.cell, receipt: Receipt::Word { before, after } })
    }
}

/// A charge that can be taken back.
#[derive(Clone, Copy)]
pub(crate) struct Charge<'t> {
    cell: &'t [AtomicU64],
    receipt: Receipt,
}

impl<M: Memory> Table<M> {
    /// [`Self::charge`] without a receipt. What nearly every call is, a key at home in a cell of one
    /// word that nobody else charges at the same instant, is decided here; the rest is not.
    #[inline(always)]
    pub(crate) fn acquire_under(
        &self,
        quota: &Quota,
        hash: KeyHash,
        now_ns: u64,
        cost: u32,
    ) -> Decision {
        match quota {
            Quota::Gcra(gcra) => self.acquire_word(gcra, quota, hash, now_ns, cost),
            _ => self.acquire_otherwise(quota, hash, now_ns, cost),
        }
    }

    /// As [`Self::acquire_under`] for the other kinds, so that the commonest one alone is copied into
    /// its callers.
    #[inline(never)]
    fn acquire_otherwise(&self, quota: &Quota, hash: KeyHash, now_ns: u64, cost: u32) -> Decision {
        match quota {
            Quota::Fixed(fixed) => self.acquire_word(fixed, quota, hash, now_ns, cost),
            Quota::Concurrency(permits) => self.acquire_word(permits, quota, hash, now_ns, cost),
            Quota::Gcra(_) | Quota::Sliding(_) => self.acquire_slowly(quota, hash, now_ns, cost),
        }
    }

    #[inline(never)]
    fn acquire_slowly(&self, quota: &Quota, hash: KeyHash, now_ns: u64, cost: u32) -> Decision {
        self.charge(quota, hash, None, now_ns, cost).0
    }

    /// Charges the only word of a key's slot in one try; the rest is left to [`Self::charge`]: the key
    /// is not at home, or another call came in between.
    #[inline(always)]
    fn acquire_word(
        &self,
        word_quota: &impl WordQuota,
        quota: &Quota,
        hash: KeyHash,
        now_ns: u64,
        cost: u32,
    ) -> Decision {
        let Some(home) = self.find_word(hash) else {
            return self.charge_new(None, quota, hash, now_ns, cost).0;
        };
        if let Some(after) = word_quota.charged(home.seen, now_ns, cost) {
            if self.exchange_kept(home.owner, home.word, (home.seen, after), hash, cost) {
                return word_quota.after_charge(after, now_ns);
            }
        } else if home.owner.load().is_home_of(hash.identity) {
            return word_quota.without_charge(home.seen, now_ns, cost);
        }
        self.acquire_slowly(quota, hash, now_ns, cost)
    }

    /// Takes a word from its first value to its second and looks at its owner again. False: another
    /// call was faster, or the slot has gone to another key and the charge been taken back.
    #[inline(always)]
    fn exchange_kept(
        &self,
        owner: OwnerWord<'_>,
        word: &AtomicU64,
        (before, after): (u64, u64),
        hash: KeyHash,
        cost: u32,
    ) -> bool {
        word.compare_exchange(before, after, Ordering::SeqCst, Ordering::SeqCst).is_ok()
            && (owner.keep(hash) || self.undo_word(word, Receipt::Word { before, after }, cost))
    }

    /// Takes the charge of a word back; false, for it is not kept.
    #[cold]
    fn undo_word(&self, word: &AtomicU64, receipt: Receipt, cost: u32) -> bool {
        self.take_back(&Charge { cell: core::slice::from_ref(word), receipt }, cost);
        false
    }

    /// What a call will be answered once it is charged, and what was seen of the key's slot. None:
    /// the cell is not one word, the key not at home, or the call refused. Writes nothing; whether
    /// the slot is still the key's is not asked before the charge.
    #[inline(always)]
    pub(crate) fn foresee(
        &self,
        quota: &Quota,
        hash: KeyHash,
        now_ns: u64,
        cost: u32,
    ) -> Option<(Decision, Sighting<'_>)> {
        let quota = quota.one_word()?;
        let home = self.find_word(hash)?;
        let after = quota.charged(home.seen, now_ns, cost)?;
        let sighting = Sighting { spot: home.spot(), step: Some((home.seen, after)) };
        Some((quota.after_charge(after, now_ns), sighting))
    }

    /// Charges the only word of a cell in one try, as a look has seen it; gives the word after that.
    /// None: the look saw no such word, or another call came in between; nothing is charged that
    /// could be taken back.
    #[inline]
    pub(crate) fn charge_seen(
        &self,
        hash: KeyHash,
        sighting: &Sighting<'_>,
        cost: u32,
    ) -> Option<u64> {
        let Sighting { spot, step } = sighting;
        let (word, (before, after)) = (spot.cell.first()?, (*step)?);
        self.exchange_kept(spot.owner, word, (before, after), hash, cost).then_some(after)
    }

    /// Decides a call and charges it if allowed; `spot` is where an earlier look found the key.
    pub(crate) fn charge<'t>(
        &'t self,
        quota: &Quota,
        hash: KeyHash,
        spot: Option<Spot<'t>>,
        now_ns: u64,
        cost: u32,
    ) -> (Decision, Option<Charge<'t>>) {
        let Some(spot) = spot.or_else(|| self.find(hash)) else {
            return self.charge_new(None, quota, hash, now_ns, cost);
        };
        match self.charge_spot(spot, quota, hash, now_ns, cost) {
            Some(answer) => answer,
            None => self.charge_new(self.settle(hash), quota, hash, now_ns, cost),
        }
    }

    /// As [`Self::charge`] of a key that may have no slot yet; `home` is where a look has just found
    /// it, if anywhere. A claim that it may have is found once its own is placed.
    #[cold]
    fn charge_new<'t>(
        &'t self,
        mut home: Option<Spot<'t>>,
        quota: &Quota,
        hash: KeyHash,
        now_ns: u64,
        cost: u32,
    ) -> (Decision, Option<Charge<'t>>) {
        let fresh = quota.fresh(now_ns, cost);
        let mut wait_ns = UNKNOWN;
        for _ in 0..ATTEMPTS {
            if home.is_none() {
                if cost == 0 || !fresh.allowed() {
                    return (fresh, None);
                }
                home = match self.claim(hash, now_ns) {
                    Claim::Placed(claim) => self.confirm(claim, hash).or_else(|| self.settle(hash)),
                    Claim::Lost => self.settle(hash),
                    Claim::Full { wait_ns: found_ns } => {
                        wait_ns = found_ns;
                        match self.settle(hash) {
                            None => break,
                            home => home,
                        }
                    }
                };
            }
            let Some(spot) = home else { continue };
            match self.charge_spot(spot, quota, hash, now_ns, cost) {
                Some(answer) => return answer,
                None => home = self.settle(hash),
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
            return spot.owner.load().is_home_of(hash.identity).then_some((decision, None));
        };
        let charge = Charge { cell: spot.cell, receipt };
        if spot.owner.keep(hash) {
            return Some((decision, Some(charge)));
        }
        self.take_back(&charge, cost);
        None
    }

    /// Takes a charge of `cost` back, or counts it where that could mint.
    pub(crate) fn take_back(&self, charge: &Charge<'_>, cost: u32) {
        if !self.quota.take_back(charge.cell, &charge.receipt, cost) {
            self.count(Counter::Stranded);
        }
    }

    /// What a charge would be answered, with `remaining` before it, and what was seen of the key's
    /// slot. Writes nothing.
    #[inline]
    pub(crate) fn look(
        &self,
        quota: &Quota,
        hash: KeyHash,
        now_ns: u64,
        cost: u32,
    ) -> (Decision, Option<Sighting<'_>>) {
        if let Some(word_quota) = quota.one_word() {
            while let Some(home) = self.find_word(hash) {
                let (decision, step) = word_quota.seen(home.seen, now_ns, cost);
                if home.owner.load().is_home_of(hash.identity) {
                    return (decision, Some(Sighting { spot: home.spot(), step }));
                }
            }
        } else {
            while let Some(spot) = self.find(hash) {
                let decision = quota.peek(spot.cell, now_ns, cost);
                if spot.owner.load().is_home_of(hash.identity) {
                    return (decision, Some(Sighting { spot, step: None }));
                }
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
}
