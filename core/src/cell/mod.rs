//! Cells: a state in atomic words, and the loops that drive the pure transitions on it.
//!
//! A charge is one compare-exchange, a denial is loads only. Nothing here decides: every answer
//! comes from a quota's transition. No clock, no allocation, no lock.
//!
//! A charge that a plan or a table cannot keep is taken back by its [`Receipt`]. Taking back never
//! mints: counts subtract exactly, from the window or segment that was charged and no other (a
//! segment that stays charged by others then comes back with the tick that was written last); a tat
//! goes back only if nobody has moved it since, else the charge stays.

mod held;
mod segments;
mod tat;
mod window;

pub(crate) use held::release_word;
pub use held::{AtomicHeld, ReleaseError};
pub use segments::AtomicSegments;
pub use tat::AtomicTat;
pub use window::AtomicWindow;

use crate::atomic::{AtomicU64, Orders};
use crate::decision::{Decision, UNKNOWN};
use crate::quota::Quota;

/// A quota whose cell is one word.
pub(crate) trait WordQuota {
    /// The transition on the raw word.
    fn decide_word(&self, word: u64, now_ns: u64, cost: u32) -> (Decision, Option<u64>);

    /// How long until the word is as good as new: 0 if it is, `UNKNOWN` if nobody can know.
    fn clear_after_ns(&self, word: u64, now_ns: u64) -> u64;

    /// `word` without the units of a charge that had left `charged`: unchanged if they have expired,
    /// none if taking them out could mint.
    fn without(&self, word: u64, charged: u64, cost: u32) -> Option<u64>;

    /// `word` with its key forgotten.
    fn emptied(&self, word: u64) -> u64;
}

/// What a charge changed, so that it can be taken back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    /// Which of the cell's words, counted from its first.
    index: usize,
    before: u64,
    after: u64,
    /// The segment charged, for sliding.
    segment: u64,
    cost: u32,
}

/// Decides a call on one word and charges it if allowed. Lock-free: an exchange fails only
/// because another's succeeded.
#[inline]
fn charge_word(
    quota: &impl WordQuota,
    word: &AtomicU64,
    orders: Orders,
    now_ns: u64,
    cost: u32,
) -> (Decision, Option<Receipt>) {
    let mut before = word.load(orders.load);
    loop {
        let (decision, next) = quota.decide_word(before, now_ns, cost);
        let Some(after) = next else { return (decision, None) };
        match word.compare_exchange_weak(before, after, orders.exchange, orders.load) {
            Ok(_) => {
                let receipt = Receipt { index: 0, before, after, segment: 0, cost };
                return (decision, Some(receipt));
            }
            Err(found) => before = found,
        }
    }
}

/// What `acquire` would answer, with `remaining` before the charge. Wait-free, writes nothing.
#[inline]
fn peek_word(
    quota: &impl WordQuota,
    word: &AtomicU64,
    orders: Orders,
    now_ns: u64,
    cost: u32,
) -> Decision {
    let found = word.load(orders.load);
    let (decision, _) = quota.decide_word(found, now_ns, cost);
    if !decision.allowed() || cost == 0 {
        return decision;
    }
    quota.decide_word(found, now_ns, 0).0
}

/// Takes a charge back if that mints nothing. Lock-free.
fn take_back_word(
    quota: &impl WordQuota,
    word: &AtomicU64,
    orders: Orders,
    receipt: &Receipt,
) -> bool {
    let Receipt { before, after, cost, .. } = *receipt;
    if word.compare_exchange(after, before, orders.exchange, orders.load).is_ok() {
        return true;
    }
    let mut found = word.load(orders.load);
    while let Some(rest) = quota.without(found, after, cost) {
        match word.compare_exchange(found, rest, orders.exchange, orders.load) {
            Ok(_) => return true,
            Err(now) => found = now,
        }
    }
    false
}

/// Forgets what a word has counted, as long as `mine` holds after the word is read. Lock-free.
fn empty_word(quota: &impl WordQuota, word: &AtomicU64, orders: Orders, mine: impl Fn() -> bool) {
    let mut found = word.load(orders.load);
    while mine() {
        match word.compare_exchange(found, quota.emptied(found), orders.exchange, orders.load) {
            Ok(_) => return,
            Err(now) => found = now,
        }
    }
}

/// The cell of a table's slot, of whichever kind the quota says.
impl Quota {
    /// Decides a call on a cell and charges it if allowed.
    #[inline]
    pub(crate) fn charge(
        &self,
        cell: &[AtomicU64],
        now_ns: u64,
        cost: u32,
    ) -> (Decision, Option<Receipt>) {
        let orders = Orders::IN_TABLE;
        match (self, cell.first()) {
            (Self::Gcra(quota), Some(word)) => charge_word(quota, word, orders, now_ns, cost),
            (Self::Fixed(quota), Some(word)) => charge_word(quota, word, orders, now_ns, cost),
            (Self::Concurrency(quota), Some(word)) => {
                charge_word(quota, word, orders, now_ns, cost)
            }
            (Self::Sliding(quota), _) => segments::charge(quota, cell, orders, now_ns, cost),
            (_, None) => (self.fresh(now_ns, cost), None),
        }
    }

    /// What a charge would be answered, with `remaining` before it. Writes nothing.
    #[inline]
    pub(crate) fn peek(&self, cell: &[AtomicU64], now_ns: u64, cost: u32) -> Decision {
        let orders = Orders::IN_TABLE;
        match (self, cell.first()) {
            (Self::Gcra(quota), Some(word)) => peek_word(quota, word, orders, now_ns, cost),
            (Self::Fixed(quota), Some(word)) => peek_word(quota, word, orders, now_ns, cost),
            (Self::Concurrency(quota), Some(word)) => peek_word(quota, word, orders, now_ns, cost),
            (Self::Sliding(quota), _) => segments::peek(quota, cell, orders, now_ns, cost),
            (_, None) => self.fresh(now_ns, cost),
        }
    }

    /// What [`Self::peek`] answers for a key that has never been charged.
    pub(crate) fn fresh(&self, now_ns: u64, cost: u32) -> Decision {
        let zero = crate::sliding::Slot::empty(0);
        let answer = |cost| match self {
            Self::Gcra(quota) => quota.decide_word(0, now_ns, cost).0,
            Self::Fixed(quota) => quota.decide_word(0, now_ns, cost).0,
            Self::Concurrency(quota) => quota.decide_word(0, now_ns, cost).0,
            Self::Sliding(quota) => quota.decide(crate::sliding::Head(0), |_| zero, now_ns, cost).0,
        };
        let decision = answer(cost);
        if decision.allowed() { answer(0) } else { decision }
    }

    /// Takes a charge back if that mints nothing, and says whether it did.
    pub(crate) fn take_back(&self, cell: &[AtomicU64], receipt: &Receipt) -> bool {
        let orders = Orders::IN_TABLE;
        let Some(word) = cell.get(receipt.index) else { return false };
        match self {
            Self::Gcra(quota) => take_back_word(quota, word, orders, receipt),
            Self::Fixed(quota) => take_back_word(quota, word, orders, receipt),
            Self::Concurrency(quota) => take_back_word(quota, word, orders, receipt),
            Self::Sliding(quota) => {
                segments::take_back(quota, word, orders, receipt);
                true
            }
        }
    }

    /// How long until the cell is as good as new: 0 if it is, `UNKNOWN` if nobody can know.
    #[inline]
    pub(crate) fn clear_after_ns(&self, cell: &[AtomicU64], now_ns: u64) -> u64 {
        let load = |word: &AtomicU64| word.load(Orders::IN_TABLE.load);
        match (self, cell.first()) {
            (Self::Gcra(quota), Some(word)) => quota.clear_after_ns(load(word), now_ns),
            (Self::Fixed(quota), Some(word)) => quota.clear_after_ns(load(word), now_ns),
            (Self::Concurrency(quota), Some(word)) => quota.clear_after_ns(load(word), now_ns),
            (Self::Sliding(quota), _) => segments::peek(quota, cell, Orders::IN_TABLE, now_ns, 0)
                .reset_after_ns()
                .unwrap_or(UNKNOWN),
            (_, None) => UNKNOWN,
        }
    }

    /// Forgets what a cell has counted, as long as it is `mine`; permits stay with their holders.
    ///
    /// INVARIANT: no debt of a later owner is forgotten. A word that has been read before its slot
    /// changed hands is charged by nobody but the later owner, to a value that it has never had: a
    /// later tat, window or tick. So the exchange fails.
    pub(crate) fn empty(&self, cell: &[AtomicU64], mine: impl Fn() -> bool) {
        let orders = Orders::IN_TABLE;
        match (self, cell.first()) {
            (Self::Gcra(quota), Some(word)) => empty_word(quota, word, orders, mine),
            (Self::Fixed(quota), Some(word)) => empty_word(quota, word, orders, mine),
            (Self::Sliding(_), _) => segments::empty(cell, orders, mine),
            (Self::Concurrency(_), _) | (_, None) => {}
        }
    }
}
