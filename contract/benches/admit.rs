//! What a decision at the guard costs, in nanoseconds and allocations: the published contracts, a
//! request that passes and one that is refused.
//!
//! It prints the least of several rounds, so that what else the machine does counts little.

use std::hint::black_box;
use std::time::Instant;

use ratecell::{Clock, ManualClock, SystemClock};
use ratecell_contract::{Contract, Guard, GuardBuilder, Request, Stage};

const ROUNDS: usize = 40;
const CALLS: u32 = 5_000;

/// The limits of the published contracts, and what stands in for them so that all calls pass.
const LIMITS: [(&str, &str); 5] = [
    ("fixed 1000/", "fixed 8000000/"),
    ("fixed 300/", "fixed 8000000/"),
    ("fixed 60/", "fixed 8000000/"),
    ("sliding 600/", "sliding 8000000/"),
    ("sliding 333/", "sliding 8000000/"),
];

fn main() {
    println!("{:<34} {:>9} {:>12}", "contract, request", "ns", "allocations");
    for file in ["prolifi", "productlane", "prefetch", "peeker"] {
        measure_both(file, "", |builder| builder.clock(ManualClock::new(0)));
    }
    measure_both("productlane", ", system clock", |builder| builder.clock(SystemClock::new()));
}

fn measure_both<C: Clock>(
    file: &str,
    note: &str,
    with_clock: impl Fn(GuardBuilder) -> GuardBuilder<C>,
) {
    let path = format!("{}/../contracts/{file}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let raised = LIMITS.iter().fold(text.clone(), |text, (from, to)| text.replace(from, to));
    let built = |text: &str| {
        with_clock(Guard::builder(Contract::parse(text).unwrap()).capacity(1000)).build().unwrap()
    };
    let headers = [("authorization", "Bearer pk_live_0123456789"), ("x-api-key", "key-1")];
    let peer = Some([192, 0, 2, 1].into());
    let request = Request { peer, headers: &headers, ..Request::new("GET", "/v1/items?page=2") };

    let guard = built(&raised);
    measure(&format!("{file}, a pass{note}"), || {
        drop(black_box(guard.admit(Stage::Whole, black_box(&request))));
    });
    assert!(guard.admit(Stage::Whole, &request).unwrap().passes());

    let guard = built(&text);
    while guard.admit(Stage::Whole, &request).unwrap().passes() {}
    measure(&format!("{file}, a refusal{note}"), || {
        drop(black_box(guard.admit(Stage::Whole, black_box(&request))));
    });
}

fn measure(what: &str, mut call: impl FnMut()) {
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..CALLS {
            call();
        }
        least = least.min(start.elapsed().as_secs_f64() / f64::from(CALLS));
    }
    let allocations = allocation_counter::measure(&mut call).count_total;
    println!("{what:<34} {:>9.0} {allocations:>12}", least * 1e9);
}
