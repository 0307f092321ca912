//! Concurrency as pure functions over one word: how many permits are held.
//!
//! Time plays no part. No atomics, allocation or panic here. SOURCE: SPEC "Kinds".
//!
//! - C1: never more than `limit` permits are held.
//! - C2: releasing more than are held changes nothing.

use crate::cell::WordQuota;
use crate::decision::{Decision, Standing, UNKNOWN};
use crate::quota_error::QuotaError;

/// A validated concurrency quota: at most `limit` permits held at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConcurrencyQuota {
    limit: u32,
}

impl ConcurrencyQuota {
    pub(crate) const LARGEST: Self = Self { limit: u32::MAX };

    /// A quota of `limit` permits.
    ///
    /// # Errors
    /// [`QuotaError::ZeroLimit`].
    pub const fn new(limit: u32) -> Result<Self, QuotaError> {
        if limit == 0 { Err(QuotaError::ZeroLimit) } else { Ok(Self { limit }) }
    }

    /// Permits that may be held at once.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// What a call is answered on a cell in state `held`, and the cell's next state if the call
    /// takes anything. Wait-free.
    #[inline]
    pub const fn decide(&self, held: Held, cost: u32) -> (Decision, Option<Held>) {
        match self.charged(held, cost) {
            Some(next) => (Decision::allow(self.standing(next)), Some(next)),
            None => (self.without_charge(held, cost), None),
        }
    }

    /// The state after the call's charge; none if it is refused or takes nothing.
    #[inline]
    const fn charged(&self, held: Held, cost: u32) -> Option<Held> {
        let charged = Held(held.0.saturating_add(cost as u64));
        if cost == 0 || charged.0 > self.limit as u64 { None } else { Some(charged) }
    }

    #[inline]
    const fn without_charge(&self, held: Held, cost: u32) -> Decision {
        let standing = self.standing(held);
        if cost == 0 {
            return Decision::allow(standing);
        }
        if cost > self.limit {
            return Decision::never(standing);
        }
        Decision::deny(UNKNOWN, standing)
    }

    #[inline]
    const fn standing(&self, held: Held) -> Standing {
        Standing {
            limit: self.limit,
            room: (self.limit as u64).saturating_sub(held.0),
            unit: 1,
            reset_after_ns: UNKNOWN,
        }
    }
}

/// The state of a concurrency cell: how many permits are held. 0 is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held(pub u64);

impl Held {
    /// The state after `cost` permits are given back, or none if fewer are held.
    #[inline]
    pub const fn released(self, cost: u32) -> Option<Self> {
        match self.0.checked_sub(cost as u64) {
            Some(held) => Some(Self(held)),
            None => None,
        }
    }
}

impl WordQuota for ConcurrencyQuota {
    #[inline]
    fn charged(&self, word: u64, _now_ns: u64, cost: u32) -> Option<u64> {
        self.charged(Held(word), cost).map(|held| held.0)
    }

    #[inline]
    fn after_charge(&self, charged: u64, _now_ns: u64) -> Decision {
        Decision::allow(self.standing(Held(charged)))
    }

    #[inline]
    fn without_charge(&self, word: u64, _now_ns: u64, cost: u32) -> Decision {
        self.without_charge(Held(word), cost)
    }

    #[inline]
    fn clear_after_ns(&self, word: u64, _now_ns: u64) -> u64 {
        if word == 0 { 0 } else { UNKNOWN }
    }

    #[inline]
    fn without(&self, word: u64, _charged: u64, cost: u32) -> Option<u64> {
        Held(word).released(cost).map(|held| held.0)
    }

    /// Unchanged: permits in other hands come back by themselves, and forgetting them would let
    /// more than the limit run at once.
    #[inline]
    fn emptied(&self, word: u64) -> u64 {
        word
    }
}
