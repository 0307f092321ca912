//! `ratecell check`: what a contract file promises, or what is wrong with it and where.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use ratecell_contract::{Contract, ContractError, Fault, Promise};

/// What became of a file, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// It is a contract.
    Good = 0,
    /// It is not.
    Wrong = 1,
    /// It cannot be read.
    Unreadable = 2,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}

/// Checks a file: what it promises goes to the standard output, what is wrong to the standard error.
pub(crate) fn check(file: &Path) -> Outcome {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            tell(io::stderr(), &format!("{}: {error}\n", file.display()));
            return Outcome::Unreadable;
        }
    };
    match Contract::parse_bytes(&bytes) {
        Ok(contract) => {
            tell(io::stdout(), &promises(file, &contract));
            Outcome::Good
        }
        Err(error) => {
            tell(io::stderr(), &faults(file, &String::from_utf8_lossy(&bytes), &error));
            Outcome::Wrong
        }
    }
}

/// Whoever reads may stop reading, such as `head`; that is no fault of the contract's.
fn tell(mut to: impl Write, text: &str) {
    let _ = to.write_all(text.as_bytes());
}

fn promises(file: &Path, contract: &Contract) -> String {
    let mut text = format!("{}: a good contract, `{}`\n", file.display(), contract.name());
    let mut heading = None;
    for promise in &contract.promises() {
        if heading != Some(promise.rule()) {
            heading = Some(promise.rule());
            text += &match promise.rule() {
                Some(rule) => format!("\nRule `{rule}`: {}\n", limit(contract, rule)),
                None => "\nAll together\n".to_owned(),
            };
        }
        text += &entry(promise);
    }
    text.push('\n');
    text
}

/// The limit of a rule as it is written out.
fn limit(contract: &Contract, rule: &str) -> String {
    let found = contract.rules().iter().find(|other| other.name() == rule);
    found.map_or_else(String::new, |rule| rule.limit_text())
}

fn entry(promise: &Promise) -> String {
    let lead = if promise.is_warning() { "  ! " } else { "  - " };
    wrapped(promise.sentence(), lead)
}

/// The width of a terminal that everybody has.
const WIDTH: usize = 80;

/// A sentence in lines, the first after `lead` and the others below its text.
fn wrapped(sentence: &str, lead: &str) -> String {
    let mut text = String::new();
    let mut line = lead.to_owned();
    let mut is_first = true;
    for word in sentence.split(' ') {
        if !is_first && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text += &line;
            text.push('\n');
            line = " ".repeat(lead.len());
        } else if !is_first {
            line.push(' ');
        }
        line += word;
        is_first = false;
    }
    text + &line + "\n"
}

fn faults(file: &Path, text: &str, error: &ContractError) -> String {
    error.faults().iter().map(|fault| fault_with_line(file, text, fault)).collect()
}

/// A fault, the line that it is in and a caret below its place.
fn fault_with_line(file: &Path, text: &str, fault: &Fault) -> String {
    let line = text.lines().nth(fault.line() - 1).unwrap_or_default();
    let number = fault.line().to_string();
    let margin = " ".repeat(number.len());
    // A tab keeps its width below itself.
    let before: String = line
        .chars()
        .take(fault.column() - 1)
        .map(|character| if character == '\t' { '\t' } else { ' ' })
        .collect();
    format!("{}:{fault}\n {number} | {line}\n {margin} | {before}^\n", file.display())
}
