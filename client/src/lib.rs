#![doc = include_str!("../README.md")]

mod attempts;
mod gate;
mod held_body;
mod lane;
mod lane_key;
mod lanes;
mod pacing;
mod pacing_error;
mod peeked_body;
mod published;
mod response_parts;
mod retry;
mod surroundings;
mod time;

pub use attempts::Attempts;
pub use lane_key::LaneKey;
pub use pacing::{BuildError, Pacing, PacingBuilder};
pub use pacing_error::PacingError;
pub use ratecell::pacing::{Backoff, BackoffSettings, Jitter};
pub use time::{Sleep, Time, TokioTime};
