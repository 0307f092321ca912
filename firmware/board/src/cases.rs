//! The cases in flash, read piece by piece; `format.rs` says how they lie there.

use crate::format::{self, MOST_RULES, MOST_WORDS};

/// The blob that `build.rs` made.
pub(crate) static BLOB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cases.bin"));

/// A place in the blob.
#[derive(Clone, Copy)]
pub(crate) struct Cases {
    rest: &'static [u8],
    last_ns: u64,
}

impl Cases {
    /// The start of the blob.
    pub(crate) const fn new(blob: &'static [u8]) -> Self {
        Self { rest: blob, last_ns: 0 }
    }

    /// The next case's times count from 0 again.
    pub(crate) fn begin_case(&mut self) -> &'static str {
        self.last_ns = 0;
        self.text()
    }

    /// The next number.
    pub(crate) fn number(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().expect("the blob ends early");
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }

    /// The next number, where it is known to be small.
    pub(crate) fn small(&mut self) -> u32 {
        u32::try_from(self.number()).expect("a number above 2^32 in the blob")
    }

    /// The next text.
    pub(crate) fn text(&mut self) -> &'static str {
        let length = self.small() as usize;
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        core::str::from_utf8(text).expect("text in the blob is UTF-8")
    }

    /// The next rule.
    pub(crate) fn rule(&mut self) -> Rule {
        let kind = match self.number() {
            format::GCRA => Kind::Gcra,
            format::FIXED => Kind::Fixed,
            format::SLIDING => Kind::Sliding,
            format::CONCURRENCY => Kind::Concurrency,
            kind => panic!("kind {kind} in the blob"),
        };
        Rule { kind, limit: self.small(), period_ns: self.number(), extra: self.small() }
    }

    /// The next rules of a plan.
    pub(crate) fn named_rules(&mut self) -> Few<NamedRule> {
        self.few(|cases| NamedRule {
            name: cases.text(),
            dimension: cases.text(),
            rule: cases.rule(),
        })
    }

    /// The next case's dimensions and keys, by index.
    pub(crate) fn words(&mut self) -> Words {
        let mut words = [""; MOST_WORDS];
        let length = self.small() as usize;
        words[..length].fill_with(|| self.text());
        words
    }

    /// The next keys of a plan's step: pairs of a dimension and its key.
    pub(crate) fn keys(&mut self, words: &Words) -> Few<(&'static str, &'static str)> {
        self.few(|cases| (words[cases.small() as usize], words[cases.small() as usize]))
    }

    fn few<T>(&mut self, mut read: impl FnMut(&mut Self) -> T) -> Few<T> {
        let mut few = [const { None }; MOST_RULES];
        let length = self.small() as usize;
        few[..length].fill_with(|| Some(read(self)));
        few
    }

    /// The next step's first byte and cost.
    pub(crate) fn call(&mut self) -> Call {
        let head = self.number();
        let op = match head & 3 {
            format::ACQUIRE => Op::Acquire,
            format::PEEK => Op::Peek,
            format::RELEASE => Op::Release { ok: head & 4 != 0 },
            op => panic!("step {op} in the blob"),
        };
        Call { op, cost: self.small() }
    }

    /// The time of a step that has one.
    pub(crate) fn now_ns(&mut self) -> u64 {
        let zigzag = self.number();
        let delta = zigzag >> 1 ^ (zigzag & 1).wrapping_neg();
        self.last_ns = self.last_ns.wrapping_add(delta);
        self.last_ns
    }

    /// The next expected answer.
    pub(crate) fn answer(&mut self) -> Answer {
        let verdict = match self.number() {
            format::ALLOW => "allow",
            format::DENY => "deny",
            format::NEVER => "never",
            verdict => panic!("verdict {verdict} in the blob"),
        };
        Answer {
            verdict,
            limit: self.small(),
            remaining: self.small(),
            retry_after_ns: self.number().checked_sub(1),
            reset_after_ns: self.number().checked_sub(1),
        }
    }

    /// The next expected answer of a plan.
    pub(crate) fn plan_answer(&mut self) -> PlanAnswer {
        let governing = (self.small() as usize).checked_sub(1);
        let mask = self.number();
        let mut rules = [None; MOST_RULES];
        for (index, rule) in rules.iter_mut().enumerate() {
            *rule = (mask >> index & 1 == 1).then(|| self.answer());
        }
        PlanAnswer { governing, rules }
    }

    /// Whether all has been read.
    pub(crate) const fn is_over(&self) -> bool {
        self.rest.is_empty()
    }
}

/// The dimensions and keys of a case.
pub(crate) type Words = [&'static str; MOST_WORDS];

/// Up to 8 of them, then none.
pub(crate) type Few<T> = [Option<T>; MOST_RULES];

/// What a rule counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `gcra`.
    Gcra,
    /// `fixed`.
    Fixed,
    /// `sliding`.
    Sliding,
    /// `concurrency`.
    Concurrency,
}

/// A rule as the case gives it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// What it counts by.
    pub(crate) kind: Kind,
    /// Units per period, or permits.
    pub(crate) limit: u32,
    /// 0 for concurrency.
    pub(crate) period_ns: u64,
    /// The burst of gcra, the segments of sliding, else 0.
    pub(crate) extra: u32,
}

/// A rule of a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NamedRule {
    /// Its name.
    pub(crate) name: &'static str,
    /// Whose keys it counts.
    pub(crate) dimension: &'static str,
    /// What it counts by.
    pub(crate) rule: Rule,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Takes.
    Acquire,
    /// Only looks.
    Peek,
    /// Gives back; whether that is right. A plan's release always is.
    Release {
        /// Whether as much is held.
        ok: bool,
    },
}

/// A step without its time, keys and expectation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// What it does.
    pub(crate) op: Op,
    /// How many units.
    pub(crate) cost: u32,
}

/// A rule's answer: expected, or given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// `allow`, `deny` or `never`.
    pub(crate) verdict: &'static str,
    /// The capacity.
    pub(crate) limit: u32,
    /// The largest cost that would be allowed now.
    pub(crate) remaining: u32,
    /// The wait, or none.
    pub(crate) retry_after_ns: Option<u64>,
    /// The wait until as good as new, or none.
    pub(crate) reset_after_ns: Option<u64>,
}

/// A plan's answer: expected, or given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlanAnswer {
    /// The position of the rule that names the answer; none if every rule was skipped.
    pub(crate) governing: Option<usize>,
    /// The answer of each rule that applied, by position.
    pub(crate) rules: Few<Answer>,
}
