//! Laws of single cells, over the whole range of time, cost and quota.
//!
//! The oracle is `ratecell_reference`, an implementation that shares no line with the core; the
//! bounds are checked on the log of what was admitted. Tests that begin with a label (`g1_`, `f1_`,
//! `s1_`, `c1_`) are for the invariant of that label in the module of the kind.

mod cell;
mod concurrency;
mod decision;
mod every_kind;
mod fixed;
mod gcra;
mod quotas;
mod sliding;
mod steps;

use proptest::prelude::ProptestConfig;
use proptest::test_runner::FileFailurePersistence;

fn config(cases: u32) -> ProptestConfig {
    let file = FileFailurePersistence::Direct("proptest-regressions/laws_cells.txt");
    ProptestConfig { cases, failure_persistence: Some(Box::new(file)), ..Default::default() }
}
