//! The cases as lines of words: what a reader of lines relies on, and that nothing bad passes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ratecell_conformance::{PLAN_FILE, SINGLE_FILE};

const SINGLE: &str = r#"{"name":"two words","rule":{"kind":"gcra","limit":3,"period_ns":"3000000000"},"steps":[{"op":"release","cost":1,"ok":false}]}"#;
const PLAN: &str = r#"{"name":"","rules":[{"kind":"sliding","limit":2,"period_ns":"1000000000","by":"ip","name":"a"},{"kind":"concurrency","limit":1,"by":"key","name":"b"}],"steps":[{"op":"peek","now_ns":"0","keys":{"ip":"","key":"k\u2028"},"cost":1,"expect":{"governing":"a","rules":{"b":{"verdict":"allow","limit":1,"remaining":1,"retry_after_ns":"0","reset_after_ns":null},"a":{"verdict":"allow","limit":2,"remaining":2,"retry_after_ns":"0","reset_after_ns":"0"}}}}]}"#;

/// A folder of this test run with these two files.
fn folder(name: &str, single: &str, plan: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(SINGLE_FILE), single).unwrap();
    fs::write(folder.join(PLAN_FILE), plan).unwrap();
    folder
}

fn lines(folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lines"));
    command.env("RATECELL_CONFORMANCE", folder).output().unwrap()
}

#[test]
fn a_line_has_a_name_of_one_word_every_number_and_the_order_of_the_plan() {
    let output = lines(&folder("words", SINGLE, PLAN));
    let expected = "single two_words 1 gcra 3/3000000000ns burst 3\n\
        release 1 0\n\
        plan - 1 a: sliding 2/1000000000ns segments 14 by ip; b: concurrency 1 by key\n\
        peek 0 1 2 ip x key x6be280a8 a 2 a allow 2 2 0 0 b allow 1 1 0 -\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[test]
fn a_folder_that_is_not_whole_prints_no_line() {
    let no_steps = PLAN.replace(r#""steps":["#, r#""steps":[],"was":["#);
    let wrong = [
        ("empty", SINGLE, ""),
        ("cut", SINGLE, &PLAN[..PLAN.len() - 1]),
        ("blank", &*format!("{SINGLE}\n\n"), PLAN),
        ("steps", SINGLE, &no_steps),
        ("rule", SINGLE, &PLAN.replace(r#""rules":{"b""#, r#""rules":{"c""#)),
    ];
    for (name, single, plan) in wrong {
        let output = lines(&folder(name, single, plan));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && output.stdout.is_empty(), "{name}");
        assert!(told.contains(".jsonl"), "{name}: {told}");
    }
    let gone = lines(Path::new("no/such/folder"));
    assert!(!gone.status.success() && gone.stdout.is_empty());
}
