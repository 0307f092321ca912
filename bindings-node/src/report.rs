//! What is made of a decision when JavaScript asks: header fields, a problem body, a sentence.
//!
//! A decision comes back as the words it was handed out as; the core's writers do the rest.

use napi::bindgen_prelude::Int32Array;
use napi::{Error, Result, Status};
use napi_derive::napi;
use ratecell::http::{HeaderStyle, Report};
use ratecell::{Decision, PlanDecision};

use crate::limiter::{NativeLimiter, range};
use crate::words::ANSWER_LEN;

#[napi]
impl NativeLimiter {
    /// The bits of a set of header fields, of which `names` are groups or single fields.
    #[napi]
    pub fn header_style(names: Vec<String>, reset_in_seconds: bool) -> Result<u32> {
        let mut style = HeaderStyle::NONE;
        for name in names {
            let known = HeaderStyle::named(&name).ok_or_else(|| {
                let accepted: Vec<_> = HeaderStyle::NAMES.iter().map(|(name, _)| *name).collect();
                range(format!("style: found `{name}`, accepted are {}", accepted.join(", ")))
            })?;
            style = style | known;
        }
        let style = if reset_in_seconds { style.with_reset_after() } else { style };
        style.check().map_err(|clash| range(format!("style: {clash}")))?;
        Ok(style.bits())
    }

    /// The header fields of a decision: name, value, name, value and so on.
    #[napi]
    pub fn headers(&self, answer: Int32Array, allowed: bool, style: u32) -> Result<Vec<String>> {
        let style = HeaderStyle::from_bits(style).ok_or_else(malformed)?;
        let words = words(&answer);
        let (now, answers) = words.split_first_chunk().ok_or_else(malformed)?;
        let decision = self.restored(answers, allowed);
        let fields = Report::new(&decision).headers(style, joined(*now));
        Ok(fields.flat_map(|field| [field.name().to_owned(), field.value().to_string()]).collect())
    }

    /// The body of a refusal as a problem document.
    #[napi]
    pub fn problem(&self, answer: Int32Array, allowed: bool) -> Result<String> {
        let words = words(&answer);
        let decision = self.restored(words.get(2..).ok_or_else(malformed)?, allowed);
        Ok(Report::new(&decision).problem().to_string())
    }

    /// Why, in a sentence.
    #[napi]
    pub fn explain(&self, answer: Int32Array, allowed: bool) -> Result<String> {
        let words = words(&answer);
        Ok(self.restored(words.get(2..).ok_or_else(malformed)?, allowed).to_string())
    }
}

impl NativeLimiter {
    fn restored(&self, answers: &[u32], allowed: bool) -> PlanDecision<'_> {
        let decisions = answers.chunks_exact(ANSWER_LEN).filter_map(|answer| {
            let (pairs, _) = answer.as_chunks::<2>();
            Decision::from_words(std::array::from_fn(|index| joined(pairs[index])))
        });
        PlanDecision::restored(self.plan(), allowed, decisions)
    }
}

fn words(answer: &[i32]) -> Vec<u32> {
    answer.iter().map(|word| word.cast_unsigned()).collect()
}

const fn joined([low, high]: [u32; 2]) -> u64 {
    low as u64 | (high as u64) << 32
}

fn malformed() -> Error {
    Error::new(Status::GenericFailure, "the words of a decision are malformed")
}
