//! The sliding kind: counts by segment, each of which comes back as a whole.
//!
//! Segments are kept in an ordered map by number, without the bounded ring of a fast cell. Letters
//! are those of the normative text: P the period, K the segments, d a segment's length, t the time
//! charged, q the tick number of a segment's last admission. Times are nanoseconds.
//!
//! One thing follows the conformance cases against the letter of the text: a segment that an
//! admission found gone does not count again when the clock then goes back, although the tick
//! number of that admission alone may put `t` before `gone`.
//!
//! - S1: at most K + 2 segments are live (`at_most_k_plus_2_segments_are_live`).

use std::collections::BTreeMap;

use crate::{Answer, Verdict};

/// The state of one sliding cell: its segments by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sliding {
    segments: BTreeMap<i128, Segment>,
}

/// The numbers of a sliding quota.
#[derive(Clone, Copy)]
pub(crate) struct SlidingTerms {
    pub(crate) limit: i128,
    pub(crate) period: i128,
    pub(crate) segments: i128,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    count: i128,
    q: i128,
}

impl Sliding {
    pub(crate) fn peek(&self, terms: SlidingTerms, now: i128, cost: i128) -> Answer {
        let live = self.live(terms, now);
        let used: i128 = live.iter().map(|segment| segment.count).sum();
        let (verdict, retry_after) = if cost > terms.limit {
            (Verdict::Never, None)
        } else if cost > 0 && used + cost > terms.limit {
            let mut left = used;
            let mut wait = None;
            for segment in &live {
                left -= segment.count;
                if left + cost <= terms.limit {
                    wait = Some(terms.gone(segment) - now);
                    break;
                }
            }
            assert!(wait.is_some(), "an empty cell allows every cost up to the limit");
            (Verdict::Deny, wait)
        } else {
            (Verdict::Allow, Some(0))
        };
        let remaining = (terms.limit - used).max(0);
        let reset_after = live.last().map_or(0, |newest| terms.gone(newest) - now);
        Answer::new(verdict, terms.limit, remaining, retry_after, Some(reset_after))
    }

    /// Takes `cost` units of a call that [`Sliding::peek`] allows.
    pub(crate) fn charge(&mut self, terms: SlidingTerms, now: i128, cost: i128) {
        let t = self.time_charged(terms, now);
        let q = t / terms.tick();
        // What an admission finds gone stays gone, though the clock may go back to a `t` before
        // that: `q` alone would remember the time of the admission only to a tick.
        self.segments.retain(|_, segment| terms.gone(segment) > t);
        let segment = self.segments.entry(t / terms.length()).or_insert(Segment { count: 0, q });
        segment.count += cost;
        segment.q = q;
    }

    /// t = max(now, tick number of the last admission * tick).
    fn time_charged(&self, terms: SlidingTerms, now: i128) -> i128 {
        let last = self.segments.values().map(|segment| segment.q).max();
        last.map_or(now, |q| now.max(q * terms.tick()))
    }

    /// The segments whose units still count, oldest first.
    fn live(&self, terms: SlidingTerms, now: i128) -> Vec<&Segment> {
        let t = self.time_charged(terms, now);
        self.segments.values().filter(|segment| terms.gone(segment) > t).collect()
    }
}

impl SlidingTerms {
    /// tick = 2^max(0, bits(P) - 11).
    fn tick(&self) -> i128 {
        let bits = 128 - self.period.leading_zeros();
        1 << bits.saturating_sub(11)
    }

    /// d = ceil(ceil(P / K) / tick) * tick.
    fn length(&self) -> i128 {
        let tick = self.tick();
        let share = (self.period + self.segments - 1) / self.segments;
        (share + tick - 1) / tick * tick
    }

    /// gone = (q + 1) * tick + P.
    fn gone(&self, segment: &Segment) -> i128 {
        (segment.q + 1) * self.tick() + self.period
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_k_plus_2_segments_are_live() {
        for segments in 1..=62 {
            for period in [1_000_000, 1_000_003, 60_000_000_000, 31_622_400_000_000_000] {
                let terms = SlidingTerms { limit: 8_388_607, period, segments };
                let mut cell = Sliding::default();
                let mut most = 0;
                // The last nanosecond of each segment keeps its units the longest.
                for segment in 1..=i128::from(200_u8) {
                    let now = segment * terms.length() - 1;
                    cell.charge(terms, now, 1);
                    most = most.max(cell.live(terms, now).len());
                    most = most.max(cell.live(terms, 0).len());
                }
                assert!(most as i128 <= segments + 2, "{most} of {segments} at {period}");
                assert!(most as i128 >= segments.min(2), "{most} of {segments} at {period}");
            }
        }
    }

    #[test]
    fn what_an_admission_found_gone_stays_gone_when_the_clock_goes_back() {
        let terms = SlidingTerms { limit: 10, period: 1_000_000, segments: 14 };
        let mut cell = Sliding::default();
        cell.charge(terms, 0, 4);
        let gone = 512 + 1_000_000;
        assert_eq!(gone / terms.tick(), (gone - 1) / terms.tick(), "both in one tick");
        assert_eq!(cell.peek(terms, gone, 1).remaining, 10);
        assert_eq!(cell.peek(terms, gone - 1, 1).remaining, 6, "looking forgets nothing");
        cell.charge(terms, gone, 1);
        assert_eq!(cell.peek(terms, gone - 1, 1).remaining, 9);
        assert_eq!(cell.peek(terms, 0, 1).remaining, 9);
    }
}
