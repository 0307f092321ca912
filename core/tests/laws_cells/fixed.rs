//! F1 to F4.

use proptest::prelude::*;
use ratecell::{MAX_NOW_NS, Verdict};

use crate::cell::Cell;
use crate::config;
use crate::quotas::{built, fixed};
use crate::steps::{Driver, by_newest_clock, edge_time, lived, most_within, steps};

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn f1_at_most_limit_units_pass_in_an_aligned_window_and_twice_that_across_an_edge(
        quota in fixed(), start in edge_time(), steps in steps(true, 80),
    ) {
        let (_, _, log) = lived(&quota, start, &steps);
        let period_ns = quota.period_ns().unwrap();
        let (limit, window) = (u64::from(quota.capacity()), |at_ns: u64| at_ns / period_ns);
        prop_assert!(most_within(&log, |from, at| window(from) == window(at)) <= limit);
        prop_assert!(most_within(&log, |from, at| at - from < period_ns) <= 2 * limit);
    }

    #[test]
    fn f2_the_window_number_never_falls(
        quota in fixed(), start in edge_time(), steps in steps(false, 40),
    ) {
        let (cell, own) = (Cell::default(), built(&quota).unwrap());
        let period_ns = quota.period_ns().unwrap();
        let mut driver = Driver::new(&quota, start);
        let mut newest = 0;
        for step in steps {
            let (now_ns, cost) = driver.resolve(step);
            let decision = cell.acquire(&own, now_ns, cost);
            driver.learn(&decision);
            if decision.allowed() && cost > 0 {
                newest = newest.max(now_ns.min(MAX_NOW_NS) / period_ns);
                // Whatever the clock of this call, it charged the newest window.
                let end_ns = now_ns.min(MAX_NOW_NS) + decision.reset_after_ns().unwrap();
                prop_assert_eq!(end_ns, (newest + 1) * period_ns);
            }
        }
    }

    #[test]
    fn f3_retry_after_is_the_end_of_the_window_exactly(
        quota in fixed(), start in edge_time(), steps in steps(true, 20),
    ) {
        let (cell, now_ns, _) = lived(&quota, start, &steps);
        let (own, period_ns) = (built(&quota).unwrap(), quota.period_ns().unwrap());
        for cost in [1, quota.capacity()] {
            let denied = cell.peek(&own, now_ns, cost);
            let Verdict::Deny = denied.verdict() else { continue };
            let at_ns = now_ns + denied.retry_after_ns().unwrap();
            prop_assert_eq!(at_ns, (now_ns / period_ns + 1) * period_ns);
            prop_assume!(at_ns <= MAX_NOW_NS);
            prop_assert!(cell.peek(&own, at_ns, cost).allowed());
            let early = cell.peek(&own, at_ns - 1, cost);
            prop_assert_eq!((early.verdict(), early.retry_after_ns()), (Verdict::Deny, Some(1)));
        }
    }

    #[test]
    fn f4_on_late_clocks_at_most_limit_units_pass_in_a_window_of_the_newest_clock(
        quota in fixed(), start in edge_time(), steps in steps(false, 80),
    ) {
        let (_, _, log) = lived(&quota, start, &steps);
        let (log, period_ns) = (by_newest_clock(&log), quota.period_ns().unwrap());
        let most = most_within(&log, |from_ns, at_ns| from_ns / period_ns == at_ns / period_ns);
        prop_assert!(most <= u64::from(quota.capacity()));
    }
}
