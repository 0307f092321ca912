//! The clocks of the operating system.

use core::fmt;
use core::time::Duration;
use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Instant, SystemTime};

use crate::atomic::{AtomicU64, Ordering};
use crate::clock::Clock;

/// How long the counter alone is trusted: at a drift of 1 in 1,000 it is then 10 us off.
const RESYNC_NS: u64 = 10_000_000;

/// The default clock: monotonic, in nanoseconds since 1970 UTC as the wall clock stood when it was
/// made.
///
/// So fixed windows fall on the wall clock's minutes, and stepping the wall clock later changes
/// nothing. Reading it takes no lock: it reads the processor's time stamp counter where that is
/// steady, and sets it right by the system's monotonic clock every 10 ms of use. That may take it
/// back by some microseconds, which a limiter never answers by admitting more.
#[derive(Debug)]
pub struct SystemClock {
    counter: quanta::Clock,
    start: Instant,
    start_unix_ns: u64,
    /// The counter when it was last set right.
    synced_at: AtomicU64,
    /// What to add to the counter, wrapping, for the time.
    ahead_ns: AtomicU64,
}

impl SystemClock {
    /// A clock that starts at the wall clock's time now; at 0 if that is before 1970.
    ///
    /// The first one of a process takes some milliseconds to measure the counter's rate.
    pub fn new() -> Self {
        let counter = quanta::Clock::new();
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let clock = Self {
            counter,
            start: Instant::now(),
            start_unix_ns: whole_ns(since_1970.unwrap_or_default()),
            synced_at: AtomicU64::new(0),
            ahead_ns: AtomicU64::new(0),
        };
        clock.resync();
        clock
    }

    /// Sets the counter right and gives the time.
    #[cold]
    fn resync(&self) -> u64 {
        let now_ns = self.start_unix_ns.saturating_add(whole_ns(self.start.elapsed()));
        let counter_ns = self.counter_ns();
        // ORDERING: Release, last. Whoever adds the new `ahead_ns` to a counter read before it was
        // set back, which would be far in the future, also sees the new `synced_at` and so its age.
        // The old `ahead_ns` with the new counter is at worst a late time.
        self.synced_at.store(counter_ns, Ordering::Relaxed);
        self.ahead_ns.store(now_ns.wrapping_sub(counter_ns), Ordering::Release);
        now_ns
    }

    #[inline]
    fn counter_ns(&self) -> u64 {
        self.counter.delta_as_nanos(0, self.counter.raw())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[inline]
    fn now_ns(&self) -> u64 {
        let counter_ns = self.counter_ns();
        let ahead_ns = self.ahead_ns.load(Ordering::Acquire);
        let age_ns = counter_ns.wrapping_sub(self.synced_at.load(Ordering::Relaxed));
        // A counter that was set back, as on a machine that was put to sleep, has a huge age.
        if age_ns > RESYNC_NS { self.resync() } else { counter_ns.wrapping_add(ahead_ns) }
    }
}

/// OVERFLOW: saturates 584 years after 1970.
#[inline]
fn whole_ns(span: Duration) -> u64 {
    span.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(span.subsec_nanos()))
}

/// A clock that a thread of its own sets every so often: reading it is one load.
///
/// It runs late by up to the interval, and by more while the system does not schedule the thread.
/// [`Clock`](crate::Clock) says what a late time may admit. Clones read the same time; the thread
/// ends within an interval of the last one's drop.
///
/// ```
/// use ratecell::{CoarseClock, Limiter};
/// use std::time::Duration;
///
/// let clock = CoarseClock::start(Duration::from_millis(1))?;
/// let limiter = Limiter::builder("600/min").clock(clock).build()?;
/// assert!(limiter.acquire("alice", 1)?.allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CoarseClock {
    now_ns: Arc<AtomicU64>,
}

impl CoarseClock {
    /// Starts a thread that sets the clock every `interval`.
    ///
    /// # Errors
    /// What the system says if it cannot start a thread.
    pub fn start(interval: Duration) -> io::Result<Self> {
        let source = SystemClock::new();
        let now_ns = Arc::new(AtomicU64::new(source.now_ns()));
        let target = Arc::downgrade(&now_ns);
        thread::Builder::new()
            .name("ratecell-clock".into())
            .spawn(move || keep_setting(&target, source, interval))?;
        Ok(Self { now_ns })
    }
}

fn keep_setting(target: &Weak<AtomicU64>, source: SystemClock, interval: Duration) {
    while let Some(now_ns) = target.upgrade() {
        // ORDERING: Relaxed. The word publishes nothing else, and a stale time is a late one.
        now_ns.store(source.now_ns(), Ordering::Relaxed);
        drop(now_ns);
        thread::sleep(interval);
    }
}

impl Clock for CoarseClock {
    #[inline]
    fn now_ns(&self) -> u64 {
        self.now_ns.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for CoarseClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CoarseClock").field(&self.now_ns()).finish()
    }
}
