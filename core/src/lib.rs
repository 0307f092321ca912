//! One rate limiter for every language of a service: the core that makes every decision.
//!
//! It decides on atomic cells with the time passed in: no lock, no allocation after construction,
//! no float, no panic. From the bottom up:
//!
//! - quotas ([`GcraQuota`], [`FixedQuota`], [`SlidingQuota`], [`ConcurrencyQuota`]), built in
//!   `const` where need be, and their pure transitions;
//! - cells ([`AtomicTat`], [`AtomicWindow`], [`AtomicSegments`], [`AtomicHeld`]) for a limit that
//!   has no key: a static in firmware, one limit for a whole service;
//! - [`Table`], the cells of one rule by key, in fixed memory that the caller owns;
//! - [`Plan`], several rules read from text, and [`KeyedPlan`], which acquires them all or nothing;
//! - with the feature `std`, which is on by default, [`Limiter`]: a plan, its tables on the heap and
//!   a clock.
//!
#![cfg_attr(not(feature = "std"), doc = "[`Limiter`]: #")]
//! All times are nanoseconds on the caller's clock. A refusal is a value: [`Decision`] for one
//! rule, [`PlanDecision`] for a plan.
//!
#![cfg_attr(
    feature = "std",
    doc = "```
use ratecell::Limiter;

let limiter = Limiter::builder(\"600/min burst 20\").build()?;
let decision = limiter.acquire(\"alice\", 1)?;
assert!(decision.allowed());
assert_eq!(decision.remaining(), Some(19));
# Ok::<(), Box<dyn std::error::Error>>(())
```"
)]
#![no_std]
// Beside the lints of the workspace: nothing here may panic, wrap or lose bits unseen. They stand
// here and not in the manifest so that they leave the tests alone.
#![deny(
    unsafe_code,
    clippy::std_instead_of_core,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation
)]

#[cfg(feature = "std")]
extern crate std;

mod atomic;
mod call_error;
mod cell;
mod clock;
mod concurrency;
mod decision;
mod fixed;
mod gcra;
pub mod http;
mod instant;
mod key;
mod keyed_plan;
mod keys;
#[cfg(feature = "std")]
mod limiter;
mod name;
pub mod pacing;
mod permit;
mod plan;
mod plan_decision;
mod quota;
mod quota_error;
mod rule;
mod sliding;
#[cfg(feature = "std")]
mod system_clock;
mod table;
mod text;

/// The examples of the README, run as they stand.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../../README.md")]
struct ReadmeExamples;

pub use atomic::AtomicU64;
pub use call_error::CallError;
pub use cell::{AtomicHeld, AtomicSegments, AtomicTat, AtomicWindow, ReleaseError, SegmentsIn};
pub use clock::{Clock, ManualClock};
pub use concurrency::{ConcurrencyQuota, Held};
pub use decision::{Decision, Verdict};
pub use fixed::{FixedQuota, Window};
pub use gcra::{GcraQuota, Tat};
pub use instant::MAX_NOW_NS;
pub use key::{Key, KeyHash, Seed};
pub use keyed_plan::KeyedPlan;
pub use keys::Keys;
#[cfg(feature = "std")]
pub use limiter::{BuildError, HeldPermit, Limiter, LimiterBuilder, OwnedPermit};
pub use name::{MAX_NAME_LEN, NameError};
pub use permit::Permit;
pub use plan::{MAX_RULES, Mismatch, Plan, PlanError};
pub use plan_decision::PlanDecision;
pub use quota::{Kind, MAX_PERIOD_NS, MIN_PERIOD_NS, Quota};
pub use quota_error::QuotaError;
pub use rule::Rule;
pub use sliding::{DEFAULT_SEGMENTS, MAX_SEGMENTS, SlidingQuota};
#[cfg(feature = "std")]
pub use system_clock::{CoarseClock, SystemClock};
#[cfg(feature = "std")]
pub use table::HeapMemory;
#[cfg(not(loom))]
pub use table::words_from_raw;
pub use table::{Memory, StaticMemory, Table, TableError, TableStats, WhenFull, table_words};
pub use text::{ParseError, Problem};
