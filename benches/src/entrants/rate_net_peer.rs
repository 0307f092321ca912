//! rate-net in its best form and as it comes.
//!
//! Best form: its single-key core over a word of the caller with the time passed in; its keyed
//! limiter on a clock that returns a stored reading, with a cap that no row reaches, numbers as
//! numbers and strings borrowed. Its hasher (ahash) cannot be chosen.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use clock_lib::{Clock, Monotonic, Wall};
use rate_net::{DirectLimiter, Eviction, GcraParams, Quota, RateLimiter};

use super::Answer;
use crate::harness::{Entrant, KeyView, MeasuredKey, Take, Who, now_ns};

/// The bare core: one word, time passed in.
pub fn core(answer: Answer) -> Entrant<()> {
    let core = Core { parameters: GcraParams::new(quota(answer)), word: AtomicU64::new(0) };
    Entrant::new(Who::RateNet, "rate-net GcraParams", core)
}

/// The bare core, and a refusal's wait is read.
pub fn core_with_wait(answer: Answer) -> Entrant<()> {
    let core = Core { parameters: GcraParams::new(quota(answer)), word: AtomicU64::new(0) };
    Entrant::new(Who::RateNet, "rate-net GcraParams", CoreWithWait(core))
}

/// The direct limiter on the free clock.
pub fn direct(answer: Answer) -> Entrant<()> {
    let limiter = DirectLimiter::with_quota(quota(answer)).with_clock(FreeClock::new());
    Entrant::new(Who::RateNet, "rate-net direct", Direct(limiter))
}

/// The direct limiter as it comes.
pub fn direct_default(answer: Answer) -> Entrant<()> {
    let limiter = Direct(DirectLimiter::with_quota(quota(answer)));
    Entrant::new(Who::RateNet, "rate-net direct default", limiter)
}

/// The keyed limiter on the free clock, with room for every key of the table.
pub fn keyed<K: MeasuredKey>(answer: Answer) -> Entrant<K> {
    let limiter = RateLimiter::with_quota(quota(answer))
        .with_eviction(Eviction::unbounded())
        .with_clock(FreeClock::new());
    Entrant::new(Who::RateNet, "rate-net keyed", Keyed(limiter))
}

/// The keyed limiter as it comes: the system's clock and a cap of 2^20 keys.
pub fn keyed_default<K: MeasuredKey>(answer: Answer) -> Entrant<K> {
    Entrant::new(Who::RateNet, "rate-net default", Keyed(RateLimiter::with_quota(quota(answer))))
}

/// A stored reading, given again and again.
#[derive(Clone)]
struct FreeClock {
    reading: Monotonic,
}

struct Keyed<C: Clock + Clone>(RateLimiter<C>);

struct Core {
    parameters: GcraParams,
    word: AtomicU64,
}

struct CoreWithWait(Core);

struct Direct<C: Clock + Clone>(DirectLimiter<C>);

impl FreeClock {
    fn new() -> Self {
        Self { reading: Monotonic::now() }
    }
}

impl Clock for FreeClock {
    #[inline(always)]
    fn now(&self) -> Monotonic {
        self.reading
    }

    fn wall(&self) -> Wall {
        Wall::now()
    }
}

impl Take<()> for Core {
    #[inline(always)]
    fn take(&self, (): &()) -> bool {
        self.parameters.check_at(&self.word, Duration::from_nanos(now_ns())).is_allow()
    }
}

impl Take<()> for CoreWithWait {
    #[inline(always)]
    fn take(&self, (): &()) -> bool {
        let now = Duration::from_nanos(now_ns());
        let decision = self.0.parameters.check_at(&self.0.word, now);
        std::hint::black_box(decision.retry_after());
        decision.is_allow()
    }
}

impl<C: Clock + Clone> Take<()> for Direct<C> {
    #[inline(always)]
    fn take(&self, (): &()) -> bool {
        self.0.check().is_allow()
    }
}

impl<C: Clock + Clone, K: MeasuredKey> Take<K> for Keyed<C> {
    #[inline(always)]
    fn take(&self, key: &K) -> bool {
        match key.view() {
            KeyView::Number(number) => self.0.check(number).is_allow(),
            KeyView::Text(text) => self.0.check_bytes(text).is_allow(),
        }
    }
}

fn quota(answer: Answer) -> Quota {
    let period = Duration::from_nanos(answer.period_ns());
    Quota::rate(answer.limit(), period).expect("no part is zero").with_burst(answer.burst())
}
