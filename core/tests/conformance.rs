//! The conformance cases on every layer of the core: bare cells, a key table, a plan.
//!
//! `RATECELL_CONFORMANCE=<folder>` reads other cases; the number of cases run is printed, and that of
//! the built-in ones is asserted.

use std::error::Error;

use ratecell::{
    AtomicHeld, AtomicSegments, AtomicTat, AtomicWindow, Decision, HeapMemory, KeyedPlan,
    PlanDecision, Quota, Rule, Seed, Table, Verdict,
};
use ratecell_conformance as cases;
use ratecell_conformance::{Count, Failure, PlanSubject, SingleSubject};

const SEED: Seed = Seed::from_bytes(*b"conformance seed");

fn answer(decision: &Decision) -> cases::Answer {
    cases::Answer {
        verdict: match decision.verdict() {
            Verdict::Allow => cases::Verdict::Allow,
            Verdict::Deny => cases::Verdict::Deny,
            Verdict::Never => cases::Verdict::Never,
            other => panic!("no case expects the verdict {other}"),
        },
        limit: decision.limit(),
        remaining: decision.remaining(),
        retry_after_ns: decision.retry_after_ns(),
        reset_after_ns: decision.reset_after_ns(),
    }
}

/// A bare cell; sliding ones have room for the most segments.
#[expect(clippy::large_enum_variant, reason = "one at a time")]
enum Bare {
    Gcra(AtomicTat),
    Fixed(AtomicWindow),
    Sliding(AtomicSegments<64>),
    Concurrency(AtomicHeld),
}

struct BareCell(Quota, Bare);

impl BareCell {
    fn new(rule: &cases::Rule) -> Result<Self, Box<dyn Error>> {
        let quota = *rule.to_text().parse::<Rule>()?.quota();
        let cell = match quota {
            Quota::Gcra(_) => Bare::Gcra(AtomicTat::new()),
            Quota::Fixed(_) => Bare::Fixed(AtomicWindow::new()),
            Quota::Sliding(_) => Bare::Sliding(AtomicSegments::new()),
            Quota::Concurrency(_) => Bare::Concurrency(AtomicHeld::new()),
        };
        Ok(Self(quota, cell))
    }
}

impl SingleSubject for BareCell {
    fn acquire(&mut self, now_ns: u64, cost: u32) -> cases::Answer {
        answer(&match (&self.0, &self.1) {
            (Quota::Gcra(quota), Bare::Gcra(cell)) => cell.acquire(quota, now_ns, cost),
            (Quota::Fixed(quota), Bare::Fixed(cell)) => cell.acquire(quota, now_ns, cost),
            (Quota::Sliding(quota), Bare::Sliding(cell)) => cell.acquire(quota, now_ns, cost),
            (Quota::Concurrency(quota), Bare::Concurrency(cell)) => cell.acquire(quota, cost),
            _ => unreachable!("made together"),
        })
    }

    fn peek(&mut self, now_ns: u64, cost: u32) -> cases::Answer {
        answer(&match (&self.0, &self.1) {
            (Quota::Gcra(quota), Bare::Gcra(cell)) => cell.peek(quota, now_ns, cost),
            (Quota::Fixed(quota), Bare::Fixed(cell)) => cell.peek(quota, now_ns, cost),
            (Quota::Sliding(quota), Bare::Sliding(cell)) => cell.peek(quota, now_ns, cost),
            (Quota::Concurrency(quota), Bare::Concurrency(cell)) => cell.peek(quota, cost),
            _ => unreachable!("made together"),
        })
    }

    fn release(&mut self, cost: u32) -> bool {
        match &self.1 {
            Bare::Concurrency(cell) => cell.release(cost).is_ok(),
            _ => false,
        }
    }
}

/// A key's cell in a table.
struct KeyedCell(Table<HeapMemory>);

impl KeyedCell {
    fn new(rule: &cases::Rule) -> Result<Self, Box<dyn Error>> {
        let quota = *rule.to_text().parse::<Rule>()?.quota();
        Ok(Self(Table::new(HeapMemory::for_keys(&quota, 4), quota, SEED)?))
    }
}

impl SingleSubject for KeyedCell {
    fn acquire(&mut self, now_ns: u64, cost: u32) -> cases::Answer {
        answer(&self.0.acquire(self.0.hash("a key"), now_ns, cost))
    }

    fn peek(&mut self, now_ns: u64, cost: u32) -> cases::Answer {
        answer(&self.0.peek(self.0.hash("a key"), now_ns, cost))
    }

    fn release(&mut self, cost: u32) -> bool {
        self.0.release(self.0.hash("a key"), cost).is_ok()
    }
}

struct WholePlan(KeyedPlan<HeapMemory>);

impl WholePlan {
    fn new(rules: &[cases::NamedRule]) -> Result<Self, Box<dyn Error>> {
        let texts: Vec<String> = rules.iter().map(cases::NamedRule::to_text).collect();
        let memory = |rule: &Rule| HeapMemory::for_keys(rule.quota(), 1024);
        Ok(Self(KeyedPlan::new(texts.join("; ").parse()?, SEED, memory)?))
    }
}

fn plan_answer(decision: &PlanDecision<'_>) -> cases::PlanAnswer {
    cases::PlanAnswer {
        governing: decision.rule().map(str::to_owned),
        rules: decision.rules().map(|(rule, own)| (rule.name().to_owned(), answer(own))).collect(),
    }
}

fn keyed<'a>(keys: &[(&'a str, &'a str)]) -> Vec<(&'a str, ratecell::Key<'a>)> {
    keys.iter().map(|&(dimension, key)| (dimension, key.into())).collect()
}

impl PlanSubject for WholePlan {
    fn acquire(&mut self, now_ns: u64, keys: &[(&str, &str)], cost: u32) -> cases::PlanAnswer {
        plan_answer(&self.0.acquire(now_ns, keyed(keys).as_slice(), cost).unwrap())
    }

    fn peek(&mut self, now_ns: u64, keys: &[(&str, &str)], cost: u32) -> cases::PlanAnswer {
        plan_answer(&self.0.peek(now_ns, keyed(keys).as_slice(), cost).unwrap())
    }

    fn release(&mut self, keys: &[(&str, &str)], cost: u32) -> bool {
        self.0.release(keyed(keys).as_slice(), cost).is_ok()
    }
}

/// Says how much was run, and that it was all where the cases are the built-in ones.
fn check(layer: &str, result: Result<Count, Failure>, built_in: usize) {
    let count = result.unwrap_or_else(|failure| panic!("{layer}: {failure}"));
    println!("{layer}: {} cases, {} steps", count.cases, count.steps);
    if std::env::var_os("RATECELL_CONFORMANCE").is_none() {
        assert_eq!(count.cases, built_in, "cases run on {layer}");
    }
}

#[test]
fn every_single_case_on_a_bare_cell() {
    let folder = cases::folder().unwrap();
    check("bare cells", cases::run_single(&folder, BareCell::new), 240);
}

#[test]
fn every_single_case_on_a_key_of_a_table() {
    let folder = cases::folder().unwrap();
    check("key tables", cases::run_single(&folder, KeyedCell::new), 240);
}

#[test]
fn every_plan_case_on_a_keyed_plan() {
    let folder = cases::folder().unwrap();
    check("keyed plans", cases::run_plan(&folder, WholePlan::new), 60);
}
