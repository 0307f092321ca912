//! What is tested: the only file here that names ratecell's API.

use ratecell::{
    AtomicHeld, AtomicSegments, AtomicTat, AtomicU64, AtomicWindow, ConcurrencyQuota, Decision,
    FixedQuota, GcraQuota, Key, KeyedPlan, Memory as _, Plan, PlanDecision, Quota, Rule, Seed,
    SlidingQuota, StaticMemory, TableError, table_words,
};

use crate::cases::{self, Answer, Few, Kind, NamedRule, PlanAnswer};
use crate::format::MOST_RULES;

/// The most words that a sliding cell takes: a head and 62 + 1 segments.
const MOST_WORDS: usize = 64;

/// A quota and one fresh cell of it.
#[expect(clippy::large_enum_variant, reason = "one at a time lives, on the stack")]
pub(crate) enum Subject {
    /// One word.
    Gcra(GcraQuota, AtomicTat),
    /// One word.
    Fixed(FixedQuota, AtomicWindow),
    /// A head and a ring.
    Sliding(SlidingQuota, AtomicSegments<MOST_WORDS>),
    /// One word.
    Concurrency(ConcurrencyQuota, AtomicHeld),
}

impl Subject {
    /// A fresh cell of a case's rule.
    pub(crate) fn new(rule: &cases::Rule) -> Self {
        let cases::Rule { kind, limit, period_ns, extra } = *rule;
        let refused = "the rule of a case is a quota";
        match kind {
            Kind::Gcra => Self::Gcra(
                GcraQuota::new(limit, period_ns, extra).expect(refused),
                AtomicTat::new(),
            ),
            Kind::Fixed => {
                Self::Fixed(FixedQuota::new(limit, period_ns).expect(refused), AtomicWindow::new())
            }
            Kind::Sliding => Self::Sliding(
                SlidingQuota::new(limit, period_ns, extra).expect(refused),
                AtomicSegments::new(),
            ),
            Kind::Concurrency => {
                Self::Concurrency(ConcurrencyQuota::new(limit).expect(refused), AtomicHeld::new())
            }
        }
    }

    /// Takes.
    pub(crate) fn acquire(&self, now_ns: u64, cost: u32) -> Answer {
        answer(&match self {
            Self::Gcra(quota, cell) => cell.acquire(quota, now_ns, cost),
            Self::Fixed(quota, cell) => cell.acquire(quota, now_ns, cost),
            Self::Sliding(quota, cell) => cell.acquire(quota, now_ns, cost),
            Self::Concurrency(quota, cell) => cell.acquire(quota, cost),
        })
    }

    /// Only looks.
    pub(crate) fn peek(&self, now_ns: u64, cost: u32) -> Answer {
        answer(&match self {
            Self::Gcra(quota, cell) => cell.peek(quota, now_ns, cost),
            Self::Fixed(quota, cell) => cell.peek(quota, now_ns, cost),
            Self::Sliding(quota, cell) => cell.peek(quota, now_ns, cost),
            Self::Concurrency(quota, cell) => cell.peek(quota, cost),
        })
    }

    /// Gives back; whether as much was held.
    pub(crate) fn release(&self, cost: u32) -> bool {
        match self {
            Self::Concurrency(_, cell) => cell.release(cost).is_ok(),
            Self::Gcra(..) | Self::Fixed(..) | Self::Sliding(..) => {
                panic!("only permits are given back")
            }
        }
    }
}

/// What the tables of a plan live in, one case after another.
static MEMORY: StaticMemory<MEMORY_WORDS> = StaticMemory::new();

const MEMORY_WORDS: usize = match usize::from_str_radix(env!("RATECELL_TABLE_WORDS"), 10) {
    Ok(words) => words,
    Err(_) => panic!("build.rs gives a number"),
};

/// A plan and its fresh tables.
pub(crate) struct PlanSubject(KeyedPlan<&'static [AtomicU64]>);

impl PlanSubject {
    /// A fresh plan of a case's rules; none if the board has too little memory for its tables. The
    /// last one's is gone by then.
    pub(crate) fn new(rules: &Few<NamedRule>) -> Option<Self> {
        let rules = rules.iter().flatten().map(|NamedRule { name, dimension, rule }| {
            Rule::new(name, quota(rule), dimension).expect("names of a case are names")
        });
        let plan = Plan::new(rules).expect("the rules of a case are a plan");
        let mut rest = MEMORY.words();
        let keyed = KeyedPlan::try_new(plan, Seed::from_bytes(*b"a board's secret"), |rule| {
            let needed_words = table_words(rule.quota(), TABLE_KEYS);
            let no_room = TableError::TooSmall { found_words: rest.len(), needed_words };
            let (words, left) = rest.split_at_checked(needed_words).ok_or(no_room)?;
            rest = left;
            Ok(words)
        });
        match keyed {
            Ok(keyed) => Some(Self(keyed)),
            Err(TableError::TooSmall { .. }) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Takes.
    pub(crate) fn acquire(&self, now_ns: u64, keys: &PlanKeys, cost: u32) -> PlanAnswer {
        with_keys(keys, |keys| self.answer(&self.0.acquire(now_ns, keys, cost).expect(RIGHT_KEYS)))
    }

    /// Only looks.
    pub(crate) fn peek(&self, now_ns: u64, keys: &PlanKeys, cost: u32) -> PlanAnswer {
        with_keys(keys, |keys| self.answer(&self.0.peek(now_ns, keys, cost).expect(RIGHT_KEYS)))
    }

    /// Gives back; whether as much was held.
    pub(crate) fn release(&self, keys: &PlanKeys, cost: u32) -> bool {
        with_keys(keys, |keys| self.0.release(keys, cost).is_ok())
    }

    fn answer(&self, decision: &PlanDecision<'_>) -> PlanAnswer {
        let position = |name| self.0.plan().rules().iter().position(|rule| rule.name() == name);
        let mut rules = Few::default();
        for (rule, decision) in decision.rules() {
            rules[position(rule.name()).expect("a rule of the plan")] = Some(answer(decision));
        }
        PlanAnswer { governing: decision.rule().and_then(position), rules }
    }
}

/// Pairs of a dimension and its key.
pub(crate) type PlanKeys = Few<(&'static str, &'static str)>;

/// A table for so many keys is one region of eight slots, any of which any key may have; no case has
/// more keys of one dimension than six.
const TABLE_KEYS: usize = 5;

const RIGHT_KEYS: &str = "a case brings its keys with their dimensions";

fn with_keys<T>(keys: &PlanKeys, call: impl FnOnce(&[(&str, Key<'_>)]) -> T) -> T {
    let mut pairs = [("", Key::from("")); MOST_RULES];
    let mut length = 0;
    for (pair, &(dimension, key)) in pairs.iter_mut().zip(keys.iter().flatten()) {
        *pair = (dimension, Key::from(key));
        length += 1;
    }
    call(&pairs[..length])
}

fn quota(rule: &cases::Rule) -> Quota {
    match Subject::new(rule) {
        Subject::Gcra(quota, _) => quota.into(),
        Subject::Fixed(quota, _) => quota.into(),
        Subject::Sliding(quota, _) => quota.into(),
        Subject::Concurrency(quota, _) => quota.into(),
    }
}

fn answer(decision: &Decision) -> Answer {
    Answer {
        verdict: decision.verdict().as_str(),
        limit: decision.limit(),
        remaining: decision.remaining(),
        retry_after_ns: decision.retry_after_ns(),
        reset_after_ns: decision.reset_after_ns(),
    }
}
