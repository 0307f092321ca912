//! A strict sliding window in fixed memory, as one pure function over the words of a ring.
//!
//! Never more than `limit` units pass in any span of one period. The period is cut into K
//! segments; each segment keeps a count and the tick of its last admission, and its units all
//! come back together one period after that tick. No atomics, clock, allocation or panic here:
//! words come in through a function, and what to write goes out as a [`Step`]. `segments` drives
//! it on atomics. SOURCE: SPEC "Kinds". All times are nanoseconds on the caller's clock.
//!
//! - S1: in any span of one period at most `limit` units pass.
//! - S2: `retry_after` is exact: denied one nanosecond before it, allowed at it.
//! - S3: whoever keeps to `limit` per `period * (1 + 1/K)` plus two ticks is never denied.
//! - S4: a ring slot behind the head holds a segment less than a ring behind it, or nothing; so
//!   39 bits of tick tell it exactly, at any time.
//! - S5: S1 holds on late clocks, by the newest clock of the calls that have been admitted.

mod ring;

pub(crate) use ring::{Head, Slot};

use crate::decision::{Decision, Standing};
use crate::instant;
use crate::quota::check_period;
use crate::quota_error::QuotaError;

/// The most segments: with the head and one more slot their words fill eight cache lines.
pub const MAX_SEGMENTS: u32 = 62;

/// The segments used where a rule names none: the cell is then two cache lines of 64 bytes.
pub const DEFAULT_SEGMENTS: u32 = 14;

/// A validated sliding-window quota: `limit` units in any span of one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlidingQuota {
    limit: u32,
    segments: u8,
    /// A tick is `1 << tick_shift` ns, between 1/2048 and 1/1024 of the period.
    tick_shift: u8,
    /// Ticks in a segment: 17 to 2048.
    segment_ticks: u16,
    period_ns: u64,
}

impl SlidingQuota {
    /// A quota of `limit` units in any span of `period_ns`, tracked in `segments` segments.
    ///
    /// More segments cost memory (8 bytes each) and waste less: steady traffic gets at least
    /// `segments / (segments + 1)` of the limit.
    ///
    /// # Errors
    /// [`QuotaError`] for a limit of 0 or above 8,388,607, a period outside 1 ms to 366 days, or
    /// segments outside 1 to 62.
    pub const fn new(limit: u32, period_ns: u64, segments: u32) -> Result<Self, QuotaError> {
        if limit == 0 {
            return Err(QuotaError::ZeroLimit);
        }
        if limit > Slot::MAX_COUNT {
            return Err(QuotaError::LimitTooLarge { found: limit, max: Slot::MAX_COUNT });
        }
        if let Err(error) = check_period(period_ns) {
            return Err(error);
        }
        if segments == 0 || segments > MAX_SEGMENTS {
            return Err(QuotaError::SegmentsOutOfRange { found: segments });
        }
        // 20 to 55 bits, so a shift of 9 to 44.
        let tick_shift = 64_u32.saturating_sub(period_ns.leading_zeros()).saturating_sub(11);
        let segment_ticks = period_ns.div_ceil(segments as u64).div_ceil(1 << tick_shift);
        #[expect(clippy::cast_possible_truncation, reason = "62, 44 and 2048 at the most")]
        Ok(Self {
            limit,
            segments: segments as u8,
            tick_shift: tick_shift as u8,
            segment_ticks: segment_ticks as u16,
            period_ns,
        })
    }

    /// Units in any span of one period.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// The period in nanoseconds.
    pub const fn period_ns(&self) -> u64 {
        self.period_ns
    }

    /// Into how many segments the period is cut.
    pub const fn segments(&self) -> u32 {
        self.segments as u32
    }

    /// How many 64-bit words a cell takes: a head and a ring of segments + 1.
    pub const fn cell_words(&self) -> usize {
        (self.segments as usize).saturating_add(2)
    }

    /// A tick in nanoseconds, between 1/2048 and 1/1024 of the period: times within one count as
    /// its end.
    pub const fn tick_ns(&self) -> u64 {
        1 << self.tick_shift
    }

    /// Slots in the ring. A segment lives at most `segments` segments long, so that the slot that
    /// the newest segment takes over has always expired.
    pub(crate) const fn ring_len(&self) -> u32 {
        (self.segments as u32).saturating_add(1)
    }

    /// The first tick of a segment.
    #[inline]
    pub(crate) const fn first_tick(&self, segment: u64) -> u64 {
        segment.saturating_mul(self.segment_ticks as u64)
    }

    /// Whether a slot was last written in `segment`, as far as 39 bits tell.
    pub(crate) const fn is_of_segment(&self, slot: Slot, segment: u64) -> bool {
        slot.tick_since(self.first_tick(segment)) < self.segment_ticks as u64
    }

    /// The first nanosecond of a segment.
    #[inline]
    const fn start_ns(&self, segment: u64) -> u64 {
        self.first_tick(segment).saturating_mul(1 << self.tick_shift)
    }

    /// The segment that a time falls in.
    #[inline]
    pub(crate) const fn segment_at(&self, now_ns: u64) -> u64 {
        let ticks = instant::clamped(now_ns) >> self.tick_shift;
        match ticks.checked_div(self.segment_ticks as u64) {
            Some(segment) => segment,
            None => 0,
        }
    }

    /// When the units of a segment whose last admission is in `tick` come back.
    #[inline]
    const fn gone_ns(&self, tick: u64) -> u64 {
        // OVERFLOW: a tick of a time below 2^63, so its end is at most 2^63, and the period below
        // 2^55.
        tick.saturating_add(1).saturating_mul(1 << self.tick_shift).saturating_add(self.period_ns)
    }

    /// How far into a tick units come back: the same in every tick, so in one at most one
    /// segment's do.
    #[inline]
    const fn return_in_tick_ns(&self) -> u64 {
        self.period_ns & self.tick_mask()
    }

    #[inline]
    const fn tick_mask(&self) -> u64 {
        (1_u64 << self.tick_shift).wrapping_sub(1)
    }

    /// What a call at `now_ns` is answered on a cell whose head is `head` and whose ring slots
    /// `read` gives, and what to do next. Wait-free; looks at every slot; divides only to find
    /// the segment of an allowed call.
    ///
    /// A denial, and an allowance of nothing, hold if the head is still `head` after the reads.
    #[inline]
    pub(crate) fn decide(
        &self,
        head: Head,
        read: impl Fn(u32) -> Slot,
        now_ns: u64,
        cost: u32,
    ) -> (Decision, Step) {
        let now = instant::clamped(now_ns);
        let survey = self.survey(head, read, now, cost);
        if cost > self.limit {
            return (Decision::never(self.standing(&survey, now)), Step::Stay);
        }
        if let Some(gone_ns) = survey.blocked_until_ns {
            let retry_after_ns = gone_ns.saturating_sub(now);
            return (Decision::deny(retry_after_ns, self.standing(&survey, now)), Step::Stay);
        }
        if cost == 0 {
            return (Decision::allow(self.standing(&survey, now)), Step::Stay);
        }
        let segment = self.segment_at(survey.time_ns);
        if segment > head.segment() {
            let to = head.closing_towards(segment, self.ring_len());
            return (Decision::allow(self.standing(&survey, now)), Step::Advance { to });
        }
        let tick = survey.time_ns >> self.tick_shift;
        let past = survey.time_ns & self.tick_mask() >= self.return_in_tick_ns();
        // OVERFLOW: count + cost <= limit, which fits the slot's 23 bits.
        let to = Slot::new(tick, past, survey.open.count().saturating_add(cost));
        let newest_gone_ns = self.gone_ns(tick);
        let used = survey.used.saturating_add(cost);
        // The charge moves the open segment's units: they are the first to come back only if no
        // older segment is live.
        let unit_gone_ns = survey.oldest_closed_gone_ns.unwrap_or(newest_gone_ns);
        let survey = Survey { used, newest_gone_ns, unit_gone_ns, ..survey };
        let decision = Decision::allow(self.standing(&survey, now));
        (decision, Step::Charge { from: survey.open, to })
    }

    /// Adds up the live segments, newest first.
    #[inline]
    fn survey(&self, head: Head, read: impl Fn(u32) -> Slot, now: u64, cost: u32) -> Survey {
        let ring_len = self.ring_len();
        let open = read(head.index());
        let mut time_ns = now.max(self.start_ns(head.latest_segment()));
        if open.count() > 0 {
            let tick = open.tick_from(self.first_tick(head.segment()));
            let within_ns = if open.is_past() { self.return_in_tick_ns() } else { 0 };
            let last_ns = tick.saturating_mul(1 << self.tick_shift).saturating_add(within_ns);
            time_ns = time_ns.max(last_ns);
        }
        let mut survey = Survey {
            time_ns,
            open,
            used: 0,
            newest_gone_ns: 0,
            oldest_closed_gone_ns: None,
            unit_gone_ns: 0,
            blocked_until_ns: None,
        };
        let room_for_cost = self.limit.checked_sub(cost);
        let (mut index, mut segment) = (head.index(), head.segment());
        for back in 0..ring_len {
            let slot = if back == 0 { open } else { read(index) };
            let gone_ns = self.gone_ns(slot.tick_from(self.first_tick(segment)));
            if slot.count() > 0 && gone_ns > time_ns {
                survey.used = survey.used.saturating_add(slot.count());
                survey.newest_gone_ns = survey.newest_gone_ns.max(gone_ns);
                if back > 0 {
                    survey.oldest_closed_gone_ns = Some(gone_ns);
                }
                if survey.used >= self.limit && survey.unit_gone_ns == 0 {
                    survey.unit_gone_ns = gone_ns;
                }
                // Once all up to this segment have come back, the newer ones leave room.
                let over = room_for_cost.is_some_and(|room| survey.used > room);
                if over && cost > 0 && survey.blocked_until_ns.is_none() {
                    survey.blocked_until_ns = Some(gone_ns);
                }
            }
            index = index.checked_sub(1).unwrap_or(ring_len.saturating_sub(1));
            segment = segment.saturating_sub(1);
        }
        survey
    }

    #[inline]
    fn standing(&self, survey: &Survey, now: u64) -> Standing {
        let room = u64::from(self.limit.saturating_sub(survey.used));
        let unit = if room == 0 { survey.unit_gone_ns.saturating_sub(now) } else { 1 };
        Standing {
            limit: self.limit,
            room,
            unit,
            reset_after_ns: survey.newest_gone_ns.saturating_sub(now),
        }
    }
}

/// What the words of a ring add up to at one time.
struct Survey {
    /// The latest of `now`, the tick of the last admission, and what it saw come back in that tick.
    time_ns: u64,
    /// The slot that may still grow.
    open: Slot,
    used: u32,
    /// 0 if no segment is live.
    newest_gone_ns: u64,
    /// When the oldest live segment but the open one comes back.
    oldest_closed_gone_ns: Option<u64>,
    /// When one unit has come back, if there is none; else without meaning.
    unit_gone_ns: u64,
    /// When enough units for the call's cost have come back, if there are too few now.
    blocked_until_ns: Option<u64>,
}

/// What a decision asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: the answer is final if the head has not moved.
    Stay,
    /// Exchange the open slot; the answer is final if that succeeds.
    Charge {
        /// The slot as it was read.
        from: Slot,
        /// The slot with the units taken.
        to: Slot,
    },
    /// Exchange the head, so that the open segment closes, and decide again.
    Advance {
        /// The head that closes the open segment.
        to: Head,
    },
}
