//! Many more keys than slots: slots change hands while they are charged.

use std::sync::atomic::{AtomicU32, Ordering};

use ratecell::{Clock as _, ManualClock, Quota, Table};

use crate::{Jittery, SECOND_NS, THREADS, kinds, rounds, table_for, together};

const BURST: u32 = 2;
const KEYS: usize = 40;
const ACTIVE: usize = 24;

/// What each key was admitted in the round so far.
struct Tally([AtomicU32; KEYS]);

impl Tally {
    fn new() -> Self {
        Self([const { AtomicU32::new(0) }; KEYS])
    }

    fn attempt(&self, table: &Table<Jittery>, key: usize, now_ns: u64) {
        if table.acquire(table.hash(key as u64), now_ns, 1).allowed() {
            self.0[key].fetch_add(1, Ordering::SeqCst);
        }
    }

    /// The units of the round, none of whose keys had more than its burst.
    fn settle(&self, quota: &Quota) -> u32 {
        let units: Vec<u32> = self.0.iter().map(|count| count.swap(0, Ordering::SeqCst)).collect();
        assert!(units.iter().all(|&units| units <= BURST), "{:?}: {units:?}", quota.kind());
        units.iter().sum()
    }
}

/// Some of the keys, others in each round and more than there are slots, in an order of the
/// thread's own, twice over.
fn work(table: &Table<Jittery>, tally: &Tally, now_ns: u64, thread: usize, round: usize) {
    for turn in 0..2 * ACTIVE {
        let stride = [1, 5, 7, 11][thread % THREADS];
        tally.attempt(table, (round * 5 + turn * stride % ACTIVE) % KEYS, now_ns);
    }
}

/// In each round all slots are as good as new, and the keys fight for them at one instant: a slot
/// is then somebody's who owes, and nobody else's.
///
/// Catches: `Spot::keep` that never looks (a charge counts on another key's cell, and its key
/// gets a slot as well), and `Table::take_over` that does not look at the cell once it has marked
/// it (a key that owes loses its slot).
#[test]
fn slots_that_change_hands_admit_no_more_and_no_less() {
    let [gcra, fixed, sliding, _] = kinds(BURST);
    for quota in [gcra, fixed, sliding] {
        let (table, tally) = (table_for(quota, 8), Tally::new());
        let clock = ManualClock::new(0);
        let mut stranded = 0;
        let between = |round: usize| {
            if round > 0 {
                // Alone, whatever is left of any slot goes to the keys in its reach.
                work(&table, &tally, clock.now_ns(), 0, round - 1);
                let units = tally.settle(&quota);
                let whole = u32::try_from(table.slots()).unwrap() * BURST;
                let lost = table.stats().stranded - stranded;
                stranded = table.stats().stranded;
                assert!(units <= whole, "{:?}: {units} of {whole}", quota.kind());
                let least = whole.saturating_sub(u32::try_from(lost).unwrap());
                assert!(units >= least, "{:?}: {units} of {whole}, {lost} lost", quota.kind());
                assert!(lost == 0 || quota == gcra, "counts are taken back exactly");
            }
            clock.advance(3 * SECOND_NS);
        };
        let run = |thread, round| work(&table, &tally, clock.now_ns(), thread, round);
        together(rounds(120), run, between);
    }
}

/// What a key had, by time: no more than its quota's bound in any span.
fn within_bound(quota: &Quota, log: &[(u64, u32)]) -> bool {
    (0..log.len()).all(|first| {
        let (from_ns, mut units) = (log[first].0, 0);
        log[first..].iter().all(|&(now_ns, more)| {
            units += u64::from(more);
            units
                <= u64::from(BURST)
                    + match quota {
                        Quota::Gcra(quota) => (now_ns - from_ns) / quota.emission_interval_ns(),
                        Quota::Fixed(_) if now_ns / SECOND_NS == from_ns / SECOND_NS => 0,
                        Quota::Sliding(_) if now_ns - from_ns < SECOND_NS => 0,
                        _ => u64::MAX / 2,
                    }
        })
    })
}

/// The clock moves by less than a unit takes to come back, so that of all slots some are as good
/// as new and some owe.
///
/// Catches: `Table::candidate` that takes a slot whose cell still owes, with a `Table::take_over`
/// that does not look either (a key then has its burst over and over).
#[test]
fn slots_that_owe_stay_while_others_change_hands() {
    const STEP_NS: u64 = SECOND_NS / 5;
    let [gcra, fixed, sliding, _] = kinds(BURST);
    for quota in [gcra, fixed, sliding] {
        let (table, tally) = (table_for(quota, 8), Tally::new());
        let (clock, count) = (ManualClock::new(0), rounds(200));
        let mut logs = vec![Vec::new(); KEYS];
        let between = |round: usize| {
            if round > 0 {
                work(&table, &tally, clock.now_ns(), 0, round - 1);
                for (log, units) in logs.iter_mut().zip(&tally.0) {
                    log.push((clock.now_ns(), units.swap(0, Ordering::SeqCst)));
                }
            }
            clock.advance(STEP_NS);
        };
        let run = |thread, round| work(&table, &tally, clock.now_ns(), thread, round);
        together(count, run, between);
        assert!(logs.iter().all(|log| within_bound(&quota, log)), "{quota:?}");
        let units: u64 = logs.iter().flatten().map(|&(_, units)| u64::from(units)).sum();
        // After each round no slot is as good as new: each gives its burst in a stretched period.
        let stretched_ns = SECOND_NS + SECOND_NS / 14 + 2 * (1 << 19) + STEP_NS;
        let spans = (count as u64 - 1) * STEP_NS / stretched_ns;
        let least = table.slots() as u64 * u64::from(BURST) * spans;
        let stats = table.stats();
        assert!(units + stats.stranded >= least, "{quota:?}: {units} of {least}");
        assert!(stats.inserted > 2 * stats.slots as u64, "slots were reused");
    }
}
