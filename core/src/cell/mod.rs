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
pub use segments::{AtomicSegments, SegmentsIn};
pub use tat::AtomicTat;
pub use window::AtomicWindow;

use crate::atomic::{AtomicU64, Orders, TableOrders};
use crate::concurrency::ConcurrencyQuota;
use crate::decision::{Decision, UNKNOWN};
use crate::fixed::FixedQuota;
use crate::gcra::GcraQuota;
use crate::quota::Quota;

/// A quota whose cell is one word.
pub(crate) trait WordQuota {
    /// The word after the call's charge; none if the call is refused or takes nothing.
    fn charged(&self, word: u64, now_ns: u64, cost: u32) -> Option<u64>;

    /// The answer to a call whose charge has left `charged`.
    fn after_charge(&self, charged: u64, now_ns: u64) -> Decision;

    /// The answer to a call that [`Self::charged`] gives no word for.
    fn without_charge(&self, word: u64, now_ns: u64, cost: u32) -> Decision;

    /// What a call would be answered, with `remaining` before its charge.
    #[inline]
    fn foreseen(&self, word: u64, now_ns: u64, cost: u32) -> Decision {
        self.seen(word, now_ns, cost).0
    }

    /// As [`Self::foreseen`], and the word with that after the charge, if the call may make it.
    #[inline]
    fn seen(&self, word: u64, now_ns: u64, cost: u32) -> (Decision, Option<(u64, u64)>) {
        let charged = self.charged(word, now_ns, cost);
        let cost = if charged.is_some() { 0 } else { cost };
        (self.without_charge(word, now_ns, cost), charged.map(|after| (word, after)))
    }

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
pub(crate) enum Receipt {
    /// The cell's only word.
    Word { before: u64, after: u64 },
    /// A slot of a ring, which stood for a segment.
    Slot { index: u32, segment: u64 },
}

/// Decides a call on one word and charges it if allowed. Lock-free: an exchange fails only
/// because another's succeeded.
#[inline]
fn charge_word(
    quota: &impl WordQuota,
    word: &AtomicU64,
    orders: impl Orders,
    now_ns: u64,
    cost: u32,
) -> (Decision, Option<Receipt>) {
    let mut before = orders.load(word);
    while let Some(after) = quota.charged(before, now_ns, cost) {
        match orders.exchange_weak(word, before, after) {
            Ok(_) => {
                let receipt = Receipt::Word { before, after };
                return (quota.after_charge(after, now_ns), Some(receipt));
            }
            Err(found) => before = found,
        }
    }
    (quota.without_charge(before, now_ns, cost), None)
}

/// What `acquire` would answer, with `remaining` before the charge. Wait-free, writes nothing.
#[inline]
fn peek_word(
    quota: &impl WordQuota,
    word: &AtomicU64,
    orders: impl Orders,
    now_ns: u64,
    cost: u32,
) -> Decision {
    quota.foreseen(orders.load(word), now_ns, cost)
}

/// Takes a charge back if that mints nothing. Lock-free.
fn take_back_word(
    quota: &impl WordQuota,
    word: &AtomicU64,
    orders: impl Orders,
    (before, after): (u64, u64),
    cost: u32,
) -> bool {
    if orders.exchange(word, after, before).is_ok() {
        return true;
    }
    let mut found = orders.load(word);
    while let Some(rest) = quota.without(found, after, cost) {
        match orders.exchange(word, found, rest) {
            Ok(_) => return true,
            Err(now) => found = now,
        }
    }
    false
}

/// Forgets what a word has counted, as long as `mine` holds after the word is read. Lock-free.
fn empty_word(
    quota: &impl WordQuota,
    word: &AtomicU64,
    orders: impl Orders,
    mine: impl Fn() -> bool,
) {
    let mut found = orders.load(word);
    while mine() {
        match orders.exchange(word, found, quota.emptied(found)) {
            Ok(_) => return,
            Err(now) => found = now,
        }
    }
}

/// The cell of a table's slot, of whichever kind the quota says.
impl Quota {
    /// The quota if its cell is one word, with that word.
    #[inline]
    fn with_word<'a>(&'a self, cell: &'a [AtomicU64]) -> Option<(OneWord<'a>, &'a AtomicU64)> {
        Some((self.one_word()?, cell.first()?))
    }

    /// The answer to a call whose charge has left `charged` in a cell of one word.
    #[inline]
    pub(crate) fn after_charge(&self, charged: u64, now_ns: u64) -> Decision {
        match self.one_word() {
            Some(quota) => quota.after_charge(charged, now_ns),
            // A sliding cell has no such word, so nobody has charged one.
            None => self.fresh(now_ns, 0),
        }
    }

    /// Decides a call on a cell and charges it if allowed.
    #[inline]
    pub(crate) fn charge(
        &self,
        cell: &[AtomicU64],
        now_ns: u64,
        cost: u32,
    ) -> (Decision, Option<Receipt>) {
        let orders = TableOrders;
        match (self.with_word(cell), self) {
            (Some((quota, word)), _) => charge_word(&quota, word, orders, now_ns, cost),
            (None, Self::Sliding(quota)) => segments::charge(quota, cell, orders, now_ns, cost),
            (None, _) => (self.fresh(now_ns, cost), None),
        }
    }

    /// What a charge would be answered, with `remaining` before it. Writes nothing.
    #[inline]
    pub(crate) fn peek(&self, cell: &[AtomicU64], now_ns: u64, cost: u32) -> Decision {
        let orders = TableOrders;
        match (self.with_word(cell), self) {
            (Some((quota, word)), _) => peek_word(&quota, word, orders, now_ns, cost),
            (None, Self::Sliding(quota)) => segments::peek(quota, cell, orders, now_ns, cost),
            (None, _) => self.fresh(now_ns, cost),
        }
    }

    /// What [`Self::peek`] answers for a key that has never been charged.
    pub(crate) fn fresh(&self, now_ns: u64, cost: u32) -> Decision {
        match self {
            Self::Sliding(quota) => segments::fresh(quota, now_ns, cost),
            Self::Gcra(quota) => quota.foreseen(0, now_ns, cost),
            Self::Fixed(quota) => quota.foreseen(0, now_ns, cost),
            Self::Concurrency(quota) => quota.foreseen(0, now_ns, cost),
        }
    }

    /// Takes a charge of `cost` back if that mints nothing, and says whether it did.
    pub(crate) fn take_back(&self, cell: &[AtomicU64], receipt: &Receipt, cost: u32) -> bool {
        let orders = TableOrders;
        match (*receipt, self.with_word(cell), self) {
            (Receipt::Word { before, after }, Some((quota, word)), _) => {
                take_back_word(&quota, word, orders, (before, after), cost)
            }
            (Receipt::Slot { index, segment }, None, Self::Sliding(quota)) => {
                segments::take_back(quota, cell, orders, index, segment, cost)
            }
            _ => false,
        }
    }

    /// How long until the cell is as good as new: 0 if it is, `UNKNOWN` if nobody can know.
    #[inline]
    pub(crate) fn clear_after_ns(&self, cell: &[AtomicU64], now_ns: u64) -> u64 {
        let orders = TableOrders;
        match (self.with_word(cell), self) {
            (Some((quota, word)), _) => quota.clear_after_ns(orders.load(word), now_ns),
            (None, Self::Sliding(quota)) => segments::clear_after_ns(quota, cell, orders, now_ns),
            (None, _) => UNKNOWN,
        }
    }

    /// Forgets what a cell has counted, as long as it is `mine`; permits stay with their holders.
    ///
    /// INVARIANT: no debt of a later owner is forgotten. A word that has been read before its slot
    /// changed hands is charged by nobody but the later owner, to a value that it has never had: a
    /// later tat, window or tick. So the exchange fails.
    pub(crate) fn empty(&self, cell: &[AtomicU64], mine: impl Fn() -> bool) {
        let orders = TableOrders;
        match self.with_word(cell) {
            Some((quota, word)) => empty_word(&quota, word, orders, mine),
            None => segments::empty(cell, orders, mine),
        }
    }
}

/// A quota whose cell is one word, of whichever kind.
#[derive(Clone, Copy)]
pub(crate) enum OneWord<'q> {
    Gcra(&'q GcraQuota),
    Fixed(&'q FixedQuota),
    Concurrency(&'q ConcurrencyQuota),
}

impl Quota {
    /// The quota if its cell is one word.
    #[inline]
    pub(crate) const fn one_word(&self) -> Option<OneWord<'_>> {
        match self {
            Self::Gcra(quota) => Some(OneWord::Gcra(quota)),
            Self::Fixed(quota) => Some(OneWord::Fixed(quota)),
            Self::Concurrency(quota) => Some(OneWord::Concurrency(quota)),
            Self::Sliding(_) => None,
        }
    }
}

impl WordQuota for OneWord<'_> {
    #[inline]
    fn charged(&self, word: u64, now_ns: u64, cost: u32) -> Option<u64> {
        match *self {
            Self::Gcra(quota) => WordQuota::charged(quota, word, now_ns, cost),
            Self::Fixed(quota) => WordQuota::charged(quota, word, now_ns, cost),
            Self::Concurrency(quota) => WordQuota::charged(quota, word, now_ns, cost),
        }
    }

    #[inline]
    fn after_charge(&self, charged: u64, now_ns: u64) -> Decision {
        match *self {
            Self::Gcra(quota) => WordQuota::after_charge(quota, charged, now_ns),
            Self::Fixed(quota) => WordQuota::after_charge(quota, charged, now_ns),
            Self::Concurrency(quota) => quota.after_charge(charged, now_ns),
        }
    }

    #[inline]
    fn without_charge(&self, word: u64, now_ns: u64, cost: u32) -> Decision {
        match *self {
            Self::Gcra(quota) => WordQuota::without_charge(quota, word, now_ns, cost),
            Self::Fixed(quota) => WordQuota::without_charge(quota, word, now_ns, cost),
            Self::Concurrency(quota) => WordQuota::without_charge(quota, word, now_ns, cost),
        }
    }

    #[inline]
    fn clear_after_ns(&self, word: u64, now_ns: u64) -> u64 {
        match *self {
            Self::Gcra(quota) => quota.clear_after_ns(word, now_ns),
            Self::Fixed(quota) => quota.clear_after_ns(word, now_ns),
            Self::Concurrency(quota) => quota.clear_after_ns(word, now_ns),
        }
    }

    #[inline]
    fn without(&self, word: u64, charged: u64, cost: u32) -> Option<u64> {
        match *self {
            Self::Gcra(quota) => quota.without(word, charged, cost),
            Self::Fixed(quota) => quota.without(word, charged, cost),
            Self::Concurrency(quota) => quota.without(word, charged, cost),
        }
    }

    #[inline]
    fn emptied(&self, word: u64) -> u64 {
        match *self {
            Self::Gcra(quota) => quota.emptied(word),
            Self::Fixed(quota) => quota.emptied(word),
            Self::Concurrency(quota) => quota.emptied(word),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Charges a new cell with 1 unit at 0 and with those of another call at `later`, and takes the
    /// first charge back: whether that was done, and what is then left.
    fn taken_back(quota: &Quota, beside: u32, later: u64) -> (bool, u32) {
        let cell = [const { AtomicU64::new(0) }; 1];
        let (_, receipt) = quota.charge(&cell, 0, 1);
        assert!(quota.charge(&cell, later, beside).0.allowed());
        let taken_back = receipt.is_some_and(|receipt| quota.take_back(&cell, &receipt, 1));
        (taken_back, quota.peek(&cell, later, 1).remaining())
    }

    #[test]
    fn taking_back_mints_nothing_whatever_has_happened_since() -> Result<(), crate::QuotaError> {
        let gcra = Quota::from(GcraQuota::new(5, SECOND, 5)?);
        let fixed = Quota::from(FixedQuota::new(5, SECOND)?);
        let permits = Quota::from(ConcurrencyQuota::new(5)?);
        for quota in [gcra, fixed, permits] {
            assert_eq!(taken_back(&quota, 0, 0), (true, 5), "{:?}, alone", quota.kind());
        }
        // Counts subtract exactly; a tat that another call has moved stays where it is.
        assert_eq!(taken_back(&gcra, 2, 0), (false, 2));
        assert_eq!(taken_back(&fixed, 2, 0), (true, 3));
        assert_eq!(taken_back(&permits, 2, 0), (true, 3));
        // The window of the charge is over, and its unit with it.
        assert_eq!(taken_back(&fixed, 2, SECOND), (true, 3));
        // The key was reset meanwhile: there is nothing left to take back.
        let cell = [const { AtomicU64::new(0) }; 1];
        let (_, receipt) = fixed.charge(&cell, 0, 1);
        fixed.empty(&cell, || true);
        assert!(receipt.is_some_and(|receipt| fixed.take_back(&cell, &receipt, 1)));
        assert_eq!(fixed.peek(&cell, 0, 1).remaining(), 5);
        Ok(())
    }
}
