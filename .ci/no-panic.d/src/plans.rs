//! Plans: their text, and several limits acquired all or nothing.

use ratecell::{
    AtomicU64, CallError, Decision, Key, KeyHash, KeyedPlan, Keys, NameError, ParseError, Permit,
    Plan, PlanDecision, PlanError, Quota, Rule, Seed, TableError, TableStats, Verdict, WhenFull,
};

/// A plan over tables in words that another language may have given.
type Borrowed = KeyedPlan<&'static [AtomicU64]>;

/// What a call is answered.
type Answer<'p> = Result<PlanDecision<'p>, CallError>;

export! {
    fn plan_parse(text: &str) -> Result<Plan, ParseError> {
        text.parse()
    }

    fn rule_parse(text: &str) -> Result<Rule, ParseError> {
        text.parse()
    }

    fn parse_error_facts(error: &ParseError) -> (usize, &str) {
        (error.offset(), error.found())
    }

    fn rule_new(name: &str, quota: Quota, dimension: &str) -> Result<Rule, NameError> {
        Rule::new(name, quota, dimension)
    }

    fn plan_new(rules: &[Rule]) -> Result<Plan, PlanError> {
        Plan::new(rules.iter().cloned())
    }

    fn keyed_plan_new(
        plan: Plan,
        seed: Seed,
        words: &mut dyn Iterator<Item = &'static [AtomicU64]>,
        when_full: WhenFull,
    ) -> Result<Borrowed, TableError> {
        let plan = KeyedPlan::try_new(plan, seed, |rule| {
            words.next().ok_or(TableError::OutOfMemory { words: rule.quota().cell_words() })
        })?;
        Ok(plan.when_full(when_full))
    }

    fn keyed_plan_acquire<'p>(
        plan: &'p Borrowed,
        now_ns: u64,
        keys: Keys<'_>,
        cost: u32,
    ) -> Answer<'p> {
        plan.acquire(now_ns, keys, cost)
    }

    fn keyed_plan_acquire_one<'p>(
        plan: &'p Borrowed,
        now_ns: u64,
        key: Key<'_>,
        cost: u32,
    ) -> Answer<'p> {
        plan.acquire(now_ns, key, cost)
    }

    fn keyed_plan_hash(plan: &Borrowed, key: Key<'_>) -> [u64; 2] {
        plan.hash(key).to_words()
    }

    fn keyed_plan_acquire_alone(
        plan: &Borrowed,
        now_ns: u64,
        hash: [u64; 2],
        cost: u32,
    ) -> Option<[u64; 5]> {
        let decision = plan.only_table()?.acquire(KeyHash::from_words(hash), now_ns, cost);
        Some(decision.to_words())
    }

    fn plan_decision_restored<'p>(
        plan: &'p Plan,
        allowed: bool,
        words: &[[u64; 5]],
    ) -> PlanDecision<'p> {
        let decisions = words.iter().filter_map(|&words| Decision::from_words(words));
        PlanDecision::restored(plan, allowed, decisions)
    }

    fn keyed_plan_acquire_with<'p>(
        plan: &'p Borrowed,
        now_ns: u64,
        rules: &Plan,
        keys: Keys<'_>,
        cost: u32,
    ) -> Answer<'p> {
        plan.acquire_with(now_ns, rules, keys, cost)
    }

    fn keyed_plan_peek<'p>(
        plan: &'p Borrowed,
        now_ns: u64,
        keys: Keys<'_>,
        cost: u32,
    ) -> Answer<'p> {
        plan.peek(now_ns, keys, cost)
    }

    fn keyed_plan_peek_with<'p>(
        plan: &'p Borrowed,
        now_ns: u64,
        rules: &Plan,
        keys: Keys<'_>,
        cost: u32,
    ) -> Answer<'p> {
        plan.peek_with(now_ns, rules, keys, cost)
    }

    fn keyed_plan_hold<'p>(
        plan: &'p Borrowed,
        now_ns: u64,
        keys: Keys<'_>,
        cost: u32,
    ) -> Result<Permit<'p, &'static [AtomicU64]>, CallError> {
        plan.hold(now_ns, keys, cost)
    }

    fn permit_drop(permit: Permit<'_, &'static [AtomicU64]>) {
        drop(permit);
    }

    fn keyed_plan_release(plan: &Borrowed, keys: Keys<'_>, cost: u32) -> Result<(), CallError> {
        plan.release(keys, cost)
    }

    fn keyed_plan_reset(plan: &Borrowed, keys: Keys<'_>) -> Result<(), CallError> {
        plan.reset(keys)
    }

    fn keyed_plan_stats(plan: &Borrowed, see: &mut dyn FnMut(&Rule, TableStats)) {
        plan.stats().for_each(|(rule, stats)| see(rule, stats));
    }

    fn plan_decision_governing<'p>(
        decision: &PlanDecision<'p>,
    ) -> (bool, Verdict, Option<&'p str>, Option<u32>) {
        (decision.allowed(), decision.verdict(), decision.rule(), decision.remaining())
    }

    fn plan_rule_named<'p>(plan: &'p Plan, name: &str) -> Option<&'p Rule> {
        plan.rule_named(name)
    }

    fn plan_decision_rule_named<'d>(
        decision: &'d PlanDecision<'_>,
        name: &str,
    ) -> Option<&'d Decision> {
        decision.rule_named(name).map(|(_, own)| own)
    }

    fn plan_decision_rules(decision: &PlanDecision<'_>, see: &mut dyn FnMut(&Rule, &Decision)) {
        decision.rules().for_each(|(rule, decision)| see(rule, decision));
    }
}
