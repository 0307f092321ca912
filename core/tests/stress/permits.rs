//! Permits: never more out than there are, and none lost.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;

use ratecell::{AtomicHeld, ConcurrencyQuota};

use crate::{Gate, THREADS, plan_for, rounds, table_for, together};

const PERMITS: u32 = 2;

/// Counts who is inside, who was, and how often there were too many.
#[derive(Default)]
struct Room {
    inside: AtomicU32,
    entries: AtomicUsize,
    crowds: AtomicUsize,
}

impl Room {
    fn visit(&self, cost: u32, permits: u32) {
        let inside = self.inside.fetch_add(cost, Ordering::SeqCst) + cost;
        self.crowds.fetch_add((inside > permits).into(), Ordering::SeqCst);
        if self.entries.fetch_add(1, Ordering::SeqCst).is_multiple_of(4) {
            thread::yield_now();
        }
        self.inside.fetch_sub(cost, Ordering::SeqCst);
    }

    /// How many visits there were, none of which found a crowd.
    fn visits(&self) -> usize {
        assert_eq!(self.crowds.load(Ordering::SeqCst), 0, "visits with too many permits out");
        self.entries.load(Ordering::SeqCst)
    }
}

/// Catches: `release_word` that stores instead of exchanging (permits get lost), and
/// `ConcurrencyQuota` that allows one more.
#[test]
fn permits_of_a_bare_cell_are_never_too_many_and_never_lost() {
    const ATTEMPTS: usize = 20_000;
    let (cell, quota) = (AtomicHeld::new(), ConcurrencyQuota::new(PERMITS).unwrap());
    let room = Room::default();
    let work = |thread: usize, _| {
        let cost = 1 + u32::from(thread == 0);
        for _ in 0..ATTEMPTS {
            if cell.acquire(&quota, cost).allowed() {
                room.visit(cost, PERMITS);
                cell.release(cost).unwrap();
            }
        }
    };
    together(rounds(10), work, |_| assert_eq!(cell.load().0, 0, "all are back"));
    assert!(room.visits() >= ATTEMPTS, "somebody always gets in");
}

/// One slot after another falls free and goes to another key, while the one before is given back.
///
/// Catches: `Spot::keep` that never looks, and `ConcurrencyQuota::clear_after_ns` that calls a cell
/// as good as new whatever it holds.
#[test]
fn permits_of_keys_that_share_slots_are_never_too_many_and_never_lost() {
    const KEYS: usize = 24;
    const ATTEMPTS: usize = 200;
    let table = table_for(ConcurrencyQuota::new(PERMITS).unwrap().into(), 4);
    let rooms: Vec<Room> = (0..KEYS).map(|_| Room::default()).collect();
    let work = |thread: usize, round: usize| {
        for turn in 0..ATTEMPTS {
            let key = (turn * (2 * thread + 1) + round) % KEYS;
            let hash = table.hash(key as u64);
            if table.acquire(hash, 0, 1).allowed() {
                rooms[key].visit(1, PERMITS);
                table.release(hash, 1).unwrap();
            }
        }
    };
    together(rounds(20), work, |_| {});
    let visits: usize = rooms.iter().map(Room::visits).sum();
    assert!(visits >= THREADS * ATTEMPTS, "there are slots enough for the threads");
    for key in 0..KEYS as u64 {
        let hash = table.hash(key);
        assert_eq!(table.peek(hash, 0, 1).remaining(), PERMITS, "all of key {key} are back");
        assert!(table.release(hash, 1).is_err());
    }
}

/// Each call takes a permit of its user and the only one of a place that is new to all; refused
/// the second, it gives the first back.
///
/// Catches: a plan that takes nothing back when it loses a race (permits get lost), and a
/// `Permit` that gives back what a refused call never took.
#[test]
fn permits_of_a_plan_come_back_by_themselves() {
    const USERS: u64 = 2;
    const PLACES: usize = 200;
    let count = rounds(6);
    let plan =
        plan_for("user: concurrency 2 by user; place: concurrency 1 by place", count * PLACES);
    let (gate, places) = (Gate::default(), Room::default());
    let users: Vec<Room> = (0..USERS).map(|_| Room::default()).collect();
    let work = |thread: usize, round: usize| {
        let user = thread as u64 % USERS;
        for place in (0..PLACES).map(|place| round * PLACES + place) {
            gate.pass(place);
            let keys = [("user", user.into()), ("place", (place as u64).into())];
            let permit = plan.hold(0, &keys, 1).unwrap();
            if permit.allowed() {
                // Of those at one place, one at a time gets in.
                users[user as usize].visit(1, PERMITS);
                places.visit(1, THREADS as u32);
            }
        }
    };
    together(count, work, |_| {
        for user in 0..USERS {
            let left = plan.peek(0, &[("user", user.into())], 1).unwrap();
            assert_eq!(left.remaining(), Some(PERMITS), "all of user {user} are back");
        }
    });
    assert!(places.visits() >= PLACES * count, "somebody always gets in");
    assert_eq!(users.iter().map(Room::visits).sum::<usize>(), places.visits());
}
