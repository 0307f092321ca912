//! What a quota lets pass at most and grants at least, exactly, from its own numbers.
//!
//! SOURCE: SPEC "Kinds", whose bounds these are. A span of `s` ns is half open: two units at its
//! ends are `s - 1` ns apart at the most. All times are nanoseconds.
//!
//! - B1: in no span does more than `most_in` pass, and in some span as much does.
//! - B2: a caller that keeps its units `steady_interval` apart is never refused.

use ratecell::{Quota, SlidingQuota};

/// The most units that can pass within some span of one period, of one key. None for concurrency,
/// which limits no rate.
pub(super) fn most_in_a_period(quota: &Quota) -> Option<u64> {
    Some(match quota {
        Quota::Gcra(quota) => {
            let later = (quota.period_ns() - 1) / quota.emission_interval_ns();
            u64::from(quota.burst()) + later
        }
        // A span as long as a window reaches into two.
        Quota::Fixed(quota) => 2 * u64::from(quota.limit()),
        Quota::Sliding(quota) => u64::from(quota.limit()),
        Quota::Concurrency(_) => return None,
    })
}

/// The units a period that a steady caller gets at least, rounded down. None for concurrency.
pub(super) fn steady_units(quota: &Quota) -> Option<u64> {
    let (units, span_ns) = steady(quota)?;
    let period_ns = quota.period_ns()?;
    // OVERFLOW: below 2^32 * 2^55, which fits 128 bits; the quotient is at most the units.
    let per_period = u128::from(units) * u128::from(period_ns) / u128::from(span_ns);
    u64::try_from(per_period).ok()
}

/// A number of units and the span in nanoseconds over which a caller that spreads them evenly is
/// never refused.
fn steady(quota: &Quota) -> Option<(u32, u64)> {
    Some(match quota {
        Quota::Gcra(quota) => (1, quota.emission_interval_ns()),
        Quota::Fixed(quota) => (quota.limit(), quota.period_ns()),
        Quota::Sliding(quota) => (quota.limit(), steady_span_ns(quota)),
        Quota::Concurrency(_) => return None,
    })
}

/// A sliding quota never refuses who keeps to its limit per this span: a period and a segment, and
/// two ticks.
fn steady_span_ns(quota: &SlidingQuota) -> u64 {
    let segment_ns = quota.period_ns().div_ceil(u64::from(quota.segments()));
    quota.period_ns() + segment_ns + 2 * quota.tick_ns()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratecell::{Clock, Limiter, ManualClock, Quota, Rule};

    use super::{most_in_a_period, steady, steady_units};

    fn quota(text: &str) -> Quota {
        *text.parse::<Rule>().unwrap().quota()
    }

    /// Takes all that it can from `start_ns` on for one period, and gives how much that is.
    fn greedy(text: &str, start_ns: u64, step_ns: u64) -> u64 {
        let clock = ManualClock::new(start_ns);
        let limiter = Limiter::builder(text).capacity(8).clock(&clock).build().unwrap();
        let period_ns = quota(text).period_ns().unwrap();
        let mut taken = 0;
        while clock.now_ns() < start_ns + period_ns {
            let room = limiter.peek("k", 1).unwrap().remaining().unwrap();
            if room > 0 {
                assert!(limiter.acquire("k", room).unwrap().allowed());
                taken += u64::from(room);
            }
            clock.advance(step_ns);
        }
        taken
    }

    #[test]
    fn the_published_examples() {
        assert_eq!(most_in_a_period(&quota("600/min burst 600")), Some(1199));
        assert_eq!(most_in_a_period(&quota("600/min burst 1")), Some(600));
        assert_eq!(most_in_a_period(&quota("fixed 1000/min")), Some(2000));
        assert_eq!(most_in_a_period(&quota("sliding 600/min")), Some(600));
        assert_eq!(most_in_a_period(&quota("concurrency 8")), None);
        assert_eq!(steady_units(&quota("sliding 600/min")), Some(559));
        assert_eq!(steady_units(&quota("sliding 600/min segments 62")), Some(589));
        assert_eq!(steady_units(&quota("600/min")), Some(600));
        // 142,857,143 ns apart: seven do not fit into a second.
        assert_eq!(steady_units(&quota("7/s")), Some(6));
    }

    #[test]
    fn b1_a_greedy_caller_gets_the_most_and_no_more() {
        assert_eq!(greedy("600/min burst 600", 0, 100_000_000), 1199);
        assert_eq!(greedy("60/min burst 7", 0, 1_000_000_000), 66);
        // From just before an edge.
        assert_eq!(greedy("fixed 100/ms", 999_950, 100), 200);
        assert_eq!(greedy("sliding 100/ms segments 3", 0, 100), 100);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn b1_no_caller_gets_more_than_the_most(
            kind in 0..3_usize,
            limit in 1..50_u32,
            burst in 1..50_u32,
            start_ns in 0..5_000_000_u64,
            step_ns in 1_000..500_000_u64,
        ) {
            let text = match kind {
                0 => format!("{limit}/ms burst {burst}"),
                1 => format!("fixed {limit}/ms"),
                _ => format!("sliding {limit}/ms"),
            };
            let most = most_in_a_period(&quota(&text)).unwrap();
            prop_assert!(greedy(&text, start_ns, step_ns) <= most);
        }

        #[test]
        fn b2_a_steady_caller_is_never_refused(
            kind in 0..3_usize,
            limit in 1..300_u32,
            segments in 1..62_u32,
            start_ns in 0..u64::from(u32::MAX),
        ) {
            let text = match kind {
                0 => format!("{limit}/s burst 1"),
                1 => format!("fixed {limit}/s"),
                _ => format!("sliding {limit}/s segments {segments}"),
            };
            let quota = quota(&text);
            let (units, span_ns) = steady(&quota).unwrap();
            let clock = ManualClock::new(start_ns);
            let limiter = Limiter::builder(&text).capacity(8).clock(&clock).build().unwrap();
            for number in 0..1000_u64 {
                clock.set(start_ns + (number * span_ns).div_ceil(u64::from(units)));
                prop_assert!(limiter.acquire("k", 1).unwrap().allowed(), "{text}: {number}");
            }
        }
    }
}
