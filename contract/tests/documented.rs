//! The contracts that the documentation shows are contracts, and files are read as it says.

use std::error::Error as _;
use std::path::Path;

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
