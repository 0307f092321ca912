//! The reference under the given cases, and broken subjects that the runner must not let through.
//!
//! The built-in folder is named, so that `RATECELL_CONFORMANCE` cannot change what is counted.

use std::fs;
use std::path::{Path, PathBuf};

use ratecell_conformance::{
    Answer, Count, NamedRule, PLAN_FILE, PlanAnswer, PlanCase, PlanSubject, Rule, SINGLE_FILE,
    SingleCase, SingleSubject, folder, reference, run_plan, run_single,
};
use ratecell_reference::{Cell, Plan};

fn own_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_reference_passes_every_given_case() {
    let single = run_single(own_folder(), reference::cell).unwrap_or_else(|f| panic!("{f}"));
    assert_eq!(single, Count { cases: 240, steps: 8082 });
    let plan = run_plan(own_folder(), reference::plan).unwrap_or_else(|f| panic!("{f}"));
    assert_eq!(plan, Count { cases: 60, steps: 1980 });
}

#[test]
fn the_reference_passes_the_cases_of_the_folder_that_is_named() {
    let folder = folder().unwrap_or_else(|f| panic!("{f}"));
    let single = run_single(&folder, reference::cell).unwrap_or_else(|f| panic!("{f}"));
    let plan = run_plan(&folder, reference::plan).unwrap_or_else(|f| panic!("{f}"));
    assert!(single.steps >= single.cases && plan.steps >= plan.cases);
}

#[test]
fn reading_and_writing_a_case_gives_its_line_back() {
    for line in fs::read_to_string(own_folder().join(SINGLE_FILE)).unwrap().lines() {
        let case: SingleCase = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&case).unwrap(), line);
    }
    for line in fs::read_to_string(own_folder().join(PLAN_FILE)).unwrap().lines() {
        let case: PlanCase = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&case).unwrap(), line);
    }
}

#[test]
fn rule_text_is_the_same_from_a_case_and_from_the_reference() {
    for line in fs::read_to_string(own_folder().join(PLAN_FILE)).unwrap().lines() {
        let case: PlanCase = serde_json::from_str(line).unwrap();
        let text: Vec<String> = case.rules.iter().map(NamedRule::to_text).collect();
        assert_eq!(text.join("; "), reference::plan(&case.rules).unwrap().to_text());
    }
}

/// A reference cell whose answers go through `bend`.
struct BentCell(Cell, fn(&mut Answer));

impl SingleSubject for BentCell {
    fn acquire(&mut self, now_ns: u64, cost: u32) -> Answer {
        let mut answer = Answer::from(self.0.acquire(now_ns, cost));
        (self.1)(&mut answer);
        answer
    }

    fn peek(&mut self, now_ns: u64, cost: u32) -> Answer {
        self.0.peek(now_ns, cost).into()
    }

    fn release(&mut self, cost: u32) -> bool {
        self.0.release(cost)
    }
}

#[test]
fn a_single_answer_that_is_off_by_one_is_caught() {
    let bends: [fn(&mut Answer); 4] = [
        |answer| answer.remaining = answer.remaining.saturating_sub(1),
        |answer| answer.limit += 1,
        |answer| answer.retry_after_ns = answer.retry_after_ns.map(|ns| ns + u64::from(ns > 0)),
        |answer| answer.reset_after_ns = answer.reset_after_ns.map(|ns| ns.saturating_sub(1)),
    ];
    for bend in bends {
        let make = |rule: &Rule| reference::cell(rule).map(|cell| BentCell(cell, bend));
        let failure = run_single(own_folder(), make).unwrap_err();
        assert!(
            failure.place.line.is_some()
                && failure.place.case.is_some()
                && failure.place.step.is_some()
        );
        assert_ne!(failure.expected, failure.found);
    }
}

#[test]
fn a_failure_tells_file_line_case_step_and_both_answers() {
    let make = |rule: &Rule| {
        let bend: fn(&mut Answer) = |answer| answer.remaining = 7;
        reference::cell(rule).map(|cell| BentCell(cell, bend))
    };
    let failure = run_single(own_folder(), make).unwrap_err().to_string();
    assert!(failure.contains("single.jsonl:1: case single-20261122-0, step index 0"), "{failure}");
    assert!(failure.contains(r#"expected: {"verdict":"allow","limit":2,"remaining":1,"#));
    assert!(failure.contains(r#"found:    {"verdict":"allow","limit":2,"remaining":7,"#));
}

/// A reference plan whose answers go through `bend`, and which can refuse to release.
struct BentPlan {
    plan: Plan,
    bend: fn(&mut PlanAnswer),
    releases: bool,
}

impl PlanSubject for BentPlan {
    fn acquire(&mut self, now_ns: u64, keys: &[(&str, &str)], cost: u32) -> PlanAnswer {
        let mut answer = self.plan.acquire(keys, cost, now_ns).into();
        (self.bend)(&mut answer);
        answer
    }

    fn peek(&mut self, now_ns: u64, keys: &[(&str, &str)], cost: u32) -> PlanAnswer {
        self.plan.peek(keys, cost, now_ns).into()
    }

    fn release(&mut self, keys: &[(&str, &str)], cost: u32) -> bool {
        self.releases && self.plan.release(keys, cost)
    }
}

#[test]
fn a_plan_that_governs_orders_or_releases_otherwise_is_caught() {
    let same: fn(&mut PlanAnswer) = |_| {};
    let first: fn(&mut PlanAnswer) =
        |answer| answer.governing = answer.rules.first().map(|(name, _)| name.clone());
    let backwards: fn(&mut PlanAnswer) = |answer| answer.rules.reverse();
    let short: fn(&mut PlanAnswer) = |answer| drop(answer.rules.pop());
    for (bend, releases) in [(first, true), (backwards, true), (short, true), (same, false)] {
        let make = |rules: &[NamedRule]| {
            reference::plan(rules).map(|plan| BentPlan { plan, bend, releases })
        };
        let failure = run_plan(own_folder(), make).unwrap_err();
        assert!(failure.place.step.is_some(), "{failure}");
    }
}

#[test]
fn a_subject_that_cannot_be_built_fails_with_its_reason() {
    let failure = run_single(own_folder(), |_| Err::<Cell, _>("no such kind")).unwrap_err();
    assert_eq!((failure.place.line, failure.found.as_str()), (Some(1), "no such kind"));
    let failure = run_plan(own_folder(), |_| Err::<Plan, _>("no such plan")).unwrap_err();
    assert_eq!((failure.place.line, failure.found.as_str()), (Some(1), "no such plan"));
}

/// A folder of this test run with one file of cases.
fn folder_with(name: &str, file: &str, text: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(file), text).unwrap();
    folder
}

#[test]
fn a_missing_or_empty_file_fails() {
    let nowhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nowhere");
    assert!(run_single(&nowhere, reference::cell).is_err());
    assert!(run_plan(&nowhere, reference::plan).is_err());
    let empty = folder_with("empty-single", SINGLE_FILE, "");
    assert!(run_single(&empty, reference::cell).unwrap_err().to_string().contains("empty file"));
    let empty = folder_with("empty-plan", PLAN_FILE, "");
    assert!(run_plan(&empty, reference::plan).unwrap_err().to_string().contains("empty file"));
}

#[test]
fn a_malformed_single_line_fails_and_names_its_line() {
    let good = r#"{"name":"a","rule":{"kind":"fixed","limit":1,"period_ns":"1000000"},"steps":[{"op":"peek","now_ns":"0","cost":0,"expect":{"verdict":"allow","limit":1,"remaining":1,"retry_after_ns":"0","reset_after_ns":"0"}}]}"#;
    let count = run_single(&folder_with("good", SINGLE_FILE, good), reference::cell).unwrap();
    assert_eq!(count, Count { cases: 1, steps: 1 });
    let spoiled = [
        ("blank", good, ""),
        ("op", r#""op":"peek""#, r#""op":"glance""#),
        ("step field", r#""cost":0,"#, r#""cost":0,"weight":1,"#),
        ("rule field", r#""limit":1,"period"#, r#""limit":1,"burst":1,"period"#),
        ("rule name", r#""limit":1,"period"#, r#""limit":1,"name":"a","period"#),
        ("unknown rule field", r#""limit":1,"period"#, r#""limit":1,"boost":1,"period"#),
        ("case field", r#""name":"a""#, r#""name":"a","note":"b""#),
        ("answer field", r#""limit":1,"remaining""#, r#""limit":1,"used":0,"remaining""#),
        ("kind", r#""fixed""#, r#""leaky""#),
        ("verdict", r#""allow""#, r#""full""#),
        ("bare time", r#""now_ns":"0""#, r#""now_ns":0"#),
        ("leading zero", r#""now_ns":"0""#, r#""now_ns":"00""#),
        ("sign", r#""now_ns":"0""#, r#""now_ns":"+0""#),
        ("left out", r#","reset_after_ns":"0""#, ""),
        ("twice", r#""cost":0,"#, r#""cost":0,"cost":0,"#),
        ("no steps", &good[good.find("[").unwrap()..], "[]}"),
        ("cut off", r#"}]}"#, "}]"),
    ];
    for (name, from, to) in spoiled {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{name}");
        let folder = folder_with("spoiled", SINGLE_FILE, &format!("{good}\n{bad}\n{good}\n"));
        let failure = run_single(&folder, reference::cell).expect_err(name);
        assert_eq!(failure.place.line, Some(2), "{name}: {failure}");
    }
}

#[test]
fn a_malformed_plan_line_fails_and_names_its_line() {
    let good = r#"{"name":"a","rules":[{"kind":"concurrency","limit":1,"by":"key","name":"r0"}],"steps":[{"op":"peek","now_ns":"0","keys":{"key":"a"},"cost":0,"expect":{"governing":"r0","rules":{"r0":{"verdict":"allow","limit":1,"remaining":1,"retry_after_ns":"0","reset_after_ns":null}}}},{"op":"release","keys":{},"cost":0}]}"#;
    let count = run_plan(&folder_with("good", PLAN_FILE, good), reference::plan).unwrap();
    assert_eq!(count, Count { cases: 1, steps: 2 });
    let spoiled = [
        ("op", r#""op":"release""#, r#""op":"drop""#),
        ("release field", r#""keys":{},"#, r#""keys":{},"ok":true,"#),
        ("rule without by", r#""by":"key","#, ""),
        ("governing left out", r#""governing":"r0","#, ""),
        ("answer of no rule", r#""rules":{"r0""#, r#""rules":{"r1""#),
        ("key twice", r#"{"key":"a"}"#, r#"{"key":"a","key":"a"}"#),
        ("key that is a number", r#"{"key":"a"}"#, r#"{"key":1}"#),
    ];
    for (name, from, to) in spoiled {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{name}");
        let folder = folder_with("spoiled", PLAN_FILE, &format!("{good}\n{bad}\n{good}\n"));
        let failure = run_plan(&folder, reference::plan).expect_err(name);
        assert_eq!(failure.place.line, Some(2), "{name}: {failure}");
    }
}
