//! Where a client's time comes from: now, and how to sleep.
//!
//! A trait, so that tests and simulations bring a time of their own. Units: nanoseconds since the
//! Unix epoch, because limits name instants: a window is a minute of the wall clock, and
//! `X-RateLimit-Reset` is in Unix seconds.

use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ratecell::Clock;
use tokio::time::Instant;

/// A sleep under way. Dropping it stops it.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A clock that can be slept on: nanoseconds since the Unix epoch, which do not go back and move on
/// while a sleep lasts.
pub trait Time: Clock + Send + Sync + 'static {
    /// Ends `span` from now, or later.
    fn sleep(&self, span: Duration) -> Sleep;
}

/// tokio's time, anchored to Unix time once: stepping the wall clock changes nothing afterwards.
///
/// It obeys `tokio::time::pause`. It must be made and used within a tokio runtime that has time
/// enabled.
#[derive(Clone, Copy, Debug)]
pub struct TokioTime {
    anchor: Instant,
    anchor_unix_ns: u64,
}

impl TokioTime {
    /// The time now, by the system's clock.
    pub fn new() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::starting_at(in_ns(unix))
    }

    /// A time that says `unix_ns` now, and moves on with tokio's.
    pub fn starting_at(unix_ns: u64) -> Self {
        Self { anchor: Instant::now(), anchor_unix_ns: unix_ns }
    }
}

impl Default for TokioTime {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TokioTime {
    fn now_ns(&self) -> u64 {
        self.anchor_unix_ns.saturating_add(in_ns(self.anchor.elapsed()))
    }
}

impl Time for TokioTime {
    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }
}

/// 584 years at most.
fn in_ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
