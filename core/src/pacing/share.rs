//! How many clients share a limit, from how fast what is left of it falls.

use super::scale;

/// One request, in the sums' fixed point.
const ONE: u64 = 256;

/// The sums forget a quarter whenever they hold this many requests of one's own.
const MEMORY: u64 = 24 * ONE;

/// What each adds to its share, so that shares even out: 1/512.
const EVENING: u64 = 512;

/// The units that all have used, over the requests of one's own in the same time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    own: u64,
    all: u64,
}

impl Share {
    /// That of a client which knows nothing: one of sixteen, on the strength of two requests.
    pub(super) const UNKNOWN: Self = Self { own: 2 * ONE, all: 32 * ONE };

    /// Takes note that all have used `units` while one could have sent every `interval_ns` for
    /// `span_ns`, and has sent one request at least.
    ///
    /// What one could have sent counts, not what one has: who is idle for a while keeps its share.
    pub(super) fn see(&mut self, units: u64, span_ns: u64, interval_ns: u64) {
        let own = scale(span_ns, ONE, interval_ns).clamp(ONE, MEMORY);
        self.own = self.own.saturating_add(own);
        // One's own unit is among them, and a single look is not to outweigh all others.
        let units = units.clamp(1, 4096);
        self.all = self.all.saturating_add(units.saturating_mul(ONE));
        if self.own > MEMORY {
            self.own = self.own.saturating_sub(self.own / 4);
            self.all = self.all.saturating_sub(self.all / 4);
        }
        self.all = self.all.max(self.own);
    }

    /// How many clients there seem to be, rounded down, at least 1.
    pub(super) const fn sharers(&self) -> u64 {
        match self.all.checked_div(self.own) {
            Some(sharers) => sharers,
            None => 1,
        }
    }

    /// One's own interval, if all together may use a unit every `span_ns / units`.
    pub(super) const fn interval_ns(&self, span_ns: u64, units: u64) -> u64 {
        // 1/n = own/all + 1/512, so the interval is span/units * 512*all / (512*own + all).
        // OVERFLOW: own is below 48 requests, and all gains at most 4096 of them for each of one's
        // own before a quarter is forgotten: both are far below 2^40.
        let weighed = self.own.saturating_mul(EVENING).saturating_add(self.all);
        let all = self.all.saturating_mul(EVENING);
        scale(span_ns, all, weighed.saturating_mul(units))
    }
}
