//! The words of a sliding cell: one head, then a ring of slots.
//!
//! ```text
//! head   segment:50 | index:7 | distance:7      distance 0: open, else closing
//! slot   tick:39 | past:1 | frozen:1 | count:23
//! ```
//! All zero is a new cell: segment 0 open at index 0, nothing counted.

const TICK_BITS: u32 = 39;
const COUNT_BITS: u32 = 23;
const FROZEN: u64 = 1 << COUNT_BITS;
const PAST: u64 = 1 << (COUNT_BITS + 1);
const TICK_SHIFT: u32 = COUNT_BITS + 2;
const TICK_MASK: u64 = (1 << TICK_BITS) - 1;

const DISTANCE_BITS: u32 = 7;
const INDEX_BITS: u32 = 7;
const LOW_MASK: u64 = (1 << DISTANCE_BITS) - 1;
const SEGMENT_SHIFT: u32 = DISTANCE_BITS + INDEX_BITS;

/// The head: which segment is open and at which ring index, and how far the next one is if it is
/// being closed.
///
/// A distance of the ring's length means that far or further: all the ring has then expired, and
/// whoever opens the next segment names it.
///
/// INVARIANT: the segment only grows, so no head word ever returns. The shortest segment is
/// 2^14 ns, so that segment numbers of times below 2^63 ns fit 50 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head(pub(crate) u64);

impl Head {
    pub(crate) const fn open(segment: u64, index: u32) -> Self {
        Self(segment << SEGMENT_SHIFT | (index as u64) << DISTANCE_BITS)
    }

    #[inline]
    pub(crate) const fn segment(self) -> u64 {
        self.0 >> SEGMENT_SHIFT
    }

    /// The ring index of the segment that is, or was, open.
    #[inline]
    pub(crate) const fn index(self) -> u32 {
        (self.0 >> DISTANCE_BITS & LOW_MASK) as u32
    }

    /// Segments to the next one, 1 to the ring's length; 0 while the head is open.
    #[inline]
    pub(crate) const fn distance(self) -> u32 {
        (self.0 & LOW_MASK) as u32
    }

    #[inline]
    pub(crate) const fn is_closing(self) -> bool {
        self.distance() != 0
    }

    /// The newest segment that some clock is known to have reached.
    #[inline]
    pub(crate) const fn latest_segment(self) -> u64 {
        self.segment().saturating_add(self.distance() as u64)
    }

    /// The word that closes this open head because a clock has reached `segment`, a later one.
    pub(crate) const fn closing_towards(self, segment: u64, ring_len: u32) -> Self {
        let gap = segment.saturating_sub(self.segment());
        let distance = if gap > ring_len as u64 { ring_len as u64 } else { gap };
        Self(self.0 | distance)
    }

    /// The ring index `forward` slots on.
    #[inline]
    pub(crate) const fn index_after(self, forward: u32, ring_len: u32) -> u32 {
        let index = self.index().saturating_add(forward);
        if index < ring_len { index } else { index.saturating_sub(ring_len) }
    }
}

/// One slot of the ring: how many units a segment has admitted and the tick of the last.
///
/// Frozen slots only shrink. `past` says that the last admission came so late in its tick that
/// units which come back in that tick had done so; they stay gone though the clock may step back.
///
/// The tick is kept modulo 2^39; S4 makes that exact. It also makes an emptied slot of one lap
/// differ from that of the next, so that a thread that stalled over its exchange for a whole lap
/// fails; one that stalls for 2^39 ticks (3 days at a period of 1 ms, 580 years at a minute) could
/// succeed if the count, too, is what it saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot(pub(crate) u64);

impl Slot {
    /// The most units that a slot can count.
    pub(crate) const MAX_COUNT: u32 = (1 << COUNT_BITS) - 1;

    /// A slot that may grow, last written in `tick`.
    #[inline]
    pub(crate) const fn new(tick: u64, past: bool, count: u32) -> Self {
        let past = if past { PAST } else { 0 };
        Self((tick & TICK_MASK) << TICK_SHIFT | past | (count & Self::MAX_COUNT) as u64)
    }

    /// A slot that may grow and has counted nothing since `tick`.
    #[inline]
    pub(crate) const fn empty(tick: u64) -> Self {
        Self::new(tick, false, 0)
    }

    /// Whether units that come back in the slot's tick had done so at the last admission.
    #[inline]
    pub(crate) const fn is_past(self) -> bool {
        self.0 & PAST != 0
    }

    #[inline]
    pub(crate) const fn count(self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "23 bits")]
        let count = (self.0 & Self::MAX_COUNT as u64) as u32;
        count
    }

    #[inline]
    pub(crate) const fn is_frozen(self) -> bool {
        self.0 & FROZEN != 0
    }

    #[inline]
    pub(crate) const fn frozen(self) -> Self {
        Self(self.0 | FROZEN)
    }

    /// The same slot with `cost` units fewer, or none if it has fewer.
    pub(crate) const fn less(self, cost: u32) -> Option<Self> {
        if self.count() < cost { None } else { Some(Self(self.0.wrapping_sub(cost as u64))) }
    }

    /// How many ticks after `first` the slot's tick is, modulo 2^39.
    #[inline]
    pub(crate) const fn tick_since(self, first: u64) -> u64 {
        (self.0 >> TICK_SHIFT).wrapping_sub(first) & TICK_MASK
    }

    /// The slot's whole tick, given a tick that is less than 2^39 before it.
    #[inline]
    pub(crate) const fn tick_from(self, first: u64) -> u64 {
        first.saturating_add(self.tick_since(first))
    }
}
