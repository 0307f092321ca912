//! The generator: what it writes can be run, repeats, and reaches the corners it is there for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ratecell_conformance::{
    Answer, PLAN_FILE, PlanCase, PlanStep, RuleKind, SINGLE_FILE, SingleCase, SingleStep, Verdict,
    reference, run_plan, run_single,
};

/// Runs the generator into a folder of this test run, emptied before.
fn generate(folder: &str, seed: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    let output = generator(&folder, &["--seed", seed, "--single", "240", "--plan", "60"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

fn generator(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_generate"))
        .args(arguments)
        .arg("--out")
        .arg(folder)
        .output()
        .unwrap()
}

#[test]
fn the_reference_passes_what_it_generated() {
    let folder = generate("generated", "1");
    let single = run_single(&folder, reference::cell).unwrap_or_else(|f| panic!("{f}"));
    let plan = run_plan(&folder, reference::plan).unwrap_or_else(|f| panic!("{f}"));
    assert_eq!((single.cases, plan.cases), (240, 60));
}

#[test]
fn a_seed_gives_the_same_bytes_and_another_seed_others() {
    let (a, b, c) = (generate("seed-a", "7"), generate("seed-b", "7"), generate("seed-c", "8"));
    for file in [SINGLE_FILE, PLAN_FILE] {
        let read = |folder: &Path| fs::read(folder.join(file)).unwrap();
        assert_eq!(read(&a), read(&b));
        assert_ne!(read(&a), read(&c));
    }
}

#[test]
fn files_that_exist_are_not_written_over() {
    let folder = generate("kept", "1");
    let before = fs::read(folder.join(SINGLE_FILE)).unwrap();
    assert!(!generator(&folder, &["--seed", "2"]).status.success());
    assert_eq!(fs::read(folder.join(SINGLE_FILE)).unwrap(), before);
}

#[test]
fn wrong_arguments_are_refused() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("refused");
    for wrong in [&["--seed", "x"][..], &["--seed", "1", "--cases", "3"], &["--plan", "1"]] {
        assert!(!generator(&folder, wrong).status.success(), "{wrong:?}");
    }
}

#[test]
fn single_cases_reach_the_corners() {
    let folder = generate("corners-single", "3");
    let mut seen = Corners::default();
    for line in fs::read_to_string(folder.join(SINGLE_FILE)).unwrap().lines() {
        let case: SingleCase = serde_json::from_str(line).unwrap();
        seen.kinds[match case.rule.kind {
            RuleKind::Gcra { .. } => 0,
            RuleKind::Fixed { .. } => 1,
            RuleKind::Sliding { .. } => 2,
            RuleKind::Concurrency => 3,
        }] += 1;
        let mut clock = (0, Vec::new());
        for step in &case.steps {
            match step {
                SingleStep::Acquire { now_ns, cost, expect }
                | SingleStep::Peek { now_ns, cost, expect } => {
                    seen.call(*now_ns, *cost, expect, &mut clock);
                }
                SingleStep::Release { ok, .. } => seen.releases[usize::from(*ok)] += 1,
            }
        }
    }
    seen.check();
    assert!(seen.kinds.iter().all(|count| *count >= 20), "{seen:?}");
    assert!(seen.releases.iter().all(|count| *count >= 50), "{seen:?}");
}

#[test]
fn plan_cases_reach_the_corners() {
    let folder = generate("corners-plan", "3");
    let mut seen = Corners::default();
    let (mut skipped, mut released, mut not_first, mut sizes) = (0, 0, 0, [0; 5]);
    for line in fs::read_to_string(folder.join(PLAN_FILE)).unwrap().lines() {
        let case: PlanCase = serde_json::from_str(line).unwrap();
        sizes[case.rules.len()] += 1;
        let mut clock = (0, Vec::new());
        for step in &case.steps {
            match step {
                PlanStep::Acquire { now_ns, cost, expect, .. }
                | PlanStep::Peek { now_ns, cost, expect, .. } => {
                    for (_, answer) in &expect.rules {
                        seen.call(*now_ns, *cost, answer, &mut clock);
                    }
                    skipped += usize::from(expect.governing.is_none());
                    let first = expect.rules.first().map(|(name, _)| name);
                    not_first += usize::from(first != expect.governing.as_ref());
                }
                PlanStep::Release { .. } => released += 1,
            }
        }
    }
    seen.check();
    assert!(
        skipped >= 20 && released >= 50 && not_first >= 100,
        "{skipped} {released} {not_first}"
    );
    assert!(sizes[1..].iter().all(|count| *count >= 3), "{sizes:?}");
}

/// How often a run met what is easily got wrong.
#[derive(Debug, Default)]
struct Corners {
    kinds: [usize; 4],
    verdicts: [usize; 3],
    releases: [usize; 2],
    steps_back: usize,
    at_an_edge: usize,
    before_an_edge: usize,
    near_zero: usize,
    near_the_end: usize,
    cost_zero: usize,
    cost_max: usize,
}

impl Corners {
    /// `clock` is the last `now_ns` of the case and the edges that its answers named.
    fn call(&mut self, now_ns: u64, cost: u32, answer: &Answer, clock: &mut (u64, Vec<u64>)) {
        let (last, edges) = clock;
        self.verdicts[match answer.verdict {
            Verdict::Allow => 0,
            Verdict::Deny => 1,
            Verdict::Never => 2,
        }] += 1;
        self.steps_back += usize::from(now_ns < *last);
        self.at_an_edge += usize::from(edges.contains(&now_ns));
        self.before_an_edge += usize::from(edges.contains(&(now_ns + 1)));
        self.near_zero += usize::from(now_ns < 1_000_000);
        self.near_the_end += usize::from(now_ns > (1 << 63) - 1_000_000_000);
        self.cost_zero += usize::from(cost == 0);
        self.cost_max += usize::from(cost == u32::MAX);
        *last = now_ns;
        for wait_ns in [answer.retry_after_ns, answer.reset_after_ns].into_iter().flatten() {
            edges.push(now_ns.saturating_add(wait_ns));
        }
    }

    fn check(&self) {
        let counts = [
            self.steps_back,
            self.at_an_edge,
            self.before_an_edge,
            self.near_zero,
            self.near_the_end,
            self.cost_zero,
            self.cost_max,
        ];
        assert!(counts.iter().chain(&self.verdicts).all(|count| *count >= 10), "{self:?}");
    }
}
