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
const CROWDED: usize = if cfg!(loom) { REGION_SLOTS } else { 7 };

/// What became of an attempt to claim a slot.
pub(super) enum Claim {
    /// The key has a claim, to be confirmed.
    Placed,
    /// Another thread was faster; look again.
    Lost,
    /// Every slot in reach is another key's that owes, for `wait_ns` more at the least.
    Full { wait_ns: u64 },
}

/// A slot that a new key could have.
pub(super) struct Candidate<'t> {
    spot: Spot<'t>,
    seen: Owner,
}

/// What a region has for a new key.
struct RegionSurvey<'t> {
    best: Option<(Rank, Candidate<'t>)>,
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
        'again: loop {
            let mut claim = None;
            let mut home = None;
            for (position, spot) in self.spots(hash) {
                let owner = spot.owner.load();
                if owner.is_home_of(hash.identity) {
                    home = home.or(Some(spot));
                } else if owner.is_claim_of(hash.identity) && claim.is_none() {
                    claim = Some((position, spot, owner));
                }
            }
            let Some((position, spot, owner)) = claim else { return home };
            if home.is_some() {
                // A claim beside a home is void.
                spot.owner.exchange(owner, owner.voided());
                continue 'again;
            }
            // INVARIANT: every slot is looked at after the claim was seen. A key that got its home
            // before the claim was placed is seen here; one that gets it later voids the claim.
            for (other_position, other) in self.spots(hash) {
                if other_position == position {
                    continue;
                }
                let seen = other.owner.load();
                if seen.is_home_of(hash.identity)
                    || (seen.is_claim_of(hash.identity) && other_position < position)
                {
                    spot.owner.exchange(owner, owner.voided());
                    continue 'again;
                }
                if seen.is_claim_of(hash.identity) && !other.owner.exchange(seen, seen.voided()) {
                    continue 'again;
                }
            }
            if spot.owner.exchange(owner, owner.owned()) {
                self.count(Counter::Inserted);
                return Some(spot);
            }
        }
    }

    /// Tries to claim a slot for a key that has none.
    pub(super) fn claim(&self, hash: KeyHash, now_ns: u64) -> Claim {
        let Candidate { spot, seen } = match self.candidate(hash, now_ns) {
            Ok(candidate) => candidate,
            Err(wait_ns) => return Claim::Full { wait_ns },
        };
        if seen.is_of(hash.identity) && seen.tag() != Tag::Free {
            // It has come to be the key's own since, as good as new only for want of its first
            // charge. Taking it over would strand that charge.
            return Claim::Lost;
        }
        let placed = match seen.tag() {
            Tag::Free => spot.owner.exchange(seen, seen.claimed_for(hash.identity)),
            Tag::Claimed => {
                // Whoever placed it finds it void and tries again; a thread that stopped cannot
                // keep the slot.
                spot.owner.exchange(seen, seen.voided());
                false
            }
            Tag::Owned => {
                let marked = seen.leaving();
                spot.owner.exchange(seen, marked) && self.take_over(&spot, marked, hash, now_ns)
            }
            Tag::Leaving => self.take_over(&spot, seen, hash, now_ns),
        };
        if placed { Claim::Placed } else { Claim::Lost }
    }

    /// Turns a mark into a claim if the cell is as good as new, having been marked.
    fn take_over(&self, spot: &Spot<'_>, marked: Owner, hash: KeyHash, now_ns: u64) -> bool {
        if self.quota.clear_after_ns(spot.cell, now_ns) > 0 {
            spot.owner.exchange(marked, marked.owned());
            return false;
        }
        let taken = spot.owner.exchange(marked, marked.claimed_for(hash.identity));
        if taken {
            self.count(Counter::Removed);
        }
        taken
    }

    /// The best slot for a new key, or how long until the first in reach is as good as new.
    pub(super) fn candidate(&self, hash: KeyHash, now_ns: u64) -> Result<Candidate<'_>, u64> {
        let mut best: Option<(Rank, Candidate<'_>)> = None;
        let mut wait_ns = UNKNOWN;
        for (choice, region) in self.regions(hash).enumerate() {
            let survey = self.survey(region, hash, now_ns);
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
    fn survey<'t>(&self, region: Region<'t>, hash: KeyHash, now_ns: u64) -> RegionSurvey<'t> {
        let (mut free, mut idle, mut claimed) = (None, None, None);
        let (mut keys, mut owing, mut wait_ns) = (0_usize, 0_usize, UNKNOWN);
        for step in 0..REGION_SLOTS {
            let slot = slot_at(hash, step);
            let (Some(owner), Some(cell)) = (region.owner(slot), region.cell(slot)) else {
                continue;
            };
            let spot = Spot { owner: OwnerWord(owner), cell };
            let seen = spot.owner.load();
            let candidate = Some(Candidate { spot, seen });
            match seen.tag() {
                Tag::Free => {
                    free = free.or(candidate);
                    continue;
                }
                Tag::Claimed => claimed = claimed.or(candidate),
                Tag::Owned | Tag::Leaving => match self.quota.clear_after_ns(cell, now_ns) {
                    0 => idle = idle.or(candidate),
                    owing_ns => {
                        wait_ns = wait_ns.min(owing_ns);
                        owing = owing.saturating_add(1);
                    }
                },
            }
            keys = keys.saturating_add(1);
        }
        let best = free.map(|found| (Rank::Free { keys }, found));
        let best = best.or_else(|| idle.map(|found| (Rank::Idle { owing }, found)));
        let best = best.or_else(|| claimed.map(|found| (Rank::Claimed, found)));
        RegionSurvey { best, wait_ns }
    }

    /// All slots that a key may live in, in an order that is the same for every thread.
    fn spots(&self, hash: KeyHash) -> impl Iterator<Item = (usize, Spot<'_>)> {
        self.regions(hash)
            .flat_map(|region| {
                (0..REGION_SLOTS).filter_map(move |slot| {
                    Some(Spot { owner: OwnerWord(region.owner(slot)?), cell: region.cell(slot)? })
                })
            })
            .enumerate()
    }
}
