//! The exact text of `ratecell check`, and its exit statuses.
//!
//! Each text stands in `tests/files`. After a wanted change, `RATECELL_BLESS=1` writes them anew; read
//! the difference as a user would.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::{env, fs};

fn ratecell(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ratecell"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files")
}

fn contracts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts")
}

fn is_text(bytes: &[u8], name: &str) {
    let path = files().join(name);
    let text = str::from_utf8(bytes).unwrap();
    if env::var_os("RATECELL_BLESS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{}", path.display());
}

#[test]
fn a_good_contract_is_told_in_plain_sentences() {
    for name in ["peeker", "prefetch", "productlane", "prolifi"] {
        let output = ratecell(&contracts(), &["check", &format!("{name}.toml")]);
        assert_eq!(output.status.code(), Some(0));
        is_text(&output.stdout, &format!("{name}.txt"));
        assert!(output.stderr.is_empty());
    }
    for name in ["surprising", "try-only"] {
        let output = ratecell(&files(), &["check", &format!("{name}.toml")]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        is_text(&output.stdout, &format!("{name}.txt"));
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn a_wrong_contract_is_told_with_every_place() {
    for name in ["wrong", "broken", "not-utf8"] {
        let output = ratecell(&files(), &["check", &format!("{name}.toml")]);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty());
        is_text(&output.stderr, &format!("{name}.txt"));
    }
}

#[test]
fn of_several_files_the_worst_gives_the_status() {
    let status = |arguments: &[&str]| ratecell(&files(), arguments).status.code();
    assert_eq!(status(&["check", "surprising.toml", "try-only.toml"]), Some(0));
    assert_eq!(status(&["check", "surprising.toml", "wrong.toml"]), Some(1));
    assert_eq!(status(&["check", "wrong.toml", "surprising.toml"]), Some(1));
    assert_eq!(status(&["check", "none.toml", "wrong.toml", "surprising.toml"]), Some(2));
}

#[test]
fn wrong_use_has_a_status_of_its_own() {
    let output = ratecell(&files(), &["check", "none.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("none.toml: "), "{told}");
    for arguments in [&[][..], &["check"], &["chekc"], &["check", "--loud", "surprising.toml"]] {
        let output = ratecell(&files(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
    assert_eq!(ratecell(&files(), &["--help"]).status.code(), Some(0));
}

#[test]
fn the_end_of_a_pipe_is_no_fault_and_a_full_disk_is_one() {
    let contract = contracts().join("peeker.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ratecell"));
    let mut child = command.arg("check").arg(&contract).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));

    // Only Linux has a device that is always full.
    if let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ratecell"));
        let output = command.arg("check").arg(&contract).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.starts_with("the standard output: "), "{told}");
    }
}

/// Checks a file of this text.
fn check_text(name: &str, text: &str) -> Output {
    let folder = env::temp_dir().join(format!("ratecell-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("a.toml"), text).unwrap();
    let output = ratecell(&folder, &["check", "a.toml"]);
    fs::remove_dir_all(&folder).unwrap();
    output
}

#[test]
fn a_file_that_is_too_long_is_told_with_its_size() {
    let output = check_text("size", &"#".repeat((1 << 20) + 1));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    let expected = "a.toml: found 1048577 bytes, accepted are at most 1048576 (1 MiB)\n";
    assert_eq!(told, expected);
}

#[test]
fn a_terminal_is_not_given_what_it_would_obey() {
    let rule = "[[rule]]\nname = \"k\"\nlimit = \"6/s\"\nby = \"value:\\u001b[2J\"\n";
    let good = check_text("good", &format!("name = \"\\u001b[31ma\\nb\"\n{rule}"));
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    let wrong = check_text("escape", "name = \"a\u{1b}[31m\"\r\n\u{1b}]0;x\u{7}\n");
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    for told in [&good.stdout, &wrong.stderr] {
        assert!(!told.is_empty());
        assert!(!told.iter().any(|&byte| byte < b' ' && byte != b'\n'), "{told:?}");
    }
}

#[test]
fn of_a_long_line_only_what_is_around_the_fault_is_shown() {
    let keys: String = (0..1_000).map(|number| format!(", k{number} = 1")).collect();
    let text = format!("\u{feff}rule = [{{name = \"k\", limit = \"6/s\", by = \"ip\"{keys}}}]\n");
    let output = check_text("long", &text);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.lines().all(|line| line.chars().count() < 250), "{told}");
    let last = told.trim_end().rsplit("\na.toml").next().unwrap();
    let [_, line, caret] = last.lines().collect::<Vec<_>>()[..] else { panic!("{last}") };
    assert!(line.starts_with(" 1 | ..."), "{last}");
    assert_eq!(line.find("k999"), caret.find('^'), "{last}");
    let first = told.lines().nth(1).unwrap();
    assert!(first.starts_with(" 1 | rule = [") && first.ends_with("..."), "{first}");
}
