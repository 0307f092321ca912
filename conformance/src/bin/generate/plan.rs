//! Cases of `plan.jsonl`: one to four rules over the keys of a few dimensions.
//!
//! Dimensions share their key texts, so that an implementation which mixes dimensions up is found,
//! and one key is not ASCII, so that one which counts characters instead of bytes is.

use ratecell_conformance::{
    NamedRule, PlanAnswer, PlanCase, PlanStep, PlanSubject, RuleKind, Verdict, reference,
};
use ratecell_reference::Quota;

use crate::clock::Clock;
use crate::random::Random;
use crate::rule;

/// The dimensions of rules and calls; a plan need not count by each.
const DIMENSIONS: [&str; 3] = ["ip", "key", "org"];
const KEYS: [&str; 4] = ["k0", "k1", "k2", "clé-ß-鍵"];

/// The scale of a clock that concurrency does not look at.
const NO_PERIOD_NS: u64 = 1_000_000_000;

type Keys = Vec<(String, String)>;

/// A case whose answers are the reference's.
pub(crate) fn case(name: String, random: &mut Random) -> PlanCase {
    let rules = rules(random);
    let quotas: Vec<Quota> = rules.iter().map(|named| reference::quota(&named.rule)).collect();
    let mut plan = reference::plan(&rules).expect("drawn rules can be built");
    let scale_ns = random.pick(&quotas).period_ns().unwrap_or(NO_PERIOD_NS);
    let mut clock = Clock::new(scale_ns, random);
    // The capacity and the units left of a rule that the last call met.
    let mut last = (quotas[0].capacity(), quotas[0].capacity());
    let mut held: Vec<(Keys, u32)> = Vec::new();
    let mut steps = Vec::new();
    for _ in 0..random.pick(&[20, 50]) {
        if !held.is_empty() && random.one_in(4) {
            let index = random.within(0, held.len() as u64 - 1) as usize;
            let (keys, cost) = held.swap_remove(index);
            assert!(plan.release(&borrowed(&keys), cost), "only held permits are given back");
            steps.push(PlanStep::Release { keys, cost });
            continue;
        }
        let (now_ns, keys) = (clock.next(random), keys(random));
        let cost = if random.one_in(2) { 1 } else { rule::cost(last.0, last.1, random) };
        let look = random.one_in(8);
        let subject: &mut dyn PlanSubject = &mut plan;
        let expect = if look {
            subject.peek(now_ns, &borrowed(&keys), cost)
        } else {
            subject.acquire(now_ns, &borrowed(&keys), cost)
        };
        for (_, answer) in &expect.rules {
            clock.learn(answer);
        }
        if !expect.rules.is_empty() {
            let (_, answer) =
                expect.rules[random.within(0, expect.rules.len() as u64 - 1) as usize];
            last = (answer.limit, answer.remaining);
        }
        if !look && cost > 0 && holds_permits(&expect, &rules) {
            held.push((keys.clone(), cost));
        }
        steps.push(if look {
            PlanStep::Peek { now_ns, keys, cost, expect }
        } else {
            PlanStep::Acquire { now_ns, keys, cost, expect }
        });
    }
    PlanCase { name, rules, steps }
}

fn rules(random: &mut Random) -> Vec<NamedRule> {
    let count = random.pick(&[1, 2, 2, 3, 3, 4, 4]);
    let named = |index| NamedRule {
        rule: rule::draw(random),
        by: random.pick(&DIMENSIONS).to_owned(),
        name: format!("r{index}"),
    };
    (0..count).map(named).collect()
}

/// A key for most dimensions, and now and then for none.
fn keys(random: &mut Random) -> Keys {
    let mut keys = Vec::new();
    if random.one_in(24) {
        return keys;
    }
    for dimension in DIMENSIONS {
        if !random.one_in(8) {
            // The first key is drawn most, so that its cells fill up.
            let key = if random.one_in(2) { KEYS[0] } else { random.pick(&KEYS) };
            keys.push((dimension.to_owned(), key.to_owned()));
        }
    }
    keys
}

fn borrowed(keys: &Keys) -> Vec<(&str, &str)> {
    keys.iter().map(|(dimension, key)| (dimension.as_str(), key.as_str())).collect()
}

/// Whether `answer` allowed the call and a concurrency rule applied to it.
fn holds_permits(answer: &PlanAnswer, rules: &[NamedRule]) -> bool {
    let is_concurrency = |name: &String| {
        let named = rules.iter().find(|named| named.name == *name);
        named.is_some_and(|named| named.rule.kind == RuleKind::Concurrency)
    };
    answer.rules.iter().all(|(_, rule)| rule.verdict == Verdict::Allow)
        && answer.rules.iter().any(|(name, _)| is_concurrency(name))
}
