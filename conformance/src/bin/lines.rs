//! Prints the cases as lines of words, for runners in languages without JSON at hand.
//!
//! ```text
//! single NAME STEPS RULE-TEXT            plan NAME STEPS PLAN-TEXT
//! acquire NOW COST ANSWER                acquire NOW COST KEYS... GOVERNING RULES (RULE ANSWER)...
//! peek    NOW COST ANSWER                peek    NOW COST KEYS... GOVERNING RULES (RULE ANSWER)...
//! release COST OK                        release COST KEYS...
//! ```
//! ANSWER is verdict, limit, remaining, retry_after and reset_after; KEYS is how many, then for each
//! its dimension and the bytes of the key in hexadecimal digits behind an `x`. `-` is none. The cases
//! are those of the folder that `RATECELL_CONFORMANCE` names, else of this crate.

use std::fmt::Write as _;
use std::process::ExitCode;

use ratecell_conformance::{
    Answer, NamedRule, PlanAnswer, PlanStep, SingleStep, Verdict, folder, plan_cases, single_cases,
};

fn main() -> ExitCode {
    match lines() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("lines: {error}");
            ExitCode::FAILURE
        }
    }
}

fn lines() -> Result<String, Box<dyn std::error::Error>> {
    let folder = folder()?;
    let mut text = String::new();
    for case in single_cases(&folder)? {
        let name = word(&case.name);
        writeln!(text, "single {name} {} {}", case.steps.len(), case.rule.to_text())?;
        for step in &case.steps {
            writeln!(text, "{}", single(step))?;
        }
    }
    for case in plan_cases(&folder)? {
        let name = word(&case.name);
        let rules: Vec<_> = case.rules.iter().map(NamedRule::to_text).collect();
        writeln!(text, "plan {name} {} {}", case.steps.len(), rules.join("; "))?;
        for step in &case.steps {
            writeln!(text, "{}", plan(step))?;
        }
    }
    Ok(text)
}

/// A case's name as one word.
fn word(name: &str) -> String {
    let joined = name.split_whitespace().collect::<Vec<_>>().join("_");
    if joined.is_empty() { "-".to_owned() } else { joined }
}

fn single(step: &SingleStep) -> String {
    match step {
        SingleStep::Acquire { now_ns, cost, expect } => {
            format!("acquire {now_ns} {cost} {}", answer(expect))
        }
        SingleStep::Peek { now_ns, cost, expect } => {
            format!("peek {now_ns} {cost} {}", answer(expect))
        }
        SingleStep::Release { cost, ok } => format!("release {cost} {}", u8::from(*ok)),
    }
}

fn plan(step: &PlanStep) -> String {
    match step {
        PlanStep::Acquire { now_ns, keys, cost, expect } => {
            format!("acquire {now_ns} {cost} {} {}", words(keys), plan_answer(expect))
        }
        PlanStep::Peek { now_ns, keys, cost, expect } => {
            format!("peek {now_ns} {cost} {} {}", words(keys), plan_answer(expect))
        }
        PlanStep::Release { keys, cost } => format!("release {cost} {}", words(keys)),
    }
}

fn words(keys: &[(String, String)]) -> String {
    let mut text = keys.len().to_string();
    for (dimension, key) in keys {
        let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
        text += &format!(" {dimension} x{hex}");
    }
    text
}

fn plan_answer(expect: &PlanAnswer) -> String {
    let governing = expect.governing.as_deref().unwrap_or("-");
    let mut text = format!("{governing} {}", expect.rules.len());
    for (rule, own) in &expect.rules {
        text += &format!(" {rule} {}", answer(own));
    }
    text
}

fn answer(answer: &Answer) -> String {
    let verdict = match answer.verdict {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
        Verdict::Never => "never",
    };
    let span = |ns: Option<u64>| ns.map_or("-".to_owned(), |ns| ns.to_string());
    let (retry, reset) = (span(answer.retry_after_ns), span(answer.reset_after_ns));
    format!("{verdict} {} {} {retry} {reset}", answer.limit, answer.remaining)
}
