//! `Limiter`: every call of it, its builder's errors, and the clocks.

use std::future::{Future, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ratecell::{
    BuildError, CallError, Clock, CoarseClock, Key, KeyHash, Keys, Limiter, ManualClock, Mismatch,
    Plan, Seed, SystemClock, Verdict, WhenFull,
};

const CONTRACT: &str =
    "ip: fixed 300/min by ip; key: sliding 600/min by key; inflight: concurrency 8 by key";

fn contract(clock: &ManualClock) -> Limiter<&ManualClock> {
    let seed = Seed::from_bytes(*b"a seed for tests");
    Limiter::builder(CONTRACT).capacity(64).seed(seed).clock(clock).build().unwrap()
}

fn keys<'k>(ip: &'k str, key: &'k str) -> [(&'k str, Key<'k>); 2] {
    [("ip", ip.into()), ("key", key.into())]
}

#[test]
fn several_limits_are_one_decision_and_the_tightest_speaks() {
    let clock = ManualClock::new(0);
    let limiter = contract(&clock);
    let decision = limiter.acquire_keys(&keys("a", "alice"), 2).unwrap();
    assert!(decision.allowed());
    assert_eq!((decision.rule(), decision.limit()), (Some("inflight"), Some(8)));
    assert_eq!((decision.remaining(), decision.retry_after_ns()), (Some(6), Some(0)));
    assert_eq!(decision.reset_after(), None);
    let by_address = limiter.peek(&keys("a", "alice")[..1], 0).unwrap();
    assert_eq!(by_address.reset_after_ns(), Some(60_000_000_000));
    assert_eq!(by_address.reset_after(), Some(Duration::from_secs(60)));
    assert_eq!(decision.to_string(), "inflight: allowed: 6 of 8 left");
    let names: Vec<_> =
        decision.rules().map(|(rule, own)| (rule.name(), own.remaining())).collect();
    assert_eq!(names, [("ip", 298), ("key", 598), ("inflight", 6)]);

    // Refused by the permits: the windows keep what they had, and no wait is known.
    let refused = limiter.acquire_keys(&keys("a", "alice"), 7).unwrap();
    assert_eq!((refused.verdict(), refused.rule()), (Verdict::Deny, Some("inflight")));
    assert_eq!(refused.retry_after(), None);
    let left = limiter.peek(&keys("a", "alice"), 0).unwrap();
    assert_eq!(left.rules().map(|(_, own)| own.remaining()).collect::<Vec<_>>(), [298, 598, 6]);
}

#[test]
fn a_call_with_a_hash_is_answered_as_one_with_its_key() {
    let clock = ManualClock::new(0);
    let limiter = contract(&clock);
    let hash = |key| KeyHash::from_words(limiter.keyed().hash(key).to_words());
    let hashes = [("ip", hash("a")), ("key", hash("alice"))];
    for taken in 1..=4 {
        let decision = if taken % 2 == 0 {
            limiter.acquire(Keys::EachHash(&hashes), 1).unwrap()
        } else {
            limiter.acquire_keys(&keys("a", "alice"), 1).unwrap()
        };
        let left: Vec<_> =
            decision.rules().map(|(_, own)| (own.position(), own.remaining())).collect();
        assert_eq!(left, [(0, 300 - taken), (1, 600 - taken), (2, 8 - taken)]);
    }
    assert_eq!(limiter.peek(hash("alice"), 0).unwrap().remaining(), Some(4));
    let twice = [hashes[0], hashes[0]];
    assert_eq!(
        limiter.acquire(Keys::EachHash(&twice), 1).unwrap_err(),
        CallError::DimensionTwice { position: 1 }
    );

    let single = Limiter::builder("fixed 5/min").clock(&clock).build().unwrap();
    let alice = single.keyed().hash("alice");
    assert_eq!(single.acquire(alice, 2).unwrap().remaining(), Some(3));
    assert_eq!(single.acquire("alice", 2).unwrap().remaining(), Some(1));
    let table = single.keyed().only_table().unwrap();
    assert_eq!(table.acquire(alice, 0, 1).remaining(), 0);
    assert!(limiter.keyed().only_table().is_none());
}

#[test]
fn permits_come_back_by_drop_or_by_hand_and_never_twice() {
    let clock = ManualClock::new(0);
    let limiter = contract(&clock);
    let held = limiter.hold("alice", 8).unwrap();
    assert!(held.allowed());
    assert!(!limiter.hold("alice", 1).unwrap().allowed());
    drop(held);
    assert!(limiter.acquire("alice", 8).unwrap().allowed());
    limiter.release("alice", 8).unwrap();
    let error = limiter.release("alice", 1).unwrap_err();
    assert!(matches!(error, CallError::Release(error) if error.held == 0 && error.cost == 1));
    assert_eq!(
        error.to_string(),
        "the cost to release is 1, accepted are 0 to 0, the permits held"
    );
}

#[test]
fn a_customers_own_cap_stands_in_for_the_plans() {
    let clock = ManualClock::new(0);
    let limiter = contract(&clock);
    let raised: Plan = "fixed 300/min by ip; sliding 700/min; concurrency 20".parse().unwrap();
    limiter.keyed().check_rules(&raised).unwrap();
    let permit = limiter.hold_with(&raised, "alice", 20).unwrap();
    assert_eq!((permit.allowed(), permit.limit()), (true, Some(20)));
    assert!(!limiter.acquire("alice", 1).unwrap().allowed(), "20 of 8 are held");
    drop(permit);
    assert_eq!(limiter.acquire_with(&raised, "alice", 1).unwrap().remaining(), Some(19));

    let other: Plan = "fixed 300/h by ip; sliding 700/min; concurrency 20".parse().unwrap();
    let error = limiter.acquire_with(&other, "alice", 1).unwrap_err();
    assert_eq!(error, CallError::OtherRules(Mismatch::Rule { position: 0 }));
    let fewer: Plan = "sliding 700/min".parse().unwrap();
    let error = limiter.hold_with(&fewer, "alice", 1).unwrap_err();
    assert_eq!(error, CallError::OtherRules(Mismatch::Length { found: 1, needed: 3 }));
    assert!(error.to_string().contains("there are 1 rules, accepted are 3"), "{error}");
}

#[test]
fn a_reset_forgets_the_rates_of_a_key() {
    let clock = ManualClock::new(0);
    let limiter = contract(&clock);
    assert!(limiter.acquire(&keys("a", "alice"), 8).unwrap().allowed());
    limiter.reset(&keys("a", "alice")).unwrap();
    let left = limiter.peek(&keys("a", "alice"), 0).unwrap();
    assert_eq!(left.rules().map(|(_, own)| own.remaining()).collect::<Vec<_>>(), [300, 600, 0]);
}

#[test]
fn a_key_without_a_dimension_is_for_key_or_for_the_only_one() {
    let build = |text| Limiter::builder(text).capacity(1).clock(ManualClock::new(0)).build();
    let only = build("60/min by ip").unwrap();
    assert_eq!(only.acquire(7_u64, 1).unwrap().rule(), Some("gcra"));
    let several = build("60/min by ip; 60/min by user").unwrap();
    let error = several.acquire("alice", 1).unwrap_err();
    assert_eq!(error, CallError::DimensionMissing);
    assert!(error.to_string().contains("accepted are pairs of dimension and key"));
    let twice = [("ip", "a".into()), ("ip", "b".into())];
    let error = several.acquire(Keys::Each(&twice), 1).unwrap_err();
    assert_eq!(error, CallError::DimensionTwice { position: 1 });
    let skipped = several.acquire(&[("other", "a".into())], 1).unwrap();
    assert_eq!((skipped.allowed(), skipped.rule(), skipped.remaining()), (true, None, None));
    assert_eq!(skipped.to_string(), "allowed: no rule applies to the keys given");
}

#[test]
fn what_cannot_be_built_is_told() {
    let error = Limiter::builder("600/fortnight").build().unwrap_err();
    assert!(matches!(&error, BuildError::Text(error) if error.offset() == 4));
    assert!(error.to_string().starts_with("the plan cannot be read: at byte 4: "), "{error}");
    let error = Limiter::builder("600/min").capacity(0).build().unwrap_err();
    assert_eq!(error, BuildError::ZeroCapacity);
    assert_eq!(error.to_string(), "the capacity is 0 keys, accepted are 1 and more");
    let error = Limiter::builder("600/min").capacity(usize::MAX).build().unwrap_err();
    assert!(matches!(error, BuildError::Table(_)), "{error}");
}

#[test]
fn a_full_limiter_does_as_it_is_told_and_counts_it() {
    let plan: Plan = "1/d".parse().unwrap();
    let limiter = Limiter::builder_for(plan)
        .capacity(1)
        .when_full(WhenFull::Allow)
        .clock(ManualClock::new(0))
        .build()
        .unwrap();
    for key in 0..9_u64 {
        assert!(limiter.acquire(key, 1).unwrap().allowed());
    }
    let (rule, stats) = limiter.stats().next().unwrap();
    assert_eq!((rule.name(), stats.slots, stats.keys), ("gcra", 8, 8));
    assert_eq!((stats.full_allowed, stats.full_denied), (1, 0));
    assert_eq!(limiter.plan().to_string(), "gcra: gcra 1/d burst 1 by key");
}

#[test]
fn waiting_takes_exactly_the_known_wait_and_no_unknown_one() {
    let clock = ManualClock::new(0);
    let limiter = Limiter::builder("10/s burst 1").capacity(1).clock(&clock).build().unwrap();
    assert!(limiter.acquire("alice", 1).unwrap().allowed());
    let mut waits = Vec::new();
    let sleep = |wait: Duration| {
        waits.push(wait);
        clock.advance(u64::try_from(wait.as_nanos()).unwrap());
        ready(())
    };
    let decision = now(limiter.acquire_async("alice", 1, sleep)).unwrap();
    assert!(decision.allowed());
    assert_eq!(waits, [Duration::from_millis(100)]);

    let never = now(limiter.acquire_async("alice", 2, |_| ready(()))).unwrap();
    assert_eq!(never.verdict(), Verdict::Never);
    let full = Limiter::builder("concurrency 1").capacity(1).clock(&clock).build().unwrap();
    let _held = full.hold("alice", 1).unwrap();
    let refused = now(full.acquire_async("alice", 1, |_| ready(()))).unwrap();
    assert_eq!(refused.verdict(), Verdict::Deny);
}

/// What a future gives that is ready at once.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits for something else than the sleep"),
    }
}

#[test]
fn clocks_start_at_unix_time_and_go_on() {
    // 2026-01-01: whoever runs this does so later.
    const YEAR_2026_NS: u64 = 1_767_225_600_000_000_000;
    let system = SystemClock::new();
    let first = system.now_ns();
    assert!(first > YEAR_2026_NS);
    // It may be taken back by microseconds when it is set right; over a million reads it goes on.
    let last = (0..1_000_000).map(|_| system.now_ns()).last().unwrap();
    assert!(last > first);

    let coarse = CoarseClock::start(Duration::from_millis(1)).unwrap();
    let first = coarse.clone().now_ns();
    assert!(first > YEAR_2026_NS);
    while coarse.now_ns() == first {
        std::thread::yield_now();
    }

    let shared = Arc::new(ManualClock::new(5));
    shared.set(4);
    assert_eq!(shared.now_ns(), 4);
}

#[test]
fn an_owned_permit_answers_as_a_borrowed_one_and_gives_back_once_from_any_thread() {
    let clock = Arc::new(ManualClock::new(0));
    let limiter = Limiter::builder("key: sliding 600/min; inflight: concurrency 2");
    let limiter = Arc::new(limiter.clock(Arc::clone(&clock)).build().unwrap());
    let first = limiter.hold_owned("alice", 1).unwrap();
    assert!(first.allowed());
    assert_eq!(first.decision().remaining(), Some(1));
    assert_eq!(first.decision().rule_named("key").map(|(_, own)| own.remaining()), Some(599));
    let second = limiter.hold_owned("alice", 1).unwrap();
    let refused = limiter.hold_owned("alice", 1).unwrap();
    assert!(!refused.allowed());
    assert_eq!(refused.decision().to_string(), limiter.hold("alice", 1).unwrap().to_string());
    // A refusal holds nothing, so dropping it gives nothing back.
    drop(refused);
    assert!(!limiter.peek("alice", 1).unwrap().allowed());

    std::thread::spawn(move || drop(second)).join().unwrap();
    assert!(limiter.peek("alice", 1).unwrap().allowed());
    assert!(!limiter.peek("alice", 2).unwrap().allowed());
    let weak = Arc::downgrade(&limiter);
    drop(limiter);
    assert!(weak.upgrade().is_some(), "the permit keeps its limiter");
    drop(first);
    assert!(weak.upgrade().is_none());
}

#[test]
fn other_rules_for_one_call_are_looked_at_and_held_as_they_are_acquired() {
    let clock = ManualClock::new(0);
    let limiter = Arc::new(Limiter::builder("concurrency 2").clock(&clock).build().unwrap());
    let raised: Plan = "concurrency 3".parse().unwrap();
    let unfit: Plan = "sliding 3/min".parse().unwrap();
    let _two = limiter.hold_owned("alice", 2).unwrap();
    assert!(!limiter.peek("alice", 1).unwrap().allowed());
    let look = limiter.peek_with(&raised, "alice", 1).unwrap();
    assert_eq!((look.allowed(), look.limit(), look.remaining()), (true, Some(3), Some(1)));
    let third = limiter.hold_owned_with(&raised, "alice", 1).unwrap();
    assert!(third.allowed());
    drop(third);
    assert!(limiter.peek_with(&raised, "alice", 1).unwrap().allowed());
    let expected = CallError::OtherRules(Mismatch::Rule { position: 0 });
    assert_eq!(limiter.peek_with(&unfit, "alice", 1).unwrap_err(), expected);
    assert_eq!(limiter.hold_owned_with(&unfit, "alice", 1).unwrap_err(), expected);
}

#[test]
fn a_rule_is_found_by_its_name_in_plan_and_decision() {
    let clock = ManualClock::new(0);
    let limiter = contract(&clock);
    assert_eq!(limiter.plan().rule_named("key").map(|rule| rule.dimension()), Some("key"));
    assert_eq!(limiter.plan().rule_named("KEY"), None);
    let decision = limiter.acquire("alice", 1).unwrap();
    assert!(decision.rule_named("inflight").is_some());
    // Skipped, for the call brings no address.
    assert!(decision.rule_named("ip").is_none());
}
