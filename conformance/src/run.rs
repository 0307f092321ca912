//! Running a subject over the cases of a folder, and counting what was run.

use std::fmt::{Debug, Display};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{
    Failure, NamedRule, PLAN_FILE, Place, PlanAnswer, PlanCase, PlanStep, PlanSubject, Rule,
    SINGLE_FILE, SingleCase, SingleStep, SingleSubject,
};

/// How much was run. A caller asserts it, because a run of nothing proves nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Cases, which are lines.
    pub cases: usize,
    /// Steps of all cases together.
    pub steps: usize,
}

/// Runs every case of `single.jsonl` in `folder` on a subject of its own, made by `make`.
///
/// # Errors
/// The first mismatch, a subject that `make` refuses to build, or a file that is missing, empty or
/// malformed.
pub fn run_single<S, E>(
    folder: &Path,
    mut make: impl FnMut(&Rule) -> Result<S, E>,
) -> Result<Count, Failure>
where
    S: SingleSubject,
    E: Display,
{
    let mut count = Count::default();
    for (place, case) in placed_single_cases(folder)? {
        let mut subject = make(&case.rule)
            .map_err(|error| place.failure("a rule that can be built", error.to_string()))?;
        for (index, step) in case.steps.iter().enumerate() {
            let place = place.at(index);
            match step {
                SingleStep::Acquire { now_ns, cost, expect } => {
                    place.compare(expect, &subject.acquire(*now_ns, *cost))?;
                }
                SingleStep::Peek { now_ns, cost, expect } => {
                    place.compare(expect, &subject.peek(*now_ns, *cost))?;
                }
                SingleStep::Release { cost, ok } => {
                    place.compare(ok, &subject.release(*cost))?;
                }
            }
        }
        count.cases += 1;
        count.steps += case.steps.len();
    }
    Ok(count)
}

/// Runs every case of `plan.jsonl` in `folder` on a subject of its own, made by `make`. The answers
/// of the applied rules must come in the order of the plan.
///
/// # Errors
/// As [`run_single`].
pub fn run_plan<S, E>(
    folder: &Path,
    mut make: impl FnMut(&[NamedRule]) -> Result<S, E>,
) -> Result<Count, Failure>
where
    S: PlanSubject,
    E: Display,
{
    let mut count = Count::default();
    for (place, case) in placed_plan_cases(folder)? {
        let mut subject = make(&case.rules)
            .map_err(|error| place.failure("a plan that can be built", error.to_string()))?;
        for (index, step) in case.steps.iter().enumerate() {
            let place = place.at(index);
            match step {
                PlanStep::Acquire { now_ns, keys, cost, expect } => {
                    place.compare(expect, &subject.acquire(*now_ns, &pairs(keys), *cost))?;
                }
                PlanStep::Peek { now_ns, keys, cost, expect } => {
                    place.compare(expect, &subject.peek(*now_ns, &pairs(keys), *cost))?;
                }
                PlanStep::Release { keys, cost } => {
                    place.compare(&true, &subject.release(&pairs(keys), *cost))?;
                }
            }
        }
        count.cases += 1;
        count.steps += case.steps.len();
    }
    Ok(count)
}

/// Every case of `single.jsonl` in `folder`, for runners of other languages.
///
/// # Errors
/// A file that is missing, empty or malformed.
pub fn single_cases(folder: &Path) -> Result<Vec<SingleCase>, Failure> {
    Ok(placed_single_cases(folder)?.into_iter().map(|(_, case)| case).collect())
}

/// Every case of `plan.jsonl` in `folder`, each expected answer in the order of the plan.
///
/// # Errors
/// As [`single_cases`], or an answer of a rule that the plan does not have.
pub fn plan_cases(folder: &Path) -> Result<Vec<PlanCase>, Failure> {
    Ok(placed_plan_cases(folder)?.into_iter().map(|(_, case)| case).collect())
}

fn placed_single_cases(folder: &Path) -> Result<Vec<(Place, SingleCase)>, Failure> {
    let named =
        |(place, case): (Place, SingleCase)| Ok((place.named(&case.name, case.steps.len())?, case));
    read(folder.join(SINGLE_FILE))?.into_iter().map(named).collect()
}

fn placed_plan_cases(folder: &Path) -> Result<Vec<(Place, PlanCase)>, Failure> {
    let ordered = |(place, mut case): (Place, PlanCase)| {
        let place = place.named(&case.name, case.steps.len())?;
        for (index, step) in case.steps.iter_mut().enumerate() {
            if let PlanStep::Acquire { expect, .. } | PlanStep::Peek { expect, .. } = step {
                put_in_plan_order(expect, &case.rules, &place.at(index))?;
            }
        }
        Ok((place, case))
    };
    read(folder.join(PLAN_FILE))?.into_iter().map(ordered).collect()
}

impl Place {
    fn named(mut self, case: &str, steps: usize) -> Result<Self, Failure> {
        self.case = Some(case.to_owned());
        if steps == 0 {
            return Err(self.failure("a case with steps", "none"));
        }
        Ok(self)
    }

    fn at(&self, step: usize) -> Self {
        Self { step: Some(step), ..self.clone() }
    }

    fn compare<T: PartialEq + Serialize + Debug>(
        &self,
        expected: &T,
        found: &T,
    ) -> Result<(), Failure> {
        if expected == found {
            return Ok(());
        }
        let json = |value: &T| serde_json::to_string(value).unwrap_or(format!("{value:?}"));
        Err(self.failure(json(expected), json(found)))
    }
}

/// Reads a whole file of cases, so that a malformed last line fails before anything is run.
fn read<T: DeserializeOwned>(file: PathBuf) -> Result<Vec<(Place, T)>, Failure> {
    let place = Place::file(file);
    let text = fs::read_to_string(&place.file)
        .map_err(|error| place.failure("a readable file of cases", error.to_string()))?;
    let mut cases = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = Place { line: Some(index + 1), ..place.clone() };
        let case = serde_json::from_str(line)
            .map_err(|error| place.failure("one case of the format", error.to_string()))?;
        cases.push((place, case));
    }
    if cases.is_empty() {
        return Err(place.failure("at least one case", "an empty file"));
    }
    Ok(cases)
}

fn pairs(keys: &[(String, String)]) -> Vec<(&str, &str)> {
    keys.iter().map(|(dimension, key)| (dimension.as_str(), key.as_str())).collect()
}

/// Puts the rules of an expected answer as the plan orders them: the order within a JSON object
/// carries no meaning.
fn put_in_plan_order(
    expect: &mut PlanAnswer,
    rules: &[NamedRule],
    place: &Place,
) -> Result<(), Failure> {
    let position = |name: &str| rules.iter().position(|rule| rule.name == name);
    if let Some((stray, _)) = expect.rules.iter().find(|(name, _)| position(name).is_none()) {
        return Err(place.failure("a rule of the case in `expect.rules`", stray));
    }
    expect.rules.sort_by_key(|(name, _)| position(name));
    Ok(())
}
