//! The concurrency kind: permits out, which know no time.

use crate::{Answer, Verdict};

/// The state of one concurrency cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Concurrency {
    held: i128,
}

impl Concurrency {
    pub(crate) fn peek(&self, limit: i128, cost: i128) -> Answer {
        let (verdict, retry_after) = if cost > limit {
            (Verdict::Never, None)
        } else if cost > 0 && self.held + cost > limit {
            (Verdict::Deny, None)
        } else {
            (Verdict::Allow, Some(0))
        };
        Answer::new(verdict, limit, (limit - self.held).max(0), retry_after, None)
    }

    /// Takes `cost` permits of a call that [`Concurrency::peek`] allows.
    pub(crate) fn charge(&mut self, cost: i128) {
        self.held += cost;
    }

    /// Gives permits back; more than are held is refused and changes nothing.
    pub(crate) fn release(&mut self, cost: i128) -> bool {
        if cost > self.held {
            return false;
        }
        self.held -= cost;
        true
    }
}
