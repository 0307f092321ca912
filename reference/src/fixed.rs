//! The fixed kind: a count for the newest window seen.
//!
//! Letters are those of the normative text: P the period, `id` a window's number. Times are
//! nanoseconds; window 0 starts at the zero of the caller's clock.

use crate::{Answer, Verdict};

/// The state of one fixed cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fixed {
    id: i128,
    count: i128,
}

/// The numbers of a fixed quota.
#[derive(Clone, Copy)]
pub(crate) struct FixedTerms {
    pub(crate) limit: i128,
    pub(crate) period: i128,
}

impl Fixed {
    pub(crate) fn peek(&self, terms: FixedTerms, now: i128, cost: i128) -> Answer {
        let (id, count) = self.at(terms, now);
        let end = (id + 1) * terms.period - now;
        let (verdict, retry_after) = if cost > terms.limit {
            (Verdict::Never, None)
        } else if cost > 0 && count + cost > terms.limit {
            (Verdict::Deny, Some(end))
        } else {
            (Verdict::Allow, Some(0))
        };
        let remaining = (terms.limit - count).max(0);
        let reset_after = if count == 0 { 0 } else { end };
        Answer::new(verdict, terms.limit, remaining, retry_after, Some(reset_after))
    }

    /// Takes `cost` units of a call that [`Fixed::peek`] allows.
    pub(crate) fn charge(&mut self, terms: FixedTerms, now: i128, cost: i128) {
        let (id, count) = self.at(terms, now);
        *self = Self { id, count: count + cost };
    }

    /// The window that `now` falls in, never older than the stored one, and its count.
    fn at(&self, terms: FixedTerms, now: i128) -> (i128, i128) {
        let id = (now / terms.period).max(self.id);
        (id, if id == self.id { self.count } else { 0 })
    }
}
