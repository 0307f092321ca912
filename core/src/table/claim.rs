//! Giving a key its slot: claims, and how one of them becomes the key's only home.
//!
//! **Reuse.** A slot whose cell is as good as new is marked as leaving, its cell looked at again,
//! and only if it is still as good as new does the mark become another key's claim.
//!
//! **One home.** A claim counts only once confirmed. Whoever has seen a claim looks at all of the
//! key's slots again before confirming it: an owned slot of the key voids all its claims; the first
//! claim wins and the others are voided. Any thread may confirm for another.
//!
//! ```text
//! thread 1                      thread 2                      slot 0     slot 1
//! sees no slot of k             sees no slot of k             free       free
//!                               claims slot 1                 free       claim k
//! claims slot 0                                               claim k    claim k
//!                               looks again: slot 0 is first
//!                               voids slot 1                  claim k    free
//! looks again, confirms                                       k          free
//!                               settles on slot 0             k          free
//! ```

use super::layout::{Counter, REGION_SLOTS, Region};
use super::owner::{Owner, Tag};
use super::probe::{OwnerWord, Spot, slot_at};
use super::{Memory, Table};
use crate::decision::UNKNOWN;
use crate::key::KeyHash;

/// With as many keys in its first region, a new key looks at its other regions too.
///
/// Seven of eight keeps seven keys in eight in their first region at four fifths load, where with
/// four regions next to no new key finds none.
const CROWDED: usize = REGION_SLOTS - 1;

/// What became of an attempt to claim a slot.
pub(super) enum Claim<'t> {
    /// The key has a claim, to be confirmed.
    Placed(SeenSlot<'t>),
    /// Another thread was faster; look again.
    Lost,
    /// Every slot in reach is another key's that owes, for `wait_ns` more at the least.
    Full { wait_ns: u64 },
}

/// One of the slots that a key may live in, as it was seen.
#[derive(Clone, Copy)]
pub(super) struct SeenSlot<'t> {
    /// Its number among them, the same for every thread: of two claims the lower wins.
    number: usize,
    spot: Spot<'t>,
    owner: Owner,
}

impl<'t> SeenSlot<'t> {
    /// Looks at a slot of a region that is the key's choice of that number.
    fn look(choice: usize, region: Region<'t>, slot: usize) -> Option<Self> {
        let spot = Spot { owner: OwnerWord(region.owner(slot)?), cell: region.cell(slot)? };
        let number = choice.wrapping_mul(REGION_SLOTS).wrapping_add(slot);
        Some(Self { number, spot, owner: spot.owner.load() })
    }

    /// The slot with another owner word; none if it is not as it was seen.
    fn exchange(self, owner: Owner) -> Option<Self> {
        self.spot.owner.exchange(self.owner, owner).then_some(Self { owner, ..self })
    }
}

/// What a region has for a new key.
struct RegionSurvey<'t> {
    best: Option<(Rank, SeenSlot<'t>)>,
    wait_ns: u64,
}

/// How a candidate is ranked: the lower the better.
///
/// A free slot anywhere comes before one that is as good as new, so that keys in reach of free
/// slots do not drive each other out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// A free slot, by how many keys its region has.
    Free { keys: usize },
    /// A slot as good as new, by how many keys that owe its region has.
    Idle { owing: usize },
    /// Another key's unconfirmed claim, that would have to be voided.
    Claimed,
}

impl<M: Memory> Table<M> {
    /// The one slot that is the key's home, made so from its claims if need be; none if there are
    /// no claims. Lock-free.
    pub(super) fn settle(&self, hash: KeyHash) -> Option<Spot<'_>> {
        loop {
            let mut home = None;
            let mut claim = None;
            for seen in self.slots_of(hash) {
                if seen.owner.is_home_of(hash.identity) {
                    home = home.or(Some(seen.spot));
                } else if seen.owner.is_claim_of(hash.identity) {
                    claim = claim.or(Some(seen));
                }
            }
            let Some(claim) = claim else { return home };
            if home.is_some() {
                // A claim beside a home is void.
                claim.exchange(claim.owner.voided());
            } else if let Some(home) = self.confirm(claim, hash) {
                return Some(home);
            }
        }
    }

    /// Makes a claim the key's home. None: it is void, or something came in between.
    pub(super) fn confirm<'t>(&'t self, claim: SeenSlot<'t>, hash: KeyHash) -> Option<Spot<'t>> {
        // INVARIANT: every slot is looked at after the claim was seen. A key that got its home
        // before the claim was placed is seen here; one that gets it later voids the claim.
        for other in self.slots_of(hash) {
            if other.number == claim.number {
                continue;
            }
            let is_claim = other.owner.is_claim_of(hash.identity);
            if other.owner.is_home_of(hash.identity) || (is_claim && other.number < claim.number) {
                claim.exchange(claim.owner.voided());
                return None;
            }
            if is_claim {
                other.exchange(other.owner.voided())?;
            }
        }
        let home = claim.exchange(claim.owner.owned())?;
        self.count(Counter::Inserted);
        Some(home.spot)
    }

    /// Tries to claim a slot for a key that has none.
    pub(super) fn claim(&self, hash: KeyHash, now_ns: u64) -> Claim<'_> {
        let seen = match self.candidate(hash, now_ns) {
            Ok(candidate) => candidate,
            Err(wait_ns) => return Claim::Full { wait_ns },
        };
        let owner = seen.owner;
        if owner.is_of(hash.identity) && owner.tag() != Tag::Free {
            // It has come to be the key's own since, as good as new only for want of its first
            // charge. Taking it over would strand that charge.
            return Claim::Lost;
        }
        let placed = match owner.tag() {
            Tag::Free => seen.exchange(owner.claimed_for(hash.identity)),
            Tag::Claimed => {
                // Whoever placed it finds it void and tries again; a thread that stopped cannot
                // keep the slot.
                seen.exchange(owner.voided());
                None
            }
            Tag::Owned => {
                let marked = seen.exchange(owner.leaving());
                marked.and_then(|marked| self.take_over(marked, hash, now_ns))
            }
            Tag::Leaving => self.take_over(seen, hash, now_ns),
        };
        placed.map_or(Claim::Lost, Claim::Placed)
    }

    /// Turns a mark into a claim if the cell is as good as new, having been marked.
    fn take_over<'t>(
        &self,
        marked: SeenSlot<'t>,
        hash: KeyHash,
        now_ns: u64,
    ) -> Option<SeenSlot<'t>> {
        if self.quota.clear_after_ns(marked.spot.cell, now_ns) > 0 {
            marked.exchange(marked.owner.owned());
            return None;
        }
        let claim = marked.exchange(marked.owner.claimed_for(hash.identity))?;
        self.count(Counter::Removed);
        Some(claim)
    }

    /// The best slot for a new key, or how long until the first in reach is as good as new.
    pub(super) fn candidate(&self, hash: KeyHash, now_ns: u64) -> Result<SeenSlot<'_>, u64> {
        let mut best: Option<(Rank, SeenSlot<'_>)> = None;
        let mut wait_ns = UNKNOWN;
        for (choice, region) in self.regions(hash).enumerate() {
            let survey = self.survey(choice, region, hash, now_ns);
            wait_ns = wait_ns.min(survey.wait_ns);
            let Some((rank, candidate)) = survey.best else { continue };
            if best.as_ref().is_none_or(|(other, _)| rank < *other) {
                best = Some((rank, candidate));
            }
            if matches!(rank, Rank::Free { keys } if choice == 0 && keys < CROWDED) {
                break;
            }
        }
        best.map(|(_, candidate)| candidate).ok_or(wait_ns)
    }

    /// The best slot of a region, and how long until its first owing key owes no more.
    fn survey<'t>(
        &self,
        choice: usize,
        region: Region<'t>,
        hash: KeyHash,
        now_ns: u64,
    ) -> RegionSurvey<'t> {
        let (mut free, mut idle, mut claimed) = (None, None, None);
        let (mut keys, mut owing, mut wait_ns) = (0_usize, 0_usize, UNKNOWN);
        for step in 0..REGION_SLOTS {
            let slot = slot_at(hash, step);
            let Some(seen) = SeenSlot::look(choice, region, slot) else { continue };
            match seen.owner.tag() {
                Tag::Free => {
                    free = free.or(Some(seen));
                    continue;
                }
                Tag::Claimed => claimed = claimed.or(Some(seen)),
                Tag::Owned | Tag::Leaving => {
                    match self.quota.clear_after_ns(seen.spot.cell, now_ns) {
                        0 => idle = idle.or(Some(seen)),
                        owing_ns => {
                            wait_ns = wait_ns.min(owing_ns);
                            owing = owing.saturating_add(1);
                        }
                    }
                }
            }
            keys = keys.saturating_add(1);
        }
        let best = free.map(|found| (Rank::Free { keys }, found));
        let best = best.or_else(|| idle.map(|found| (Rank::Idle { owing }, found)));
        let best = best.or_else(|| claimed.map(|found| (Rank::Claimed, found)));
        RegionSurvey { best, wait_ns }
    }

    /// Those of the slots that a key may live in whose owner word has its fingerprint, next to none,
    /// in the order of their numbers. Each is looked at when its region is come to, or later.
    fn slots_of(&self, hash: KeyHash) -> impl Iterator<Item = SeenSlot<'_>> {
        self.regions(hash).enumerate().flat_map(move |(choice, region)| {
            let slots = ones(fingerprints(region, hash));
            slots.filter_map(move |slot| SeenSlot::look(choice, region, slot))
        })
    }
}

/// The slots of a region whose owner word has the key's fingerprint, a bit each: found without a
/// branch for each slot.
fn fingerprints(region: Region<'_>, hash: KeyHash) -> u32 {
    let mut found = 0_u32;
    for (bit, slot) in (0..).zip(0..REGION_SLOTS) {
        let owner = region.owner(slot).map(|owner| OwnerWord(owner).load());
        let is_of_key = owner.is_some_and(|owner| owner.is_of(hash.identity));
        found |= u32::from(is_of_key).wrapping_shl(bit);
    }
    found
}

/// The places of the bits that are set, the lowest first.
fn ones(mut bits: u32) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let place = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        place
    })
}
