//! The conformance cases as typed values, and a runner that any implementation can be put under.
//!
//! The runner decides nothing: it reads `single.jsonl` and `plan.jsonl`, replays every step on a
//! subject and compares. It is strict with its own files, so that a run cannot pass by having run
//! nothing: a file that is missing or empty, an unknown operation or field, a number written
//! another way than the format says, and a case without steps are failures. What ran is counted.
//! All times are nanoseconds.
//!
//! ```
//! use ratecell_conformance::{Failure, folder, reference, run_single};
//!
//! let count = run_single(&folder()?, reference::cell)?;
//! assert!(count.cases > 0 && count.steps > count.cases);
//! # Ok::<(), Failure>(())
//! ```

#![forbid(unsafe_code)]

mod case;
mod decimal;
mod failure;
mod folder;
mod ordered_map;
pub mod reference;
mod rule;
mod run;
mod subject;

pub use case::{Answer, PlanAnswer, PlanCase, PlanStep, SingleCase, SingleStep, Verdict};
pub use failure::{Failure, Place};
pub use folder::{PLAN_FILE, SINGLE_FILE, folder};
pub use rule::{NamedRule, Rule, RuleKind};
pub use run::{Count, plan_cases, run_plan, run_single, single_cases};
pub use subject::{PlanSubject, SingleSubject};
