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
    /// That of a client which knows nothing: one of eight, on the strength of two requests.
    pub(super) const UNKNOWN: Self = Self { own: 2 * ONE, all: 16 * ONE };

    /// Takes note that all have used `units` while one request of one's own was answered.
    pub(super) fn see(&mut self, units: u64) {
        self.own = self.own.saturating_add(ONE);
        // One's own unit is among them, and a single look is not to outweigh all others.
        let units = units.clamp(1, 4096);
        self.all = self.all.saturating_add(units.saturating_mul(ONE));
        if self.own > MEMORY {
            self.own = self.own.saturating_sub(self.own / 4);
            self.all = self.all.saturating_sub(self.all / 4);
        }
        self.all = self.all.max(self.own);
    }

    /// One's own interval, if all together may use a unit every `span_ns / units`.
    pub(super) const fn interval_ns(&self, span_ns: u64, units: u64) -> u64 {
        // 1/n = own/all + 1/512, so the interval is span/units * 512*all / (512*own + all).
        // OVERFLOW: own is at most 25 requests, all 25 * 4096 of them: below 2^25 each.
        let weighed = self.own.saturating_mul(EVENING).saturating_add(self.all);
        let all = self.all.saturating_mul(EVENING);
        scale(span_ns, all, weighed.saturating_mul(units))
    }
}
