//! A slow second implementation of what a ratecell decision is, to test the fast one against.
//!
//! Every number is an `i128`, every search a plain loop, every state a list or an ordered map, so
//! that each line can be held beside the sentence of the normative text it implements. It has no
//! atomics, no clock, no key table, no parser and no speed, and shares no line with the core.
//! Source: the project's normative semantics; `conformance/*.jsonl` decides where the two differ.
//! All times are nanoseconds on the caller's clock, which starts anywhere, stays below 2^63 and
//! may go back.
//!
//! - R1: a denied call passes at `retry_after_ns` and not one nanosecond before.
//! - R2: `remaining` is the largest cost that would be allowed right now.
//! - R3: a cell is as good as new at `reset_after_ns` and not one nanosecond before.
//! - R4: looking, a denial and a cost of zero change nothing; a refused plan charges nothing.
//! - R5: at one state, an earlier `now` never allows more than a later one.
//! - R6: each kind keeps the bound that it promises.
//!
//! `tests/laws.rs` has one test for each, by replaying calls on clones of a cell.
//!
//! ```
//! use ratecell_reference::{Cell, Quota, Verdict};
//!
//! let mut cell = Cell::new(Quota::Fixed { limit: 2, period_ns: 1_000_000 })?;
//! assert_eq!(cell.acquire(0, 2).verdict, Verdict::Allow);
//! assert_eq!(cell.acquire(1, 1).retry_after_ns, Some(999_999));
//! # Ok::<(), ratecell_reference::Refusal>(())
//! ```

#![forbid(unsafe_code)]

mod answer;
mod cell;
mod concurrency;
mod fixed;
mod gcra;
mod plan;
mod quota;
mod sliding;

pub use answer::{Answer, Verdict};
pub use cell::Cell;
pub use plan::{Plan, PlanAnswer, Rule};
pub use quota::{Quota, Refusal};
