//! `Entrant`: a limiter ready to be measured, and the loops that call it.
//!
//! A limiter implements [`Take`], one call. [`Batch`] turns that into a loop compiled for that very
//! limiter and key, so the only indirect call is the one that starts a batch.
//!
//! Forms of the loop:
//! - *throughput*: calls one after another, as the processor likes; calls on different keys overlap.
//! - *isolated*: a call starts when the one before has ended, as in a service that does other work
//!   in between. Making the next key depend on the last answer would not do: the answer is known
//!   to the branch predictor long before its loads return, so the processor would start the next
//!   call anyway. A load fence waits for the loads. Its own cost, some nanoseconds, is on both sides.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Contestant, CpuClock, preemptions};

/// Batches of several threads so far, and how many of them never ran side by side.
// ORDERING: Relaxed on both. Plain counts, read after the threads have been joined.
static TOGETHER: AtomicUsize = AtomicUsize::new(0);
static DISTURBED: AtomicUsize = AtomicUsize::new(0);

/// The batches of several threads so far: how many ended disturbed, of how many.
pub fn disturbed_batches() -> (usize, usize) {
    (DISTURBED.load(Ordering::Relaxed), TOGETHER.load(Ordering::Relaxed))
}

/// One call on one key of a limiter: whether it was allowed.
pub trait Take<K>: Send + Sync {
    /// Takes one unit.
    fn take(&self, key: &K) -> bool;
}

/// Whose limiter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// This project's.
    Ratecell,
    /// governor, in the form that budgets are against.
    Governor,
    /// governor in another form, for information.
    GovernorOther,
    /// rate-net.
    RateNet,
    /// The least work that could be the answer.
    Floor,
}

/// How calls follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Back to back.
    Throughput,
    /// Each after the one before has ended.
    Isolated,
}

/// A loop of calls over a ring of keys.
pub trait Batch<K>: Send + Sync {
    /// Makes `calls` calls, walking `keys` in a circle from `start`; returns how many were allowed.
    fn run(&self, keys: &[K], start: usize, calls: usize, form: Form) -> usize;
}

/// A named limiter with its type erased outside the loops.
pub struct Entrant<K> {
    /// Whose it is.
    pub who: Who,
    /// What the table calls it.
    pub name: &'static str,
    limiter: Arc<dyn Batch<K>>,
}

impl<K: Send + Sync + 'static> Entrant<K> {
    /// An entrant from a limiter.
    pub fn new(who: Who, name: &'static str, limiter: impl Take<K> + 'static) -> Self {
        Self { who, name, limiter: Arc::new(limiter) }
    }

    /// Calls every key once, which puts it into the limiter.
    pub fn fill(&self, keys: &[K]) -> usize {
        self.limiter.run(keys, 0, keys.len(), Form::Throughput)
    }

    /// Calls one key once.
    pub fn call(&self, key: &K) -> usize {
        self.limiter.run(std::slice::from_ref(key), 0, 1, Form::Throughput)
    }

    /// One thread that walks the keys.
    pub fn alone(&self, keys: &Arc<[K]>, form: Form) -> Contestant {
        let (limiter, keys) = (Arc::clone(&self.limiter), Arc::clone(keys));
        let mut start = 0;
        Contestant::new(move |calls| {
            let clock = CpuClock::start();
            black_box(limiter.run(&keys, start, calls, form));
            let taken_ns = clock.elapsed_ns();
            start = (start + calls) % keys.len();
            taken_ns
        })
    }

    /// One thread for each ring of keys, started together; the time is the mean of the threads'.
    ///
    /// Wall time here: a thread that sleeps until a lock is free pays for the lock too. A batch
    /// whose threads did not run side by side is run again for a while; the one least disturbed
    /// counts.
    pub fn together(&self, rings: &[Arc<[K]>]) -> Contestant {
        const PATIENCE: Duration = Duration::from_millis(20);
        let (limiter, rings) = (Arc::clone(&self.limiter), rings.to_vec());
        Contestant::new(move |calls| {
            let begun = Instant::now();
            let mut best: Option<Together> = None;
            loop {
                let found = run_together(&*limiter, &rings, calls);
                if best.is_none_or(|best| found.disturbances < best.disturbances) {
                    best = Some(found);
                }
                if let Some(best) = best
                    && (best.disturbances == 0 || begun.elapsed() > PATIENCE)
                {
                    TOGETHER.fetch_add(1, Ordering::Relaxed);
                    DISTURBED.fetch_add(usize::from(best.disturbances > 0), Ordering::Relaxed);
                    return best.mean_ns;
                }
            }
        })
    }
}

/// What one batch on several threads found.
#[derive(Clone, Copy, Debug)]
struct Together {
    /// Preemptions, and one more if a thread started late: 0 when all ran side by side.
    disturbances: u64,
    /// The mean of the threads' times.
    mean_ns: f64,
}

/// Runs one batch on a thread for each ring.
fn run_together<K: Send + Sync>(
    limiter: &dyn Batch<K>,
    rings: &[Arc<[K]>],
    calls: usize,
) -> Together {
    let ready = AtomicUsize::new(0);
    let one = |keys: &[K]| {
        let before = preemptions();
        meet(&ready, rings.len());
        let start = Instant::now();
        black_box(limiter.run(keys, 0, calls, Form::Throughput));
        let taken = start.elapsed();
        (start, taken, preemptions() - before)
    };
    let found: Vec<(Instant, Duration, u64)> = thread::scope(|scope| {
        let threads: Vec<_> = rings.iter().map(|keys| scope.spawn(|| one(keys))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a caller panicked")).collect()
    });
    let mean = found.iter().map(|one| one.1).sum::<Duration>() / found.len() as u32;
    let starts = || found.iter().map(|one| one.0);
    let stagger = starts().max().zip(starts().min()).map_or(mean, |(last, first)| last - first);
    Together {
        disturbances: found.iter().map(|one| one.2).sum::<u64>() + u64::from(stagger > mean / 20),
        mean_ns: mean.as_secs_f64() * 1e9,
    }
}

impl<K, L: Take<K>> Batch<K> for L {
    #[inline(never)]
    fn run(&self, keys: &[K], start: usize, calls: usize, form: Form) -> usize {
        let mut allowed = 0;
        let mut ring = keys[start..].iter();
        let mut next = || match ring.next() {
            Some(key) => key,
            None => {
                ring = keys[1..].iter();
                &keys[0]
            }
        };
        match form {
            Form::Throughput => {
                for _ in 0..calls {
                    allowed += usize::from(self.take(black_box(next())));
                }
            }
            Form::Isolated => {
                for _ in 0..calls {
                    allowed += usize::from(self.take(black_box(next())));
                    wait_for_loads();
                }
            }
        }
        allowed
    }
}

/// Holds the calling thread until all have come, without sleeping: a thread that has to be woken
/// would start late and leave the others uncontended.
fn meet(ready: &AtomicUsize, all: usize) {
    // ORDERING: Relaxed. Only the moment matters; no memory is handed over.
    ready.fetch_add(1, Ordering::Relaxed);
    let mut spins = 0_u32;
    while ready.load(Ordering::Relaxed) < all {
        spins += 1;
        if spins.is_multiple_of(1_000_000) {
            thread::yield_now();
        }
        std::hint::spin_loop();
    }
}

/// Lets no later instruction start before earlier loads have their values.
#[inline(always)]
fn wait_for_loads() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: LFENCE is part of SSE2, which every x86-64 processor has; it touches no memory.
    unsafe {
        core::arch::x86_64::_mm_lfence();
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: DSB and ISB order and touch no memory, register or flag.
    unsafe {
        core::arch::asm!("dsb ish", "isb", options(nostack, preserves_flags));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    std::sync::atomic::fence(Ordering::SeqCst);
}
