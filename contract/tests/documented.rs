//! The contracts that the documentation shows are contracts, and files are read as it says.

use std::error::Error as _;
use std::fs::{self, File};
use std::path::Path;
use std::{io, iter};
#[cfg(unix)]
use std::{io::Write as _, os::fd::AsRawFd as _, thread};

use ratecell_contract::{Contract, LoadProblem};

#[test]
fn the_readme_shows_a_contract() {
    let readme = include_str!("../../README.md");
    let blocks: Vec<&str> = readme
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .filter(|block| block.contains("[[rule]]"))
        .collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        Contract::parse(block).unwrap_or_else(|error| panic!("{error}\n{block}"));
    }
}

#[test]
fn a_file_that_is_missing_or_wrong_is_told_with_its_name() {
    let error = Contract::load("no-such.toml").unwrap_err();
    assert!(matches!(error.problem(), LoadProblem::Read(_)) && error.source().is_some());
    assert!(error.to_string().starts_with("no-such.toml: "), "{error}");

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/tests/files");
    let error = Contract::load(folder.join("not-utf8.toml")).unwrap_err();
    let place = format!("{}:1:12: the contract: found the byte 0xe9", error.path().display());
    assert!(error.to_string().starts_with(&place), "{error}");

    let error = Contract::load(folder.join("wrong.toml")).unwrap_err();
    let LoadProblem::Contract(faults) = error.problem() else { panic!("{error}") };
    assert_eq!(error.to_string().lines().count(), faults.faults().len());
}

/// A contract whose file has so many bytes, most of them of a comment.
fn contract_of(bytes: usize) -> String {
    let mut text =
        "name = \"shop\"\n[[rule]]\nname = \"a\"\nlimit = \"9/min\"\nby = \"ip\"\n#".to_owned();
    text.extend(iter::repeat_n('x', bytes - text.len()));
    text
}

#[test]
fn a_file_may_have_a_mebibyte_and_not_one_byte_more() {
    assert_eq!(Contract::MAX_FILE_BYTES, 1_048_576);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let path = folder.join("long.toml");
    fs::write(&path, contract_of(1_048_576)).unwrap();
    assert!(Contract::load(&path).is_ok());
    fs::write(&path, contract_of(1_048_577)).unwrap();
    let error = Contract::load(&path).unwrap_err();
    let expected = "found 1048577 bytes, accepted are at most 1048576 (1 MiB)";
    assert_eq!(error.to_string(), format!("{}: {expected}", path.display()));
    let LoadProblem::Read(error) = error.problem() else { panic!("{error}") };
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    // It is not read before it is refused: no memory holds it.
    File::create(&path).unwrap().set_len(1 << 31).unwrap();
    let error = Contract::load(&path).unwrap_err().to_string();
    assert!(error.contains("found 2147483648 bytes"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_device_without_end_is_refused_and_a_pipe_is_read() {
    let error = Contract::load("/dev/zero").unwrap_err().to_string();
    let expected = "/dev/zero: found more than 1048576 bytes, accepted are at most 1048576 (1 MiB)";
    assert_eq!(error, expected);

    let (reader, mut writer) = io::pipe().unwrap();
    let path = format!("/dev/fd/{}", reader.as_raw_fd());
    // More than a pipe holds at once.
    let writing = thread::spawn(move || writer.write_all(contract_of(300_000).as_bytes()));
    assert_eq!(Contract::load(path).unwrap().name(), "shop");
    writing.join().unwrap().unwrap();
}
