//! What a guard does with requests: stages, dry runs, callers without a key, hostile input, and
//! fields that independent parsers accept.

mod answering;
mod deciding;

use ratecell::ManualClock;
use ratecell_contract::{Contract, Guard, Outcome, Request, Stage};

fn guard(text: &str) -> Guard<ManualClock> {
    let contract = Contract::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Guard::builder(contract).capacity(100).clock(ManualClock::new(0)).build().unwrap()
}

/// A contract of one rule, with more keys for it.
fn one_rule(keys: &str) -> String {
    format!("name = \"shop\"\n[[rule]]\nname = \"key\"\n{keys}\n")
}

fn admit(guard: &Guard<ManualClock>, request: &Request<'_>) -> Outcome<ManualClock> {
    guard.admit(Stage::Whole, request).unwrap()
}

fn with_headers<'a>(headers: &'a &'a [(&'a str, &'a [u8])]) -> Request<'a> {
    Request { headers, ..Request::new("GET", "/v1/items") }
}

/// Whether a request of these header fields passes.
fn passes(guard: &Guard<ManualClock>, headers: &[(&str, &[u8])]) -> bool {
    admit(guard, &with_headers(&headers)).passes()
}
