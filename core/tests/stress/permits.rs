//! Permits: never more out than there are, and none lost.

use std::hint;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;

use ratecell::{AtomicHeld, ConcurrencyQuota};

use crate::{THREADS, plan_for, rounds, table_for, together};

const PERMITS: u32 = 3;
const ATTEMPTS: usize = 200;

/// Counts who is inside.
#[derive(Default)]
struct Room {
    inside: AtomicU32,
    entries: AtomicUsize,
}

impl Room {
    fn visit(&self, cost: u32) {
        let inside = self.inside.fetch_add(cost, Ordering::SeqCst) + cost;
        assert!(inside <= PERMITS, "{inside} of {PERMITS} permits are out");
        self.entries.fetch_add(1, Ordering::SeqCst);
        if inside.is_multiple_of(2) {
            thread::yield_now();
        }
        hint::spin_loop();
        self.inside.fetch_sub(cost, Ordering::SeqCst);
    }
}

/// Catches: `release_word` that stores instead of exchanging (permits get lost), and
/// `ConcurrencyQuota::decide` that allows one more.
#[test]
fn permits_of_a_bare_cell_are_never_too_many_and_never_lost() {
    let (cell, quota) = (AtomicHeld::new(), ConcurrencyQuota::new(PERMITS).unwrap());
    let room = Room::default();
    let work = |thread: usize, _| {
        let cost = 1 + u32::from(thread == 0);
        for _ in 0..ATTEMPTS {
            if cell.acquire(&quota, cost).allowed() {
                room.visit(cost);
                cell.release(cost).unwrap();
            }
        }
    };
    together(rounds(20), work, |_| assert_eq!(cell.load().0, 0, "all are back"));
    assert!(room.entries.into_inner() >= ATTEMPTS, "somebody always gets in");
}

/// One slot after another falls free and goes to another key, while the one before is given back.
///
/// Catches: `Spot::keep` that never looks, and `Quota::clear_after_ns` that calls a concurrency
/// cell as good as new whatever it holds.
#[test]
fn permits_of_keys_that_share_slots_are_never_too_many_and_never_lost() {
    const KEYS: usize = 24;
    let table = table_for(ConcurrencyQuota::new(PERMITS).unwrap().into(), 4);
    let rooms: Vec<Room> = (0..KEYS).map(|_| Room::default()).collect();
    let work = |thread: usize, round: usize| {
        for turn in 0..ATTEMPTS {
            let key = (turn * (2 * thread + 1) + round) % KEYS;
            let hash = table.hash(key as u64);
            if table.acquire(hash, 0, 1).allowed() {
                rooms[key].visit(1);
                table.release(hash, 1).unwrap();
            }
        }
    };
    together(rounds(20), work, |_| {});
    let entries: usize = rooms.iter().map(|room| room.entries.load(Ordering::SeqCst)).sum();
    assert!(entries >= THREADS * ATTEMPTS, "there are slots enough for the threads");
    for key in 0..KEYS as u64 {
        let hash = table.hash(key);
        assert_eq!(table.peek(hash, 0, 1).remaining(), PERMITS, "all of key {key} are back");
        assert!(table.release(hash, 1).is_err());
    }
}

/// Each call takes a permit of its key and one that all share; refused by one, it takes none of
/// the other.
///
/// Catches: `KeyedPlan::charge_all` that takes nothing back (permits get lost), and a `Permit`
/// that gives back what a refused call never took.
#[test]
fn permits_of_a_plan_come_back_by_themselves() {
    let plan = plan_for("own: concurrency 2 by key; all: concurrency 3 by service", 16);
    let room = Room::default();
    let work = |thread: usize, _| {
        let keys = [("key", (thread as u64 % 2).into()), ("service", "all".into())];
        for _ in 0..ATTEMPTS {
            let permit = plan.hold(0, &keys, 1).unwrap();
            if permit.allowed() {
                room.visit(1);
            }
        }
    };
    together(rounds(10), work, |_| {
        for key in 0..2_u64 {
            let keys = [("key", key.into()), ("service", "all".into())];
            let left = plan.peek(0, &keys, 1).unwrap();
            assert_eq!(left.rules().map(|(_, own)| own.remaining()).collect::<Vec<_>>(), [2, 3]);
        }
    });
    assert!(room.entries.into_inner() >= ATTEMPTS, "somebody always gets in");
}
