//! The four published contracts, each driven through a whole window, its edge and after it.

use ratecell::ManualClock;
use ratecell_contract::{Contract, Guard, Limit, Outcome, Request, Stage};

/// A Sunday at noon, in Unix nanoseconds: the start of a minute.
const NOON_NS: u64 = 1_795_348_800 * SECOND_NS;
const SECOND_NS: u64 = 1_000_000_000;

fn guard(file: &str) -> Guard<ManualClock> {
    let path = format!("{}/../contracts/{file}.toml", env!("CARGO_MANIFEST_DIR"));
    let contract = Contract::load(path).unwrap_or_else(|error| panic!("{error}"));
    let builder = Guard::builder(contract).capacity(1000).clock(ManualClock::new(NOON_NS));
    builder.request_numbers(|| 0xabc).build().unwrap()
}

#[test]
fn each_file_is_a_contract() {
    for file in ["peeker", "productlane", "prefetch", "prolifi"] {
        assert_eq!(guard(file).contract().name(), file);
    }
}

#[test]
fn prolifi_smoke() {
    let guard = guard("prolifi");
    let headers = [("Authorization", "Bearer k")];
    let request = Request { headers: &headers, ..Request::new("GET", "/v1/x") };
    for n in (0..1000).rev() {
        let outcome = guard.admit(Stage::Whole, &request).unwrap();
        assert!(outcome.passes());
        assert_eq!(outcome.fields().get("x-ratelimit-remaining"), Some(&*n.to_string()));
    }
    let Outcome::Refuse(refusal) = guard.admit(Stage::Whole, &request).unwrap() else { panic!() };
    println!("{refusal:?}");
    assert_eq!(refusal.fields().get("retry-after"), Some("60"));
    let raised = [("key", Limit::Cap(1001))];
    let request = Request { limits: &raised, ..request };
    assert!(guard.admit(Stage::Whole, &request).unwrap().passes());
}
