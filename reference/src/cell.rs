//! One limiter's state under one quota, of any kind.
//!
//! The formulas are in the modules of the kinds; here is what all kinds share: looking first,
//! charging only what is allowed, and answering from the state after the charge.

use crate::concurrency::Concurrency;
use crate::fixed::{Fixed, FixedTerms};
use crate::gcra::{Gcra, GcraTerms};
use crate::sliding::{Sliding, SlidingTerms};
use crate::{Answer, Quota, Refusal, Verdict};

/// One limiter's state. A clone is a second limiter that went through the same calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    quota: Quota,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Gcra(Gcra),
    Fixed(Fixed),
    Sliding(Sliding),
    Concurrency(Concurrency),
}

impl Cell {
    /// A new cell.
    ///
    /// # Errors
    /// What [`Quota::check`] says.
    pub fn new(quota: Quota) -> Result<Self, Refusal> {
        quota.check()?;
        let state = match quota {
            Quota::Gcra { .. } => State::Gcra(Gcra::default()),
            Quota::Fixed { .. } => State::Fixed(Fixed::default()),
            Quota::Sliding { .. } => State::Sliding(Sliding::default()),
            Quota::Concurrency { .. } => State::Concurrency(Concurrency::default()),
        };
        Ok(Self { quota, state })
    }

    /// The quota that the cell was built with.
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// Takes `cost` units at `now_ns` if they are allowed.
    ///
    /// # Panics
    /// When `now_ns` is 2^63 or above.
    pub fn acquire(&mut self, now_ns: u64, cost: u32) -> Answer {
        self.take(self.quota, now_ns, cost)
    }

    /// What [`Cell::acquire`] would answer, with `remaining` and `reset_after_ns` as they are
    /// before the charge.
    ///
    /// # Panics
    /// When `now_ns` is 2^63 or above.
    pub fn peek(&self, now_ns: u64, cost: u32) -> Answer {
        self.look(self.quota, now_ns, cost)
    }

    /// [`Cell::acquire`] under another quota for this one call; the state stays as it is.
    ///
    /// # Errors
    /// What [`Quota::check_stand_in`] says.
    ///
    /// # Panics
    /// When `now_ns` is 2^63 or above.
    pub fn acquire_with(
        &mut self,
        quota: &Quota,
        now_ns: u64,
        cost: u32,
    ) -> Result<Answer, Refusal> {
        self.quota.check_stand_in(quota)?;
        Ok(self.take(*quota, now_ns, cost))
    }

    /// [`Cell::peek`] under another quota for this one call.
    ///
    /// # Errors
    /// What [`Quota::check_stand_in`] says.
    ///
    /// # Panics
    /// When `now_ns` is 2^63 or above.
    pub fn peek_with(&self, quota: &Quota, now_ns: u64, cost: u32) -> Result<Answer, Refusal> {
        self.quota.check_stand_in(quota)?;
        Ok(self.look(*quota, now_ns, cost))
    }

    /// Gives `cost` permits back. False, with nothing changed, when fewer are held or when the
    /// cell is of a kind that hands out none.
    pub fn release(&mut self, cost: u32) -> bool {
        match &mut self.state {
            State::Concurrency(state) => state.release(i128::from(cost)),
            State::Gcra(_) | State::Fixed(_) | State::Sliding(_) => false,
        }
    }

    fn take(&mut self, quota: Quota, now_ns: u64, cost: u32) -> Answer {
        let before = self.look(quota, now_ns, cost);
        if before.verdict != Verdict::Allow || cost == 0 {
            return before;
        }
        self.charge(quota, i128::from(now_ns), i128::from(cost));
        // A cost of 0 is always allowed, so this is the same answer with the numbers that hold
        // after the charge.
        self.look(quota, now_ns, 0)
    }

    fn look(&self, quota: Quota, now_ns: u64, cost: u32) -> Answer {
        assert!(now_ns < 1 << 63, "now_ns must be below 2^63");
        let (now, cost) = (i128::from(now_ns), i128::from(cost));
        match (&self.state, quota) {
            (State::Gcra(state), Quota::Gcra { limit, period_ns, burst }) => {
                state.peek(gcra_terms(limit, period_ns, burst), now, cost)
            }
            (State::Fixed(state), Quota::Fixed { limit, period_ns }) => {
                state.peek(fixed_terms(limit, period_ns), now, cost)
            }
            (State::Sliding(state), Quota::Sliding { limit, period_ns, segments }) => {
                state.peek(sliding_terms(limit, period_ns, segments), now, cost)
            }
            (State::Concurrency(state), Quota::Concurrency { limit }) => {
                state.peek(i128::from(limit), cost)
            }
            _ => unreachable!("a stand-in of another kind is refused before"),
        }
    }

    fn charge(&mut self, quota: Quota, now: i128, cost: i128) {
        match (&mut self.state, quota) {
            (State::Gcra(state), Quota::Gcra { limit, period_ns, burst }) => {
                state.charge(gcra_terms(limit, period_ns, burst), now, cost);
            }
            (State::Fixed(state), Quota::Fixed { limit, period_ns }) => {
                state.charge(fixed_terms(limit, period_ns), now, cost);
            }
            (State::Sliding(state), Quota::Sliding { limit, period_ns, segments }) => {
                state.charge(sliding_terms(limit, period_ns, segments), now, cost);
            }
            (State::Concurrency(state), Quota::Concurrency { .. }) => state.charge(cost),
            _ => unreachable!("a stand-in of another kind is refused before"),
        }
    }
}

fn gcra_terms(limit: u32, period_ns: u64, burst: u32) -> GcraTerms {
    GcraTerms { limit: limit.into(), period: period_ns.into(), burst: burst.into() }
}

fn fixed_terms(limit: u32, period_ns: u64) -> FixedTerms {
    FixedTerms { limit: limit.into(), period: period_ns.into() }
}

fn sliding_terms(limit: u32, period_ns: u64, segments: u32) -> SlidingTerms {
    SlidingTerms { limit: limit.into(), period: period_ns.into(), segments: segments.into() }
}
