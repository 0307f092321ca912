//! Models of key tables and plans: insertion races, slot reuse, release, plan roll-back.
//!
//! A model's table is one region of two slots, or two regions of which a key may live in both. Each
//! model names the mutation that it catches; `.ci/mutants` applies them and expects a failure. Every model checks both bounds: a key is
//! admitted as often as its quota allows, and what was admitted is what its cell then holds.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering::SeqCst};
use loom::thread;
use ratecell::{
    AtomicU64 as Word, ConcurrencyQuota, FixedQuota, GcraQuota, KeyHash, KeyedPlan, Memory, Quota,
    Rule, Seed, SlidingQuota, Table, Verdict, table_words,
};

const MS: u64 = 1_000_000;
/// A time at which all that was taken before 1 s has come back.
const LATER: u64 = 10_000 * MS;
const SEED: Seed = Seed::from_bytes([0; 16]);

type ModelTable = Table<Words>;

/// Memory for so many regions and no more: whole cache lines would hold several of a model's.
struct Words(Vec<Word>);

impl Words {
    fn for_regions(quota: &Quota, regions: usize) -> Self {
        // A table for one key is one region behind a header.
        let header = 2 * table_words(quota, 1) - table_words(quota, 3);
        let len = header + regions * (table_words(quota, 1) - header);
        Self((0..len).map(|_| Word::new(0)).collect())
    }
}

impl Memory for Words {
    fn words(&self) -> &[Word] {
        &self.0
    }
}

fn model(preemptions: usize, body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(body);
}

/// Keys whose own slots are 0, 1, 0, 1, ..., and whose first region is the first.
fn key(number: u64) -> KeyHash {
    KeyHash::from_u64(number + 2)
}

const A: u64 = 0;
const B: u64 = 1;
const C: u64 = 2;
const D: u64 = 3;
const E: u64 = 4;

fn gcra(burst: u32) -> Quota {
    GcraQuota::new(1, MS, burst).unwrap().into()
}

fn table(quota: Quota, regions: usize) -> Arc<ModelTable> {
    let memory = Words::for_regions(&quota, regions);
    let table = Table::new(memory, quota, SEED).unwrap();
    assert_eq!(table.slots(), 2 * regions);
    Arc::new(table)
}

fn plan(text: &str) -> Arc<KeyedPlan<Words>> {
    let memory = |rule: &Rule| Words::for_regions(rule.quota(), 1);
    Arc::new(KeyedPlan::new(text.parse().unwrap(), SEED, memory).unwrap())
}

/// What becomes of calls for `keys` at `LATER`, the first list here and each other in a thread.
fn run(table: &Arc<ModelTable>, calls: &'static [&'static [u64]]) -> Vec<(u64, Verdict)> {
    let call = |table: &ModelTable, keys: &[u64]| -> Vec<(u64, Verdict)> {
        keys.iter().map(|&k| (k, table.acquire(key(k), LATER, 1).verdict())).collect()
    };
    let (own, others) = calls.split_first().unwrap();
    let threads: Vec<_> = others
        .iter()
        .map(|keys| {
            let table = table.clone();
            thread::spawn(move || call(&table, keys))
        })
        .collect();
    let mut all = call(table, own);
    all.extend(threads.into_iter().flat_map(|thread| thread.join().unwrap()));
    all
}

/// Each key's units admitted are those its cell holds, and never more than its capacity; a key that
/// found room was admitted as often as its quota allows. `full` says that there may be too few slots.
fn check(table: &ModelTable, all: &[(u64, Verdict)], full: bool) {
    let capacity = table.quota().capacity();
    for k in [A, B, C, D, E] {
        let of_key = || all.iter().filter(|(other, _)| *other == k);
        let asked = of_key().count() as u32;
        let admitted = of_key().filter(|(_, verdict)| verdict.allowed()).count() as u32;
        if asked == 0 {
            continue;
        }
        let held = capacity - table.peek(key(k), LATER, 0).remaining();
        assert!(held >= admitted, "key {k} was admitted {admitted} and holds {held}");
        // A tat that another call has moved keeps a charge that should have been taken back; counts
        // subtract exactly.
        let exact = !matches!(table.quota(), Quota::Gcra(_));
        assert!(held == admitted || !exact, "key {k} was admitted {admitted} and holds {held}");
        if !full {
            assert_eq!(admitted, asked.min(capacity), "key {k} was refused without cause");
        }
    }
}

fn race(
    preemptions: usize,
    quota: Quota,
    before: &'static [u64],
    calls: &'static [&'static [u64]],
    full: bool,
) {
    race_in(1, preemptions, quota, before, calls, full);
}

fn race_in(
    regions: usize,
    preemptions: usize,
    quota: Quota,
    before: &'static [u64],
    calls: &'static [&'static [u64]],
    full: bool,
) {
    model(preemptions, move || {
        let table = table(quota, regions);
        for &k in before {
            assert!(table.acquire(key(k), 0, 1).allowed());
        }
        let all = run(&table, calls);
        check(&table, &all, full);
    });
}

/// Mutation `claim-no-rescan`: a claim is confirmed without looking at the other slots again.
#[test]
fn same_new_key_twice_in_a_free_table() {
    race(6, gcra(1), &[], &[&[B], &[B]], false);
}

/// Mutation `claim-no-rescan`.
#[test]
fn same_new_key_twice_where_others_left() {
    race(6, gcra(1), &[B, C], &[&[A], &[A]], false);
}

/// Two threads for one new key whose own slot is not the first: each can get a claim of its own.
///
/// Mutations `claim-no-rescan`, `claim-no-void`: a claim beside an earlier one is left, and
/// `claim-own-slot`: one thread takes over the slot that the other has just made the key's.
#[test]
fn two_claims_for_one_key() {
    race(6, gcra(2), &[A, C], &[&[B], &[B]], false);
}

/// The key's first region has room for one key more, its second for two. Whoever looks first claims
/// in the emptier one; whoever looks once that claim is there claims in the first.
///
/// Mutations `claim-number`: slots of different regions bear the same number, so that neither claim
/// sees the other, and `claim-first-region`: the other regions are not looked at again.
#[test]
fn claims_of_one_key_in_two_regions() {
    race_in(2, 6, gcra(2), &[A], &[&[B], &[B]], false);
}

/// All slots are as good as new. While the slot that is first for the new key is charged by its own,
/// one claim may take that and the other one of the second region, which then has fewer keys that owe.
///
/// Mutations `claim-number` and `claim-first-region`.
#[test]
fn claims_in_two_regions_beside_an_old_owner() {
    // A unit more than is asked for: what the old owner has charged for an instant denies nobody.
    let quota = FixedQuota::new(3, MS).unwrap().into();
    race_in(2, 4, quota, &[A, C, D, E], &[&[D], &[B], &[B]], false);
}

/// One slot is left, and two calls for one new key. The one that finds no slot any more finds the key's
/// home.
///
/// Mutation `full-no-home`: it is refused as full.
#[test]
fn two_calls_for_one_key_share_the_last_slot() {
    model(6, || {
        let table = table(FixedQuota::new(2, MS).unwrap().into(), 1);
        assert!(table.acquire(key(A), LATER, 1).allowed());
        let all = run(&table, &[&[B], &[B]]);
        check(&table, &all, false);
    });
}

/// Three threads, two of them for one key.
///
/// Mutation `claim-no-rescan`.
#[test]
fn old_owner_and_two_newcomers() {
    race(3, gcra(2), &[A, C], &[&[A], &[B], &[B]], true);
}

/// Mutation `charge-no-recheck`: the owner is not looked at after a charge.
#[test]
fn charge_against_reuse() {
    race(6, gcra(2), &[A, B], &[&[A], &[C]], true);
}

/// Another key takes a key's slot and all that it may. The first key's call may read what that owes,
/// but there is room for it in the other slot.
///
/// With two preemptions: with more, the key may take its slot back from a call that has not charged
/// it yet, whose charge then stands in it for an instant.
///
/// Mutation `denial-no-look`: the call is refused without a look at the owner.
#[test]
fn a_call_is_never_refused_for_what_another_key_owes() {
    model(2, || {
        let table = table(FixedQuota::new(1, MS).unwrap().into(), 1);
        for k in [A, B] {
            assert!(table.acquire(key(k), 0, 1).allowed());
        }
        let other = {
            let table = table.clone();
            thread::spawn(move || table.acquire(key(C), LATER, 1).verdict())
        };
        // By the long way, which loads the cell again. With so few preemptions loom does not come to
        // an order in which a call in one try needs its look.
        let own = table.acquire_with(table.quota(), key(A), LATER, 1).unwrap();
        assert!(own.allowed(), "refused for what another key owes");
        other.join().unwrap();
    });
}

/// Mutation `reuse-no-recheck`: a marked slot is taken without looking at its cell again.
#[test]
fn reuse_against_charge() {
    race(6, gcra(2), &[A, B], &[&[C], &[A, B]], true);
}

/// A key that lost its slot comes back while another takes the next one.
///
/// Mutation `claim-no-rescan`.
#[test]
fn owner_returns() {
    race(6, gcra(2), &[A, B], &[&[A, A], &[C]], true);
}

/// Mutation `charge-no-recheck`.
#[test]
fn fixed_charge_against_reuse() {
    race(6, FixedQuota::new(2, MS).unwrap().into(), &[A, B], &[&[A], &[C]], true);
}

/// Mutation `reuse-no-recheck`, with the words of a ring.
#[test]
fn sliding_charge_against_reuse() {
    race(6, SlidingQuota::new(2, MS, 1).unwrap().into(), &[A, B], &[&[A], &[C]], true);
}

/// A key is forgotten while another takes its slot: what the other owes is not.
///
/// Mutations `reset-any-owner` and `reset-ring-any-owner`: the owner is not looked at once the cell
/// was read.
#[test]
fn a_reset_forgets_nothing_of_the_next_owner() {
    let fixed = FixedQuota::new(1, MS).unwrap().into();
    let sliding = SlidingQuota::new(1, MS, 1).unwrap().into();
    for quota in [gcra(1), fixed, sliding] {
        model(3, move || {
            let table = table(quota, 1);
            assert!(table.acquire(key(A), 0, 1).allowed());
            assert!(table.acquire(key(B), 0, 1).allowed());
            let other = {
                let table = table.clone();
                thread::spawn(move || table.acquire(key(C), LATER, 1).allowed())
            };
            table.reset(key(A));
            assert!(other.join().unwrap(), "there was room");
            assert!(!table.peek(key(C), LATER, 1).allowed(), "the debt of another is forgotten");
        });
    }
}

/// A slot whose permits are all back may go to another key, and none is lost or minted by that.
///
/// Mutation `charge-no-recheck`.
#[test]
fn release_against_reuse() {
    model(6, || {
        let table = table(ConcurrencyQuota::new(1).unwrap().into(), 1);
        assert!(table.acquire(key(A), 0, 1).allowed());
        assert!(table.acquire(key(B), 0, 1).allowed());
        let other = {
            let table = table.clone();
            thread::spawn(move || table.acquire(key(C), 0, 1).verdict())
        };
        table.release(key(A), 1).unwrap();
        let again = table.acquire(key(A), 0, 1).verdict();
        let other = other.join().unwrap();
        assert!(again.allowed() || other.allowed(), "the slot went to nobody");
        for (k, verdict) in [(A, again), (C, other)] {
            assert_eq!(table.release(key(k), 1).is_ok(), verdict.allowed());
            assert!(table.release(key(k), 1).is_err());
        }
        table.release(key(B), 1).unwrap();
    });
}

/// The clock reaches the time at which a key's debt is over while another key looks for a slot: a
/// key that owes keeps its slot.
///
/// Mutation `reuse-owing`: a slot is taken without asking whether its cell is as good as new.
#[test]
fn a_debt_is_kept_until_the_clock_says_it_is_over() {
    model(6, || {
        let table = table(gcra(1), 1);
        let clock = Arc::new(AtomicU64::new(0));
        assert!(table.acquire(key(A), 0, 1).allowed());
        assert!(table.acquire(key(B), 0, 1).allowed());
        let ticker = {
            let clock = clock.clone();
            thread::spawn(move || clock.store(MS, SeqCst))
        };
        let newcomer = {
            let (table, clock) = (table.clone(), clock.clone());
            thread::spawn(move || {
                let now = clock.load(SeqCst);
                (now, table.acquire(key(C), now, 1).verdict())
            })
        };
        let now = clock.load(SeqCst);
        let own = table.acquire(key(A), now, 1).verdict();
        let (then, newcomer) = newcomer.join().unwrap();
        ticker.join().unwrap();
        assert!(now >= MS || !own.allowed(), "a unit came back early");
        assert!(then >= MS || newcomer == Verdict::Full, "a debtor lost its slot");
    });
}

/// A call is charged by one rule and then loses the last unit of the other to another call: the first
/// rule gets its unit back, and neither admits more than it may.
///
/// Mutation `plan-no-take-back`: what a lost race has charged stays.
#[test]
fn a_plan_that_loses_a_race_takes_back_what_it_charged() {
    model(6, || {
        // One unit is left of each; the share of `first` is smaller, so it is charged first.
        let plan = plan("first: fixed 4/s by a; second: fixed 3/s by b");
        let both = [("a", "x".into()), ("b", "y".into())];
        assert!(plan.acquire(0, &both[..1], 3).unwrap().allowed());
        assert!(plan.acquire(0, &both[1..], 2).unwrap().allowed());
        let other = {
            let plan = plan.clone();
            thread::spawn(move || plan.acquire(0, &[("b", "y".into())], 1).unwrap().allowed())
        };
        let own = plan.acquire(0, &both, 1).unwrap().allowed();
        let other = other.join().unwrap();
        assert!(own != other, "one call gets the last unit");
        let peek = plan.peek(0, &both, 0).unwrap();
        let left: Vec<u32> = peek.rules().map(|(_, own)| own.remaining()).collect();
        assert_eq!(left, [u32::from(!own), 0], "a unit is left over or missing");
    });
}

/// A permit of two rules is given back while somebody gives the second rule's back without having
/// taken it. Either the call gives back both or, as its error says, none.
///
/// Mutation `release-no-take-back`: what the first rule was given back stays so.
#[test]
fn a_release_that_loses_a_race_gives_nothing_back() {
    model(6, || {
        let plan = plan("first: concurrency 2 by a; second: concurrency 2 by b");
        let both = [("a", "x".into()), ("b", "y".into())];
        assert!(plan.acquire(0, &both, 1).unwrap().allowed());
        let other = {
            let plan = plan.clone();
            thread::spawn(move || plan.release(&[("b", "y".into())], 1).is_ok())
        };
        let own = plan.release(&both, 1).is_ok();
        let other = other.join().unwrap();
        assert!(own != other, "one permit comes back once");
        let peek = plan.peek(0, &both, 0).unwrap();
        let left: Vec<u32> = peek.rules().map(|(_, own)| own.remaining()).collect();
        assert_eq!(left, [1 + u32::from(own), 2], "a permit is lost or minted");
    });
}
