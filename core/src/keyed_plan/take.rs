//! How a plan is charged: all of its rules or none.
//!
//! It looks at every cell first, so that an ordinary refusal writes nothing; then it charges, the
//! likeliest refuser first; if a charge loses a race, it takes back what it has charged.
//! SOURCE: SPEC "Plans".
//!
//! - P1: a refused plan charges nothing; what a lost race leaves charged is at most the call's own
//!   cost, and counted.
//! - P2: a plan admits a call only if every applied rule was charged for it, or its table was full
//!   and is set to allow then.

use core::hint::select_unpredictable;

use heapless::Vec;

use super::{Hashes, KeyedPlan};
use crate::decision::{Decision, Verdict};
use crate::key::KeyHash;
use crate::plan::{MAX_RULES, Plan};
use crate::plan_decision::PlanDecision;
use crate::quota::Quota;
use crate::table::{Charge, Counter, Memory, Sighting, Table};

/// A set of rules, by position: bit 0 is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RuleSet(u8);

const _: () = assert!(MAX_RULES <= 8, "a bit for each rule");

impl RuleSet {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ALL: Self = Self(u8::MAX);

    #[inline]
    pub(super) const fn with(self, position: u8) -> Self {
        Self(self.0 | 1_u8.wrapping_shl(position as u32))
    }

    pub(super) const fn holds(self, position: u8) -> bool {
        self.0 & 1_u8.wrapping_shl(position as u32) != 0
    }
}

impl<M: Memory> KeyedPlan<M> {
    /// Acquires under `rules`, which share the state of the plan's; fills in the answer and gives
    /// the rules that were charged.
    pub(super) fn take(
        &self,
        answer: &mut PlanDecision<'_>,
        rules: &Plan,
        hashes: &Hashes,
        now_ns: u64,
        cost: u32,
    ) -> RuleSet {
        let mut asked = Vec::new();
        let foreseen = self.foresee(answer, &mut asked, rules, hashes, now_ns, cost);
        if !foreseen {
            answer.clear();
            asked.clear();
            self.look(answer, &mut asked, rules, hashes, now_ns, cost);
            if !answer.allowed {
                self.count_full(answer);
                return RuleSet::NONE;
            }
            if cost == 0 {
                return RuleSet::NONE;
            }
        }
        charge_all(answer, &mut asked, foreseen, now_ns, cost)
    }

    /// Fills in what the rules answer once they are charged, if each of them has a cell of one word
    /// that allows it; what nearly every allowed call is. Writes nothing. False: some rule has not,
    /// and what was filled in says nothing.
    #[inline]
    fn foresee<'c>(
        &'c self,
        answer: &mut PlanDecision<'_>,
        asked: &mut Vec<Asked<'c, M>, MAX_RULES>,
        rules: &'c Plan,
        hashes: &Hashes,
        now_ns: u64,
        cost: u32,
    ) -> bool {
        for (position, (table, rule)) in (0..).zip(self.tables.iter().zip(rules.rules())) {
            let Some(hash) = self.hash_for(hashes, usize::from(position)) else { continue };
            let quota = rule.quota();
            let Some((decision, sighting)) = table.foresee(quota, hash, now_ns, cost) else {
                return false;
            };
            answer.add(decision.of_rule(position));
            // There is room for as many as a plan has rules.
            let sighting = Some(sighting);
            let _ = asked.push(Asked { table, quota, hash, sighting, charge: None });
        }
        true
    }

    /// Counts a call that is refused for want of a slot; a look by itself counts nothing.
    fn count_full(&self, answer: &PlanDecision<'_>) {
        for decision in answer.applied.iter().filter(|one| one.verdict() == Verdict::Full) {
            if let Some(table) = self.tables.get(usize::from(decision.position())) {
                table.count(Counter::FullDenied);
            }
        }
    }

    /// Looks at every cell that the keys apply to, and fills in what they answer and who was asked,
    /// in the same order. Writes nothing.
    pub(super) fn look<'c>(
        &'c self,
        answer: &mut PlanDecision<'_>,
        asked: &mut Vec<Asked<'c, M>, MAX_RULES>,
        rules: &'c Plan,
        hashes: &Hashes,
        now_ns: u64,
        cost: u32,
    ) {
        for (position, (table, rule)) in (0..).zip(self.tables.iter().zip(rules.rules())) {
            let Some(hash) = self.hash_for(hashes, usize::from(position)) else { continue };
            let quota = rule.quota();
            let (decision, sighting) = table.look(quota, hash, now_ns, cost);
            answer.add(decision.of_rule(position));
            // There is room for as many as a plan has rules.
            let _ = asked.push(Asked { table, quota, hash, sighting, charge: None });
        }
    }
}

/// Charges every cell that was looked at, or none, and fills in what that changes, if it was not
/// `foreseen`.
fn charge_all<M: Memory>(
    answer: &mut PlanDecision<'_>,
    asked: &mut [Asked<'_, M>],
    foreseen: bool,
    now_ns: u64,
    cost: u32,
) -> RuleSet {
    let mut charged = RuleSet::NONE;
    let first = likeliest_refuser(&answer.applied);
    for step in 0..asked.len() {
        let index = with_first(step, first);
        let (Some(entry), Some(one)) = (answer.applied.get_mut(index), asked.get_mut(index)) else {
            continue;
        };
        let position = entry.position();
        let seen = one.sighting.as_ref();
        if let Some(after) = seen.and_then(|seen| one.table.charge_seen(one.hash, seen, cost)) {
            if !foreseen {
                *entry = one.quota.after_charge(after, now_ns).of_rule(position);
            }
            charged = charged.with(position);
            continue;
        }
        let spot = seen.map(Sighting::spot);
        let (decision, charge) = one.table.charge(one.quota, one.hash, spot, now_ns, cost);
        *entry = decision.of_rule(position);
        if !decision.allowed() {
            answer.allowed = false;
            take_back(answer, asked, charged, now_ns, cost);
            return RuleSet::NONE;
        }
        if charge.is_some() {
            charged = charged.with(position);
        }
        one.charge = charge;
    }
    charged
}

/// Takes back what a call has charged before a rule refused it, and fills in what the others then
/// answer.
#[cold]
fn take_back<M: Memory>(
    answer: &mut PlanDecision<'_>,
    asked: &[Asked<'_, M>],
    charged: RuleSet,
    now_ns: u64,
    cost: u32,
) {
    for (entry, one) in answer.applied.iter_mut().zip(asked) {
        let (table, position) = (one.table, entry.position());
        if charged.holds(position)
            && let Some(charge) = &one.charge.or_else(|| one.sighting.as_ref()?.charge())
        {
            table.take_back(charge, cost);
        }
        if entry.allowed() {
            let (decision, _) = table.look(one.quota, one.hash, now_ns, cost);
            *entry = decision.of_rule(position);
        }
    }
}

/// A rule that applies: its table, the quota that stands in for its own, its key and what was seen
/// of that.
pub(super) struct Asked<'c, M> {
    table: &'c Table<M>,
    quota: &'c Quota,
    hash: KeyHash,
    sighting: Option<Sighting<'c>>,
    /// What was charged, where that is not what the look has seen.
    charge: Option<Charge<'c>>,
}

#[inline]
fn likeliest_refuser(looks: &[Decision]) -> usize {
    let Some(mut best) = looks.first() else { return 0 };
    let mut likeliest = 0;
    for (index, other) in looks.iter().enumerate().skip(1) {
        // Which of two it is cannot be foretold.
        let likelier = other.is_likelier_to_refuse_than(best);
        likeliest = select_unpredictable(likelier, index, likeliest);
        best = select_unpredictable(likelier, other, best);
    }
    likeliest
}

/// The index at a step of an order that begins with `first` and goes on from 0.
#[inline]
const fn with_first(step: usize, first: usize) -> usize {
    match step.checked_sub(1) {
        None => first,
        Some(before) if before < first => before,
        Some(_) => step,
    }
}
