//! The `ratecell` command.
//!
//! Exit status: 0 if all is well, 1 if a contract is wrong, 2 if the command was used wrongly, a
//! file that cannot be read and an output that cannot be written included.

mod check;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// One rate limiter for every language of a service.
#[derive(Debug, Parser)]
#[command(name = "ratecell", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check contract files, and say what they promise in plain sentences.
    ///
    /// A wrong file is told as file:line:column with what was found there and what is accepted.
    /// Exit status: 0 if all files are contracts, 1 if one is not, 2 if one cannot be read, the
    /// output cannot be written or the command was used wrongly.
    Check {
        /// The contract files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let Arguments { command: Command::Check { files } } = Arguments::parse();
    let worst = files.iter().map(|file| check::check(file)).max();
    worst.unwrap_or(check::Outcome::Good).into()
}
