//! How the cases lie in flash. `build.rs` writes it, `cases.rs` reads it; both include this file.
//!
//! All numbers are LEB128 varints; a time that may be none is 0 for none, else one more than it.
//!
//! ```text
//! blob     = single cases in their file, and how many are here; the same of plan cases; the cases
//! single   = name, rule, number of steps, steps
//! plan     = name, number of rules, { name, dimension, rule }, number of words, { word }, number of
//!            steps, steps
//! name, dimension, word = length, bytes
//! rule     = kind, limit, period, burst or segments (0 where the kind has none)
//! step     = OP | OK << 2, cost, then
//!            acquire, peek: now less the last step's now (zigzag), keys of a plan, expectation
//!            release:       keys of a plan
//! keys     = number, { index of the dimension among the words, index of the key }
//! expect   = of a single: answer; of a plan: governing rule's index + 1 or 0, mask of the applied
//!            rules, an answer for each
//! answer   = verdict, limit, remaining, retry_after, reset_after
//! ```

/// `gcra`.
pub(crate) const GCRA: u64 = 0;
/// `fixed`.
pub(crate) const FIXED: u64 = 1;
/// `sliding`.
pub(crate) const SLIDING: u64 = 2;
/// `concurrency`.
pub(crate) const CONCURRENCY: u64 = 3;

/// A step that takes.
pub(crate) const ACQUIRE: u64 = 0;
/// A step that only looks.
pub(crate) const PEEK: u64 = 1;
/// A step that gives back.
pub(crate) const RELEASE: u64 = 2;

/// `allow`.
pub(crate) const ALLOW: u64 = 0;
/// `deny`.
pub(crate) const DENY: u64 = 1;
/// `never`.
pub(crate) const NEVER: u64 = 2;

/// The most rules of a plan, and keys of a step.
pub(crate) const MOST_RULES: usize = 8;
/// The most words, dimensions and keys together, of a case.
pub(crate) const MOST_WORDS: usize = 24;
