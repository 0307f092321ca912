//! Threads on shared cells, tables and plans: an upper and a lower bound on what is admitted.
//!
//! No test depends on wall time: clocks are set by hand or advanced by the calls themselves. Each
//! names the change to the core that it catches. `RATECELL_STRESS=20` runs all twenty times as long.

mod hot_key;
mod permits;
mod plans;
mod reuse;
mod sliding;

use std::sync::Barrier;
use std::thread;

use ratecell::{
    ConcurrencyQuota, FixedQuota, GcraQuota, HeapMemory, KeyedPlan, Quota, Rule, Seed,
    SlidingQuota, Table,
};

const THREADS: usize = 4;
const SECOND_NS: u64 = 1_000_000_000;
const SEED: Seed = Seed::from_bytes(*b"a seed of stress");

/// So many rounds, or as many times more as the environment says.
fn rounds(usual: usize) -> usize {
    let times = std::env::var("RATECELL_STRESS").ok().and_then(|text| text.parse().ok());
    usual * times.unwrap_or(1)
}

/// Runs `rounds` rounds on all threads, each started together; `between` prepares a round and
/// settles the one before, alone. `work` is given the thread's number and the round.
fn together(rounds: usize, work: impl Fn(usize, usize) + Sync, mut between: impl FnMut(usize)) {
    let (start, end) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (start, end, work) = (&start, &end, &work);
            scope.spawn(move || {
                for round in 0..rounds {
                    start.wait();
                    work(thread, round);
                    end.wait();
                }
            });
        }
        for round in 0..rounds {
            between(round);
            start.wait();
            end.wait();
        }
        between(rounds);
    });
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

fn table_for(quota: Quota, keys: usize) -> Table<HeapMemory> {
    Table::new(HeapMemory::for_keys(&quota, keys), quota, SEED).unwrap()
}

fn plan_for(text: &str, keys: usize) -> KeyedPlan<HeapMemory> {
    let memory = |rule: &Rule| HeapMemory::for_keys(rule.quota(), keys);
    KeyedPlan::new(text.parse().unwrap(), SEED, memory).unwrap()
}
