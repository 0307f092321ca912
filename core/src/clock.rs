//! Where `now` comes from: a trait, and a clock that is moved by hand.
//!
//! The core reads no clock; whoever calls it does. Units: nanoseconds, on any base. A clock may
//! stand still or run late, and may even step back.

use crate::atomic::{AtomicU64, Ordering};

/// A source of the time in nanoseconds, below 2^63.
///
/// It may be late or step back. On the state that a key has, a late time never gets a call more than
/// the true one would. But what such a call takes is dated late, and so comes back that much sooner.
/// If no call's time is late by more than `d`, then by the true time
///
/// - gcra admits at most `burst + (s + d) / emission_interval` units in any span `s`;
/// - a fixed window admits its limit once, and may begin late by up to `d`;
/// - sliding admits at most its limit in any span of a period less `d`;
/// - concurrency knows no time.
///
/// A slot of a table goes to another key by the time of the call that takes it. To a call with an
/// earlier time the key that had it is a new one, each time that this happens.
pub trait Clock {
    /// The time now.
    fn now_ns(&self) -> u64;
}

impl<C: Clock + ?Sized> Clock for &C {
    #[inline]
    fn now_ns(&self) -> u64 {
        (**self).now_ns()
    }
}

#[cfg(feature = "std")]
impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    #[inline]
    fn now_ns(&self) -> u64 {
        (**self).now_ns()
    }
}

/// A clock that stands still until it is moved: how tests run without sleeping.
///
/// ```
/// use ratecell::{Limiter, ManualClock};
///
/// let clock = ManualClock::new(0);
/// let limiter = Limiter::builder("1/s").clock(&clock).build()?;
/// assert!(limiter.acquire("alice", 1)?.allowed());
/// assert!(!limiter.acquire("alice", 1)?.allowed());
/// clock.advance(1_000_000_000);
/// assert!(limiter.acquire("alice", 1)?.allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ManualClock(AtomicU64);

impl ManualClock {
    /// A clock at `now_ns`.
    #[cfg(not(loom))]
    pub const fn new(now_ns: u64) -> Self {
        Self(AtomicU64::new(now_ns))
    }

    /// A clock at `now_ns`.
    #[cfg(loom)]
    pub fn new(now_ns: u64) -> Self {
        Self(AtomicU64::new(now_ns))
    }

    /// Moves it to `now_ns`, forth or back.
    pub fn set(&self, now_ns: u64) {
        // ORDERING: SeqCst. A test that moves the clock and then tells another thread expects that
        // thread to see the new time; speed is no object.
        self.0.store(now_ns, Ordering::SeqCst);
    }

    /// Moves it forth by `span_ns`, wrapping at 2^64.
    pub fn advance(&self, span_ns: u64) {
        self.0.fetch_add(span_ns, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ns(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}
