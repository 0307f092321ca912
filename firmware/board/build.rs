//! Turns the conformance cases into a blob that the board can read without parsing JSON, and says
//! what memory the board has.
//!
//! The boards are those of QEMU, one for each target: there is no room for choice to go wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::Value;

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

/// How a case becomes bytes.
type Encode = fn(&Value) -> Vec<u8>;

/// The blob: as many cases as fit, those of one cell first, each file in its own order.
fn cases(room: usize) -> Vec<u8> {
    println!("cargo::rerun-if-env-changed=RATECELL_CONFORMANCE");
    let folder = env::var_os("RATECELL_CONFORMANCE")
        .map_or_else(|| Path::new("../../conformance").to_path_buf(), PathBuf::from);
    let mut blob = Vec::new();
    let mut bodies = Vec::new();
    let mut left = room;
    let kinds: [(&str, Encode); 2] = [("single.jsonl", single), ("plan.jsonl", plan)];
    for (file, encode) in kinds {
        let path = folder.join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let all: Vec<Value> = text
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{file}: {error}"))
            })
            .collect();
        let mut here = 0;
        for case in &all {
            let body = encode(case);
            if body.len() > left {
                break;
            }
            left -= body.len();
            here += 1;
            bodies.extend(body);
        }
        put(&mut blob, all.len() as u64);
        put(&mut blob, here);
    }
    blob.extend(bodies);
    blob
}

fn single(case: &Value) -> Vec<u8> {
    let mut to = Vec::new();
    put_text(&mut to, text(&case["name"]));
    put_rule(&mut to, &case["rule"]);
    let steps = list(&case["steps"]);
    put(&mut to, steps.len() as u64);
    let mut last_ns = 0;
    for step in steps {
        let ok = u64::from(step["ok"] == true);
        let op = op(step);
        put(&mut to, op | ok << 2);
        put(&mut to, number(&step["cost"]));
        if op != format::RELEASE {
            put_now(&mut to, step, &mut last_ns);
            put_answer(&mut to, &step["expect"]);
        }
    }
    to
}

fn plan(case: &Value) -> Vec<u8> {
    let mut to = Vec::new();
    put_text(&mut to, text(&case["name"]));
    let rules = list(&case["rules"]);
    assert!(rules.len() <= format::MOST_RULES, "too many rules for cases.rs");
    put(&mut to, rules.len() as u64);
    for rule in rules {
        put_text(&mut to, text(&rule["name"]));
        put_text(&mut to, text(&rule["by"]));
        put_rule(&mut to, rule);
    }
    let names: Vec<&str> = rules.iter().map(|rule| text(&rule["name"])).collect();
    let steps = list(&case["steps"]);
    let words = words(steps);
    put(&mut to, words.len() as u64);
    for word in &words {
        put_text(&mut to, word);
    }
    put(&mut to, steps.len() as u64);
    let mut last_ns = 0;
    for step in steps {
        let op = op(step);
        put(&mut to, op);
        put(&mut to, number(&step["cost"]));
        if op != format::RELEASE {
            put_now(&mut to, step, &mut last_ns);
        }
        let keys = keys(step);
        put(&mut to, keys.len() as u64);
        for word in keys.into_iter().flat_map(|(dimension, key)| [dimension, key]) {
            put(&mut to, words.iter().position(|w| *w == word).expect("listed") as u64);
        }
        if op != format::RELEASE {
            put_verdict_of_plan(&mut to, &step["expect"], &names);
        }
    }
    to
}

/// The dimensions and keys of all steps, each once.
fn words(steps: &[Value]) -> Vec<&str> {
    let all = steps.iter().flat_map(keys).flat_map(|(dimension, key)| [dimension, key]);
    let words: BTreeSet<&str> = all.collect();
    assert!(words.len() <= format::MOST_WORDS, "too many keys for cases.rs");
    words.into_iter().collect()
}

fn keys(step: &Value) -> Vec<(&str, &str)> {
    let keys = step["keys"].as_object().expect("a step of a plan has keys");
    assert!(keys.len() <= format::MOST_RULES, "too many keys in a step for cases.rs");
    keys.iter().map(|(dimension, key)| (dimension.as_str(), text(key))).collect()
}

fn put_verdict_of_plan(to: &mut Vec<u8>, expect: &Value, names: &[&str]) {
    let index = |name: &str| names.iter().position(|n| *n == name).expect("a rule of the case");
    let governing = expect["governing"].as_str().map_or(0, |name| index(name) + 1);
    put(to, governing as u64);
    let applied = expect["rules"].as_object().expect("an object by rule");
    let mask: u64 = applied.keys().map(|name| 1 << index(name)).sum();
    put(to, mask);
    for answer in names.iter().filter_map(|name| applied.get(*name)) {
        put_answer(to, answer);
    }
}

fn put_rule(to: &mut Vec<u8>, rule: &Value) {
    let (kind, extra) = match text(&rule["kind"]) {
        "gcra" => (format::GCRA, number(&rule["burst"])),
        "fixed" => (format::FIXED, 0),
        "sliding" => (format::SLIDING, number(&rule["segments"])),
        "concurrency" => (format::CONCURRENCY, 0),
        kind => panic!("kind {kind:?} is not known here"),
    };
    let period_ns = if kind == format::CONCURRENCY { 0 } else { number(&rule["period_ns"]) };
    for word in [kind, number(&rule["limit"]), period_ns, extra] {
        put(to, word);
    }
}

fn op(step: &Value) -> u64 {
    match text(&step["op"]) {
        "acquire" => format::ACQUIRE,
        "peek" => format::PEEK,
        "release" => format::RELEASE,
        op => panic!("step {op:?} is not known here"),
    }
}

fn put_now(to: &mut Vec<u8>, step: &Value, last_ns: &mut u64) {
    let now_ns = number(&step["now_ns"]);
    let delta = now_ns.wrapping_sub(*last_ns) as i64;
    put(to, (delta << 1 ^ delta >> 63) as u64);
    *last_ns = now_ns;
}

fn put_answer(to: &mut Vec<u8>, answer: &Value) {
    let verdict = match text(&answer["verdict"]) {
        "allow" => format::ALLOW,
        "deny" => format::DENY,
        "never" => format::NEVER,
        verdict => panic!("verdict {verdict:?} is not known here"),
    };
    put(to, verdict);
    put(to, number(&answer["limit"]));
    put(to, number(&answer["remaining"]));
    for span in [&answer["retry_after_ns"], &answer["reset_after_ns"]] {
        put(to, if span.is_null() { 0 } else { number(span) + 1 });
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

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is not a list"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a string"))
}

/// An integer, or the decimal string that stands for one.
fn number(value: &Value) -> u64 {
    let parsed = match value {
        Value::String(digits) => digits.parse().ok(),
        other => other.as_u64(),
    };
    parsed.unwrap_or_else(|| panic!("{value} is not a number"))
}
