//! A limiter's answer as C reads it: plain numbers.
//!
//! One of the files with `unsafe`: a decision is written piece by piece, so that a call on one rule
//! does not write the room for eight.

use core::mem::{MaybeUninit, offset_of};

use ratecell::{Plan, PlanDecision};

use crate::boundary::{Out, Sized32};
use crate::failure::Failure;
use crate::rule_decision::*;

/// Stands for "no rule" where the position of a rule is expected.
pub const RATECELL_NO_RULE: u32 = u32::MAX;
/// The most rules in a plan.
pub const RATECELL_MAX_RULES: usize = 8;

/// What a limiter answers. Its numbers are those of the governing rule: of a refused call the one
/// that refuses longest, of an allowed one the one with the smallest share left.
///
/// Set struct_size before each call, by RATECELL_DECISION_INIT.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// sizeof(ratecell_decision), set by the caller.
    pub struct_size: u32,
    /// RATECELL_ALLOW, RATECELL_DENY, RATECELL_NEVER or RATECELL_FULL; never 0.
    pub verdict: u32,
    /// 1 if the units were taken, else 0.
    pub allowed: u32,
    /// The position of the governing rule in the plan, from 0; RATECELL_NO_RULE if no rule applies
    /// to the keys given. The call is allowed then, and limit, remaining and retry_after_ns are 0.
    pub rule: u32,
    /// The capacity in units: the limit, or the burst of a gcra rule.
    pub limit: u32,
    /// The largest cost that the governing rule would allow right now; rounded down.
    pub remaining: u32,
    /// The smallest wait in nanoseconds after which the same call would pass if nobody else called,
    /// exact: 0 when allowed, RATECELL_UNKNOWN when no wait helps or nobody can know it.
    pub retry_after_ns: u64,
    /// The wait in nanoseconds until the governing rule is as good as new if nobody calls;
    /// RATECELL_UNKNOWN for concurrency and if no rule applies.
    pub reset_after_ns: u64,
    /// How many entries of rules are written.
    pub rules_len: u32,
    /// Always 0.
    pub reserved: u32,
    /// Each applied rule's own answer, in the order of the plan; of a refused call what the rule
    /// would have answered, uncharged. Entries from rules_len on are not written.
    pub rules: [RuleDecision; RATECELL_MAX_RULES],
}

// SAFETY: the first field is `struct_size`, a u32, and `repr(C)` keeps it first.
unsafe impl Sized32 for Decision {}

const _: () = assert!(RATECELL_MAX_RULES == ratecell::MAX_RULES);

/// [`Decision`] up to its rules.
#[repr(C, align(8))]
struct Head {
    struct_size: u32,
    verdict: u32,
    allowed: u32,
    rule: u32,
    limit: u32,
    remaining: u32,
    retry_after_ns: u64,
    reset_after_ns: u64,
    rules_len: u32,
    reserved: u32,
}

const _: () = assert!(size_of::<Head>() == offset_of!(Decision, rules));
const _: () = assert!(size_of::<Decision>() <= u32::MAX as usize);

impl Head {
    #[inline(always)]
    const fn of(governing: &RuleDecision, rules_len: u32) -> Self {
        Self {
            #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
            struct_size: size_of::<Decision>() as u32,
            verdict: governing.verdict,
            allowed: (governing.verdict == RATECELL_ALLOW) as u32,
            rule: governing.rule,
            limit: governing.limit,
            remaining: governing.remaining,
            retry_after_ns: governing.retry_after_ns,
            reset_after_ns: governing.reset_after_ns,
            rules_len,
            reserved: 0,
        }
    }
}

/// The answer to a call that no rule applies to.
const NO_RULE: RuleDecision = RuleDecision {
    verdict: RATECELL_ALLOW,
    rule: RATECELL_NO_RULE,
    limit: 0,
    remaining: 0,
    retry_after_ns: 0,
    reset_after_ns: RATECELL_UNKNOWN,
    words: [0; 5],
};

impl Out<Decision> {
    /// Writes a plan's answer: the head, and as many rules as were applied.
    #[inline]
    pub(crate) fn fill(mut self, answer: &PlanDecision<'_>) {
        let mut rules_len = 0;
        let mut last = NO_RULE;
        for ((_, decision), entry) in answer.rules().zip(self.rules()) {
            last = *entry.write(RuleDecision::of(decision));
            rules_len += 1;
        }
        if rules_len > 1 {
            last = answer.governing().map_or(NO_RULE, |(_, decision)| RuleDecision::of(decision));
        }
        self.write_head(Head::of(&last, rules_len));
    }

    /// Writes the answer of a plan's only rule.
    #[inline(always)]
    pub(crate) fn fill_one(mut self, answer: &ratecell::Decision) {
        let only = RuleDecision::of(answer);
        if let Some(first) = self.rules().first_mut() {
            first.write(only);
        }
        self.write_head(Head::of(&only, 1));
    }

    #[inline(always)]
    fn rules(&mut self) -> &mut Rules {
        let start = self.address();
        let rules = start.wrapping_byte_add(offset_of!(Decision, rules)).cast::<Rules>();
        // SAFETY: the rules of the `Decision` at `start`, which is valid for writes; no byte of a
        // `MaybeUninit` needs to be set; nobody else refers to them while `self` is
        // borrowed.
        unsafe { &mut *rules }
    }

    #[inline(always)]
    fn write_head(self, head: Head) {
        // SAFETY: a `Decision` begins as a `Head`, field for field, and is as aligned; `address` is
        // valid for writes.
        unsafe { self.address().cast::<Head>().write(head) };
    }
}

impl Decision {
    /// The core's answer again, under the rules of a limiter.
    pub(crate) fn back<'p>(&self, plan: &'p Plan) -> Result<PlanDecision<'p>, Failure> {
        let rules = usize::try_from(self.rules_len).ok().and_then(|len| self.rules.get(..len));
        let rules = rules.ok_or(Failure::Length {
            argument: "decision->rules_len",
            found: self.rules_len as usize,
            accepted: RATECELL_MAX_RULES,
        })?;
        let decision = |rule: &RuleDecision| ratecell::Decision::from_words(rule.words);
        let spoilt = Failure::NotInitialized { argument: "decision" };
        if !rules.iter().all(|rule| decision(rule).is_some()) {
            return Err(spoilt);
        }
        Ok(PlanDecision::restored(plan, self.allowed != 0, rules.iter().filter_map(decision)))
    }
}

type Rules = [MaybeUninit<RuleDecision>; RATECELL_MAX_RULES];
