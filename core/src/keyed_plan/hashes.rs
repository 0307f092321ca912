//! The hashes of a call's keys: one for each dimension it has, however many rules count by that.

use super::KeyedPlan;
use super::take::RuleSet;
use crate::call_error::CallError;
use crate::key::KeyHash;
use crate::keys::Keys;
use crate::plan::{MAX_RULES, Plan};
use crate::table::Memory;

/// The hash of each dimension's key, at the position of the first rule that counts by it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hashes {
    given: RuleSet,
    /// Of those given; the others stand for nothing.
    hashes: [KeyHash; MAX_RULES],
}

impl Hashes {
    pub(super) const NONE: Self =
        Self { given: RuleSet::NONE, hashes: [KeyHash::from_words([0; 2]); MAX_RULES] };

    #[inline]
    fn set(&mut self, first: u8, hash: KeyHash) {
        if let Some(place) = self.hashes.get_mut(usize::from(first)) {
            *place = hash;
            self.given = self.given.with(first);
        }
    }

    #[inline]
    fn get(&self, first: u8) -> Option<KeyHash> {
        let hash = *self.hashes.get(usize::from(first))?;
        self.given.holds(first).then_some(hash)
    }
}

impl<M: Memory> KeyedPlan<M> {
    /// The hash of a key that comes without its dimension.
    #[inline]
    pub(super) fn hash_alone(&self, keys: Keys<'_>) -> Option<KeyHash> {
        match keys {
            Keys::One(key) => Some(self.seed.hash(key)),
            Keys::OneHash(hash) => Some(hash),
            Keys::Each(_) | Keys::EachHash(_) => None,
        }
    }

    /// Hashes each key once.
    pub(super) fn hashes(&self, keys: Keys<'_>) -> Result<Hashes, CallError> {
        let mut hashes = Hashes::NONE;
        self.hash_keys(keys, &mut hashes)?;
        Ok(hashes)
    }

    /// Hashes each key once, into what was empty.
    #[inline]
    pub(super) fn hash_keys(&self, keys: Keys<'_>, hashes: &mut Hashes) -> Result<(), CallError> {
        match keys {
            Keys::One(key) => self.note(hashes, self.own_dimension()?, self.seed.hash(key)),
            Keys::OneHash(hash) => self.note(hashes, self.own_dimension()?, hash),
            Keys::Each(keys) => self.hash_each(keys, |&key| self.seed.hash(key), hashes)?,
            Keys::EachHash(keys) => self.hash_each(keys, |&hash| hash, hashes)?,
        }
        Ok(())
    }

    /// Notes the hash of a dimension's key, and asks for the memory that its rules will look at, so
    /// that it comes while the next key is hashed and the rules before them are looked at.
    #[inline]
    fn note(&self, hashes: &mut Hashes, first: u8, hash: KeyHash) {
        hashes.set(first, hash);
        for (table, &dimension) in self.tables.iter().zip(&self.dimensions) {
            if dimension == first {
                table.prefetch(hash);
            }
        }
    }

    fn own_dimension(&self) -> Result<u8, CallError> {
        self.own_dimension.ok_or(CallError::DimensionMissing)
    }

    fn hash_each<K>(
        &self,
        keys: &[(&str, K)],
        hash: impl Fn(&K) -> KeyHash,
        hashes: &mut Hashes,
    ) -> Result<(), CallError> {
        for (position, (dimension, key)) in keys.iter().enumerate() {
            let before = keys.get(..position).unwrap_or_default();
            if before.iter().any(|(other, _)| other == dimension) {
                return Err(CallError::DimensionTwice { position });
            }
            if let Some(first) = first_of_dimension(&self.plan, dimension) {
                self.note(hashes, first, hash(key));
            }
        }
        Ok(())
    }

    #[inline]
    pub(super) fn hash_for(&self, hashes: &Hashes, position: usize) -> Option<KeyHash> {
        hashes.get(*self.dimensions.get(position)?)
    }
}

/// The position of the first rule that counts by `dimension`.
#[inline]
pub(super) fn first_of_dimension(plan: &Plan, dimension: &str) -> Option<u8> {
    (0..).zip(plan.rules()).find(|(_, rule)| rule.dimension() == dimension).map(|(first, _)| first)
}
