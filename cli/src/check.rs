//! `ratecell check`: what a contract file promises, or what is wrong with it and where.

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
    let path = printable(&file.display().to_string());
    let bytes = match Contract::read_bytes(file) {
        Ok(bytes) => bytes,
        Err(error) => return unreadable(&path, &error),
    };
    match Contract::parse_bytes(&bytes) {
        Ok(contract) => match tell(io::stdout(), &promises(&path, &contract)) {
            Ok(()) => Outcome::Good,
            Err(error) => unreadable("the standard output", &error),
        },
        Err(error) => {
            // Nobody is left to be told that the standard error cannot be written.
            let _ = tell(io::stderr(), &faults(&path, &String::from_utf8_lossy(&bytes), &error));
            Outcome::Wrong
        }
    }
}

/// Says what cannot be read or written.
fn unreadable(what: &str, error: &io::Error) -> Outcome {
    let _ = tell(io::stderr(), &format!("{what}: {error}\n"));
    Outcome::Unreadable
}

/// Whoever reads may stop reading, such as `head`; that is no fault.
fn tell(mut to: impl Write, text: &str) -> io::Result<()> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        told => told,
    }
}

/// A text of a file as a terminal may be given it: a control character would be obeyed, or break
/// the line that it is quoted in. Each keeps the width of a character, and a tab is itself.
fn printable(text: &str) -> String {
    let shown = |character: char| match character {
        '\t' => character,
        _ if character.is_control() => char::REPLACEMENT_CHARACTER,
        _ => character,
    };
    text.chars().map(shown).collect()
}

fn promises(path: &str, contract: &Contract) -> String {
    let mut text = format!("{path}: a good contract, `{}`\n", printable(contract.name()));
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
    wrapped(&printable(promise.sentence()), lead)
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

fn faults(path: &str, text: &str, error: &ContractError) -> String {
    error.faults().iter().map(|fault| fault_with_line(path, text, fault)).collect()
}

/// How much of a line is shown on either side of a fault: a line may be as long as the file, and
/// is shown for each of its faults.
const MAX_SIDE: usize = 100;

/// A fault, the line that it is in and a caret below its place.
fn fault_with_line(path: &str, text: &str, fault: &Fault) -> String {
    // What is not UTF-8 was replaced, but only behind the fault that says so.
    let (before, after) = text.split_at_checked(fault.offset()).unwrap_or((text, ""));
    let [before, after] = [before, after].map(|side| side.strip_prefix('\u{feff}').unwrap_or(side));
    let mut before = before.chars().rev().take_while(|&character| character != '\n');
    let mut start: Vec<char> = before.by_ref().take(MAX_SIDE).collect();
    if before.next().is_some() {
        start.extend("...".chars());
    }
    let start = printable(&start.iter().rev().collect::<String>());
    let mut after = after.chars().take_while(|&character| character != '\n');
    let end: String = after.by_ref().take(MAX_SIDE).collect();
    let dots = if after.next().is_some() { "..." } else { "" };
    let end = printable(end.trim_end_matches('\r'));
    let number = fault.line().to_string();
    let margin = " ".repeat(number.len());
    // A tab keeps its width below itself.
    let under: String =
        start.chars().map(|character| if character == '\t' { '\t' } else { ' ' }).collect();
    format!("{path}:{fault}\n {number} | {start}{end}{dots}\n {margin} | {under}^\n")
}
