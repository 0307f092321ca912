//! Turns the conformance cases into a blob that the board can read without parsing JSON, and says
//! what memory the board has.
//!
//! The boards are those of QEMU, one for each target: there is no room for choice to go wrong.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{env, fs};

use ratecell_conformance::{
    self as conformance, Answer, PlanAnswer, PlanCase, PlanStep, Rule, RuleKind, SingleCase,
    SingleStep, Verdict,
};

#[path = "src/format.rs"]
mod format;

struct Board {
    name: &'static str,
    flash_kib: usize,
    ram_kib: usize,
}

impl Board {
    fn of_target(target: &str) -> Self {
        match target {
            "thumbv7em-none-eabihf" => Self { name: "mps2-an386", flash_kib: 4096, ram_kib: 4096 },
            "thumbv6m-none-eabi" => Self { name: "microbit", flash_kib: 256, ram_kib: 16 },
            _ => panic!("no board is known for target {target}"),
        }
    }

    fn memory(&self) -> String {
        let Self { flash_kib, ram_kib, .. } = self;
        format!(
            "MEMORY {{\n  FLASH : ORIGIN = 0x00000000, LENGTH = {flash_kib}K\n  \
             RAM : ORIGIN = 0x20000000, LENGTH = {ram_kib}K\n}}\n"
        )
    }

    /// What key tables may take of the RAM, beside the stack, in bytes.
    fn room_for_tables(&self) -> usize {
        (self.ram_kib / 4).min(64) * 1024
    }

    /// What is left for cases beside 88 KiB of program.
    fn room_for_cases(&self) -> usize {
        (self.flash_kib - 88) * 1024
    }
}

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let board = Board::of_target(&env::var("TARGET").expect("cargo sets TARGET"));
    fs::write(out.join("memory.x"), board.memory()).expect("OUT_DIR can be written");
    fs::write(out.join("cases.bin"), cases(board.room_for_cases())).expect("as above");

    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/format.rs");
    println!("cargo::rustc-link-search={}", out.display());
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-env=RATECELL_BOARD={}", board.name);
    println!("cargo::rustc-env=RATECELL_TABLE_WORDS={}", board.room_for_tables() / 8);
}

/// The blob: as many cases as fit, those of one cell first, each file in its own order.
fn cases(room: usize) -> Vec<u8> {
    println!("cargo::rerun-if-env-changed=RATECELL_CONFORMANCE");
    let folder = conformance::folder().unwrap_or_else(|failure| panic!("{failure}"));
    for file in [conformance::SINGLE_FILE, conformance::PLAN_FILE] {
        println!("cargo::rerun-if-changed={}", folder.join(file).display());
    }
    let singles = conformance::single_cases(&folder).unwrap_or_else(|failure| panic!("{failure}"));
    let plans = conformance::plan_cases(&folder).unwrap_or_else(|failure| panic!("{failure}"));
    let (mut blob, mut bodies) = (Vec::new(), Vec::new());
    put_fitting(&mut blob, &mut bodies, room, singles.iter().map(|case| Some(single(case))));
    put_fitting(&mut blob, &mut bodies, room, plans.iter().map(plan));
    blob.extend(bodies);
    blob
}

/// Puts how many cases there are and how many of them are here: up to the first that does not fit,
/// and without those that the board has no room for while it runs.
fn put_fitting(
    blob: &mut Vec<u8>,
    bodies: &mut Vec<u8>,
    room: usize,
    cases: impl ExactSizeIterator<Item = Option<Vec<u8>>>,
) {
    put(blob, cases.len() as u64);
    let mut here = 0;
    for body in cases.flatten() {
        if bodies.len() + body.len() > room {
            break;
        }
        here += 1;
        bodies.extend(body);
    }
    put(blob, here);
}

fn single(case: &SingleCase) -> Vec<u8> {
    let mut to = Vec::new();
    put_text(&mut to, &case.name);
    put_rule(&mut to, &case.rule);
    put(&mut to, case.steps.len() as u64);
    let mut last_ns = 0;
    for step in &case.steps {
        match step {
            SingleStep::Acquire { now_ns, cost, expect } => {
                put_call(&mut to, format::ACQUIRE, *cost);
                put_now(&mut to, *now_ns, &mut last_ns);
                put_answer(&mut to, expect);
            }
            SingleStep::Peek { now_ns, cost, expect } => {
                put_call(&mut to, format::PEEK, *cost);
                put_now(&mut to, *now_ns, &mut last_ns);
                put_answer(&mut to, expect);
            }
            SingleStep::Release { cost, ok } => {
                put_call(&mut to, format::RELEASE | u64::from(*ok) << 2, *cost);
            }
        }
    }
    to
}

/// None if it has more dimensions and keys than `cases.rs` has room for.
fn plan(case: &PlanCase) -> Option<Vec<u8>> {
    let mut to = Vec::new();
    put_text(&mut to, &case.name);
    assert!(case.rules.len() <= format::MOST_RULES, "{}: too many rules for a plan", case.name);
    put(&mut to, case.rules.len() as u64);
    for rule in &case.rules {
        put_text(&mut to, &rule.name);
        put_text(&mut to, &rule.by);
        put_rule(&mut to, &rule.rule);
    }
    let words: BTreeSet<&str> = case.steps.iter().flat_map(words).collect();
    if words.len() > format::MOST_WORDS {
        return None;
    }
    put(&mut to, words.len() as u64);
    for word in &words {
        put_text(&mut to, word);
    }
    put(&mut to, case.steps.len() as u64);
    let mut last_ns = 0;
    for step in &case.steps {
        if keys(step).len() > format::MOST_RULES {
            return None;
        }
        let (op, cost, call) = match step {
            PlanStep::Acquire { now_ns, cost, expect, .. } => {
                (format::ACQUIRE, cost, Some((*now_ns, expect)))
            }
            PlanStep::Peek { now_ns, cost, expect, .. } => {
                (format::PEEK, cost, Some((*now_ns, expect)))
            }
            PlanStep::Release { cost, .. } => (format::RELEASE, cost, None),
        };
        put_call(&mut to, op, *cost);
        if let Some((now_ns, _)) = call {
            put_now(&mut to, now_ns, &mut last_ns);
        }
        put(&mut to, keys(step).len() as u64);
        for word in self::words(step) {
            put(&mut to, words.iter().position(|w| *w == word).expect("listed") as u64);
        }
        if let Some((_, expect)) = call {
            put_plan_answer(&mut to, expect, case);
        }
    }
    Some(to)
}

fn keys(step: &PlanStep) -> &[(String, String)] {
    let (PlanStep::Acquire { keys, .. }
    | PlanStep::Peek { keys, .. }
    | PlanStep::Release { keys, .. }) = step;
    keys
}

/// The dimensions and keys of a step, in turn.
fn words(step: &PlanStep) -> impl Iterator<Item = &str> {
    keys(step).iter().flat_map(|(dimension, key)| [dimension.as_str(), key.as_str()])
}

fn put_plan_answer(to: &mut Vec<u8>, expect: &PlanAnswer, case: &PlanCase) {
    let index = |name: &str| case.rules.iter().position(|rule| rule.name == name);
    let governing = expect.governing.as_deref().map_or(0, |name| {
        index(name).unwrap_or_else(|| panic!("{}: no rule is called {name:?}", case.name)) + 1
    });
    put(to, governing as u64);
    let mask: u64 = expect.rules.iter().filter_map(|(name, _)| Some(1 << index(name)?)).sum();
    put(to, mask);
    for (_, answer) in &expect.rules {
        put_answer(to, answer);
    }
}

fn put_rule(to: &mut Vec<u8>, rule: &Rule) {
    let (kind, period_ns, extra) = match rule.kind {
        RuleKind::Gcra { period_ns, burst } => (format::GCRA, period_ns, burst),
        RuleKind::Fixed { period_ns } => (format::FIXED, period_ns, 0),
        RuleKind::Sliding { period_ns, segments } => (format::SLIDING, period_ns, segments),
        RuleKind::Concurrency => (format::CONCURRENCY, 0, 0),
    };
    for word in [kind, rule.limit.into(), period_ns, extra.into()] {
        put(to, word);
    }
}

fn put_call(to: &mut Vec<u8>, op: u64, cost: u32) {
    put(to, op);
    put(to, cost.into());
}

fn put_now(to: &mut Vec<u8>, now_ns: u64, last_ns: &mut u64) {
    let delta = now_ns.wrapping_sub(*last_ns) as i64;
    put(to, (delta << 1 ^ delta >> 63) as u64);
    *last_ns = now_ns;
}

fn put_answer(to: &mut Vec<u8>, answer: &Answer) {
    let verdict = match answer.verdict {
        Verdict::Allow => format::ALLOW,
        Verdict::Deny => format::DENY,
        Verdict::Never => format::NEVER,
    };
    put(to, verdict);
    put(to, answer.limit.into());
    put(to, answer.remaining.into());
    for span in [answer.retry_after_ns, answer.reset_after_ns] {
        put(to, span.map_or(0, |ns| ns + 1));
    }
}

fn put_text(to: &mut Vec<u8>, text: &str) {
    put(to, text.len() as u64);
    to.extend(text.as_bytes());
}

fn put(to: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}
