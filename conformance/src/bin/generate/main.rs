//! Writes new conformance cases, answered by the reference, into a folder of their own.
//!
//! `generate --seed N [--single COUNT] [--plan COUNT] --out FOLDER`. The same arguments give the
//! same bytes on every machine: there is no clock, no float and no hash map here. Files that exist
//! are never written over, so the given cases cannot be lost by a slip.

#![forbid(unsafe_code)]

mod clock;
mod plan;
mod random;
mod rule;
mod single;

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ratecell_conformance::{PLAN_FILE, SINGLE_FILE};
use serde::Serialize;

use crate::random::Random;

const USAGE: &str = "usage: generate --seed N [--single COUNT] [--plan COUNT] --out FOLDER";

/// What to write and where.
struct Order {
    seed: u64,
    single: u64,
    plan: u64,
    out: PathBuf,
}

fn main() -> ExitCode {
    match Order::from_arguments(env::args().skip(1)).and_then(|order| order.fulfil()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Order {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let (mut seed, mut single, mut plan, mut out) = (None, 240, 60, None);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value; {USAGE}"))?;
            let number = || {
                let parsed = value.parse::<u64>();
                parsed.map_err(|error| format!("{name} {value:?}: {error}"))
            };
            match name.as_str() {
                "--seed" => seed = Some(number()?),
                "--single" => single = number()?,
                "--plan" => plan = number()?,
                "--out" => out = Some(PathBuf::from(value)),
                _ => return Err(format!("unknown argument {name:?}; {USAGE}").into()),
            }
        }
        let (Some(seed), Some(out)) = (seed, out) else { return Err(USAGE.into()) };
        Ok(Self { seed, single, plan, out })
    }

    fn fulfil(&self) -> Result<(), Box<dyn Error>> {
        fs::create_dir_all(&self.out)?;
        write(&self.out.join(SINGLE_FILE), self.single, |index| {
            let name = format!("single-{}-{index}", self.seed);
            single::case(name, &mut Random::new(self.seed, "single", index))
        })?;
        write(&self.out.join(PLAN_FILE), self.plan, |index| {
            let name = format!("plan-{}-{index}", self.seed);
            plan::case(name, &mut Random::new(self.seed, "plan", index))
        })
    }
}

fn write<T: Serialize>(
    file: &Path,
    count: u64,
    case: impl Fn(u64) -> T,
) -> Result<(), Box<dyn Error>> {
    let opened = File::create_new(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut lines = BufWriter::new(opened);
    for index in 0..count {
        serde_json::to_writer(&mut lines, &case(index))?;
        lines.write_all(b"\n")?;
    }
    lines.flush()?;
    Ok(())
}
