//! Oracle: one cell of the reference for each key; a table may forget a key only if it owes nothing.
//!
//! A key that was as good as new when another was given a slot may have lost its own: from then on
//! both its old state and a new one are accepted, until an answer tells them apart. Whatever the
//! table says is full must be: as many other keys owe as the key has slots in its reach.

#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ratecell::{AtomicU64, Decision, KeyHash, Seed, Table, TableStats, WhenFull, table_words};
use ratecell_fuzz::{Clock, Cost, Moment, Quotas, StandIn, answer, full};
use ratecell_reference::{Answer, Cell, Verdict};

const REGION_SLOTS: usize = 8;
const KEY_REGIONS: usize = 4;

#[derive(Arbitrary, Debug)]
struct Script {
    quotas: Quotas,
    seed: [u8; 2],
    regions: u8,
    allow_when_full: bool,
    start_ns: u64,
    calls: Vec<(Moment, u8, Call)>,
}

#[derive(Arbitrary, Debug)]
enum Call {
    Acquire(Cost),
    Peek(Cost),
    AcquireWith(StandIn, Cost),
    Release(Cost),
    Reset,
    /// One unit for each of so many keys, this and those after it.
    Flood(u8),
}

fuzz_target!(|script: Script| {
    let Script { quotas, seed, regions, allow_when_full, start_ns, calls } = script;
    let regions = usize::from(regions % 8 + 1);
    let slots = regions * REGION_SLOTS;
    let when_full = if allow_when_full { WhenFull::Allow } else { WhenFull::Deny };
    // Not zeros: a new table takes memory as it is.
    let region_words = (quotas.core.cell_words() + 1) * REGION_SLOTS;
    let words = table_words(&quotas.core, 1) + (regions - 1) * region_words;
    let memory: Vec<AtomicU64> = (0..words).map(|_| AtomicU64::new(u64::MAX)).collect();
    let mut pair = Pair::new(&memory, quotas, seed, when_full);
    assert_eq!(pair.table.slots(), slots);
    let mut clock = Clock::at(start_ns);
    let mut last = None;
    for (moment, key, call) in calls {
        let key = u16::from(key);
        clock.go(moment, quotas.period_ns(), last.as_ref());
        let units = |cost: Cost, capacity| cost.units(capacity, last.as_ref());
        let capacity = quotas.reference.capacity();
        match call {
            Call::Acquire(cost) => {
                last = pair.acquire(&quotas, key, &clock, units(cost, capacity)).or(last);
            }
            Call::Peek(cost) => last = pair.peek(key, &clock, units(cost, capacity)).or(last),
            Call::AcquireWith(stand_in, cost) => {
                let Some(under) = stand_in.of(&quotas) else { continue };
                let cost = units(cost, under.reference.capacity());
                last = pair.acquire(&under, key, &clock, cost).or(last);
            }
            Call::Release(cost) => pair.release(key, units(cost, capacity)),
            Call::Reset => pair.reset(key, &mut clock),
            Call::Flood(more) => {
                for key in key..=key + u16::from(more % 32) {
                    pair.acquire(&quotas, key, &clock, 1);
                }
            }
        }
    }
    pair.check_stats(&clock);
});

/// The table and what is known of its keys.
struct Pair<'m> {
    table: Table<&'m [AtomicU64]>,
    quotas: Quotas,
    when_full: WhenFull,
    keys: BTreeMap<u16, Known>,
    /// When slots were given to other keys, in the order of the calls.
    reuses_ns: Vec<u64>,
}

/// What is known of a key.
struct Known {
    /// The states that it may be in; never none.
    states: Vec<State>,
    /// How many of the reuses the states take into account.
    reuses: usize,
}

/// A state that a key may be in.
#[derive(Clone, PartialEq)]
struct State {
    cell: Cell,
    /// From when on it is as good as new.
    clear_ns: u64,
}

impl<'m> Pair<'m> {
    fn new(
        memory: &'m [AtomicU64],
        quotas: Quotas,
        [low, high]: [u8; 2],
        when_full: WhenFull,
    ) -> Self {
        let mut seed = [0; 16];
        (seed[0], seed[8]) = (low, high);
        let table = Table::new(memory, quotas.core, Seed::from_bytes(seed)).expect("large enough");
        let table = table.when_full(when_full);
        Self { table, quotas, when_full, keys: BTreeMap::new(), reuses_ns: Vec::new() }
    }

    fn hash(&self, key: u16) -> KeyHash {
        self.table.hash(u32::from(key))
    }

    fn fresh(&self) -> State {
        State::new(Cell::new(self.quotas.reference).expect("checked before"))
    }

    /// What is known of a key; it may have lost its slot in a reuse when it was as good as new.
    fn known(&mut self, key: u16) -> &mut Known {
        let fresh = self.fresh();
        let reuses = self.reuses_ns.len();
        let new = || Known { states: vec![fresh.clone()], reuses };
        let known = self.keys.entry(key).or_insert_with(new);
        let latest_ns = self.reuses_ns[known.reuses..].iter().max();
        let may_go = |state: &State| latest_ns.is_some_and(|&latest_ns| !state.owes(latest_ns));
        if known.states.iter().any(may_go) && !known.states.contains(&fresh) {
            known.states.push(fresh);
        }
        known.reuses = reuses;
        known
    }

    fn acquire(&mut self, under: &Quotas, key: u16, clock: &Clock, cost: u32) -> Option<Answer> {
        self.known(key);
        let before = self.table.stats();
        let hash = self.hash(key);
        let own = under.reference == self.quotas.reference;
        let decision = if own {
            self.table.acquire(hash, clock.raw_ns(), cost)
        } else {
            let fits = self.quotas.reference.check_stand_in(&under.reference).is_ok();
            let decision = self.table.acquire_with(&under.core, hash, clock.raw_ns(), cost);
            assert_eq!(decision.is_some(), fits, "{under:?} for {:?}", self.quotas);
            decision?
        };
        let after = self.table.stats();
        let denied = after.full_denied - before.full_denied;
        let allowed = after.full_allowed - before.full_allowed;
        assert_eq!((denied, allowed) == (1, 0), full(&decision), "{before:?} {after:?}");
        if full(&decision) || allowed == 1 {
            assert_eq!(full(&decision), self.when_full == WhenFull::Deny, "{decision:?}");
            self.check_full(under, key, clock, cost, &decision);
            return None;
        }
        if removed(&after) > removed(&before) {
            self.reuses_ns.push(clock.now_ns());
            // It was given to this key.
            self.keys.entry(key).and_modify(|known| known.reuses += 1);
        }
        let found = answer(&decision).expect("not full");
        let now_ns = clock.now_ns();
        self.keep(key, &found, |cell| {
            cell.acquire_with(&under.reference, now_ns, cost).expect("checked above")
        });
        Some(found)
    }

    fn peek(&mut self, key: u16, clock: &Clock, cost: u32) -> Option<Answer> {
        let before = self.table.stats();
        let decision = self.table.peek(self.hash(key), clock.raw_ns(), cost);
        assert_eq!(self.table.stats(), before, "a peek counts nothing");
        if full(&decision) {
            self.check_full(&self.quotas.clone(), key, clock, cost, &decision);
            return None;
        }
        let found = answer(&decision).expect("not full");
        self.keep(key, &found, |cell| cell.peek(clock.now_ns(), cost));
        Some(found)
    }

    fn release(&mut self, key: u16, cost: u32) {
        if !matches!(self.quotas.core, ratecell::Quota::Concurrency(_)) {
            return;
        }
        let released = self.table.release(self.hash(key), cost).is_ok();
        // A key that holds nothing is a new one, so that there is one state.
        let state = &mut self.known(key).states[0];
        assert_eq!(released, state.cell.release(cost), "release {cost} of {:?}", state.cell);
        *state = State::new(state.cell.clone());
    }

    /// After a reset the time does not go back: a cell keeps how late it has been, a new one not.
    fn reset(&mut self, key: u16, clock: &mut Clock) {
        self.table.reset(self.hash(key));
        if !matches!(self.quotas.core, ratecell::Quota::Concurrency(_)) {
            self.known(key).states = vec![self.fresh()];
            clock.stop_going_back();
        }
    }

    /// Keeps the states of a key that give this answer; one does.
    fn keep(&mut self, key: u16, found: &Answer, call: impl Fn(&mut Cell) -> Answer) {
        let states = &mut self.known(key).states;
        let mut told = Vec::new();
        states.retain_mut(|state| {
            told.push(call(&mut state.cell));
            *state = State::new(state.cell.clone());
            told.last() == Some(found)
        });
        assert!(!states.is_empty(), "key {key}: {found:?} instead of {told:?}");
        states.dedup();
    }

    /// The table is full for a key: it owes nothing, and others owe in every slot of its reach.
    fn check_full(
        &mut self,
        under: &Quotas,
        key: u16,
        clock: &Clock,
        cost: u32,
        decision: &Decision,
    ) {
        let now_ns = clock.now_ns();
        let fresh = self.fresh();
        let states = &mut self.known(key).states;
        assert!(states.contains(&fresh), "key {key} has lost {:?}", states[0].cell);
        *states = vec![fresh.clone()];
        let told = fresh.cell.peek_with(&under.reference, now_ns, cost).expect("checked before");
        assert_eq!(told.verdict, Verdict::Allow, "only what is allowed can find it full");
        assert_eq!((decision.limit(), decision.remaining()), (told.limit, told.remaining));
        assert_eq!(decision.reset_after_ns(), told.reset_after_ns);
        let owing = self.keys.values().filter(|known| known.any(|state| state.owes(now_ns)));
        let (count, reach) =
            (owing.clone().count(), self.table.slots().min(KEY_REGIONS * REGION_SLOTS));
        assert!(count >= reach, "full, while {count} keys owe and {reach} slots are in reach");
        if full(decision) {
            let wait_ns = decision.retry_after_ns();
            let clear_ns = wait_ns.map_or(u64::MAX, |wait_ns| now_ns + wait_ns);
            let mut owing = owing;
            let is_known = owing.any(|known| known.any(|state| state.clear_ns == clear_ns));
            assert!(is_known, "no key is as good as new after {wait_ns:?}");
            self.check_wait(key, clock, cost, wait_ns);
        }
    }

    /// The wait of a full table is exact.
    fn check_wait(&self, key: u16, clock: &Clock, cost: u32, wait_ns: Option<u64>) {
        let Some(wait_ns) = wait_ns else { return };
        let then_ns = clock.after_ns(wait_ns);
        if then_ns > ratecell::MAX_NOW_NS {
            return;
        }
        // The table's own quota may never allow what another does.
        let cost = cost.min(self.quotas.reference.capacity());
        let peek = |now_ns| self.table.peek(self.hash(key), now_ns, cost);
        assert!(full(&peek(then_ns - 1)), "one nanosecond before {then_ns}");
        assert!(!full(&peek(then_ns)), "at {then_ns}");
    }

    fn check_stats(&mut self, clock: &Clock) {
        let stats = self.table.stats();
        assert_eq!((stats.stranded, stats.slots), (0, self.table.slots()));
        assert!(stats.keys <= stats.slots as u64, "{stats:?}");
        let mut owing = 0;
        for key in self.keys.keys().copied().collect::<Vec<_>>() {
            let states = &self.known(key).states;
            owing += u64::from(states.iter().all(|state| state.owes(clock.now_ns())));
        }
        assert!(owing <= stats.keys, "{owing} keys owe: {stats:?}");
    }
}

impl Known {
    fn any(&self, is: impl Fn(&State) -> bool) -> bool {
        self.states.iter().any(is)
    }
}

impl State {
    fn new(cell: Cell) -> Self {
        // At time 0 a wait is an instant.
        let Answer { limit, remaining, reset_after_ns, .. } = cell.peek(0, 0);
        let permits_clear_ns = if remaining < limit { u64::MAX } else { 0 };
        Self { cell, clear_ns: reset_after_ns.unwrap_or(permits_clear_ns) }
    }

    fn owes(&self, now_ns: u64) -> bool {
        self.clear_ns > now_ns
    }
}

/// How many keys have lost their slots.
fn removed(stats: &TableStats) -> u64 {
    stats.inserted - stats.keys
}
