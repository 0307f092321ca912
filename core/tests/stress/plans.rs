//! Plans whose refusals come too late, after another rule was charged.

use std::sync::atomic::{AtomicU32, Ordering};

use ratecell::{HeapMemory, KeyedPlan};

use crate::{THREADS, plan_for, rounds, together};

/// What the tight rule in the middle has, once for each round.
const TIGHT: u32 = 4;
/// What the other two rules have left for each of the two users, of 64.
const LEFT: u32 = 5;
const USERS: usize = 2;

const PLAN: &str =
    "user: 64/d burst 64 by user; tight: sliding 4/d by ip; seat: fixed 64/d by user";

fn attempt(plan: &KeyedPlan<HeapMemory>, user: usize, round: usize) -> bool {
    let keys = [("user", user_key(user, round).into()), ("ip", (round as u64).into())];
    plan.acquire(7, &keys, 1).unwrap().allowed()
}

fn user_key(user: usize, round: usize) -> u64 {
    (round * USERS + user) as u64
}

/// What each rule has left for a user.
fn left(plan: &KeyedPlan<HeapMemory>, user: usize, round: usize) -> Vec<u32> {
    let keys = [("user", user_key(user, round).into()), ("ip", (round as u64).into())];
    plan.peek(7, &keys, 1).unwrap().rules().map(|(_, own)| own.remaining()).collect()
}

fn stranded(plan: &KeyedPlan<HeapMemory>) -> u64 {
    plan.stats().map(|(_, stats)| stats.stranded).sum()
}

/// Checks a round that is over, and returns what it stranded.
fn settle(plan: &KeyedPlan<HeapMemory>, round: usize, admitted: &[AtomicU32], lost: u32) {
    // Alone, whoever was refused for a charge that was then taken back gets in now.
    for (user, count) in admitted.iter().enumerate() {
        for _ in 0..LEFT {
            count.fetch_add(attempt(plan, user, round).into(), Ordering::SeqCst);
        }
    }
    let units: Vec<u32> = admitted.iter().map(|count| count.swap(0, Ordering::SeqCst)).collect();
    let total: u32 = units.iter().sum();
    assert!(total <= TIGHT, "{total} of {TIGHT} admitted");
    let room = USERS as u32 * LEFT - lost.min(USERS as u32 * LEFT);
    assert!(total >= TIGHT.min(room), "{total} of {TIGHT} admitted, {lost} lost");
    for (user, units) in units.into_iter().enumerate() {
        let left = left(plan, user, round);
        // Counts come back exactly; of a gcra charge what another has moved since stays.
        assert_eq!(left[1], TIGHT - total, "tight");
        assert_eq!(left[2], LEFT - units, "seat of {user}");
        assert!(left[0] <= LEFT - units, "user {user} has {} left", left[0]);
        assert!(left[0] + lost >= LEFT - units, "user {user} lost {}", left[0]);
    }
}

/// The rule in the middle looks as if it had room, so that the first is charged first; then it
/// has none.
///
/// Catches: `KeyedPlan::charge_all` that takes nothing back (users have less left), and a
/// `GcraQuota::without` that moves a tat back which another call has moved since.
#[test]
fn a_plan_that_loses_a_race_takes_back_what_it_charged() {
    let count = rounds(400);
    let plan = plan_for(PLAN, count * USERS);
    let admitted = [const { AtomicU32::new(0) }; USERS];
    let mut before = 0;
    let between = |round: usize| {
        if let Some(over) = round.checked_sub(1) {
            let lost = stranded(&plan) - before;
            settle(&plan, over, &admitted, u32::try_from(lost).unwrap());
            before = stranded(&plan);
        }
        for user in 0..USERS {
            let key = [("user", user_key(user, round).into())];
            assert!(plan.acquire(7, &key, 64 - LEFT).unwrap().allowed());
        }
    };
    let work = |thread: usize, round: usize| {
        let user = thread % USERS;
        let allowed = (0..LEFT).filter(|_| attempt(&plan, user, round)).count();
        admitted[user].fetch_add(u32::try_from(allowed).unwrap(), Ordering::SeqCst);
    };
    const { assert!(THREADS > USERS, "users are shared") };
    together(count, work, between);
    println!("{} charges stranded in {count} rounds", stranded(&plan));
}
