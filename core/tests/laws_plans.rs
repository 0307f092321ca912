//! Laws of plans: several rules over several keys, acquired all or nothing.
//!
//! The oracle is `ratecell_reference::Plan`, which knows no table, no hash and no second caller.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;
use ratecell::{
    CallError, Decision, HeapMemory, Key, KeyedPlan, Limiter, ManualClock, Mismatch, Plan,
    PlanDecision, Seed, Verdict,
};
use ratecell_reference as model;

const DIMENSIONS: [&str; 3] = ["key", "ip", "tenant"];
const KEYS: [&str; 3] = ["a", "b", ""];
const SEED: Seed = Seed::from_bytes(*b"the laws of plan");

fn config(cases: u32) -> ProptestConfig {
    let file = FileFailurePersistence::Direct("proptest-regressions/laws_plans.txt");
    ProptestConfig { cases, failure_persistence: Some(Box::new(file)), ..Default::default() }
}

fn quota() -> impl Strategy<Value = model::Quota> {
    let limit = prop_oneof![4 => 1_u32..9, 1 => 1_u32..10_000];
    let period = select(vec![1_000_000_u64, 1_000_003, 1_000_000_000, 60_000_000_000]);
    (0..4, limit.clone(), period, limit, 1_u32..=62).prop_map(
        |(kind, limit, period_ns, burst, segments)| match kind {
            0 => model::Quota::Gcra { limit, period_ns, burst },
            1 => model::Quota::Fixed { limit, period_ns },
            2 => model::Quota::Sliding { limit, period_ns, segments },
            _ => model::Quota::Concurrency { limit },
        },
    )
}

fn rules() -> impl Strategy<Value = Vec<model::Rule>> {
    let rule = (quota(), select(&DIMENSIONS));
    prop::collection::vec(rule, 1..=4).prop_map(|rules| {
        let named = rules.into_iter().enumerate().map(|(position, (quota, by))| model::Rule {
            name: format!("r{position}"),
            quota,
            by: by.to_owned(),
        });
        named.collect()
    })
}

/// The same kind, and period and segments where they must be.
fn stand_in(quota: model::Quota, other_limit: u32) -> model::Quota {
    match quota {
        model::Quota::Gcra { period_ns, burst, .. } => {
            model::Quota::Gcra { limit: other_limit, period_ns, burst: burst / 2 + other_limit }
        }
        model::Quota::Fixed { period_ns, .. } => {
            model::Quota::Fixed { limit: other_limit, period_ns }
        }
        model::Quota::Sliding { period_ns, segments, .. } => {
            model::Quota::Sliding { limit: other_limit, period_ns, segments }
        }
        model::Quota::Concurrency { .. } => model::Quota::Concurrency { limit: other_limit },
    }
}

fn plan_of(rules: &[model::Rule]) -> Plan {
    let texts: Vec<String> = rules.iter().map(model::Rule::to_text).collect();
    texts.join("; ").parse().unwrap()
}

/// The same rules with other quotas.
fn with_quotas(rules: &[model::Rule], quotas: &[model::Quota]) -> Plan {
    let pairs = rules.iter().zip(quotas);
    let rules: Vec<_> = pairs.map(|(rule, &quota)| model::Rule { quota, ..rule.clone() }).collect();
    plan_of(&rules)
}

fn keyed(plan: Plan) -> KeyedPlan<HeapMemory> {
    KeyedPlan::new(plan, SEED, |rule| HeapMemory::for_keys(rule.quota(), 64)).unwrap()
}

fn answer(decision: &Decision) -> model::Answer {
    model::Answer {
        verdict: match decision.verdict() {
            Verdict::Allow => model::Verdict::Allow,
            Verdict::Deny => model::Verdict::Deny,
            Verdict::Never => model::Verdict::Never,
            other => panic!("a table with room does not answer {other}"),
        },
        limit: decision.limit(),
        remaining: decision.remaining(),
        retry_after_ns: decision.retry_after_ns(),
        reset_after_ns: decision.reset_after_ns(),
    }
}

fn plan_answer(decision: &PlanDecision<'_>) -> model::PlanAnswer {
    model::PlanAnswer {
        allowed: decision.allowed(),
        governing: decision.rule().map(str::to_owned),
        rules: decision.rules().map(|(rule, own)| (rule.name().to_owned(), answer(own))).collect(),
    }
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Acquire,
    Peek,
    AcquireWith(u32),
    Release,
}

type Step = (Call, Vec<(&'static str, &'static str)>, u64, u32);

/// A key for each dimension, or for some.
fn call_keys() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    prop::collection::vec(prop::option::weighted(0.8, select(&KEYS)), 3).prop_map(|keys| {
        DIMENSIONS.into_iter().zip(keys).filter_map(|(by, key)| Some((by, key?))).collect()
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let call = prop_oneof![
        6 => Just(Call::Acquire),
        1 => Just(Call::Peek),
        1 => (1_u32..20).prop_map(Call::AcquireWith),
        2 => Just(Call::Release),
    ];
    let span = prop_oneof![
        3 => Just(0_u64), 3 => 0_u64..2_000_000, 2 => 0_u64..2_000_000_000, 1 => 0_u64..1 << 37,
    ];
    let cost = prop_oneof![8 => 0_u32..4, 1 => 0_u32..12, 1 => any::<u32>()];
    prop::collection::vec((call, call_keys(), span, cost), 1..50)
}

fn as_keys<'a>(keys: &[(&'a str, &'a str)]) -> Vec<(&'a str, Key<'a>)> {
    keys.iter().map(|&(by, key)| (by, key.into())).collect()
}

fn replay(rules: &[model::Rule], steps: &[Step]) -> Result<(), TestCaseError> {
    let fast = keyed(plan_of(rules));
    let mut slow = model::Plan::new(rules.to_vec()).unwrap();
    let mut now_ns = 1 << 60;
    for (call, keys, span_ns, cost) in steps {
        let (owned, cost) = (as_keys(keys), *cost);
        let pairs = owned.as_slice();
        now_ns += span_ns;
        let (fast, slow) = match call {
            Call::Acquire => (fast.acquire(now_ns, pairs, cost), slow.acquire(keys, cost, now_ns)),
            Call::Peek => (fast.peek(now_ns, pairs, cost), slow.peek(keys, cost, now_ns)),
            Call::AcquireWith(limit) => {
                let quotas: Vec<_> =
                    rules.iter().map(|rule| stand_in(rule.quota, *limit)).collect();
                let other = with_quotas(rules, &quotas);
                let slow = slow.acquire_with(&quotas, keys, cost, now_ns).unwrap();
                (fast.acquire_with(now_ns, &other, pairs, cost), slow)
            }
            Call::Release => {
                prop_assert_eq!(fast.release(pairs, cost).is_ok(), slow.release(keys, cost));
                continue;
            }
        };
        let fast = fast.unwrap();
        prop_assert_eq!(plan_answer(&fast), slow.clone(), "{:?} at {}", call, now_ns);
        prop_assert_eq!(fast.retry_after_ns(), slow.retry_after_ns());
    }
    Ok(())
}

/// The governing rule by the words of the specification, one sentence at a time.
fn governing<'p>(decision: &PlanDecision<'p>) -> Option<&'p str> {
    let applied: Vec<(&str, &Decision)> =
        decision.rules().map(|(rule, own)| (rule.name(), own)).collect();
    if decision.allowed() {
        let share = |own: &Decision| (u128::from(own.remaining()), u128::from(own.limit()));
        let tighter =
            |a: &Decision, b: &Decision| share(a).0 * share(b).1 < share(b).0 * share(a).1;
        let smallest =
            applied.iter().find(|(_, own)| !applied.iter().any(|(_, o)| tighter(o, own)));
        return smallest.map(|&(name, _)| name);
    }
    let refused = || applied.iter().filter(|(_, own)| !own.allowed());
    let never = refused().find(|(_, own)| own.verdict() == Verdict::Never);
    let longest = refused().filter_map(|(_, own)| own.retry_after_ns()).max();
    let waits = refused().find(|(_, own)| longest.is_some() && own.retry_after_ns() == longest);
    never.or(waits).or(refused().next()).map(|&(name, _)| name)
}

proptest! {
    #![proptest_config(config(192))]

    #[test]
    fn every_answer_is_the_references(rules in rules(), steps in steps()) {
        replay(&rules, &steps)?;
    }

    #[test]
    fn the_governing_rule_is_the_one_that_the_specification_names(
        rules in rules(), steps in steps(),
    ) {
        let fast = keyed(plan_of(&rules));
        let mut now_ns = 0;
        for (_, keys, span_ns, cost) in &steps {
            now_ns += span_ns;
            let decision = fast.acquire(now_ns, as_keys(keys).as_slice(), *cost).unwrap();
            prop_assert_eq!(decision.rule(), governing(&decision));
        }
    }

    #[test]
    fn a_refused_plan_charges_nothing(rules in rules(), steps in steps()) {
        let fast = keyed(plan_of(&rules));
        let mut now_ns = 0;
        for (_, keys, span_ns, cost) in &steps {
            now_ns += span_ns;
            let owned = as_keys(keys);
            let before = plan_answer(&fast.peek(now_ns, owned.as_slice(), *cost).unwrap());
            let decision = fast.acquire(now_ns, owned.as_slice(), *cost).unwrap();
            if !decision.allowed() {
                prop_assert_eq!(plan_answer(&decision), before.clone());
                let after = fast.peek(now_ns, owned.as_slice(), *cost).unwrap();
                prop_assert_eq!(plan_answer(&after), before);
            }
        }
    }

    #[test]
    fn peek_answers_what_acquire_would(rules in rules(), steps in steps()) {
        let fast = keyed(plan_of(&rules));
        let mut now_ns = 0;
        for (_, keys, span_ns, cost) in &steps {
            now_ns += span_ns;
            let owned = as_keys(keys);
            let peek = fast.peek(now_ns, owned.as_slice(), *cost).unwrap();
            let nothing = fast.peek(now_ns, owned.as_slice(), 0).unwrap();
            let taken = fast.acquire(now_ns, owned.as_slice(), *cost).unwrap();
            prop_assert_eq!(peek.allowed(), taken.allowed());
            for ((_, look), (_, before)) in peek.rules().zip(nothing.rules()) {
                prop_assert_eq!(look.remaining(), before.remaining(), "before the charge");
            }
            let verdicts = |decision: &PlanDecision<'_>| -> Vec<(Verdict, Option<u64>)> {
                decision.rules().map(|(_, own)| (own.verdict(), own.retry_after_ns())).collect()
            };
            prop_assert_eq!(verdicts(&peek), verdicts(&taken));
        }
    }

    #[test]
    fn rules_that_do_not_fit_are_an_error_and_charge_nothing(
        rules in rules(), others in rules(), cost in 1_u32..4,
    ) {
        let fast = keyed(plan_of(&rules));
        let mut slow = model::Plan::new(rules.clone()).unwrap();
        let quotas: Vec<_> = others.iter().map(|rule| rule.quota).collect();
        let keys = [("key", "a"), ("ip", "b"), ("tenant", "c")];
        let pairs = as_keys(&keys);
        let result = fast.acquire_with(0, &plan_of(&others), pairs.as_slice(), cost);
        match (result, slow.acquire_with(&quotas, &keys, cost, 0)) {
            (Ok(fast), Ok(slow)) => prop_assert_eq!(plan_answer(&fast), slow),
            (Err(CallError::OtherRules(mismatch)), Err(refusal)) => {
                let of_length = matches!(mismatch, Mismatch::Length { .. });
                prop_assert_eq!(of_length, refusal == model::Refusal::RuleCount);
                let untouched = fast.peek(0, pairs.as_slice(), 1).unwrap();
                prop_assert!(untouched.rules().all(|(_, own)| own.remaining() == own.limit()));
            }
            (fast, slow) => prop_assert!(false, "{fast:?}, reference {slow:?}"),
        }
    }

    /// Whatever was taken under one rate counts in full under another.
    #[test]
    fn raising_a_rate_never_applies_to_the_past(
        rules in rules(), limit in 1_u32..40, costs in prop::collection::vec(1_u32..4, 1..30),
    ) {
        let quotas: Vec<_> = rules.iter().map(|rule| stand_in(rule.quota, limit)).collect();
        let other = with_quotas(&rules, &quotas);
        let clock = ManualClock::new(1 << 60);
        let limiter = Limiter::builder_for(plan_of(&rules)).clock(&clock).seed(SEED);
        let limiter = limiter.capacity(64).build().unwrap();
        let pairs = as_keys(&[("key", "a"), ("ip", "b"), ("tenant", "c")]);
        let mut taken: HashMap<String, u64> = HashMap::new();
        for (turn, cost) in costs.into_iter().enumerate() {
            let decision = if turn % 2 == 0 {
                limiter.acquire(pairs.as_slice(), cost).unwrap()
            } else {
                limiter.acquire_with(&other, pairs.as_slice(), cost).unwrap()
            };
            for (rule, own) in decision.rules() {
                let units = taken.entry(rule.name().to_owned()).or_default();
                *units += if decision.allowed() { u64::from(cost) } else { 0 };
                let counted = !matches!(rule.quota(), ratecell::Quota::Gcra(_));
                if counted && decision.allowed() {
                    // At one instant, what remains of the rate of this call is its limit less all
                    // that was taken, under whichever rate.
                    prop_assert_eq!(u64::from(own.remaining()) + *units, u64::from(own.limit()));
                }
            }
        }
    }
}

#[test]
fn one_key_is_of_the_dimension_key_or_of_the_only_one() {
    let own = keyed("5/s by ip".parse().unwrap());
    assert_eq!(own.acquire(0, "a", 1).unwrap().remaining(), Some(4));
    assert_eq!(own.acquire(0, &[("ip", "a".into())], 1).unwrap().remaining(), Some(3));
    let alike = keyed("5/s by ip; fixed 3/s by ip".parse().unwrap());
    assert_eq!(alike.acquire(0, "a", 1).unwrap().rule(), Some("fixed"));
    let several = keyed("9/s by ip; 5/s".parse().unwrap());
    assert_eq!(several.acquire(0, "a", 1).unwrap().rule(), Some("gcra-2"));
    let none = keyed("9/s by ip; 5/s by tenant".parse().unwrap());
    assert_eq!(none.acquire(0, "a", 1).unwrap_err(), CallError::DimensionMissing);
}

#[test]
fn a_call_without_a_rule_to_apply_is_allowed_and_names_none() {
    let plan = keyed("5/s by ip".parse().unwrap());
    let decision = plan.acquire(0, &[("key", "a".into())], 7).unwrap();
    assert!(decision.allowed());
    assert_eq!((decision.rule(), decision.remaining(), decision.limit()), (None, None, None));
    assert_eq!((decision.verdict(), decision.retry_after_ns()), (Verdict::Allow, Some(0)));
}

#[test]
fn two_keys_of_one_dimension_are_an_error() {
    let plan = keyed("5/s".parse().unwrap());
    let twice = [("ip", "a".into()), ("key", "a".into()), ("key", "b".into())];
    let error = plan.acquire(0, &twice, 1).unwrap_err();
    assert_eq!(error, CallError::DimensionTwice { position: 2 });
    assert_eq!(plan.peek(0, "a", 1).unwrap().remaining(), Some(5));
}

#[test]
fn permits_of_a_plan_come_back_together_or_not_at_all() {
    let plan = keyed("concurrency 3 by ip; concurrency 3 by key".parse().unwrap());
    let both = [("ip", "i".into()), ("key", "k".into())];
    assert!(plan.acquire(0, &both, 2).unwrap().allowed());
    assert!(plan.acquire(0, &[("ip", "i".into())], 1).unwrap().allowed());
    assert!(plan.release(&both, 3).is_err(), "key k has 2 out");
    let left = plan.peek(0, &both, 1).unwrap();
    assert_eq!(left.rules().map(|(_, own)| own.remaining()).collect::<Vec<_>>(), [0, 1]);
    plan.release(&both, 2).unwrap();
    let left = plan.peek(0, &both, 1).unwrap();
    assert_eq!(left.rules().map(|(_, own)| own.remaining()).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_permit_gives_back_permits_and_no_units_of_a_rate() {
    let plan = keyed("5/s; concurrency 2".parse().unwrap());
    let permit = plan.hold(0, "a", 2).unwrap();
    assert!(permit.allowed());
    let refused = plan.hold(0, "a", 1).unwrap();
    assert_eq!((refused.allowed(), refused.rule()), (false, Some("concurrency")));
    drop(refused);
    assert!(!plan.peek(0, "a", 1).unwrap().allowed(), "a refused call holds nothing");
    drop(permit);
    let left = plan.peek(0, "a", 1).unwrap();
    assert_eq!(left.rules().map(|(_, own)| own.remaining()).collect::<Vec<_>>(), [3, 2]);
}

#[test]
fn what_a_full_table_refuses_is_counted_however_many_rules_there_are() {
    for text in ["fixed 1/d", "fixed 1/d; fixed 9/d", "9/d; fixed 1/d; sliding 9/d"] {
        let memory = |rule: &ratecell::Rule| HeapMemory::for_keys(rule.quota(), 1);
        let plan = KeyedPlan::new(text.parse().unwrap(), SEED, memory).unwrap();
        let full = (0..20_u64).filter(|&key| {
            let verdict = plan.acquire(0, key, 1).unwrap().verdict();
            assert!(!plan.peek(0, key, 1).unwrap().allowed());
            verdict == Verdict::Full
        });
        let full = full.count() as u64;
        assert_eq!(full, 12, "each table has 8 slots");
        let counted = plan.stats().map(|(_, stats)| stats.full_denied).max();
        assert_eq!(counted, Some(full), "{text}");
    }
}
