//! A limiter as one thread of JavaScript has it: carries out what the words ask.

use std::cell::RefCell;
use std::sync::Arc;

use ratecell::{CallError, Clock as _, KeyHash, Keys, Limiter, OwnedPermit, Plan};

use crate::clock::NodeClock;
use crate::permits::Permits;
use crate::raw_call::{Arguments, Callee, Thrown};
use crate::words::{self, KeyKind, Op, Words};

/// The most dimensions of a plan: each rule may have one of its own.
pub(crate) const MAX_DIMENSIONS: usize = ratecell::MAX_RULES;

/// A limiter with what belongs to one thread of JavaScript.
pub(crate) struct Bound {
    pub(crate) limiter: Arc<Limiter<NodeClock>>,
    /// The plan's dimensions, each once, in the order of its rules.
    pub(crate) dimensions: Vec<String>,
    /// Other rules for single calls, by number.
    rules: RefCell<Vec<Plan>>,
    permits: RefCell<Permits<OwnedPermit<NodeClock>>>,
    holds_permits: bool,
}

impl Bound {
    pub(crate) fn new(limiter: Arc<Limiter<NodeClock>>) -> Self {
        let mut dimensions: Vec<String> = Vec::new();
        for rule in limiter.plan().rules() {
            if !dimensions.iter().any(|known| known == rule.dimension()) {
                dimensions.push(rule.dimension().to_owned());
            }
        }
        let is_held = |rule: &ratecell::Rule| rule.quota().kind() == ratecell::Kind::Concurrency;
        let holds_permits = limiter.plan().rules().iter().any(is_held);
        Self {
            limiter,
            dimensions,
            rules: RefCell::default(),
            permits: RefCell::default(),
            holds_permits,
        }
    }

    /// Keeps other rules for calls to come and gives their number.
    pub(crate) fn add_rules(&self, plan: Plan) -> Result<u32, CallError> {
        self.limiter.keyed().check_rules(&plan)?;
        let mut rules = self.rules.borrow_mut();
        rules.push(plan);
        Ok(u32::try_from(rules.len() - 1).unwrap_or(u32::MAX))
    }

    /// Forgets all other rules; their numbers begin again.
    pub(crate) fn forget_rules(&self) {
        self.rules.borrow_mut().clear();
    }

    /// The hash of the key at a position; none if the call has none there.
    #[inline]
    fn key_hash(
        &self,
        arguments: &Arguments<'_>,
        words: &Words<'_>,
        index: usize,
    ) -> Result<Option<KeyHash>, Thrown> {
        let place = words::VALUES + index * words::VALUE_LEN;
        let hash = |key: &[u8]| self.limiter.keyed().hash(key);
        match KeyKind::from_word(words.get(words::KINDS + index)).ok_or(Thrown::Malformed)? {
            KeyKind::Absent => Ok(None),
            KeyKind::Integer => Ok(Some(hash(&words.get_u64(place).to_le_bytes()))),
            KeyKind::Hash => {
                Ok(Some(KeyHash::from_words([words.get_u64(place), words.get_u64(place + 2)])))
            }
            KeyKind::Argument => arguments.with_bytes(index, hash).map(Some).map_err(|fault| {
                let alone = words.get(words::KEYS) == 0;
                let dimension = self.dimensions.get(index).map_or("", String::as_str);
                let dot = if alone { "" } else { "." };
                Thrown::Type(format!("key{dot}{} {fault}", if alone { "" } else { dimension }))
            }),
        }
    }

    /// Does what the words ask, for these keys, and writes the answer.
    #[inline]
    fn carry_out(&self, op: Op, keys: Keys<'_>, words: &mut Words<'_>) -> Result<(), CallError> {
        let cost = words.get(words::COST);
        let now_ns = self.time_of(words);
        // What nearly every call is goes around the plan's larger answer.
        if op == Op::Acquire
            && words.get(words::RULES) == 0
            && let Keys::OneHash(hash) = keys
            && let Some(table) = self.limiter.keyed().only_table()
        {
            words.answer_alone(&table.acquire(hash, now_ns, cost));
            return Ok(());
        }
        self.carry_out_any(op, keys, Call { now_ns, cost }, words)
    }

    /// The time of a call; the words have it afterwards, whosever clock it is.
    #[inline]
    fn time_of(&self, words: &mut Words<'_>) -> u64 {
        if self.limiter.clock().is_given() {
            return words.get_u64(words::NOW);
        }
        let now_ns = self.limiter.clock().now_ns();
        words.set_u64(words::NOW, now_ns);
        now_ns
    }

    fn carry_out_any(
        &self,
        op: Op,
        keys: Keys<'_>,
        call: Call,
        words: &mut Words<'_>,
    ) -> Result<(), CallError> {
        let Call { now_ns, cost } = call;
        let keyed = self.limiter.keyed();
        let others = self.rules.borrow();
        let rules = match words.get(words::RULES) {
            0 => None,
            number => others.get(number as usize - 1),
        };
        match (op, rules) {
            (Op::Acquire, None) => words.answer(&keyed.acquire(now_ns, keys, cost)?),
            (Op::Acquire, Some(rules)) => {
                words.answer(&keyed.acquire_with(now_ns, rules, keys, cost)?);
            }
            (Op::Peek, None) => words.answer(&keyed.peek(now_ns, keys, cost)?),
            (Op::Peek, Some(rules)) => words.answer(&keyed.peek_with(now_ns, rules, keys, cost)?),
            (Op::Hold, rules) => self.hold(rules, keys, call, words)?,
            (Op::Release, _) => keyed.release(keys, cost)?,
            (Op::Reset, _) => keyed.reset(keys)?,
            (Op::Hash, _) => {
                if let Keys::OneHash(hash) = keys {
                    let [identity, place] = hash.to_words();
                    words.set_u64(words::VALUES, identity);
                    words.set_u64(words::VALUES + 2, place);
                }
            }
            (Op::GiveBack, _) => drop(self.permits.borrow_mut().take(words.get(words::PERMIT))),
        }
        Ok(())
    }

    fn hold(
        &self,
        rules: Option<&Plan>,
        keys: Keys<'_>,
        Call { now_ns, cost }: Call,
        words: &mut Words<'_>,
    ) -> Result<(), CallError> {
        words.set(words::PERMIT, 0);
        if !self.holds_permits {
            let decision = match rules {
                Some(rules) => self.limiter.keyed().acquire_with(now_ns, rules, keys, cost)?,
                None => self.limiter.keyed().acquire(now_ns, keys, cost)?,
            };
            words.answer(&decision);
            return Ok(());
        }
        self.limiter.clock().give(now_ns);
        let permit = match rules {
            Some(rules) => self.limiter.hold_owned_with(rules, keys, cost)?,
            None => self.limiter.hold_owned(keys, cost)?,
        };
        words.answer(&permit.decision());
        if permit.allowed() {
            words.set(words::PERMIT, self.permits.borrow_mut().keep(permit));
        }
        Ok(())
    }
}

impl Callee for Bound {
    /// The arguments are the keys that are strings or bytes; all else is words.
    #[inline]
    fn call(
        &self,
        arguments: &Arguments<'_>,
        words: &mut Words<'_>,
    ) -> Result<Option<String>, Thrown> {
        let op = Op::from_word(words.get(words::OP)).ok_or(Thrown::Malformed)?;
        let count = words.get(words::KEYS) as usize;
        if count == 0 {
            let keys = match self.key_hash(arguments, words, 0)? {
                Some(hash) => Keys::OneHash(hash),
                // Only to give a permit back takes no key.
                None if op == Op::GiveBack => Keys::EachHash(&[]),
                None => return Err(Thrown::Malformed),
            };
            self.carry_out(op, keys, words)?;
            return Ok(None);
        }
        let dimensions = self.dimensions.get(..count).ok_or(Thrown::Malformed)?;
        let mut hashes = [("", KeyHash::from_u64(0)); MAX_DIMENSIONS];
        let mut found = 0;
        for (index, dimension) in dimensions.iter().enumerate() {
            if let Some(hash) = self.key_hash(arguments, words, index)? {
                hashes[found] = (dimension.as_str(), hash);
                found += 1;
            }
        }
        self.carry_out(op, Keys::EachHash(&hashes[..found]), words)?;
        Ok(None)
    }
}

impl From<CallError> for Thrown {
    fn from(error: CallError) -> Self {
        match error {
            CallError::DimensionMissing => Self::Type(error.to_string()),
            _ => Self::Range(error.to_string()),
        }
    }
}

/// When a call happens, and what it takes.
#[derive(Clone, Copy)]
struct Call {
    now_ns: u64,
    cost: u32,
}
