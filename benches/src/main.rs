//! One run, one table: what a call costs in ratecell, beside bare floors and other limiters.
//!
//! Every row is a duel: subject and opponent run in turns in this process, so that whatever else
//! the machine does hits both, and the ratio is the median of the rounds' ratios. Absolute numbers
//! are this machine's and this minute's; the ratios are what the budgets speak of. Nothing here
//! fails on a slow result: a missed budget is printed as `MISS` and the exit status stays 0.
//!
//! `--quick` runs everything once and briefly, to see that it works; `--filter TEXT` keeps the rows
//! whose name contains the text; `--list` names the rows without running them.

mod entrants;
mod harness;
mod sections;

use std::process::ExitCode;

use harness::{Options, Session};

fn main() -> ExitCode {
    let options = match Options::from_arguments(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("{problem}\n{}", Options::USAGE);
            return ExitCode::from(2);
        }
    };
    harness::start_free_clock();
    let mut session = Session::new(options);
    sections::run_all(&mut session);
    print!("{}", session.finish());
    ExitCode::SUCCESS
}
