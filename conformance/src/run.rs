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
    for (place, case) in read::<SingleCase>(folder.join(SINGLE_FILE))? {
        let place = place.named(&case.name, case.steps.len())?;
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
    for (place, case) in read::<PlanCase>(folder.join(PLAN_FILE))? {
        let place = place.named(&case.name, case.steps.len())?;
        let mut subject = make(&case.rules)
            .map_err(|error| place.failure("a plan that can be built", error.to_string()))?;
        for (index, step) in case.steps.iter().enumerate() {
            let place = place.at(index);
            match step {
                PlanStep::Acquire { now_ns, keys, cost, expect } => {
                    let expect = in_plan_order(expect, &case.rules, &place)?;
                    place.compare(&expect, &subject.acquire(*now_ns, &pairs(keys), *cost))?;
                }
                PlanStep::Peek { now_ns, keys, cost, expect } => {
                    let expect = in_plan_order(expect, &case.rules, &place)?;
                    place.compare(&expect, &subject.peek(*now_ns, &pairs(keys), *cost))?;
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

/// The expected answer with its rules as the plan orders them: the order within a JSON object
/// carries no meaning.
fn in_plan_order(
    expect: &PlanAnswer,
    rules: &[NamedRule],
    place: &Place,
) -> Result<PlanAnswer, Failure> {
    let position = |name: &str| rules.iter().position(|rule| rule.name == name);
    let mut answers = expect.rules.clone();
    if let Some((stray, _)) = answers.iter().find(|(name, _)| position(name).is_none()) {
        return Err(place.failure("a rule of the case in `expect.rules`", stray));
    }
    answers.sort_by_key(|(name, _)| position(name));
    Ok(PlanAnswer { governing: expect.governing.clone(), rules: answers })
}
