//! When the next call comes: mostly at the edges that the last answer or the period names.

use arbitrary::Arbitrary;
use ratecell::MAX_NOW_NS;
use ratecell_reference::Answer;

/// When a call comes, seen from the one before.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Moment {
    /// At the same nanosecond.
    Same,
    /// So many nanoseconds later.
    Later(u16),
    /// So many 4096ths of a period later.
    LaterShare(u16),
    /// So many whole periods later, give or take nanoseconds.
    LaterPeriods(u8, i8),
    /// At the next edge of a span of 2 to that many nanoseconds, or just before.
    NextEdge(u8, bool),
    /// At the next multiple of the period, or just before.
    NextWindow(bool),
    /// When the last answer said to retry, give or take nanoseconds.
    Retry(i8),
    /// When the last answer said all would be as good as new, give or take nanoseconds.
    Reset(i8),
    /// So many nanoseconds earlier.
    Earlier(u16),
    /// So many 4096ths of a period earlier.
    EarlierShare(u16),
    /// Any time, also beyond the range of the clock.
    Any(u64),
}

/// The time of the calls.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    now_ns: u64,
    /// The earliest time from now on.
    floor_ns: u64,
    latest_ns: u64,
}

impl Clock {
    /// A clock at a time, which may be beyond the range.
    pub fn at(now_ns: u64) -> Self {
        Self { now_ns, floor_ns: 0, latest_ns: now_ns }
    }

    /// The time as it is passed to the core; it may be beyond the range.
    pub fn raw_ns(&self) -> u64 {
        self.now_ns
    }

    /// The time as the core promises to see it: 2^63 - 1 at the most.
    pub fn now_ns(&self) -> u64 {
        self.now_ns.min(MAX_NOW_NS)
    }

    /// The same as [`Self::now_ns`] of a time from now, which may be beyond the range.
    pub fn after_ns(&self, span_ns: u64) -> u64 {
        self.now_ns().saturating_add(span_ns)
    }

    /// From now on no time is earlier than the latest so far.
    pub fn stop_going_back(&mut self) {
        self.floor_ns = self.latest_ns;
    }

    /// Goes to the moment of the next call.
    pub fn go(&mut self, moment: Moment, period_ns: u64, last: Option<&Answer>) {
        let now = self.now_ns();
        let share = |of| period_ns / 4096 * u64::from(of) + period_ns % 4096 * u64::from(of) / 4096;
        let wait = |span_ns: Option<u64>, off: i8| {
            now.saturating_add(span_ns.unwrap_or(0)).saturating_add_signed(off.into())
        };
        let to = match moment {
            Moment::Same => self.now_ns,
            Moment::Later(ns) => now.saturating_add(ns.into()),
            Moment::LaterShare(of) => now.saturating_add(share(of)),
            Moment::LaterPeriods(count, off) => {
                wait(Some(period_ns.saturating_mul(count.into())), off)
            }
            Moment::NextEdge(bits, before) => {
                let mask = (1_u64 << (bits % 48)) - 1;
                (now | mask).saturating_add(u64::from(!before))
            }
            Moment::NextWindow(before) => {
                (now / period_ns + 1).saturating_mul(period_ns) - u64::from(before)
            }
            Moment::Retry(off) => wait(last.and_then(|answer| answer.retry_after_ns), off),
            Moment::Reset(off) => wait(last.and_then(|answer| answer.reset_after_ns), off),
            Moment::Earlier(ns) => now.saturating_sub(ns.into()),
            Moment::EarlierShare(of) => now.saturating_sub(share(of)),
            Moment::Any(ns) => ns,
        };
        self.now_ns = to.max(self.floor_ns);
        self.latest_ns = self.latest_ns.max(self.now_ns);
    }
}
