//! Plans: an ordered list of rules, acquired all or nothing, each with a cell for every key.
//!
//! One caller at a time, so nothing is ever charged and taken back. Keys are bytes, kept forever in
//! an ordered map for each rule; there is no capacity and no hashing.

use std::collections::BTreeMap;

use crate::{Answer, Cell, Quota, Refusal, Verdict};

/// A list of rules and the state of every key that was charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    rules: Vec<Rule>,
    /// By the rule's position, then by key.
    cells: Vec<BTreeMap<Vec<u8>, Cell>>,
}

/// A named quota, counted for each key of one dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The rule's name, unlike that of any other rule of the plan.
    pub name: String,
    /// How much each key gets.
    pub quota: Quota,
    /// The dimension whose keys are counted.
    pub by: String,
}

/// What a plan answers to one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanAnswer {
    /// Whether every applied rule allowed the call. True when every rule was skipped.
    pub allowed: bool,
    /// The name of the rule that names the answer; none when every rule was skipped.
    pub governing: Option<String>,
    /// Each applied rule's own answer, in the order of the plan. On a refused plan it is what the
    /// rule would have answered, uncharged.
    pub rules: Vec<(String, Answer)>,
}

impl Plan {
    /// A plan that no key has used.
    ///
    /// # Errors
    /// What [`Quota::check`] says of a rule, [`Refusal::RuleCount`] for no rules and
    /// [`Refusal::RepeatedName`] for a name given twice.
    pub fn new(rules: Vec<Rule>) -> Result<Self, Refusal> {
        if rules.is_empty() {
            return Err(Refusal::RuleCount);
        }
        for (index, rule) in rules.iter().enumerate() {
            rule.quota.check()?;
            if rules[..index].iter().any(|earlier| earlier.name == rule.name) {
                return Err(Refusal::RepeatedName);
            }
        }
        let cells = vec![BTreeMap::new(); rules.len()];
        Ok(Self { rules, cells })
    }

    /// The rules in order.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Charges every rule whose dimension has a key, or none of them. `keys` are pairs of a
    /// dimension and its key; of two keys for one dimension the first counts.
    ///
    /// # Panics
    /// When `now_ns` is 2^63 or above.
    pub fn acquire<K: AsRef<[u8]>>(
        &mut self,
        keys: &[(&str, K)],
        cost: u32,
        now_ns: u64,
    ) -> PlanAnswer {
        self.take(&self.quotas(), keys, cost, now_ns)
    }

    /// [`Plan::acquire`] with other quotas for this one call, by the position of the rule that
    /// each stands in for.
    ///
    /// # Errors
    /// [`Refusal::RuleCount`] unless there is one for each rule; else what
    /// [`Quota::check_stand_in`] says of the first that is refused. Nothing is charged.
    ///
    /// # Panics
    /// When `now_ns` is 2^63 or above.
    pub fn acquire_with<K: AsRef<[u8]>>(
        &mut self,
        quotas: &[Quota],
        keys: &[(&str, K)],
        cost: u32,
        now_ns: u64,
    ) -> Result<PlanAnswer, Refusal> {
        self.check_stand_ins(quotas)?;
        Ok(self.take(quotas, keys, cost, now_ns))
    }

    /// What [`Plan::acquire`] would answer, with the numbers before the charge.
    ///
    /// # Panics
    /// When `now_ns` is 2^63 or above.
    pub fn peek<K: AsRef<[u8]>>(&self, keys: &[(&str, K)], cost: u32, now_ns: u64) -> PlanAnswer {
        self.look(&self.quotas(), keys, cost, now_ns)
    }

    /// [`Plan::peek`] with other quotas for this one call, as in [`Plan::acquire_with`].
    ///
    /// # Errors
    /// As [`Plan::acquire_with`].
    ///
    /// # Panics
    /// When `now_ns` is 2^63 or above.
    pub fn peek_with<K: AsRef<[u8]>>(
        &self,
        quotas: &[Quota],
        keys: &[(&str, K)],
        cost: u32,
        now_ns: u64,
    ) -> Result<PlanAnswer, Refusal> {
        self.check_stand_ins(quotas)?;
        Ok(self.look(quotas, keys, cost, now_ns))
    }

    /// Gives back the permits of an allowed call with these keys and this cost: those of every
    /// concurrency rule that applied to it. False, with nothing changed, when one of these rules
    /// has fewer out; true when no concurrency rule applies.
    pub fn release<K: AsRef<[u8]>>(&mut self, keys: &[(&str, K)], cost: u32) -> bool {
        let mut released = Vec::new();
        for (index, key) in self.applied(keys) {
            if !matches!(self.rules[index].quota, Quota::Concurrency { .. }) || cost == 0 {
                continue;
            }
            let Some(mut cell) = self.cells[index].get(key).cloned() else { return false };
            if !cell.release(cost) {
                return false;
            }
            released.push((index, key, cell));
        }
        for (index, key, cell) in released {
            self.cells[index].insert(key.to_vec(), cell);
        }
        true
    }

    /// Rule text with every name, number and dimension written out; it parses to the same plan.
    pub fn to_text(&self) -> String {
        self.rules.iter().map(Rule::to_text).collect::<Vec<_>>().join("; ")
    }

    fn take<K: AsRef<[u8]>>(
        &mut self,
        quotas: &[Quota],
        keys: &[(&str, K)],
        cost: u32,
        now_ns: u64,
    ) -> PlanAnswer {
        let before = self.look(quotas, keys, cost, now_ns);
        if !before.allowed {
            return before;
        }
        let mut rules = Vec::new();
        for (index, key) in self.applied(keys) {
            let rule = &self.rules[index];
            let cell = self.cells[index].entry(key.to_vec()).or_insert_with(|| rule.new_cell());
            let answer =
                cell.acquire_with(&quotas[index], now_ns, cost).expect("the stand-in was checked");
            rules.push((rule.name.clone(), answer));
        }
        PlanAnswer::new(rules)
    }

    fn look<K: AsRef<[u8]>>(
        &self,
        quotas: &[Quota],
        keys: &[(&str, K)],
        cost: u32,
        now_ns: u64,
    ) -> PlanAnswer {
        let mut rules = Vec::new();
        for (index, key) in self.applied(keys) {
            let rule = &self.rules[index];
            let cell = self.cells[index].get(key).cloned().unwrap_or_else(|| rule.new_cell());
            let answer =
                cell.peek_with(&quotas[index], now_ns, cost).expect("the stand-in was checked");
            rules.push((rule.name.clone(), answer));
        }
        PlanAnswer::new(rules)
    }

    /// The positions of the rules whose dimension has a key, with that key.
    fn applied<'k, K: AsRef<[u8]>>(&self, keys: &'k [(&str, K)]) -> Vec<(usize, &'k [u8])> {
        let mut applied = Vec::new();
        for (index, rule) in self.rules.iter().enumerate() {
            if let Some((_, key)) = keys.iter().find(|(dimension, _)| *dimension == rule.by) {
                applied.push((index, key.as_ref()));
            }
        }
        applied
    }

    fn quotas(&self) -> Vec<Quota> {
        self.rules.iter().map(|rule| rule.quota).collect()
    }

    fn check_stand_ins(&self, quotas: &[Quota]) -> Result<(), Refusal> {
        if quotas.len() != self.rules.len() {
            return Err(Refusal::RuleCount);
        }
        self.rules.iter().zip(quotas).try_for_each(|(rule, quota)| rule.quota.check_stand_in(quota))
    }
}

impl Rule {
    /// Rule text such as `ip: fixed 300/60000000000ns by ip`.
    pub fn to_text(&self) -> String {
        format!("{}: {} by {}", self.name, self.quota.to_text(), self.by)
    }

    fn new_cell(&self) -> Cell {
        Cell::new(self.quota).expect("the quotas of a plan were checked")
    }
}

impl PlanAnswer {
    fn new(rules: Vec<(String, Answer)>) -> Self {
        let allowed = rules.iter().all(|(_, answer)| answer.verdict == Verdict::Allow);
        let governing = if allowed { tightest(&rules) } else { refuser(&rules) };
        let governing = governing.map(|(name, _)| name.clone());
        Self { allowed, governing, rules }
    }

    /// The wait of the governing rule: 0 for a call that passed, none when no wait is known.
    pub fn retry_after_ns(&self) -> Option<u64> {
        if self.allowed {
            return Some(0);
        }
        let governs = |(name, _): &&(String, Answer)| Some(name) == self.governing.as_ref();
        self.rules.iter().find(governs).and_then(|(_, answer)| answer.retry_after_ns)
    }
}

/// The rule with the smallest remaining / limit; the first of equals.
fn tightest(rules: &[(String, Answer)]) -> Option<&(String, Answer)> {
    let mut tightest: Option<&(String, Answer)> = None;
    for rule in rules {
        let tighter = tightest.is_none_or(|(_, best)| {
            let (a, b) = (&rule.1, best);
            i128::from(a.remaining) * i128::from(b.limit)
                < i128::from(b.remaining) * i128::from(a.limit)
        });
        if tighter {
            tightest = Some(rule);
        }
    }
    tightest
}

/// Never first, else the longest known wait, else the first refused rule; the first of equals.
fn refuser(rules: &[(String, Answer)]) -> Option<&(String, Answer)> {
    if let Some(rule) = rules.iter().find(|(_, answer)| answer.verdict == Verdict::Never) {
        return Some(rule);
    }
    let mut refuser: Option<&(String, Answer)> = None;
    for rule in rules.iter().filter(|(_, answer)| answer.verdict == Verdict::Deny) {
        // An unknown wait orders below every known one.
        if refuser.is_none_or(|(_, best)| rule.1.retry_after_ns > best.retry_after_ns) {
            refuser = Some(rule);
        }
    }
    refuser
}
