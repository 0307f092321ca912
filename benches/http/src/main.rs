//! What a request costs in CPU time behind the tower layer, beside the bare handler and
//! tower_governor: one run, one table.
//!
//! The entrants of a row run in turns, so that whatever else the machine does hits all of them, and
//! each ratio is the median of the rounds' ratios. Absolute numbers are this machine's and this
//! minute's. Nothing fails on a slow result: a missed budget is printed as `MISS`.
//!
//! `--quick` runs everything once and briefly, to see that it works.

mod entrant;
mod in_process;
mod loopback;

use std::process::ExitCode;

use entrant::{Entrant, Fields, State};

/// Measures one entrant: nanoseconds a request.
type Measure = fn(&Entrant, u32) -> f64;

fn main() -> ExitCode {
    let quick = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--quick" => true,
        other => {
            eprintln!("found the arguments {other:?}, accepted are none and --quick");
            return ExitCode::from(2);
        }
    };
    let (rounds, scale) = if quick { (1, 10) } else { (15, 1) };
    println!("{:<38}{:>10}{:>12}{:>12}", "", "bare", "ratecell", "governor");
    let means: [(&str, Measure, u32); 2] = [
        ("in process", in_process::ns_per_request, 20_000),
        ("loopback", loopback::ns_per_request, 4_000),
    ];
    for (mean, measure, requests) in means {
        for (state, fields) in [
            (State::Open, Fields::Silent),
            (State::Open, Fields::Shown),
            (State::Exhausted, Fields::Silent),
            (State::Exhausted, Fields::Shown),
        ] {
            let entrants = [
                entrant::bare(),
                entrant::ratecell(state, fields),
                entrant::governor(state, fields),
            ];
            let runs: Vec<[f64; 3]> = (0..rounds)
                .map(|_| entrants.each_ref().map(|entrant| measure(entrant, requests / scale)))
                .collect();
            print_row(&format!("{mean}, {}", row_name(state, fields)), state, &runs);
        }
    }
    ExitCode::SUCCESS
}

const fn row_name(state: State, fields: Fields) -> &'static str {
    match (state, fields) {
        (State::Open, Fields::Silent) => "admitted",
        (State::Open, Fields::Shown) => "admitted, numbers shown",
        (State::Exhausted, Fields::Silent) => "refused",
        (State::Exhausted, Fields::Shown) => "refused, numbers shown",
    }
}

/// The medians of the three entrants, and the ratio that the budget speaks of: of an admitted
/// request, what each layer adds to the bare answer; of a refused one, the whole.
fn print_row(name: &str, state: State, runs: &[[f64; 3]]) {
    let column = |entrant: usize| median(runs.iter().map(|run| run[entrant]));
    print!("{name:<38}{:>7.0} ns{:>9.0} ns{:>9.0} ns", column(0), column(1), column(2));
    let (what, ratio) = match state {
        State::Open => {
            let added = |run: &[f64; 3]| (run[1] - run[0]) / (run[2] - run[0]);
            ("added, against governor's", median(runs.iter().map(added)))
        }
        State::Exhausted => {
            ("against the bare answer", median(runs.iter().map(|run| run[1] / run[0])))
        }
    };
    let verdict = if ratio <= 1.0 { "ok" } else { "MISS" };
    println!("   {ratio:.2}x {what}, budget <= 1.00x: {verdict}");
}

fn median(samples: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = samples.collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
