//! The addon inside the npm package `ratecell`: hands JavaScript's calls to the core.
//!
//! It deliberately decides nothing and makes no JavaScript object on a call: numbers go through an
//! array of words that both sides see (`words`), and the package's JavaScript makes the decision of
//! them. Calls that are rare go through napi's macros; the one that is not is a plain Node-API
//! function (`raw_call`, the only file with `unsafe`). Units: nanoseconds, two words each.

#![deny(unsafe_code)]

mod bound;
mod bound_guard;
mod bytes_fault;
mod clock;
mod guard;
mod limiter;
mod pacer;
mod permits;
#[expect(unsafe_code, reason = "the one file that speaks to Node-API by pointers")]
mod raw_call;
mod report;
mod shape;
mod sharing;
mod utf16;
mod words;
