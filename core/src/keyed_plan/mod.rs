//! A plan with a key table for each of its rules: several limits acquired all or nothing.
//!
//! The calls; how their keys are hashed is in `hashes`, how they charge all or nothing in `take`. It
//! deliberately has no clock and no memory of its own. SOURCE: SPEC "Plans".

mod hashes;
mod take;

use hashes::{Hashes, first_of_dimension};
use take::RuleSet;

use core::fmt;

use heapless::Vec;

use crate::call_error::CallError;
use crate::cell::ReleaseError;
use crate::key::{Key, KeyHash, Seed};
use crate::keys::Keys;
use crate::permit::Permit;
use crate::plan::{MAX_RULES, Plan};
use crate::plan_decision::PlanDecision;
use crate::quota::Quota;
use crate::rule::Rule;
use crate::table::{Memory, Table, TableError, TableStats, WhenFull};

/// A plan over key tables in memory that the caller owns, with `now` passed in.
///
/// Firmware and other languages build on it; with an operating system `Limiter`
/// adds the heap and a clock.
///
/// ```
/// use ratecell::{HeapMemory, KeyedPlan, Plan, Seed};
///
/// let plan: Plan = "ip: fixed 300/min by ip; key: sliding 600/min".parse()?;
/// let plan = KeyedPlan::new(plan, Seed::random(), |rule| HeapMemory::for_keys(rule.quota(), 1000))?;
/// let keys = [("ip", [192, 0, 2, 1].as_slice().into()), ("key", "alice".into())];
/// let decision = plan.acquire(0, &keys, 1)?;
/// assert_eq!((decision.rule(), decision.remaining()), (Some("ip"), Some(299)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Progress: lock-free. Threads share it by reference.
pub struct KeyedPlan<M> {
    plan: Plan,
    seed: Seed,
    tables: Vec<Table<M>, MAX_RULES>,
    /// For each rule the position of the first rule of its dimension.
    dimensions: Vec<u8, MAX_RULES>,
    /// The position of the first rule that a key without a dimension is for.
    own_dimension: Option<u8>,
}

impl<M: Memory> KeyedPlan<M> {
    /// A plan whose tables live in what `memory` gives for each rule.
    ///
    /// One seed serves all its tables, so that a key is hashed once for all rules that count by it.
    ///
    /// # Errors
    /// [`TableError`] if a memory is too small or too large.
    pub fn new(
        plan: Plan,
        seed: Seed,
        mut memory: impl FnMut(&Rule) -> M,
    ) -> Result<Self, TableError> {
        Self::try_new(plan, seed, |rule| Ok(memory(rule)))
    }

    /// As [`Self::new`] with memory that may not be had.
    ///
    /// # Errors
    /// [`TableError`] as `memory` gives it, or if a memory is too small or too large.
    pub fn try_new(
        plan: Plan,
        seed: Seed,
        mut memory: impl FnMut(&Rule) -> Result<M, TableError>,
    ) -> Result<Self, TableError> {
        let mut tables = Vec::new();
        let mut dimensions = Vec::new();
        for rule in plan.rules() {
            let table = Table::new(memory(rule)?, *rule.quota(), seed)?;
            // There is room for as many as a plan has rules.
            let _ = tables.push(table);
            let _ = dimensions.push(first_of_dimension(&plan, rule.dimension()).unwrap_or(0));
        }
        let own_dimension = first_of_dimension(&plan, "key")
            .or_else(|| dimensions.iter().all(|&first| first == 0).then_some(0));
        Ok(Self { plan, seed, tables, dimensions, own_dimension })
    }

    /// The same with what its tables do when they are full; [`WhenFull::Deny`] if never called.
    #[must_use]
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        for table in &mut self.tables {
            table.set_when_full(when_full);
        }
        self
    }

    /// Takes `cost` units of every rule that the keys apply to, or of none. Lock-free; loads only
    /// on a refusal, unless it loses a race.
    ///
    /// # Errors
    /// [`CallError`] if the keys do not say which dimension each is of.
    // Always: else the answer, 344 bytes, is built here and copied to the caller, and the copy waits
    // for the charge to reach the memory.
    #[inline(always)]
    pub fn acquire<'k>(
        &self,
        now_ns: u64,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<PlanDecision<'_>, CallError> {
        let keys = keys.into();
        // What nearly every call is, one key under one rule, is decided here; the rest is not.
        if let [table] = self.tables.as_slice()
            && let Some(hash) = self.hash_alone(keys)
        {
            let decision = table.acquire_under(table.quota(), hash, now_ns, cost);
            // Filled in where the caller gets it: it is large, and to move it would cost as much as
            // a rule.
            let mut answer = Ok(PlanDecision::new(&self.plan));
            if let Ok(empty) = &mut answer {
                empty.add(decision);
            }
            return answer;
        }
        self.acquire_under(now_ns, &self.plan, keys, cost)
    }

    /// As [`Self::acquire`] under other rules for this call, such as a customer's own cap, which
    /// share the keys' state. They stand in by position; their names and dimensions play no part.
    ///
    /// # Errors
    /// [`CallError`] if `rules` has more or fewer rules, or one of another kind, or a fixed or
    /// sliding one of another period or other segments; or as for [`Self::acquire`].
    pub fn acquire_with<'k>(
        &self,
        now_ns: u64,
        rules: &Plan,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<PlanDecision<'_>, CallError> {
        self.check_rules(rules)?;
        self.acquire_under(now_ns, rules, keys.into(), cost)
    }

    #[inline(never)]
    fn acquire_under(
        &self,
        now_ns: u64,
        rules: &Plan,
        keys: Keys<'_>,
        cost: u32,
    ) -> Result<PlanDecision<'_>, CallError> {
        let mut hashes = Hashes::NONE;
        self.hash_keys(keys, &mut hashes)?;
        let mut answer = PlanDecision::new(&self.plan);
        self.take(&mut answer, rules, &hashes, now_ns, cost);
        Ok(answer)
    }

    /// What [`Self::acquire`] would answer, with `remaining` before the charge. Writes nothing.
    ///
    /// # Errors
    /// As for [`Self::acquire`].
    pub fn peek<'k>(
        &self,
        now_ns: u64,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<PlanDecision<'_>, CallError> {
        self.peek_under(now_ns, &self.plan, keys.into(), cost)
    }

    /// As [`Self::peek`] under other rules for this call: see [`Self::acquire_with`].
    ///
    /// # Errors
    /// As for [`Self::acquire_with`].
    pub fn peek_with<'k>(
        &self,
        now_ns: u64,
        rules: &Plan,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<PlanDecision<'_>, CallError> {
        self.check_rules(rules)?;
        self.peek_under(now_ns, rules, keys.into(), cost)
    }

    fn peek_under(
        &self,
        now_ns: u64,
        rules: &Plan,
        keys: Keys<'_>,
        cost: u32,
    ) -> Result<PlanDecision<'_>, CallError> {
        let hashes = self.hashes(keys)?;
        let mut answer = PlanDecision::new(&self.plan);
        self.look(&mut answer, &mut Vec::new(), rules, &hashes, now_ns, cost);
        Ok(answer)
    }

    /// As [`Self::acquire`], with the permits of concurrency rules given back on drop.
    ///
    /// # Errors
    /// As for [`Self::acquire`].
    pub fn hold<'k>(
        &self,
        now_ns: u64,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<Permit<'_, M>, CallError> {
        let (answer, receipt) = self.take_for(now_ns, &self.plan, keys.into(), cost)?;
        Ok(Permit::new(self, answer, receipt))
    }

    /// As [`Self::hold`] under other rules for this call: see [`Self::acquire_with`].
    ///
    /// # Errors
    /// As for [`Self::acquire_with`].
    pub fn hold_with<'k>(
        &self,
        now_ns: u64,
        rules: &Plan,
        keys: impl Into<Keys<'k>>,
        cost: u32,
    ) -> Result<Permit<'_, M>, CallError> {
        self.check_rules(rules)?;
        let (answer, receipt) = self.take_for(now_ns, rules, keys.into(), cost)?;
        Ok(Permit::new(self, answer, receipt))
    }

    /// Acquires under `rules`, which [`Self::check_rules`] has passed, and gives what a permit
    /// needs beside the answer.
    pub(crate) fn take_for(
        &self,
        now_ns: u64,
        rules: &Plan,
        keys: Keys<'_>,
        cost: u32,
    ) -> Result<(PlanDecision<'_>, HeldUnits), CallError> {
        let hashes = self.hashes(keys)?;
        let mut answer = PlanDecision::new(&self.plan);
        let charged = self.take(&mut answer, rules, &hashes, now_ns, cost);
        Ok((answer, HeldUnits { hashes, charged, cost }))
    }

    /// Gives back the permits among what a call took; it fails only if somebody has given them
    /// back already, by hand, and then changes nothing.
    pub(crate) fn give_back_held(&self, held: &HeldUnits) {
        let _ = self.give_back(&held.hashes, held.charged, held.cost);
    }

    /// Whether other rules can stand in for the plan's: what [`Self::acquire_with`] asks of them.
    ///
    /// # Errors
    /// [`CallError::OtherRules`] says what does not fit.
    pub fn check_rules(&self, rules: &Plan) -> Result<(), CallError> {
        self.plan.mismatch(rules).map_or(Ok(()), |mismatch| Err(CallError::OtherRules(mismatch)))
    }

    /// Gives back the permits that an allowed [`Self::acquire`] with the same keys and cost took.
    ///
    /// With [`WhenFull::Allow`] a call may be allowed without taking any: then use
    /// [`Self::hold`], which knows.
    ///
    /// # Errors
    /// [`CallError::Release`] if a concurrency rule has fewer held; nothing is given back then. Or
    /// as for [`Self::acquire`]. A release that fails because another gave back too much at the same
    /// instant has given back what it could for that instant, in which another call may have been
    /// admitted.
    pub fn release<'k>(&self, keys: impl Into<Keys<'k>>, cost: u32) -> Result<(), CallError> {
        Ok(self.give_back(&self.hashes(keys.into())?, RuleSet::ALL, cost)?)
    }

    /// Forgets what the keys have used; permits stay with their holders. See [`Table::reset`].
    ///
    /// # Errors
    /// As for [`Self::acquire`].
    pub fn reset<'k>(&self, keys: impl Into<Keys<'k>>) -> Result<(), CallError> {
        let hashes = self.hashes(keys.into())?;
        for (position, table) in self.tables.iter().enumerate() {
            if let Some(hash) = self.hash_for(&hashes, position) {
                table.reset(hash);
            }
        }
        Ok(())
    }

    /// Each rule with what its table has counted.
    pub fn stats(&self) -> impl Iterator<Item = (&Rule, TableStats)> {
        self.plan.rules().iter().zip(self.tables.iter().map(Table::stats))
    }

    /// The table of a plan's only rule, for callers who want its decision without a plan's around
    /// it; none if there are several.
    #[inline]
    pub fn only_table(&self) -> Option<&Table<M>> {
        match self.tables.as_slice() {
            [table] => Some(table),
            _ => None,
        }
    }

    /// The hash of a key under the seed of this plan's tables, for callers who use a key often: a
    /// call with the hash is answered as one with the key.
    ///
    /// ```
    /// use ratecell::{HeapMemory, KeyedPlan, Plan, Seed};
    ///
    /// let plan: Plan = "fixed 5/min".parse()?;
    /// let plan = KeyedPlan::new(plan, Seed::random(), |rule| HeapMemory::for_keys(rule.quota(), 10))?;
    /// let alice = plan.hash("alice");
    /// assert_eq!(plan.acquire(0, alice, 1)?.remaining(), Some(4));
    /// assert_eq!(plan.acquire(0, "alice", 1)?.remaining(), Some(3));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn hash<'k>(&self, key: impl Into<Key<'k>>) -> KeyHash {
        self.seed.hash(key)
    }

    /// Gives permits back to the concurrency rules among `charged` that the hashes apply to, or to
    /// none.
    fn give_back(&self, hashes: &Hashes, charged: RuleSet, cost: u32) -> Result<(), ReleaseError> {
        let held = || {
            (0..).zip(&self.tables).filter_map(|(position, table)| {
                let Quota::Concurrency(_) = table.quota() else { return None };
                let hash = self.hash_for(hashes, usize::from(position))?;
                charged.holds(position).then_some((table, hash))
            })
        };
        for (table, hash) in held() {
            table.check_release(hash, cost)?;
        }
        for (done, (table, hash)) in held().enumerate() {
            if let Err(error) = table.release(hash, cost) {
                // Another release came in between: what this one has given back is held again.
                for (table, hash) in held().take(done) {
                    table.hold_again(hash, cost);
                }
                return Err(error);
            }
        }
        Ok(())
    }
}

impl<M> KeyedPlan<M> {
    /// The plan.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl<M> fmt::Debug for KeyedPlan<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedPlan")
            .field("plan", &format_args!("{}", self.plan))
            .finish_non_exhaustive()
    }
}

/// What an acquired call needs to give its permits back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldUnits {
    hashes: Hashes,
    charged: RuleSet,
    cost: u32,
}
