//! Defects that other rate limiters have had, each as a test that this one does not have it.

use ratecell::{
    AtomicSegments, AtomicTat, AtomicWindow, FixedQuota, GcraQuota, HeapMemory, KeyedPlan, Limiter,
    ManualClock, Memory as _, Plan, Quota, QuotaError, Seed, SlidingQuota, Table, Verdict,
    WhenFull,
};

const SECOND_NS: u64 = 1_000_000_000;
const MINUTE_NS: u64 = 60 * SECOND_NS;
const DAY_NS: u64 = 86_400 * SECOND_NS;
const SEED: Seed = Seed::from_bytes(*b"regression seeds");

fn keyed(plan: &str, keys: usize) -> KeyedPlan<HeapMemory> {
    let memory = |rule: &ratecell::Rule| HeapMemory::for_keys(rule.quota(), keys);
    KeyedPlan::new(plan.parse().unwrap(), SEED, memory).unwrap()
}

/// 213,505 days of 2^64 ns wrap round to seconds.
#[test]
fn a_weighted_cost_that_would_wrap_is_never_allowed() {
    let quota = GcraQuota::new(1, DAY_NS, 1_000).unwrap();
    let cell = AtomicTat::new();
    assert!(213_505_u64.checked_mul(quota.emission_interval_ns()).is_none(), "the case wraps");
    for cost in [213_504, 213_505, 213_506, u32::MAX] {
        let decision = cell.acquire(&quota, 0, cost);
        assert_eq!((decision.verdict(), decision.retry_after_ns()), (Verdict::Never, None));
    }
    assert_eq!(cell.acquire(&quota, 0, 1_000).remaining(), 0);
}

/// Truncated to whole nanoseconds, 600 million a second would come 1 ns apart: at 167 %.
#[test]
fn a_rate_that_whole_nanoseconds_distort_is_refused_when_built() {
    let refused = GcraQuota::new(600_000_000, SECOND_NS, 1).unwrap_err();
    let (limit, period_ns, effective) = (600_000_000, SECOND_NS, 500_000_000);
    assert_eq!(refused, QuotaError::RateDistorted { limit, period_ns, effective });
    // What changes by 1 % at most is taken, and then it errs downward: 2 ns apart, not 1.
    let quota = GcraQuota::new(505_000_000, SECOND_NS, 1).unwrap();
    assert_eq!(quota.emission_interval_ns(), 2);
    assert!(GcraQuota::new(505_000_001, SECOND_NS, 1).is_err());
}

#[test]
fn half_a_unit_a_nanosecond_is_admitted_exactly() {
    let quota = GcraQuota::new(500_000_000, SECOND_NS, 1).unwrap();
    let cell = AtomicTat::new();
    let admitted = (0..10_000).filter(|&now_ns| cell.acquire(&quota, now_ns, 1).allowed());
    assert_eq!(admitted.count(), 5_000);
}

/// A refill that is rounded at each poll never comes to a whole unit.
#[test]
fn one_a_day_polled_every_160_ms_gives_one_a_day() {
    let quota = GcraQuota::new(1, DAY_NS, 1).unwrap();
    let cell = AtomicTat::new();
    let polls = (0..30 * DAY_NS).step_by(160_000_000);
    let admitted = polls.filter(|&now_ns| cell.acquire(&quota, now_ns, 1).allowed());
    assert_eq!(admitted.collect::<Vec<_>>(), (0..30).map(|day| day * DAY_NS).collect::<Vec<_>>());
}

/// A clock read before another thread's is passed in after it.
#[test]
fn a_stale_clock_never_admits_more() {
    let (now_ns, stale_ns) = (10 * MINUTE_NS, 10 * MINUTE_NS - 1);
    let gcra = (GcraQuota::new(5, MINUTE_NS, 5).unwrap(), AtomicTat::new());
    let fixed = (FixedQuota::new(5, MINUTE_NS).unwrap(), AtomicWindow::new());
    let sliding = (SlidingQuota::new(5, MINUTE_NS, 14).unwrap(), AtomicSegments::<16>::new());
    assert!(gcra.1.acquire(&gcra.0, now_ns, 5).allowed());
    assert!(fixed.1.acquire(&fixed.0, now_ns, 5).allowed());
    assert!(sliding.1.acquire(&sliding.0, now_ns, 5).allowed());
    for stale_ns in [stale_ns, now_ns - MINUTE_NS, now_ns / 2, 0] {
        assert!(!gcra.1.acquire(&gcra.0, stale_ns, 1).allowed());
        assert!(!fixed.1.acquire(&fixed.0, stale_ns, 1).allowed());
        assert!(!sliding.1.acquire(&sliding.0, stale_ns, 1).allowed());
    }
    // Nor has it pushed anything back.
    assert!(gcra.1.acquire(&gcra.0, now_ns + MINUTE_NS / 5, 1).allowed());
    assert!(fixed.1.acquire(&fixed.0, now_ns + MINUTE_NS, 5).allowed());
}

#[test]
fn of_two_rates_the_one_that_refuses_does_not_eat_the_other() {
    let plan = keyed("fast: 5/s; slow: fixed 2/min", 16);
    for _ in 0..2 {
        assert!(plan.acquire(0, "a", 1).unwrap().allowed());
    }
    for _ in 0..100 {
        let refused = plan.acquire(0, "a", 1).unwrap();
        assert_eq!((refused.allowed(), refused.rule()), (false, Some("slow")));
        let fast = refused.rules().next().unwrap().1;
        assert_eq!(fast.remaining(), 3);
    }
    // The same with the refusing rule first.
    let plan = keyed("slow: fixed 2/min; fast: 5/s", 16);
    (0..100).for_each(|_| drop(plan.acquire(0, "a", 1).unwrap()));
    assert_eq!(plan.peek(0, "a", 1).unwrap().rules().last().unwrap().1.remaining(), 3);
}

/// A count that starts anew with the new rate would let the key have both.
#[test]
fn raising_a_rate_does_not_apply_to_the_past() {
    for text in ["fixed 10/min", "sliding 10/min"] {
        let clock = ManualClock::new(0);
        let limiter = Limiter::builder(text).clock(&clock).seed(SEED).build().unwrap();
        let raised: Plan = text.replace("10", "15").parse().unwrap();
        assert!(limiter.acquire("a", 10).unwrap().allowed());
        clock.advance(MINUTE_NS / 2);
        assert_eq!(limiter.acquire_with(&raised, "a", 5).unwrap().remaining(), Some(0), "{text}");
        assert!(!limiter.acquire_with(&raised, "a", 1).unwrap().allowed(), "{text}");
        assert!(!limiter.acquire("a", 1).unwrap().allowed(), "{text}");
    }
}

/// A balance kept in units would be paid out at the new rate for the time before.
#[test]
fn a_debt_is_not_paid_sooner_by_a_raised_rate() {
    let clock = ManualClock::new(0);
    let limiter = Limiter::builder("10/min").clock(&clock).seed(SEED).build().unwrap();
    let raised: Plan = "1000/min burst 1".parse().unwrap();
    assert!(limiter.acquire("a", 10).unwrap().allowed());
    let refused = limiter.acquire_with(&raised, "a", 1).unwrap();
    assert_eq!(refused.retry_after_ns(), Some(MINUTE_NS));
}

/// What a cache of least recent use does: push the debtor out with new keys, and it starts anew.
#[test]
fn a_key_that_owes_is_never_forgotten() {
    for kind in ["1/d", "fixed 1/d", "sliding 1/d", "concurrency 1"] {
        let plan = keyed(kind, 64);
        assert!(plan.acquire(0, "debtor", 1).unwrap().allowed());
        let mut full = 0;
        for new in 0..2_000_u64 {
            let verdict = plan.acquire(0, new, 1).unwrap().verdict();
            full += u32::from(verdict == Verdict::Full);
            assert!(!plan.acquire(0, "debtor", 1).unwrap().allowed(), "{kind} after {new}");
        }
        assert!(full > 1_000, "the table was hammered until full, and beyond");
    }
}

/// A negative cost, with which a caller could give itself units, cannot be written.
#[test]
fn a_cost_of_zero_is_allowed_and_changes_nothing() {
    for text in ["5/s", "fixed 5/s", "sliding 5/s", "concurrency 5"] {
        let plan = keyed(text, 16);
        for spent in [0, 5] {
            assert!(plan.acquire(0, "a", spent).unwrap().allowed());
            let before = plan.peek(0, "a", 1).unwrap();
            let nothing = plan.acquire(0, "a", 0).unwrap();
            assert!(nothing.allowed(), "{text}");
            assert_eq!(nothing.remaining(), before.remaining());
            let after = plan.peek(0, "a", 1).unwrap();
            assert_eq!(format!("{before:?}"), format!("{after:?}"));
        }
    }
}

#[test]
fn a_cost_of_zero_takes_no_slot() {
    let plan = keyed("5/s", 16);
    for new in 0..1_000_u64 {
        assert!(plan.acquire(0, new, 0).unwrap().allowed());
    }
    assert_eq!(plan.stats().next().unwrap().1.inserted, 0);
}

/// One-shot keys, such as spoofed addresses, that a map would keep for ever.
#[test]
fn a_million_keys_take_no_more_memory_than_a_thousand() {
    // A fifth of a million without optimization.
    let keys: u64 = if cfg!(debug_assertions) { 200_000 } else { 1_000_000 };
    let quota: Quota = GcraQuota::new(1, MINUTE_NS, 1).unwrap().into();
    let table = Table::new(HeapMemory::for_keys(&quota, 800), quota, SEED).unwrap();
    let (mut allowed, mut full) = (0, 0);
    for new in 0..keys {
        match table.acquire(table.hash(new), new * 6_000_000, 1).verdict() {
            Verdict::Allow => allowed += 1,
            Verdict::Full => full += 1,
            other => panic!("a new key is {other}"),
        }
    }
    let stats = table.stats();
    assert_eq!((stats.slots, stats.inserted, stats.full_denied), (1_600, allowed, full));
    assert_eq!(allowed + full, keys);
    assert!(stats.keys <= 1_600);
    // Each slot comes free once a minute, 10,000 keys, and is soon taken by one in its reach.
    let turns = keys / 10_000;
    assert!((1_600 * turns * 95 / 100..=1_600 * turns).contains(&allowed), "{allowed} admitted");
}

#[test]
fn heap_memory_has_two_slots_a_key_and_never_grows() {
    let quota: Quota = GcraQuota::new(1, MINUTE_NS, 1).unwrap().into();
    let memory = HeapMemory::for_keys(&quota, 1_000);
    let before = (memory.words().as_ptr(), memory.words().len());
    let table = Table::new(&memory, quota, SEED).unwrap();
    assert_eq!(table.slots(), 2_000);
    assert!(before.1 >= ratecell::table_words(&quota, 1_000), "room for as many at the least");
    for new in 0..10_000_u64 {
        let _ = table.acquire(table.hash(new), 0, 1);
    }
    assert_eq!((memory.words().as_ptr(), memory.words().len()), before);
}

/// Keys glued together with a separator are the same key in two ways.
#[test]
fn a_slash_b_is_not_a_and_b() {
    let plan = keyed("fixed 1/min by user; fixed 1/min by path", 64);
    let pairs = [("a", "b"), ("a/b", ""), ("", "a/b"), ("b", "a")];
    for (user, path) in pairs {
        let decision = plan.acquire(0, &[("user", user.into()), ("path", path.into())], 1);
        assert!(decision.unwrap().allowed(), "{user:?} and {path:?}");
    }
    assert!(!plan.acquire(0, &[("user", "a".into())], 1).unwrap().allowed());
    assert!(!plan.acquire(0, &[("path", "a/b".into())], 1).unwrap().allowed());
}

/// Two callers with one name for what they hold: the one that was never counted gives back the
/// other's.
#[test]
fn a_permit_that_was_never_counted_gives_back_nobody_elses() {
    let plan = keyed("concurrency 1", 1).when_full(WhenFull::Allow);
    let others: Vec<_> = (0..8_u64).map(|key| plan.hold(0, key, 1).unwrap()).collect();
    let uncounted = plan.hold(0, "a", 1).unwrap();
    assert!(uncounted.allowed());
    assert_eq!(plan.stats().next().unwrap().1.full_allowed, 1);
    drop(others);
    let counted = plan.hold(0, "a", 1).unwrap();
    assert!(counted.allowed());
    drop(uncounted);
    assert!(!plan.hold(0, "a", 1).unwrap().allowed(), "the permit is still out");
    drop(counted);
    assert!(plan.hold(0, "a", 1).unwrap().allowed());
}
