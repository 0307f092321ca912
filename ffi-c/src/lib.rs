//! The C ABI of ratecell: it checks what C gives, hands it to the core and writes the answer back.
//!
//! It decides nothing; what a call is answered is the core's. `include/ratecell.h` is made from
//! this crate by cbindgen, so the public text here speaks C. `DESIGN.md` beside the manifest says
//! why the ABI is as it is. All times are nanoseconds.
//!
//! With the feature `std` the *limiter* (`limiter`, `calls`, `permit`, `other_rules`,
//! `decision_text`, `last_error`) and the *guard* (`guard`, `request`, `outcome`); with and without
//! it the *cells* (`quota`, `cells`, `table`), which need neither heap nor clock nor threads.
//!
//! What C promises and no code can check; each `SAFETY:` of this crate names what it leans on:
//!
//! - P1: a pointer to an object that is neither NULL nor misaligned is valid for reads of the whole
//!   object, and for writes if it is not `const`, until the call returns. Nobody else writes to it
//!   meanwhile, unless the object is a cell or the memory of a table.
//! - P2: the same holds for a pointer with a number of bytes or elements.
//! - P3: a text ends in a NUL byte.
//! - P4: a handle (`ratecell_limiter`, ...) was made by its create function and is not destroyed
//!   yet; it is destroyed once, and no other call uses it then or later.
//! - P5: the memory of a table stays valid and is touched by nothing but this library for as long as
//!   a `ratecell_table` is used that was made over it; a cell likewise while calls use it.
//! - P6: a clock function may be called on any thread with its context while the limiter lives, and
//!   returns.
#![no_std]
#![warn(clippy::undocumented_unsafe_blocks)]
#![allow(
    clippy::missing_safety_doc,
    reason = "the documentation is that of the C header; P1 to P6 above are its safety section"
)]

#[cfg(feature = "std")]
extern crate std;

mod boundary;
#[cfg(feature = "critical-section")]
mod critical_section;
mod failure;
#[cfg(not(feature = "std"))]
mod freestanding;
#[cfg(feature = "std")]
mod guard_failure;

// The header has what is public in the order of these lines.
mod status;

mod error;

#[cfg(feature = "std")]
mod last_error;

mod rule_decision;

#[cfg(feature = "std")]
mod decision;

#[cfg(feature = "std")]
mod limiter;

#[cfg(feature = "std")]
mod keys;

#[cfg(feature = "std")]
mod calls;

#[cfg(feature = "std")]
mod other_rules;

#[cfg(feature = "std")]
mod permit;

#[cfg(feature = "std")]
mod decision_text;

#[cfg(feature = "std")]
mod guard;

#[cfg(feature = "std")]
mod request;

#[cfg(feature = "std")]
mod outcome;

mod quota;

mod cells;

mod table;

#[cfg(feature = "std")]
pub use calls::*;
pub use cells::*;
#[cfg(feature = "std")]
pub use decision::*;
#[cfg(feature = "std")]
pub use decision_text::*;
pub use error::*;
#[cfg(feature = "std")]
pub use guard::*;
#[cfg(feature = "std")]
pub use keys::*;
#[cfg(feature = "std")]
pub use last_error::*;
#[cfg(feature = "std")]
pub use limiter::*;
#[cfg(feature = "std")]
pub use other_rules::*;
#[cfg(feature = "std")]
pub use outcome::*;
#[cfg(feature = "std")]
pub use permit::*;
pub use quota::*;
#[cfg(feature = "std")]
pub use request::*;
pub use rule_decision::*;
pub use status::*;
pub use table::*;
