//! Plans whose refusals come too late, after another rule was charged.

use std::sync::atomic::{AtomicU32, Ordering};

use ratecell::KeyedPlan;

use crate::{Gate, Jittery, THREADS, plan_for, rounds, together};

/// Addresses in each round, with one unit each in the tight rule in the middle.
const ADDRESSES: usize = 16;
/// What the other two rules have left of 1,024 for each of the two users: enough for all.
const LEFT: u32 = 4 * ADDRESSES as u32;
const USERS: usize = 2;

/// The first rule, which is the one to be charged first and taken back.
const FIRST: [&str; 4] =
    ["1024/d burst 1024", "fixed 1024/d", "sliding 1024/d", "concurrency 1024"];

struct Round<'p> {
    plan: &'p KeyedPlan<Jittery>,
    number: usize,
}

impl Round<'_> {
    fn user(&self, user: usize) -> u64 {
        (self.number * USERS + user) as u64
    }

    fn address(&self, address: usize) -> u64 {
        (self.number * ADDRESSES + address) as u64
    }

    /// Leaves so little of the users' rules that these look the likeliest to refuse.
    fn prepare(&self) {
        for user in 0..USERS {
            let key = [("user", self.user(user).into())];
            assert!(self.plan.acquire(7, &key, 1024 - LEFT).unwrap().allowed());
        }
    }

    fn attempt(&self, user: usize, address: usize) -> bool {
        let (user, address) = (self.user(user), self.address(address));
        let keys = [("user", user.into()), ("ip", address.into())];
        self.plan.acquire(7, &keys, 1).unwrap().allowed()
    }

    /// What each rule has left.
    fn left(&self, user: usize, address: usize) -> Vec<u32> {
        let (user, address) = (self.user(user), self.address(address));
        let keys = [("user", user.into()), ("ip", address.into())];
        let decision = self.plan.peek(7, &keys, 1).unwrap();
        decision.rules().map(|(_, own)| own.remaining()).collect()
    }

    fn stranded(&self) -> u32 {
        let stranded: u64 = self.plan.stats().map(|(_, stats)| stats.stranded).sum();
        u32::try_from(stranded).unwrap()
    }

    /// Checks the round once it is over; `lost` is what it stranded.
    fn settle(&self, admitted: &[AtomicU32; USERS], lost: u32, exact: bool) {
        // Alone, whoever was refused for a charge that was then taken back gets in now.
        for address in 0..ADDRESSES {
            let user = address % USERS;
            admitted[user].fetch_add(self.attempt(user, address).into(), Ordering::SeqCst);
            assert_eq!(self.left(user, address)[1], 0, "of each address one unit is admitted");
        }
        let units = admitted.each_ref().map(|count| count.swap(0, Ordering::SeqCst));
        assert_eq!(units.iter().sum::<u32>(), ADDRESSES as u32, "one for each address");
        for (user, units) in units.into_iter().enumerate() {
            let left = self.left(user, 0);
            assert_eq!(left[2], LEFT - units, "seats of user {user}");
            // Counts come back exactly; of a gcra charge what another has moved since stays.
            assert!(left[0] <= LEFT - units, "user {user} has {} left", left[0]);
            assert!(left[0] + lost >= LEFT - units, "user {user} has only {} left", left[0]);
            assert!(lost == 0 || !exact, "{lost} stranded");
        }
    }
}

/// The rule in the middle looks as if it had room, so that the first is charged first; then it
/// has none.
///
/// Catches: `KeyedPlan::charge_all` that takes nothing back or takes it back twice, and of each
/// kind a taking back that forgets too little or too much.
#[test]
fn a_plan_that_loses_a_race_takes_back_what_it_charged() {
    const { assert!(THREADS > USERS, "users are shared") };
    for first in FIRST {
        let text =
            format!("user: {first} by user; ip: sliding 1/d by ip; seat: fixed 1024/d by user");
        let count = rounds(60);
        let plan = plan_for(&text, 2 * count * ADDRESSES);
        let gate = Gate::default();
        let admitted = [const { AtomicU32::new(0) }; USERS];
        let mut before = 0;
        let between = |number: usize| {
            if let Some(number) = number.checked_sub(1) {
                let over = Round { plan: &plan, number };
                over.settle(&admitted, over.stranded() - before, first != FIRST[0]);
                before = over.stranded();
            }
            Round { plan: &plan, number }.prepare();
        };
        let work = |thread: usize, number: usize| {
            let (round, user) = (Round { plan: &plan, number }, thread % USERS);
            let attempt = |&address: &usize| {
                gate.pass(number * ADDRESSES + address);
                round.attempt(user, address)
            };
            let allowed = (0..ADDRESSES).filter(attempt).count();
            admitted[user].fetch_add(u32::try_from(allowed).unwrap(), Ordering::SeqCst);
        };
        together(count, work, between);
        println!("{first}: {before} charges stranded in {count} rounds");
    }
}
