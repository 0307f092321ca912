//! The ring of a sliding cell on atomic words, without locks.
//!
//! The head says which segment is open; only its slot may grow, by compare-exchange, after the
//! others have been added up. They are frozen: they can only shrink or be cleared. To go from
//! segment h to a later one:
//!
//! ```text
//! head open(h) -> closing(h, distance)         whose clock has reached the later segment
//! slot h -> frozen                             anyone; a stalled charge of slot h now fails
//! slots h+1 ..= h+distance -> empty            anyone; they have all expired
//! head closing(h, distance) -> open(later)     anyone; then its slot may be charged
//! ```
//! Each step is one word and anybody can finish it, so a thread that stops anywhere stops nobody.
//! A distance of the whole ring or more empties every slot, slot h first instead of freezing it,
//! and the opener names the segment. An emptied slot bears the first tick of the segment it now
//! stands for, so a charge that stalled for a lap does not find the word that it read.
//! SOURCE: our own construction; its loom models are in `core/tests/loom_sliding.rs`.

use core::fmt;

use crate::atomic::{AtomicU64, Orders, RingOrders};
use crate::cell::Receipt;
use crate::decision::{Decision, UNKNOWN};
use crate::sliding::{Head, SlidingQuota, Slot, Step};

/// A sliding cell over words of its own: `WORDS` is the quota's segments + 2.
///
/// ```
/// use ratecell::{AtomicSegments, SlidingQuota};
///
/// let quota = SlidingQuota::new(600, 60_000_000_000, 14)?;
/// let cell = AtomicSegments::<16>::new();
/// assert_eq!(cell.acquire(&quota, 0, 100).remaining(), 500);
/// # Ok::<(), ratecell::QuotaError>(())
/// ```
///
/// Progress: lock-free; threads may share it. Use one quota's period and segments with it always.
pub struct AtomicSegments<const WORDS: usize> {
    words: [AtomicU64; WORDS],
}

impl<const WORDS: usize> AtomicSegments<WORDS> {
    /// A cell that has counted nothing.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { words: [const { AtomicU64::new(0) }; WORDS] }
    }

    /// A cell that has counted nothing.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { words: core::array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// Takes `cost` units at `now_ns` if `quota` allows it. Lock-free; loads only on a denial.
    ///
    /// A quota with more segments than the cell has words for is refused as if it were full.
    #[inline]
    pub fn acquire(&self, quota: &SlidingQuota, now_ns: u64, cost: u32) -> Decision {
        SegmentsIn(&self.words).acquire(quota, now_ns, cost)
    }

    /// What [`Self::acquire`] would answer, with `remaining` before the charge. Writes nothing.
    #[inline]
    pub fn peek(&self, quota: &SlidingQuota, now_ns: u64, cost: u32) -> Decision {
        SegmentsIn(&self.words).peek(quota, now_ns, cost)
    }

    /// Forgets all units counted. Lock-free; a charge that happens meanwhile may stay.
    pub fn reset(&self) {
        SegmentsIn(&self.words).reset();
    }
}

impl<const WORDS: usize> Default for AtomicSegments<WORDS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const WORDS: usize> fmt::Debug for AtomicSegments<WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtomicSegments").field("words", &WORDS).finish_non_exhaustive()
    }
}

/// A sliding cell over words that are elsewhere: in memory of another language, for example.
///
/// It is [`AtomicSegments`] without its words. The words start as zeros; one quota's period and
/// segments go with them always.
///
/// ```
/// use ratecell::{AtomicU64, SegmentsIn, SlidingQuota};
///
/// let quota = SlidingQuota::new(600, 60_000_000_000, 14)?;
/// let words = [const { AtomicU64::new(0) }; 16];
/// assert_eq!(SegmentsIn(&words).acquire(&quota, 0, 100).remaining(), 500);
/// # Ok::<(), ratecell::QuotaError>(())
/// ```
///
/// Progress: lock-free; threads may share the words.
#[derive(Clone, Copy, Debug)]
pub struct SegmentsIn<'w>(pub &'w [AtomicU64]);

impl SegmentsIn<'_> {
    /// Takes `cost` units at `now_ns` if `quota` allows it. Lock-free; loads only on a denial.
    ///
    /// A quota with more segments than there are words for is refused as if the cell were full.
    #[inline]
    pub fn acquire(&self, quota: &SlidingQuota, now_ns: u64, cost: u32) -> Decision {
        match self.0.get(..quota.cell_words()) {
            Some(words) => charge(quota, words, RingOrders, now_ns, cost).0,
            None => misfit(quota, now_ns, cost),
        }
    }

    /// What [`Self::acquire`] would answer, with `remaining` before the charge. Writes nothing.
    #[inline]
    pub fn peek(&self, quota: &SlidingQuota, now_ns: u64, cost: u32) -> Decision {
        match self.0.get(..quota.cell_words()) {
            Some(words) => peek(quota, words, RingOrders, now_ns, cost),
            None => misfit(quota, now_ns, cost),
        }
    }

    /// Forgets all units counted. Lock-free; a charge that happens meanwhile may stay.
    pub fn reset(&self) {
        empty(self.0, RingOrders, || true);
    }
}

/// The answer of a cell that no call can charge, being too small for the quota or corrupt: full,
/// without a known wait.
#[cold]
fn misfit(quota: &SlidingQuota, now_ns: u64, cost: u32) -> Decision {
    let fresh = fresh(quota, now_ns, cost);
    if fresh.allowed() && cost > 0 { fresh.as_full(UNKNOWN) } else { fresh }
}

/// What [`peek`] answers on a cell that has counted nothing.
pub(super) fn fresh(quota: &SlidingQuota, now_ns: u64, cost: u32) -> Decision {
    let cost = if cost > quota.limit() { cost } else { 0 };
    quota.decide(Head::default(), |_| Slot::default(), now_ns, cost).0
}

/// The two parts of a cell's words.
#[derive(Clone, Copy)]
struct Ring<'a, O> {
    quota: &'a SlidingQuota,
    head: &'a AtomicU64,
    slots: &'a [AtomicU64],
    orders: O,
}

impl<'a, O: Orders> Ring<'a, O> {
    fn new(quota: &'a SlidingQuota, words: &'a [AtomicU64], orders: O) -> Option<Self> {
        let (head, slots) = words.split_first()?;
        Some(Self { quota, head, slots, orders })
    }

    #[inline]
    fn head(&self) -> Head {
        Head(self.orders.load(self.head))
    }

    /// Whether a head cannot have come about by these steps. Memory that others may write to can
    /// hold one; a call then refuses instead of trying for ever.
    #[inline]
    fn is_corrupt(&self, head: Head) -> bool {
        let ring_len = self.quota.ring_len();
        head.index() >= ring_len || head.distance() > ring_len
    }

    #[inline]
    fn slot(&self, index: u32) -> Slot {
        let word = self.slots.get(index as usize);
        word.map_or(Slot::default(), |word| Slot(self.orders.load(word)))
    }

    #[inline]
    fn exchange(&self, index: u32, from: Slot, to: Slot) -> bool {
        self.slots
            .get(index as usize)
            .is_some_and(|word| self.orders.exchange(word, from.0, to.0).is_ok())
    }

    #[inline]
    fn exchange_head(&self, from: Head, to: Head) -> bool {
        self.orders.exchange(self.head, from.0, to.0).is_ok()
    }

    /// Finishes the move that `closing` began, or leaves it if another has.
    ///
    /// Slot h goes first: a charge of it that still succeeds has read the others before any was
    /// cleared, so it has counted all that is live on its clock.
    #[cold]
    fn finish(&self, closing: Head, now_ns: u64) {
        let ring_len = self.quota.ring_len();
        let distance = closing.distance();
        let whole_ring = distance == ring_len;
        if whole_ring {
            if !self.clear(closing, ring_len) {
                return;
            }
        } else if !self.freeze(closing) {
            return;
        }
        for forward in 1..=distance.min(ring_len.saturating_sub(1)) {
            if !self.clear(closing, forward) {
                return;
            }
        }
        let latest = closing.latest_segment();
        let opened = if whole_ring {
            Head::open(self.quota.segment_at(now_ns).max(latest), closing.index())
        } else {
            Head::open(latest, closing.index_after(distance, ring_len))
        };
        self.exchange_head(closing, opened);
    }

    /// Freezes the slot that `closing` closes. False: the move is over.
    fn freeze(&self, closing: Head) -> bool {
        loop {
            let slot = self.slot(closing.index());
            if slot.is_frozen() {
                return true;
            }
            // The slot is read first: found before the move was over, it is the one to freeze.
            if self.head() != closing {
                return false;
            }
            if self.exchange(closing.index(), slot, slot.frozen()) {
                return true;
            }
        }
    }

    /// Empties the slot `forward` on from the closing one. False: the move is over.
    fn clear(&self, closing: Head, forward: u32) -> bool {
        let index = closing.index_after(forward, self.quota.ring_len());
        let segment = closing.segment().saturating_add(u64::from(forward));
        let empty = Slot::empty(self.quota.first_tick(segment));
        loop {
            let slot = self.slot(index);
            if slot == empty {
                return true;
            }
            if self.head() != closing {
                return false;
            }
            if self.exchange(index, slot, empty) {
                return true;
            }
        }
    }
}

/// Decides a call on a sliding cell and charges it if allowed. Lock-free.
pub(super) fn charge(
    quota: &SlidingQuota,
    words: &[AtomicU64],
    orders: impl Orders,
    now_ns: u64,
    cost: u32,
) -> (Decision, Option<Receipt>) {
    let Some(ring) = Ring::new(quota, words, orders) else {
        return (misfit(quota, now_ns, cost), None);
    };
    loop {
        let head = ring.head();
        if ring.is_corrupt(head) {
            return (misfit(quota, now_ns, cost), None);
        }
        if head.is_closing() {
            ring.finish(head, now_ns);
            continue;
        }
        let (decision, step) = quota.decide(head, |index| ring.slot(index), now_ns, cost);
        match step {
            Step::Stay => {
                if ring.head() == head {
                    return (decision, None);
                }
            }
            Step::Advance { to } => {
                ring.exchange_head(head, to);
            }
            // INVARIANT: the head is looked at once more, so that `from` was read while it was open
            // here. A slot read later may be another lap's, empty and open, and would take a tick
            // of this one. Whatever happens to the slot from here on makes the exchange fail.
            Step::Charge { from, to } if ring.head() == head => {
                if from.is_frozen() {
                    // A slot is frozen only after its head has ceased to be open.
                    return (misfit(quota, now_ns, cost), None);
                }
                if ring.exchange(head.index(), from, to) {
                    let receipt = Receipt::Slot { index: head.index(), segment: head.segment() };
                    return (decision, Some(receipt));
                }
            }
            Step::Charge { .. } => {}
        }
    }
}

/// What [`charge`] would answer, with `remaining` before the charge. Writes nothing; retries only
/// when another thread has moved the head.
///
/// A closing head is read as it stands: a clock has reached the segment it closes towards, and at
/// that time every slot that may have been cleared has expired.
pub(super) fn peek(
    quota: &SlidingQuota,
    words: &[AtomicU64],
    orders: impl Orders,
    now_ns: u64,
    cost: u32,
) -> Decision {
    let Some(ring) = Ring::new(quota, words, orders) else {
        return misfit(quota, now_ns, cost);
    };
    loop {
        let head = ring.head();
        if ring.is_corrupt(head) {
            return misfit(quota, now_ns, cost);
        }
        let read = |index| ring.slot(index);
        let (mut decision, _) = quota.decide(head, read, now_ns, cost);
        if decision.allowed() && cost > 0 {
            decision = quota.decide(head, read, now_ns, 0).0;
        }
        if ring.head() == head {
            return decision;
        }
    }
}

/// How long until the cell is as good as new; never, if it is corrupt.
pub(super) fn clear_after_ns(
    quota: &SlidingQuota,
    words: &[AtomicU64],
    orders: impl Orders,
    now_ns: u64,
) -> u64 {
    let corrupt = |ring: Ring<'_, _>| ring.is_corrupt(ring.head());
    if Ring::new(quota, words, orders).is_none_or(corrupt) {
        return UNKNOWN;
    }
    peek(quota, words, orders, now_ns, 0).reset_after_ns().unwrap_or(UNKNOWN)
}

/// Takes a charge back, from its own segment only. Lock-free.
///
/// The slot keeps its tick, though the charge may have moved it on: the word that the charge left can
/// stand for other charges by now, whose units an older tick would bring back early.
pub(super) fn take_back(
    quota: &SlidingQuota,
    words: &[AtomicU64],
    orders: impl Orders,
    index: u32,
    segment: u64,
    cost: u32,
) -> bool {
    let Some(ring) = Ring::new(quota, words, orders) else { return false };
    loop {
        let found = ring.slot(index);
        // Once the segment has expired its units have gone with it.
        let rest = found.less(cost).filter(|_| quota.is_of_segment(found, segment));
        let Some(rest) = rest else { return true };
        if ring.exchange(index, found, rest) {
            return true;
        }
    }
}

/// Forgets all counts, slot by slot, as long as `mine` holds after a slot is read. Lock-free.
pub(super) fn empty(words: &[AtomicU64], orders: impl Orders, mine: impl Fn() -> bool) {
    for word in words.iter().skip(1) {
        let mut slot = Slot(orders.load(word));
        while slot.count() > 0 && mine() {
            let Some(rest) = slot.less(slot.count()) else { break };
            match orders.exchange(word, slot.0, rest.0) {
                Ok(_) => break,
                Err(now) => slot = Slot(now),
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::atomic::RingOrders;

    /// The word that a charge left may stand for other charges when it is taken back: restoring the
    /// word before it would give those an older tick.
    #[test]
    fn taking_back_never_brings_the_units_of_others_back_early() -> Result<(), crate::QuotaError> {
        let quota = SlidingQuota::new(3, 1_000_000_000, 1)?;
        let words = [const { AtomicU64::new(0) }; 3];
        let charge = |now_ns| charge(&quota, &words, RingOrders, now_ns, 1);
        let charges = [charge(0), charge(900_000_000), charge(900_000_000)];
        for (_, receipt) in charges.iter().take(2) {
            let Some(Receipt::Slot { index, segment }) = *receipt else { continue };
            assert!(take_back(&quota, &words, RingOrders, index, segment, 1));
        }
        let tick = 1 << 19;
        let left = |now_ns| peek(&quota, &words, RingOrders, now_ns, 3).remaining();
        assert_eq!(left(1_000_000_000 + tick), 2);
        assert_eq!(left(1_900_000_000 + tick), 3);
        Ok(())
    }

    #[test]
    fn a_segment_that_is_gone_has_nothing_to_take_back() -> Result<(), crate::QuotaError> {
        let quota = SlidingQuota::new(3, 1_000_000_000, 1)?;
        let words = [const { AtomicU64::new(0) }; 3];
        let (_, receipt) = charge(&quota, &words, RingOrders, 0, 2);
        // Two laps of the ring later the slot is another segment's.
        let later = 4_100_000_000;
        assert!(charge(&quota, &words, RingOrders, later, 2).0.allowed());
        let Some(Receipt::Slot { index, segment }) = receipt else { unreachable!() };
        assert!(take_back(&quota, &words, RingOrders, index, segment, 2));
        assert_eq!(peek(&quota, &words, RingOrders, later, 1).remaining(), 1);
        Ok(())
    }
}
