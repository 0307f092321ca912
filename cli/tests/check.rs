//! The exact text of `ratecell check`, and its exit statuses.
//!
//! Each text stands in `tests/files`. After a wanted change, `RATECELL_BLESS=1` writes them anew; read
//! the difference as a user would.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
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
