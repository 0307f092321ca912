//! Oracle: the reference plan, rule for rule and for what governs, on a keyed plan with room for all.
//!
//! Also: the text of each is the same plan, and both refuse the same plans, keys and stand-ins.

#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ratecell::{CallError, HeapMemory, Key, KeyedPlan, Keys, PlanDecision, Seed};
use ratecell_fuzz::{Clock, Cost, Moment, Quotas, StandIn, answer};
use ratecell_reference::{Answer, Plan, PlanAnswer, Rule};

const NAMES: [&str; 6] = ["a", "b", "A", "gcra", "sliding-2", "inflight"];
const DIMENSIONS: [&str; 4] = ["key", "ip", "route", "unknown"];

#[derive(Arbitrary, Debug)]
struct Script {
    rules: Vec<(u8, Quotas, u8)>,
    start_ns: u64,
    calls: Vec<(Moment, KeyChoice, Call)>,
}

/// Which keys a call has; of eight in a dimension, so that they all find a slot.
#[derive(Arbitrary, Clone, Debug)]
enum KeyChoice {
    One(u8),
    Each(Vec<(u8, u8)>),
}

#[derive(Arbitrary, Debug)]
enum Call {
    Acquire(Cost),
    Peek(Cost),
    /// The permits that are held are given back before the next call.
    Hold(Cost),
    AcquireWith(Vec<StandIn>, Cost),
    Release(Cost),
}

fuzz_target!(|script: Script| {
    let Script { rules, start_ns, calls } = script;
    let Some((mut pair, period_ns)) = Pair::new(&rules) else { return };
    let mut clock = Clock::at(start_ns);
    let mut last = None;
    for (moment, choice, call) in calls {
        clock.go(moment, period_ns, last.as_ref());
        last = pair.call(&choice, &call, &clock, last.as_ref()).or(last);
    }
});

/// The plan twice.
struct Pair {
    core: KeyedPlan<HeapMemory>,
    reference: Plan,
    quotas: Vec<Quotas>,
}

impl Pair {
    /// The plan and the shortest of its periods; none if the rules are no plan.
    fn new(drafts: &[(u8, Quotas, u8)]) -> Option<(Self, u64)> {
        let rules = drafts.iter().map(|&(name, quotas, by)| Rule {
            name: pick(&NAMES, name).to_owned(),
            quota: quotas.reference,
            by: pick(&DIMENSIONS[..3], by).to_owned(),
        });
        let reference = Plan::new(rules.collect());
        let rules = drafts.iter().map(|&(name, quotas, by)| {
            let (name, by) = (pick(&NAMES, name), pick(&DIMENSIONS, by % 3));
            ratecell::Rule::new(name, quotas.core, by).expect("these are names")
        });
        let core = ratecell::Plan::new(rules);
        let fits = reference.is_ok() && drafts.len() <= ratecell::MAX_RULES;
        assert_eq!(core.is_ok(), fits, "{core:?} {reference:?}");
        let (Ok(core), Ok(reference)) = (core, reference) else { return None };
        assert_eq!(core.to_string().parse().as_ref(), Ok(&core), "{core}");
        assert_eq!(reference.to_text().parse().as_ref(), Ok(&core), "{}", reference.to_text());

        let memory = |rule: &ratecell::Rule| HeapMemory::for_keys(rule.quota(), 6);
        let core = KeyedPlan::new(core, Seed::from_bytes([7; 16]), memory).expect("large enough");
        let quotas: Vec<Quotas> = drafts.iter().map(|draft| draft.1).collect();
        let period_ns = quotas.iter().map(Quotas::period_ns).min()?;
        Some((Self { core, reference, quotas }, period_ns))
    }

    fn call(
        &mut self,
        choice: &KeyChoice,
        call: &Call,
        clock: &Clock,
        last: Option<&Answer>,
    ) -> Option<Answer> {
        let (raw_ns, now_ns) = (clock.raw_ns(), clock.now_ns());
        let capacity = self.quotas.iter().map(|quotas| quotas.reference.capacity()).min()?;
        let (Call::Acquire(cost)
        | Call::Peek(cost)
        | Call::Hold(cost)
        | Call::AcquireWith(_, cost)
        | Call::Release(cost)) = *call;
        let cost = cost.units(capacity, last);

        let given = choice.given();
        let keys = choice.keys(&given);
        let meant = match self.meant(choice) {
            Ok(meant) => meant,
            Err(error) => {
                let found = self.core.peek(raw_ns, keys, cost);
                assert_eq!(found.map(|_| ()), Err(error), "{choice:?}");
                return None;
            }
        };
        let (found, told) = match call {
            Call::Acquire(_) => {
                let found = self.core.acquire(raw_ns, keys, cost).expect("keys fit");
                (found, self.reference.acquire(&meant, cost, now_ns))
            }
            Call::Peek(_) => {
                let found = self.core.peek(raw_ns, keys, cost).expect("keys fit");
                (found, self.reference.peek(&meant, cost, now_ns))
            }
            Call::Hold(_) => {
                let permit = self.core.hold(raw_ns, keys, cost).expect("keys fit");
                let told = self.reference.acquire(&meant, cost, now_ns);
                let found = PlanDecision::clone(&permit);
                drop(permit);
                if told.allowed {
                    assert!(self.reference.release(&meant, cost), "it was taken just now");
                }
                (found, told)
            }
            Call::AcquireWith(stand_ins, _) => {
                return self.acquire_with(stand_ins, keys, &meant, clock, cost);
            }
            Call::Release(_) => {
                let found = self.core.release(keys, cost);
                assert_eq!(found.is_ok(), self.reference.release(&meant, cost), "{found:?}");
                return None;
            }
        };
        compare(&found, &told);
        last_of(&found)
    }

    fn acquire_with(
        &mut self,
        stand_ins: &[StandIn],
        keys: Keys<'_>,
        meant: &[(&str, [u8; 8])],
        clock: &Clock,
        cost: u32,
    ) -> Option<Answer> {
        // A rule without a stand-in stands for itself, and one too many is one too many.
        let mut under: Vec<Quotas> = Vec::new();
        for (position, stand_in) in stand_ins.iter().enumerate().take(ratecell::MAX_RULES) {
            under.push(stand_in.of(self.quotas.get(position).unwrap_or(&self.quotas[0]))?);
        }
        under.extend(self.quotas.iter().skip(under.len()));
        let rules = (0..).zip(&under).map(|(position, quotas)| {
            let name = format!("stand-in-{position}");
            ratecell::Rule::new(&name, quotas.core, "unknown").expect("these are names")
        });
        let rules = ratecell::Plan::new(rules).expect("there is a rule");
        let found = self.core.acquire_with(clock.raw_ns(), &rules, keys, cost);
        let under: Vec<_> = under.iter().map(|quotas| quotas.reference).collect();
        let told = self.reference.acquire_with(&under, meant, cost, clock.now_ns());
        assert_eq!(found.is_ok(), told.is_ok(), "{found:?} {told:?}");
        let (found, told) = (found.ok()?, told.ok()?);
        compare(&found, &told);
        last_of(&found)
    }

    /// The dimensions and keys that are meant, or what is wrong with them.
    fn meant(&self, choice: &KeyChoice) -> Result<Vec<(&'static str, [u8; 8])>, CallError> {
        let mut meant = BTreeMap::new();
        match choice {
            KeyChoice::One(key) => {
                let used = |by| self.reference.rules().iter().any(|rule| rule.by == by);
                let used: Vec<_> = DIMENSIONS.into_iter().filter(|by| used(*by)).collect();
                let (["key", ..] | [_]) = used.as_slice() else {
                    return Err(CallError::DimensionMissing);
                };
                return Ok(vec![(used[0], bytes(*key))]);
            }
            KeyChoice::Each(keys) => {
                for (position, &(by, key)) in keys.iter().enumerate() {
                    if meant.insert(pick(&DIMENSIONS, by), bytes(key)).is_some() {
                        return Err(CallError::DimensionTwice { position });
                    }
                }
            }
        }
        Ok(meant.into_iter().collect())
    }
}

impl KeyChoice {
    fn given(&self) -> Vec<(&'static str, Key<'static>)> {
        match self {
            Self::One(_) => Vec::new(),
            Self::Each(keys) => {
                keys.iter().map(|&(by, key)| (pick(&DIMENSIONS, by), number(key).into())).collect()
            }
        }
    }

    fn keys<'k>(&self, given: &'k [(&'k str, Key<'k>)]) -> Keys<'k> {
        match self {
            Self::One(key) => number(*key).into(),
            Self::Each(_) => given.into(),
        }
    }
}

fn compare(found: &PlanDecision<'_>, told: &PlanAnswer) {
    let rules: Vec<(String, Answer)> = found
        .rules()
        .map(|(rule, own)| (rule.name().to_owned(), answer(own).expect("there is room for all")))
        .collect();
    assert_eq!(rules, told.rules);
    assert_eq!(found.rule(), told.governing.as_deref(), "{told:?}");
    assert_eq!(found.allowed(), told.allowed, "{told:?}");
    assert_eq!(found.verdict().allowed(), told.allowed, "{told:?}");
    assert_eq!(found.retry_after_ns(), told.retry_after_ns(), "{told:?}");
}

fn last_of(found: &PlanDecision<'_>) -> Option<Answer> {
    found.governing().and_then(|(_, own)| answer(own))
}

fn number(key: u8) -> u64 {
    u64::from(key % 8)
}

fn bytes(key: u8) -> [u8; 8] {
    number(key).to_le_bytes()
}

fn pick(of: &[&'static str], index: u8) -> &'static str {
    of[usize::from(index) % of.len()]
}
