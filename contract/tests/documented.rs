//! The contracts that the documentation shows are contracts.

use ratecell_contract::Contract;

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
