//! What an implementation provides to be run against the cases.
//!
//! A subject translates and nothing else; whatever it computes itself goes untested.

use crate::{Answer, PlanAnswer};

/// One fresh cell of the implementation under test.
pub trait SingleSubject {
    /// Takes `cost` units at `now_ns` if they are allowed.
    fn acquire(&mut self, now_ns: u64, cost: u32) -> Answer;

    /// Says what `acquire` would answer.
    fn peek(&mut self, now_ns: u64, cost: u32) -> Answer;

    /// Gives `cost` permits back; false when fewer are held.
    fn release(&mut self, cost: u32) -> bool;
}

/// One fresh plan of the implementation under test. `keys` are pairs of a dimension and its key.
pub trait PlanSubject {
    /// Takes `cost` units from every rule whose dimension has a key, or from none.
    fn acquire(&mut self, now_ns: u64, keys: &[(&str, &str)], cost: u32) -> PlanAnswer;

    /// Says what `acquire` would answer.
    fn peek(&mut self, now_ns: u64, keys: &[(&str, &str)], cost: u32) -> PlanAnswer;

    /// Gives back the permits of one allowed call with the same keys and cost; false when there is
    /// none such.
    fn release(&mut self, keys: &[(&str, &str)], cost: u32) -> bool;
}
