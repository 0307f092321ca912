//! One key that every thread wants.

use std::sync::atomic::{AtomicU32, Ordering};

use ratecell::{AtomicHeld, AtomicSegments, AtomicTat, AtomicWindow, Decision, Quota};

use crate::{Gate, kinds, rounds, table_for, together};

const UNITS: u32 = 4_000;

/// Has all threads acquire one unit at a time, `UNITS` each, at one instant, in each round.
fn admitted_by(cells: usize, acquire: impl Fn(usize) -> Decision + Sync) -> Vec<u32> {
    let admitted: Vec<_> = (0..cells).map(|_| AtomicU32::new(0)).collect();
    let work = |_thread, round: usize| {
        let allowed = (0..UNITS).filter(|_| acquire(round).allowed()).count();
        admitted[round].fetch_add(u32::try_from(allowed).unwrap(), Ordering::SeqCst);
    };
    together(cells, work, |_| {});
    admitted.into_iter().map(AtomicU32::into_inner).collect()
}

/// Catches: `cell::charge_word` that stores the next word instead of exchanging it, and for sliding
/// `Ring::exchange` that does.
#[test]
fn a_bare_cell_admits_its_burst_exactly() {
    let count = rounds(16);
    let [gcra, fixed, sliding, permits] = kinds(UNITS);
    let exactly = |admitted: Vec<u32>| assert_eq!(admitted, vec![UNITS; count]);
    if let Quota::Gcra(quota) = gcra {
        let cells: Vec<_> = (0..count).map(|_| AtomicTat::new()).collect();
        exactly(admitted_by(count, |round| cells[round].acquire(&quota, 7, 1)));
    }
    if let Quota::Fixed(quota) = fixed {
        let cells: Vec<_> = (0..count).map(|_| AtomicWindow::new()).collect();
        exactly(admitted_by(count, |round| cells[round].acquire(&quota, 7, 1)));
    }
    if let Quota::Sliding(quota) = sliding {
        let cells: Vec<_> = (0..count).map(|_| AtomicSegments::<16>::new()).collect();
        exactly(admitted_by(count, |round| cells[round].acquire(&quota, 7, 1)));
    }
    if let Quota::Concurrency(quota) = permits {
        let cells: Vec<_> = (0..count).map(|_| AtomicHeld::new()).collect();
        exactly(admitted_by(count, |round| cells[round].acquire(&quota, 1)));
    }
}

/// The threads meet where the key has no slot yet, so that each claims one.
///
/// Catches: `Table::settle` that confirms a claim without looking for another home (the key then
/// has two, and twice its burst).
#[test]
fn a_new_key_of_a_table_admits_its_burst_exactly() {
    const BURST: u32 = 3;
    for quota in kinds(BURST) {
        let count = rounds(2_000);
        let (table, gate) = (table_for(quota, 2 * count), Gate::default());
        let admitted: Vec<_> = (0..count).map(|_| AtomicU32::new(0)).collect();
        let work = |_, _| {
            for (key, admitted) in admitted.iter().enumerate() {
                gate.pass(key);
                let hash = table.hash(key as u64);
                let allowed = (0..BURST).filter(|_| table.acquire(hash, 7, 1).allowed()).count();
                admitted.fetch_add(u32::try_from(allowed).unwrap(), Ordering::SeqCst);
            }
        };
        together(1, work, |_| {});
        let admitted: Vec<_> = admitted.into_iter().map(AtomicU32::into_inner).collect();
        assert_eq!(admitted, vec![BURST; count], "{:?}", quota.kind());
        let stats = table.stats();
        assert_eq!((stats.inserted, stats.full_denied), (count as u64, 0));
    }
}
