//! Where the time of a limiter comes from: the system, or a clock of JavaScript's.
//!
//! A clock of JavaScript's cannot be called from here, so the package calls it first and puts what
//! it says into the words. Calls that the limiter times by itself get it by a cell of the thread.

use std::cell::Cell;

use ratecell::{Clock, SystemClock};

thread_local! {
    static GIVEN_NS: Cell<u64> = const { Cell::new(0) };
}

/// The clock of a limiter.
#[derive(Debug)]
pub(crate) enum NodeClock {
    System(SystemClock),
    /// What [`NodeClock::give`] was last told on this thread.
    Given,
}

impl NodeClock {
    /// Tells this thread's calls the time; a limiter with a system clock needs none.
    pub(crate) fn give(&self, now_ns: u64) {
        if let Self::Given = self {
            GIVEN_NS.set(now_ns);
        }
    }

    pub(crate) const fn is_given(&self) -> bool {
        matches!(self, Self::Given)
    }
}

impl Clock for NodeClock {
    #[inline]
    fn now_ns(&self) -> u64 {
        match self {
            Self::System(clock) => clock.now_ns(),
            Self::Given => GIVEN_NS.get(),
        }
    }
}
