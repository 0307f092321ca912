//! governor in its best form and in the form its documentation shows first.
//!
//! Best form: a clock that costs one load, foldhash, `DashMap` with the shards it chooses (256 of
//! them measured no better). Its other store, one mutex around a `HashMap`, is shown beside it.

use std::hash::{BuildHasher, Hash};
use std::num::NonZeroU32;
use std::time::Duration;

use foldhash::fast::FixedState;
use governor::clock::{Clock, DefaultClock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::KeyedStateStore;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::Answer;
use crate::harness::{Entrant, MeasuredKey, Take, Who, now_ns};

/// A direct limiter on the free clock.
pub fn direct(answer: Answer) -> Entrant<()> {
    let limiter = RateLimiter::direct_with_clock(quota(answer), FreeClock);
    Entrant::new(Who::Governor, "governor direct", Direct(limiter))
}

/// A direct limiter on the free clock, and a refusal's wait is read.
pub fn direct_with_wait(answer: Answer) -> Entrant<()> {
    let limiter = Direct(RateLimiter::direct_with_clock(quota(answer), FreeClock));
    Entrant::new(Who::Governor, "governor direct", DirectWithWait(limiter))
}

/// A direct limiter as it comes.
pub fn direct_default(answer: Answer) -> Entrant<()> {
    Entrant::new(
        Who::Governor,
        "governor direct default",
        Direct(RateLimiter::direct(quota(answer))),
    )
}

/// A keyed limiter on the free clock with foldhash.
pub fn keyed<K: MeasuredKey>(answer: Answer) -> Entrant<K> {
    let (clock, hasher) = (FreeClock, FixedState::default());
    let limiter = RateLimiter::dashmap_with_clock_and_hasher(quota(answer), clock, hasher);
    Entrant::new(Who::Governor, "governor dashmap", Keyed(limiter))
}

/// The same over one mutex around a hash map.
pub fn keyed_hashmap<K: MeasuredKey>(answer: Answer) -> Entrant<K> {
    let (clock, hasher) = (FreeClock, FixedState::default());
    let limiter = RateLimiter::hashmap_with_clock_and_hasher(quota(answer), clock, hasher);
    Entrant::new(Who::GovernorOther, "governor hashmap", Keyed(limiter))
}

/// A keyed limiter as it comes: SipHash and the quanta clock.
pub fn keyed_default<K: MeasuredKey>(answer: Answer) -> Entrant<K> {
    Entrant::new(Who::Governor, "governor default", Keyed(RateLimiter::keyed(quota(answer))))
}

/// Three limiters, one over the first key and two over the second: what a user writes by hand. A
/// refusal by a later one leaves the earlier ones charged.
pub fn three_limiters(answer: Answer) -> Entrant<(String, String)> {
    let limiters = [(); 3].map(|()| RateLimiter::keyed(quota(answer)));
    Entrant::new(Who::Governor, "governor default, three", Three(limiters))
}

/// governor's default clock, read once a call.
pub fn default_clock() -> Entrant<()> {
    Entrant::new(Who::Governor, "quanta (governor's)", Reading(DefaultClock::default()))
}

/// The standard library's monotonic clock, read once a call.
pub fn standard_clock() -> Entrant<()> {
    Entrant::new(Who::Floor, "Instant::now", Reading(MonotonicClock))
}

/// The free clock, read once a call.
pub fn free_clock() -> Entrant<()> {
    Entrant::new(Who::Floor, "free clock", Reading(FreeClock))
}

/// A hasher over one key, once a call.
pub fn hashing<K: Hash + Send + Sync + 'static>(
    name: &'static str,
    hasher: impl BuildHasher + Send + Sync + 'static,
) -> Entrant<K> {
    Entrant::new(Who::Floor, name, Hashing(hasher))
}

/// The free clock as governor wants it; its own nanoseconds are already an instant.
#[derive(Clone, Copy, Debug)]
struct FreeClock;

struct Direct<C: Clock>(RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>);

struct DirectWithWait(Direct<FreeClock>);

struct Keyed<S: StateStore, C: Clock>(RateLimiter<S::Key, S, C, NoOpMiddleware<C::Instant>>);

struct Three([DefaultKeyedRateLimiter<String>; 3]);

struct Reading<C>(C);

struct Hashing<S>(S);

impl Clock for FreeClock {
    type Instant = Nanos;

    #[inline(always)]
    fn now(&self) -> Nanos {
        Nanos::new(now_ns())
    }
}

impl<C: Clock<Instant: Send + Sync> + Send + Sync> Take<()> for Direct<C> {
    #[inline(always)]
    fn take(&self, (): &()) -> bool {
        self.0.check().is_ok()
    }
}

impl Take<()> for DirectWithWait {
    #[inline(always)]
    fn take(&self, (): &()) -> bool {
        let limiter = &self.0.0;
        match limiter.check() {
            Ok(()) => true,
            Err(not_until) => {
                std::hint::black_box(not_until.wait_time_from(limiter.clock().now()));
                false
            }
        }
    }
}

impl<K, S, C> Take<K> for Keyed<S, C>
where
    K: Hash + Send + Sync,
    S: KeyedStateStore<K> + Send + Sync,
    C: Clock<Instant: Send + Sync> + Send + Sync,
{
    #[inline(always)]
    fn take(&self, key: &K) -> bool {
        self.0.check_key(key).is_ok()
    }
}

impl Take<(String, String)> for Three {
    #[inline(always)]
    fn take(&self, (ip, key): &(String, String)) -> bool {
        let [by_ip, by_key, by_key_too] = &self.0;
        by_ip.check_key(ip).is_ok()
            && by_key.check_key(key).is_ok()
            && by_key_too.check_key(key).is_ok()
    }
}

impl<C: Clock + Send + Sync> Take<()> for Reading<C> {
    #[inline(always)]
    fn take(&self, (): &()) -> bool {
        std::hint::black_box(self.0.now());
        true
    }
}

impl<K: Hash, S: BuildHasher + Send + Sync> Take<K> for Hashing<S> {
    #[inline(always)]
    fn take(&self, key: &K) -> bool {
        std::hint::black_box(self.0.hash_one(key));
        true
    }
}

fn quota(answer: Answer) -> Quota {
    let burst = NonZeroU32::new(answer.burst()).expect("a burst is not zero");
    let emission_interval = Duration::from_nanos(answer.period_ns() / u64::from(answer.limit()));
    Quota::with_period(emission_interval).expect("an interval is not zero").allow_burst(burst)
}
