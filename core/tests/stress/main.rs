//! Threads on shared cells, tables and plans: an upper and a lower bound on what is admitted.
//!
//! No test depends on wall time: clocks are set by hand or advanced by the calls themselves. Each
//! names the change to the core that it catches. `RATECELL_STRESS=20` runs all twenty times as long.

mod hot_key;
mod permits;
mod plans;
mod reuse;
mod sliding;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use ratecell::{
    AtomicU64, ConcurrencyQuota, FixedQuota, GcraQuota, HeapMemory, KeyedPlan, Memory, Quota, Rule,
    Seed, SlidingQuota, Table,
};

const THREADS: usize = 4;
const SECOND_NS: u64 = 1_000_000_000;
const SEED: Seed = Seed::from_bytes(*b"a seed of stress");

/// So many rounds, or as many times more as the environment says.
fn rounds(usual: usize) -> usize {
    let times = std::env::var("RATECELL_STRESS").ok().and_then(|text| text.parse().ok());
    usual * times.unwrap_or(1)
}

/// Runs `rounds` rounds on all threads, each started together; `between` settles the round before
/// and prepares the next, alone. `work` is given the thread's number and the round.
///
/// A panic ends it after the round, with nobody left waiting for another.
fn together(rounds: usize, work: impl Fn(usize, usize) + Sync, mut between: impl FnMut(usize)) {
    let (start, end) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    let failed = AtomicBool::new(false);
    let careful = |step: &mut dyn FnMut()| {
        let result = catch_unwind(AssertUnwindSafe(step));
        failed.fetch_or(result.is_err(), Ordering::SeqCst);
        result
    };
    let is_on = |round: &usize| *round < rounds && !failed.load(Ordering::SeqCst);
    let run = |thread: usize| {
        let mut result = Ok(());
        for round in (0..).take_while(|round| {
            start.wait();
            is_on(round)
        }) {
            result = careful(&mut || work(thread, round));
            end.wait();
        }
        result.unwrap_or_else(|panic| resume_unwind(panic));
    };
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let run = &run;
            scope.spawn(move || run(thread));
        }
        let mut result = Ok(());
        for round in 0.. {
            result = careful(&mut || between(round));
            start.wait();
            if !is_on(&round) {
                break;
            }
            end.wait();
        }
        result.unwrap_or_else(|panic| resume_unwind(panic));
    });
}

/// Where threads wait for one another within a round, awake, so that they go on at one instant.
///
/// A thread that panics would keep the others waiting: what is wrong is counted, and told after.
#[derive(Default)]
struct Gate(AtomicUsize);

impl Gate {
    /// Waits until every thread has come for the `number`th time, counted from 0.
    fn pass(&self, number: usize) {
        self.0.fetch_add(1, Ordering::SeqCst);
        while self.0.load(Ordering::SeqCst) < (number + 1) * THREADS {
            thread::yield_now();
        }
    }
}

/// A quota of each kind with `units` a second.
fn kinds(units: u32) -> [Quota; 4] {
    [
        GcraQuota::new(units, SECOND_NS, units).unwrap().into(),
        FixedQuota::new(units, SECOND_NS).unwrap().into(),
        SlidingQuota::new(units, SECOND_NS, 14).unwrap().into(),
        ConcurrencyQuota::new(units).unwrap().into(),
    ]
}

/// Memory that now and then lets another thread run before it is looked at: calls then meet in
/// the middle far more often than on a machine of their own.
struct Jittery {
    memory: HeapMemory,
    looks: AtomicUsize,
}

impl Jittery {
    fn for_keys(quota: &Quota, keys: usize) -> Self {
        Self { memory: HeapMemory::for_keys(quota, keys), looks: AtomicUsize::new(0) }
    }
}

impl Memory for Jittery {
    fn words(&self) -> &[AtomicU64] {
        let looks = self.looks.fetch_add(1, Ordering::Relaxed) as u64;
        if looks.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60 == 0 {
            thread::yield_now();
        }
        self.memory.words()
    }
}

fn table_for(quota: Quota, keys: usize) -> Table<Jittery> {
    Table::new(Jittery::for_keys(&quota, keys), quota, SEED).unwrap()
}

fn plan_for(text: &str, keys: usize) -> KeyedPlan<Jittery> {
    let memory = |rule: &Rule| Jittery::for_keys(rule.quota(), keys);
    KeyedPlan::new(text.parse().unwrap(), SEED, memory).unwrap()
}
