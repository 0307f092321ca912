//! GCRA as one pure function: (quota, state, time, cost) in, decision and next state out.
//!
//! No atomics, clock, allocation or panic here; `cell` drives it from a compare-exchange loop.
//! SOURCE: ITU-T I.371, virtual-scheduling form; SPEC "Kinds". All times are nanoseconds on the
//! caller's clock.
//!
//! - G1: an allowed charge moves `tat` forward; a denial returns no new state.
//! - G2: after an allowed charge `tat - now <= burst_ns`, so `remaining` cannot underflow.
//! - G3: `retry_after` is exact: denied one nanosecond before it, allowed at it.
//! - G4: over any span s at most `burst + s / emission_interval` units pass.
//! - G5: so they do on late clocks, s being from the first call's clock to the last call's.

use crate::cell::WordQuota;
use crate::decision::{Decision, MAX_ROOM, Standing};
use crate::instant::{self, MAX_NOW_NS};
use crate::quota::check_period;
use crate::quota_error::QuotaError;

/// The longest that a whole burst may take to come back: 2^62 ns, 146 years.
const MAX_BURST_NS: u64 = MAX_ROOM;

/// More than a cell can owe: a tat is less than that after any `now`.
const MAX_BACKLOG_NS: u64 = MAX_NOW_NS + 1 + MAX_BURST_NS;

/// A validated gcra quota: `limit` units per period on average, `burst` at once.
///
/// Over any span of `s` ns it admits at most `burst + s / emission_interval_ns` units: 600 a
/// minute with a burst of 600 may pass 1,199 within some minute. Use a sliding quota where the
/// published limit must hold in every minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GcraQuota {
    limit: u32,
    burst: u32,
    period_ns: u64,
    emission_interval_ns: u64,
    burst_ns: u64,
}

impl GcraQuota {
    /// A quota of `limit` units per `period_ns` with at most `burst` at once.
    ///
    /// Units come back one by one, every `period_ns / limit` rounded up to a whole nanosecond.
    /// Works in `const`:
    ///
    /// ```
    /// use ratecell::GcraQuota;
    ///
    /// const UPLINK: GcraQuota = match GcraQuota::new(10, 60_000_000_000, 3) {
    ///     Ok(quota) => quota,
    ///     Err(_) => panic!("not a quota"),
    /// };
    /// assert_eq!(UPLINK.emission_interval_ns(), 6_000_000_000);
    /// ```
    ///
    /// # Errors
    /// [`QuotaError`] for a limit or burst of 0, a period outside 1 ms to 366 days, a rate that
    /// whole nanoseconds would lower by over 1 %, or a burst that takes over 2^62 ns to come back.
    pub const fn new(limit: u32, period_ns: u64, burst: u32) -> Result<Self, QuotaError> {
        if limit == 0 {
            return Err(QuotaError::ZeroLimit);
        }
        if burst == 0 {
            return Err(QuotaError::ZeroBurst);
        }
        if let Err(error) = check_period(period_ns) {
            return Err(error);
        }
        let emission_interval_ns = period_ns.div_ceil(limit as u64);
        // OVERFLOW: below period + limit, so below 2^55 + 2^32; 366 days are below 2^55 ns.
        let held_period_ns = emission_interval_ns.saturating_mul(limit as u64);
        if held_period_ns > period_ns.saturating_add(period_ns / 100) {
            // A quotient by at least 1 of a number below limit * 1 ns: it fits u32.
            #[expect(clippy::cast_possible_truncation, reason = "at most limit")]
            let effective = match period_ns.checked_div(emission_interval_ns) {
                Some(units) => units as u32,
                None => 0,
            };
            return Err(QuotaError::RateDistorted { limit, period_ns, effective });
        }
        match emission_interval_ns.checked_mul(burst as u64) {
            Some(burst_ns) if burst_ns <= MAX_BURST_NS => {
                Ok(Self { limit, burst, period_ns, emission_interval_ns, burst_ns })
            }
            _ => {
                // At least 2^62 / 2^55; below burst, since burst itself is too much.
                #[expect(clippy::cast_possible_truncation, reason = "below burst")]
                let max = match MAX_BURST_NS.checked_div(emission_interval_ns) {
                    Some(units) => units as u32,
                    None => 0,
                };
                Err(QuotaError::BurstTooLong { found: burst, max })
            }
        }
    }

    /// The quota that [`Self::new`] makes, for a caller who has kept its numbers, in a `static` of
    /// another language for example: checked without a division. None if it makes no such quota.
    ///
    /// ```
    /// use ratecell::GcraQuota;
    ///
    /// let quota = GcraQuota::new(7, 1_000_000_000, 3)?;
    /// assert_eq!(GcraQuota::from_parts(7, 1_000_000_000, 3, 142_857_143), Some(quota));
    /// assert_eq!(GcraQuota::from_parts(7, 1_000_000_000, 3, 142_857_142), None);
    /// # Ok::<(), ratecell::QuotaError>(())
    /// ```
    pub const fn from_parts(
        limit: u32,
        period_ns: u64,
        burst: u32,
        emission_interval_ns: u64,
    ) -> Option<Self> {
        if limit == 0 || burst == 0 || check_period(period_ns).is_err() {
            return None;
        }
        let held_period_ns = match emission_interval_ns.checked_mul(limit as u64) {
            Some(held_period_ns) => held_period_ns,
            None => return None,
        };
        // The interval is the period over the limit, rounded up: this much longer in all, which is
        // less than one nanosecond a unit.
        let longer_ns = match held_period_ns.checked_sub(period_ns) {
            Some(longer_ns) if longer_ns < limit as u64 => longer_ns,
            _ => return None,
        };
        // OVERFLOW: below 100 * 2^32. More than a whole 100th of the period, as in `new`.
        if longer_ns.saturating_mul(100) > period_ns {
            return None;
        }
        match emission_interval_ns.checked_mul(burst as u64) {
            Some(burst_ns) if burst_ns <= MAX_BURST_NS => {
                Some(Self { limit, burst, period_ns, emission_interval_ns, burst_ns })
            }
            _ => None,
        }
    }

    /// Units per period.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Units at once: the capacity.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// The period in nanoseconds.
    pub const fn period_ns(&self) -> u64 {
        self.period_ns
    }

    /// Nanoseconds between two units: the period over the limit, rounded up.
    pub const fn emission_interval_ns(&self) -> u64 {
        self.emission_interval_ns
    }

    /// What a call at `now_ns` is answered on a cell in state `tat`, and the cell's next state if
    /// the call takes anything. Wait-free.
    #[inline]
    pub const fn decide(&self, tat: Tat, now_ns: u64, cost: u32) -> (Decision, Option<Tat>) {
        match self.charged(tat, now_ns, cost) {
            Some(next) => (self.after_charge(next, now_ns), Some(next)),
            None => (self.without_charge(tat, now_ns, cost), None),
        }
    }

    /// The state after the call's charge; none if it is refused or takes nothing.
    #[inline]
    const fn charged(&self, tat: Tat, now_ns: u64, cost: u32) -> Option<Tat> {
        if cost == 0 || cost > self.burst {
            return None;
        }
        let now = instant::clamped(now_ns);
        let backlog = tat.0.saturating_sub(now);
        let (needed_ns, room_ns) = self.needed(cost);
        if backlog > room_ns {
            return None;
        }
        // OVERFLOW: backlog + needed <= burst_ns <= 2^62, and now is below 2^63.
        Some(Tat(now.wrapping_add(backlog).wrapping_add(needed_ns)))
    }

    #[inline]
    const fn after_charge(&self, charged: Tat, now_ns: u64) -> Decision {
        let backlog = charged.0.saturating_sub(instant::clamped(now_ns));
        Decision::allow(self.standing(backlog))
    }

    #[inline]
    const fn without_charge(&self, tat: Tat, now_ns: u64, cost: u32) -> Decision {
        let backlog = tat.0.saturating_sub(instant::clamped(now_ns));
        let standing = self.standing(backlog);
        if cost == 0 {
            return Decision::allow(standing);
        }
        if cost > self.burst {
            return Decision::never(standing);
        }
        let (_, room_ns) = self.needed(cost);
        Decision::deny(backlog.saturating_sub(room_ns), standing)
    }

    /// What a cost up to the burst adds to the backlog, and the most backlog that leaves room for
    /// it.
    #[inline]
    const fn needed(&self, cost: u32) -> (u64, u64) {
        // OVERFLOW: the product is at most burst_ns, which fits.
        let needed_ns = (cost as u64).wrapping_mul(self.emission_interval_ns);
        (needed_ns, self.burst_ns.wrapping_sub(needed_ns))
    }

    #[inline]
    const fn standing(&self, backlog: u64) -> Standing {
        // A tat from elsewhere may be later than any charge leaves it. Without the cut its room, far
        // below 0, would wrap around to some that is left.
        let owed = if backlog > MAX_BACKLOG_NS { MAX_BACKLOG_NS } else { backlog };
        Standing {
            limit: self.burst,
            room: self.burst_ns.wrapping_sub(owed),
            unit: self.emission_interval_ns,
            reset_after_ns: backlog,
        }
    }
}

/// The state of a gcra cell: the theoretical arrival time, in ns on the caller's clock. 0 is new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tat(pub u64);

impl WordQuota for GcraQuota {
    #[inline]
    fn charged(&self, word: u64, now_ns: u64, cost: u32) -> Option<u64> {
        self.charged(Tat(word), now_ns, cost).map(|tat| tat.0)
    }

    #[inline]
    fn after_charge(&self, charged: u64, now_ns: u64) -> Decision {
        self.after_charge(Tat(charged), now_ns)
    }

    #[inline]
    fn without_charge(&self, word: u64, now_ns: u64, cost: u32) -> Decision {
        self.without_charge(Tat(word), now_ns, cost)
    }

    #[inline]
    fn clear_after_ns(&self, word: u64, now_ns: u64) -> u64 {
        word.saturating_sub(instant::clamped(now_ns))
    }

    /// Nothing: once another call has moved the tat, moving it back could give units to that call
    /// that its own `now` did not leave it.
    #[inline]
    fn without(&self, _word: u64, _charged: u64, _cost: u32) -> Option<u64> {
        None
    }

    #[inline]
    fn emptied(&self, _word: u64) -> u64 {
        0
    }
}
