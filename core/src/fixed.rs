//! A fixed window as one pure function over one word: the window's number and its count.
//!
//! Windows are aligned to the clock's zero: with Unix time, a minute's window is the wall clock's
//! minute. No atomics, clock, allocation or panic here. SOURCE: SPEC "Kinds".
//!
//! - F1: at most `limit` units pass in an aligned window, twice that across an edge.
//! - F2: the window number never falls: a late clock charges the newest window.
//! - F3: `retry_after` is the end of the window, exactly.
//! - F4: F1 holds on late clocks, by the newest clock of the calls that have been admitted.

use crate::cell::WordQuota;
use crate::decision::{Decision, Standing};
use crate::instant::{self, MAX_NOW_NS};
use crate::quota::check_period;
use crate::quota_error::QuotaError;

/// A validated fixed-window quota: `limit` units in each aligned window of one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FixedQuota {
    limit: u32,
    /// Bits of the state word that hold the count; the rest hold the window's number.
    count_bits: u32,
    period_ns: u64,
}

impl FixedQuota {
    /// A quota of `limit` units in each window of `period_ns`.
    ///
    /// # Errors
    /// [`QuotaError`] for a limit of 0, a period outside 1 ms to 366 days, or a limit that does
    /// not fit beside the window's number in 64 bits: the largest is between one and two units a
    /// nanosecond (1,048,575 for 1 ms; from 2.2 s on, all of u32).
    pub const fn new(limit: u32, period_ns: u64) -> Result<Self, QuotaError> {
        if limit == 0 {
            return Err(QuotaError::ZeroLimit);
        }
        if let Err(error) = check_period(period_ns) {
            return Err(error);
        }
        let last_window = match MAX_NOW_NS.checked_div(period_ns) {
            Some(number) => number,
            None => 0,
        };
        let count_bits = last_window.leading_zeros();
        let max = mask(count_bits);
        if limit as u64 > max {
            #[expect(clippy::cast_possible_truncation, reason = "below limit, a u32")]
            let max = max as u32;
            return Err(QuotaError::LimitTooLarge { found: limit, max });
        }
        Ok(Self { limit, count_bits, period_ns })
    }

    /// Units per window.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// The window's length in nanoseconds.
    pub const fn period_ns(&self) -> u64 {
        self.period_ns
    }

    /// What a call at `now_ns` is answered on a cell in state `window`, and the cell's next state
    /// if the call takes anything. Wait-free; divides only where a new window begins.
    #[inline]
    pub const fn decide(
        &self,
        window: Window,
        now_ns: u64,
        cost: u32,
    ) -> (Decision, Option<Window>) {
        match self.charged(window, now_ns, cost) {
            Some(next) => (self.after_charge(next, now_ns), Some(next)),
            None => (self.without_charge(window, now_ns, cost), None),
        }
    }

    /// The state after the call's charge; none if it is refused or takes nothing.
    #[inline]
    const fn charged(&self, window: Window, now_ns: u64, cost: u32) -> Option<Window> {
        let current = self.current(window, instant::clamped(now_ns));
        let count = current.count.saturating_add(cost as u64);
        if cost == 0 || count > self.limit as u64 {
            return None;
        }
        Some(Window(current.number << self.count_bits | count))
    }

    #[inline]
    const fn after_charge(&self, charged: Window, now_ns: u64) -> Decision {
        let now = instant::clamped(now_ns);
        Decision::allow(self.standing(self.current(charged, now), now))
    }

    #[inline]
    const fn without_charge(&self, window: Window, now_ns: u64, cost: u32) -> Decision {
        let now = instant::clamped(now_ns);
        let current = self.current(window, now);
        let standing = self.standing(current, now);
        if cost == 0 {
            return Decision::allow(standing);
        }
        if cost > self.limit {
            return Decision::never(standing);
        }
        Decision::deny(current.end_ns.saturating_sub(now), standing)
    }

    /// The window that a call at `now` falls in, the newest that the cell or the clock has seen.
    #[inline]
    const fn current(&self, window: Window, now: u64) -> Current {
        let (number, count) = self.unpacked(window.0);
        // OVERFLOW: a number made by these transitions is at most MAX_NOW_NS / period, so its end
        // is at most 2^63 + period; on a corrupt word the end saturates, which denies.
        let end_ns = number.saturating_add(1).saturating_mul(self.period_ns);
        if now < end_ns {
            return Current { number, count, end_ns };
        }
        let number = match now.checked_div(self.period_ns) {
            Some(number) => number,
            None => 0,
        };
        let end_ns = number.saturating_add(1).saturating_mul(self.period_ns);
        Current { number, count: 0, end_ns }
    }

    #[inline]
    const fn standing(&self, current: Current, now: u64) -> Standing {
        let room = (self.limit as u64).saturating_sub(current.count);
        let end_after_ns = current.end_ns.saturating_sub(now);
        Standing {
            limit: self.limit,
            room,
            unit: if room == 0 { end_after_ns } else { 1 },
            reset_after_ns: if current.count == 0 { 0 } else { end_after_ns },
        }
    }

    #[inline]
    const fn unpacked(&self, word: u64) -> (u64, u64) {
        (word >> self.count_bits, word & mask(self.count_bits))
    }
}

/// The low `bits` bits; `bits` is 20 to 55 here.
#[inline]
const fn mask(bits: u32) -> u64 {
    (1_u64 << bits).wrapping_sub(1)
}

#[derive(Clone, Copy)]
struct Current {
    number: u64,
    count: u64,
    end_ns: u64,
}

/// The state of a fixed-window cell: window number and count, packed by its quota. 0 is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window(pub u64);

impl WordQuota for FixedQuota {
    #[inline]
    fn charged(&self, word: u64, now_ns: u64, cost: u32) -> Option<u64> {
        self.charged(Window(word), now_ns, cost).map(|window| window.0)
    }

    #[inline]
    fn after_charge(&self, charged: u64, now_ns: u64) -> Decision {
        self.after_charge(Window(charged), now_ns)
    }

    #[inline]
    fn without_charge(&self, word: u64, now_ns: u64, cost: u32) -> Decision {
        self.without_charge(Window(word), now_ns, cost)
    }

    #[inline]
    fn clear_after_ns(&self, word: u64, now_ns: u64) -> u64 {
        let now = instant::clamped(now_ns);
        self.standing(self.current(Window(word), now), now).reset_after_ns
    }

    /// The count less `cost`, if the window is still the one that was charged.
    #[inline]
    fn without(&self, word: u64, charged: u64, cost: u32) -> Option<u64> {
        let ((number, count), (charged_number, _)) = (self.unpacked(word), self.unpacked(charged));
        let expired = number != charged_number || count < u64::from(cost);
        Some(if expired { word } else { word.wrapping_sub(u64::from(cost)) })
    }

    /// The same window with nothing counted, so that its number never falls.
    #[inline]
    fn emptied(&self, word: u64) -> u64 {
        word & !mask(self.count_bits)
    }
}
