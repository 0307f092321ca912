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
use crate::decision::Decision;
use crate::plan::{MAX_RULES, Plan};
use crate::plan_decision::PlanDecision;
use crate::table::{Charge, Memory, Spot, Table};

/// Decisions by the position of their rule.
type Decisions = Vec<(u8, Decision), MAX_RULES>;

/// An answer and which rules it charged.
pub(crate) struct Taken<'p> {
    pub(crate) decision: PlanDecision<'p>,
    pub(crate) charged: Charged,
}

/// A set of rules, by position: bit 0 is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charged(u8);

const _: () = assert!(MAX_RULES <= 8, "a bit for each rule");

impl Charged {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ALL: Self = Self(u8::MAX);

    #[inline]
    const fn with(self, position: u8) -> Self {
        Self(self.0 | 1_u8.wrapping_shl(position as u32))
    }

    pub(crate) const fn holds(self, position: u8) -> bool {
        self.0 & 1_u8.wrapping_shl(position as u32) != 0
    }
}

impl<M: Memory> KeyedPlan<M> {
    /// Acquires under `rules`, which share the state of the plan's.
    #[inline]
    pub(super) fn take(
        &self,
        rules: &Plan,
        hashes: &Hashes,
        now_ns: u64,
        cost: u32,
    ) -> Taken<'_> {
        let ([table], [rule]) = (self.tables.as_slice(), rules.rules()) else {
            return self.take_all(rules, hashes, now_ns, cost);
        };
        let mut decisions = Decisions::new();
        let mut allowed = true;
        let mut charged = Charged::NONE;
        if let Some(hash) = self.hash_for(hashes, 0) {
            let (decision, charge) = table.charge(rule.quota(), hash, None, now_ns, cost);
            allowed = decision.allowed();
            if charge.is_some() {
                charged = charged.with(0);
            }
            let _ = decisions.push((0, decision));
        }
        Taken { decision: PlanDecision::new(&self.plan, allowed, decisions), charged }
    }

    fn take_all(&self, rules: &Plan, hashes: &Hashes, now_ns: u64, cost: u32) -> Taken<'_> {
        let Looks { mut allowed, mut decisions, spots } = self.look(rules, hashes, now_ns, cost);
        let mut charged = Charged::NONE;
        if allowed && cost > 0 {
            let call = Call { rules, hashes, now_ns, cost };
            match self.charge_all(call, &decisions, &spots) {
                Ok(all) => (decisions, charged) = all,
                Err((index, refusal)) => {
                    allowed = false;
                    if let Some((_, decision)) = decisions.get_mut(index) {
                        *decision = refusal;
                    }
                }
            }
        }
        Taken { decision: PlanDecision::new(&self.plan, allowed, decisions), charged }
    }

    /// Looks at every cell that the keys apply to. Writes nothing.
    pub(super) fn look(&self, rules: &Plan, hashes: &Hashes, now_ns: u64, cost: u32) -> Looks<'_> {
        let mut looks = Looks { allowed: true, decisions: Vec::new(), spots: Vec::new() };
        for (position, (table, rule)) in (0..).zip(self.tables.iter().zip(rules.rules())) {
            let Some(hash) = self.hash_for(hashes, usize::from(position)) else { continue };
            let (decision, spot) = table.look(rule.quota(), hash, now_ns, cost);
            looks.allowed &= decision.allowed();
            // There is room for as many as a plan has rules.
            let _ = looks.decisions.push((position, decision));
            let _ = looks.spots.push(spot);
        }
        looks
    }

    /// Charges every cell that was looked at, or none: then says which refused, and how.
    fn charge_all(
        &self,
        call: Call<'_>,
        looks: &Decisions,
        spots: &[Option<Spot<'_>>],
    ) -> Result<(Decisions, Charged), (usize, Decision)> {
        let mut decisions = looks.clone();
        let mut charged = Charged::NONE;
        let mut charges: Vec<(&Table<M>, Charge<'_>), MAX_RULES> = Vec::new();
        let first = likeliest_refuser(looks);
        let rest = (0..looks.len()).filter(|&index| index != first);
        for index in core::iter::once(first).chain(rest) {
            let Some((position, decision)) = decisions.get_mut(index) else { continue };
            let place = usize::from(*position);
            let (Some(table), Some(rule), Some(hash)) = (
                self.tables.get(place),
                call.rules.rules().get(place),
                self.hash_for(call.hashes, place),
            ) else {
                continue;
            };
            let spot = spots.get(index).copied().flatten();
            let (answer, charge) = table.charge(rule.quota(), hash, spot, call.now_ns, call.cost);
            if !answer.allowed() {
                for (table, charge) in &charges {
                    table.take_back(charge);
                }
                return Err((index, answer));
            }
            *decision = answer;
            if let Some(charge) = charge {
                charged = charged.with(*position);
                let _ = charges.push((table, charge));
            }
        }
        Ok((decisions, charged))
    }
}

/// What a call asks for.
#[derive(Clone, Copy)]
struct Call<'c> {
    rules: &'c Plan,
    hashes: &'c Hashes,
    now_ns: u64,
    cost: u32,
}

/// What was seen of a plan's cells before anything is charged.
pub(super) struct Looks<'t> {
    pub(super) allowed: bool,
    pub(super) decisions: Decisions,
    /// Where each key lives, in the order of the decisions.
    spots: Vec<Option<Spot<'t>>, MAX_RULES>,
}

fn likeliest_refuser(looks: &Decisions) -> usize {
    let likeliest = looks.iter().enumerate().reduce(|best, other| {
        if other.1.1.is_likelier_to_refuse_than(&best.1.1) { other } else { best }
    });
    likeliest.map_or(0, |(index, _)| index)
}
