//! The gcra kind: one theoretical arrival time, moved forward by every charge.
//!
//! Letters are those of the normative text: T the emission interval, D the burst as a time, b the
//! backlog. `limit` counts units a period, `burst` is the capacity. Times are nanoseconds.

use crate::{Answer, Verdict};

/// The state of one gcra cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gcra {
    tat: i128,
}

/// The numbers of a gcra quota.
#[derive(Clone, Copy)]
pub(crate) struct GcraTerms {
    pub(crate) limit: i128,
    pub(crate) period: i128,
    pub(crate) burst: i128,
}

impl Gcra {
    pub(crate) fn peek(&self, terms: GcraTerms, now: i128, cost: i128) -> Answer {
        let t = terms.emission_interval();
        let d = terms.burst * t;
        let b = self.tat.max(now) - now;
        let (verdict, retry_after) = if cost > terms.burst {
            (Verdict::Never, None)
        } else if cost > 0 && b + cost * t > d {
            (Verdict::Deny, Some(b + cost * t - d))
        } else {
            (Verdict::Allow, Some(0))
        };
        let remaining = (d - b).max(0) / t;
        Answer::new(verdict, terms.burst, remaining, retry_after, Some(b))
    }

    /// Takes `cost` units of a call that [`Gcra::peek`] allows.
    pub(crate) fn charge(&mut self, terms: GcraTerms, now: i128, cost: i128) {
        let b = self.tat.max(now) - now;
        self.tat = now + b + cost * terms.emission_interval();
    }
}

impl GcraTerms {
    /// T = ceil(P / L).
    fn emission_interval(&self) -> i128 {
        (self.period + self.limit - 1) / self.limit
    }
}
