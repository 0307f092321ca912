//! Why a request was not sent.

use std::fmt;
use std::time::Duration;

/// Why a request was not sent, or not sent again. It is the cause of a
/// [`reqwest_middleware::Error::Middleware`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacingError {
    /// Its turn does not come in time.
    TooLong {
        /// What its lane is called: the label of its [`LaneKey`](crate::LaneKey).
        lane: String,
        /// How long it would have to wait yet; none if others wait before it.
        wait: Option<Duration>,
        /// How long a request may wait in all.
        max_wait: Duration,
    },
    /// There are too many callers, and none is at rest.
    TooManyCallers {
        /// What the lane of one more would be called.
        caller: String,
        /// How many there may be.
        max_callers: usize,
    },
}

impl fmt::Display for PacingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { lane, wait: Some(wait), max_wait } => write!(
                f,
                "not sent: {lane} takes no request for {wait:?} yet, and max_wait is {max_wait:?}"
            ),
            Self::TooLong { lane, wait: None, max_wait } => write!(
                f,
                "not sent: others wait for {lane} before it, and its turn did not come within \
                 max_wait, which is {max_wait:?}"
            ),
            Self::TooManyCallers { caller, max_callers } => write!(
                f,
                "not sent: {caller} would be one caller more than max_callers, which is \
                 {max_callers}, and none of them is at rest; does lane_by give every request a key \
                 of its own?"
            ),
        }
    }
}

impl std::error::Error for PacingError {}
