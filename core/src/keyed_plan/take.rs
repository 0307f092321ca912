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

use heapless::Vec;

use super::{Hashes, KeyedPlan};
use crate::decision::{Decision, Verdict};
use crate::plan::{MAX_RULES, Plan};
use crate::plan_decision::PlanDecision;
use crate::table::{Charge, Counter, Memory, Spot, Table};

/// A set of rules, by position: bit 0 is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charged(u8);

const _: () = assert!(MAX_RULES <= 8, "a bit for each rule");

impl Charged {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ALL: Self = Self(u8::MAX);

    #[inline]
    const fn with(self, position: u8) -> Self {
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
    ) -> Charged {
        let spots = self.look(answer, rules, hashes, now_ns, cost);
        if !answer.allowed {
            self.count_full(answer);
            return Charged::NONE;
        }
        if cost == 0 {
            return Charged::NONE;
        }
        self.charge_all(answer, &spots, Call { rules, hashes, now_ns, cost })
    }

    /// Counts a call that is refused for want of a slot; a look by itself counts nothing.
    fn count_full(&self, answer: &PlanDecision<'_>) {
        for decision in answer.applied.iter().filter(|one| one.verdict() == Verdict::Full) {
            if let Some(table) = self.tables.get(usize::from(decision.position())) {
                table.count(Counter::FullDenied);
            }
        }
    }

    /// Looks at every cell that the keys apply to, fills in what they answer and gives where each
    /// key lives. Writes nothing.
    pub(super) fn look(
        &self,
        answer: &mut PlanDecision<'_>,
        rules: &Plan,
        hashes: &Hashes,
        now_ns: u64,
        cost: u32,
    ) -> Spots<'_> {
        let mut spots = Spots::new();
        for (position, (table, rule)) in (0..).zip(self.tables.iter().zip(rules.rules())) {
            let Some(hash) = self.hash_for(hashes, usize::from(position)) else { continue };
            let (decision, spot) = table.look(rule.quota(), hash, now_ns, cost);
            answer.allowed &= decision.allowed();
            // There is room for as many as a plan has rules.
            let _ = answer.applied.push(decision.of_rule(position));
            let _ = spots.push(spot);
        }
        spots
    }

    /// Charges every cell that was looked at, or none, and fills in what that changes.
    fn charge_all(
        &self,
        answer: &mut PlanDecision<'_>,
        spots: &Spots<'_>,
        call: Call<'_>,
    ) -> Charged {
        let mut taken: Vec<Taken<'_, M>, MAX_RULES> = Vec::new();
        let mut charged = Charged::NONE;
        let first = likeliest_refuser(&answer.applied);
        let rest = (0..answer.applied.len()).filter(|&index| index != first);
        for index in core::iter::once(first).chain(rest) {
            let Some(entry) = answer.applied.get_mut(index) else { continue };
            let look = *entry;
            let position = look.position();
            let place = usize::from(position);
            let (Some(table), Some(rule), Some(hash)) = (
                self.tables.get(place),
                call.rules.rules().get(place),
                self.hash_for(call.hashes, place),
            ) else {
                continue;
            };
            let Call { now_ns, cost, .. } = call;
            let quota = rule.quota();
            let spot = spots.get(index).copied().flatten();
            let tried = spot.zip(quota.one_word()).and_then(|(spot, quota)| {
                let (decision, charge) = table.try_charge(quota, hash, spot, now_ns, cost)?;
                Some((decision, Some(charge)))
            });
            let (decision, charge) =
                tried.unwrap_or_else(|| table.charge(quota, hash, spot, now_ns, cost));
            *entry = decision.of_rule(position);
            if !decision.allowed() {
                answer.allowed = false;
                for Taken { index, look, table, charge } in &taken {
                    charge.iter().for_each(|charge| table.take_back(charge, cost));
                    if let Some(entry) = answer.applied.get_mut(*index) {
                        *entry = *look;
                    }
                }
                return Charged::NONE;
            }
            if charge.is_some() {
                charged = charged.with(position);
            }
            let _ = taken.push(Taken { index, look, table, charge });
        }
        charged
    }
}

/// A rule that has allowed the call, while the others are still asked.
struct Taken<'t, M> {
    index: usize,
    /// What it answered before it was charged.
    look: Decision,
    table: &'t Table<M>,
    charge: Option<Charge<'t>>,
}

/// Where each key lives, in the order of the decisions.
type Spots<'t> = Vec<Option<Spot<'t>>, MAX_RULES>;

/// What a call asks for.
#[derive(Clone, Copy)]
struct Call<'c> {
    rules: &'c Plan,
    hashes: &'c Hashes,
    now_ns: u64,
    cost: u32,
}

fn likeliest_refuser(looks: &[Decision]) -> usize {
    let likeliest = looks.iter().enumerate().reduce(|best, other| {
        if other.1.is_likelier_to_refuse_than(best.1) { other } else { best }
    });
    likeliest.map_or(0, |(index, _)| index)
}
