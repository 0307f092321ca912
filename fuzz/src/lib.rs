//! What the fuzz targets share: quotas, costs and times drawn where mistakes hide, and the answers
//! of the core in the reference's words.
//!
//! It has no oracle of its own; each target names its own in its first line. Times are nanoseconds
//! on one clock that may go back.

#![forbid(unsafe_code)]

mod answer;
mod cost;
mod moment;
mod quotas;

pub use answer::{answer, full};
pub use cost::Cost;
pub use moment::{Clock, Moment};
pub use quotas::{Quotas, StandIn};
