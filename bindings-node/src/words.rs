//! The words that JavaScript and the addon share: what a call asks, and what it is answered.
//!
//! An `Int32Array` of [`LEN`] words; `lib/words.js` has the same places under the same names, and
//! compares [`LAYOUT`] when it loads. A u64 takes two words, the low one first. INVARIANT: one thread
//! has each array, JavaScript writes its half before a call and reads the other right after it.

use ratecell::{Decision, PlanDecision};

/// Changes with every change of a place below; JavaScript refuses an addon of another layout.
pub(crate) const LAYOUT: u32 = 2;

/// What to do: one of [`Op`].
pub(crate) const OP: usize = 0;
/// Units, a u32.
pub(crate) const COST: usize = 1;
/// In, the time, if the limiter's clock is JavaScript's; out, the time of the decision. Two words.
pub(crate) const NOW: usize = 2;
/// 0 for the plan's own rules, else 1 and the number that `addRules` gave.
pub(crate) const RULES: usize = 4;
/// In, the permit to give back; out, the one taken. 0 for none.
pub(crate) const PERMIT: usize = 5;
/// 0 for one key without its dimension, else how many dimensions have a place below.
pub(crate) const KEYS: usize = 6;
/// What stands in each key's place: one of [`KeyKind`].
pub(crate) const KINDS: usize = 8;
/// Each key's four words, where it is not an argument.
pub(crate) const VALUES: usize = 16;
/// How many words a key takes.
pub(crate) const VALUE_LEN: usize = 4;
/// Out: 1 if every applied rule was charged.
pub(crate) const ALLOWED: usize = 48;
/// Out: how many rules applied.
pub(crate) const APPLIED: usize = 49;
/// A guard's call has its own meaning for the places from here on: in, the stage.
pub(crate) const STAGE: usize = OP;
/// In, 1 to read the method, the path and the address although the contract looks at none of them,
/// so that what is wrong with one is said.
pub(crate) const READ_ALL: usize = RULES;
/// In, 1 if the address is that of the call before, which is then no argument: behind a proxy each
/// is.
pub(crate) const SAME_PEER: usize = KEYS + 1;
/// In, how many arguments come after the method, the path and the address.
pub(crate) const GIVEN: usize = KEYS;
/// In, what each of them is: a place in the guard's list of names.
pub(crate) const NAMES: usize = 56;
/// Out, the number of the outcome's shape.
pub(crate) const SHAPE: usize = ALLOWED;
/// Out, how much of the text that is returned comes before the body.
pub(crate) const HEAD_LEN: usize = APPLIED;
/// Out, the wait of a refusal in nanoseconds, or all ones; 0 for a request that passes. Two words.
pub(crate) const WAIT: usize = 52;
/// Out: the governing rule's answer, if any applied.
const ANSWER: usize = 52;
/// Out: each applied rule's answer, unless it is one alone.
const ANSWERS: usize = ANSWER + ANSWER_LEN;
/// How many words an answer takes: what `Decision::to_words` gives, and what is left.
pub(crate) const ANSWER_LEN: usize = 11;
/// All of them: eight rules at the most.
pub(crate) const LEN: usize = ANSWERS + 8 * ANSWER_LEN;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Acquire,
    Peek,
    Hold,
    Release,
    Reset,
    /// Gives the key's hash, for a handle.
    Hash,
    /// Gives back the permits of a `Hold`.
    GiveBack,
}

impl Op {
    pub(crate) const fn from_word(word: u32) -> Option<Self> {
        Some(match word {
            0 => Self::Acquire,
            1 => Self::Peek,
            2 => Self::Hold,
            3 => Self::Release,
            4 => Self::Reset,
            5 => Self::Hash,
            6 => Self::GiveBack,
            _ => return None,
        })
    }
}

/// What stands in the place of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// Nothing: the call has no key of this dimension.
    Absent,
    /// The argument at the key's position: a string or a `Uint8Array`.
    Argument,
    /// Two words: an integer below 2^64.
    Integer,
    /// Four words: what `Op::Hash` gave.
    Hash,
}

impl KeyKind {
    pub(crate) const fn from_word(word: u32) -> Option<Self> {
        Some(match word {
            0 => Self::Absent,
            1 => Self::Argument,
            2 => Self::Integer,
            3 => Self::Hash,
            _ => return None,
        })
    }
}

/// The words as the addon sees them during one call.
pub(crate) struct Words<'w>(pub(crate) &'w mut [u32; LEN]);

impl Words<'_> {
    pub(crate) const fn get(&self, place: usize) -> u32 {
        self.0[place]
    }

    pub(crate) const fn set(&mut self, place: usize, word: u32) {
        self.0[place] = word;
    }

    pub(crate) const fn get_u64(&self, place: usize) -> u64 {
        self.0[place] as u64 | (self.0[place + 1] as u64) << 32
    }

    #[expect(clippy::cast_possible_truncation, reason = "the two halves of it")]
    pub(crate) const fn set_u64(&mut self, place: usize, value: u64) {
        self.0[place] = value as u32;
        self.0[place + 1] = (value >> 32) as u32;
    }

    /// Writes the answer of a plan.
    pub(crate) fn answer(&mut self, decision: &PlanDecision<'_>) {
        let mut applied = 0;
        for (_, own) in decision.rules() {
            self.answer_of_rule(ANSWERS + applied as usize * ANSWER_LEN, own);
            applied += 1;
        }
        if let Some((_, governing)) = decision.governing() {
            self.answer_of_rule(ANSWER, governing);
        }
        self.set(APPLIED, applied);
        self.set(ALLOWED, u32::from(decision.allowed()));
    }

    /// Writes the answer of a plan's only rule.
    #[inline]
    pub(crate) fn answer_alone(&mut self, decision: &Decision) {
        self.answer_of_rule(ANSWER, decision);
        self.set(APPLIED, 1);
        self.set(ALLOWED, u32::from(decision.allowed()));
    }

    #[inline]
    fn answer_of_rule(&mut self, place: usize, decision: &Decision) {
        for (index, word) in decision.to_words().into_iter().enumerate() {
            self.set_u64(place + 2 * index, word);
        }
        self.set(place + ANSWER_LEN - 1, decision.remaining());
    }
}
