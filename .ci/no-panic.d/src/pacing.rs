//! Backoff and pacing, and the reading of whatever a server sends.

use ratecell::Plan;
use ratecell::pacing::{
    Backoff, BackoffError, BackoffSettings, GiveUp, Pacer, Reading, Retries, Sent, ToldError,
};

/// Chance, from a caller that nobody knows here.
type Chance<'c> = &'c mut dyn FnMut() -> u64;

/// The headers of a response.
type Lines<'h> = &'h [(&'h str, &'h [u8])];

export! {
    fn backoff_new(settings: BackoffSettings) -> Result<Backoff, BackoffError> {
        Backoff::new(settings)
    }

    fn backoff_start(backoff: &Backoff, now_ns: u64) -> Retries {
        backoff.start(now_ns)
    }

    fn retries_wait(
        retries: &mut Retries,
        now_ns: u64,
        retry_after_ns: Option<u64>,
        mut random: Chance<'_>,
    ) -> Result<u64, GiveUp> {
        retries.wait_ns(now_ns, retry_after_ns, &mut random)
    }

    fn reading_of(now_ns: u64, status: u16, headers: Lines<'_>, body: &[u8]) -> Reading {
        Reading::of(now_ns, status, headers.iter().copied(), body)
    }

    fn pacer_new() -> Pacer {
        Pacer::new()
    }

    fn pacer_told(
        plan: &Plan,
        sharers: u32,
        now_ns: u64,
        mut random: Chance<'_>,
    ) -> Result<Pacer, ToldError> {
        Pacer::told(plan, sharers, now_ns, &mut random)
    }

    fn pacer_spread_over(pacer: Pacer, span_ns: u64, now_ns: u64, mut random: Chance<'_>) -> Pacer {
        pacer.spread_over(span_ns, now_ns, &mut random)
    }

    fn pacer_wait(pacer: &Pacer, now_ns: u64) -> u64 {
        pacer.wait_ns(now_ns)
    }

    fn pacer_is_at_rest(pacer: &Pacer, now_ns: u64) -> bool {
        pacer.is_at_rest(now_ns)
    }

    fn pacer_sent(pacer: &mut Pacer, now_ns: u64, mut random: Chance<'_>) -> Sent {
        pacer.sent(now_ns, &mut random)
    }

    fn pacer_finished(
        pacer: &mut Pacer,
        sent: Sent,
        now_ns: u64,
        answer: &Reading,
        mut random: Chance<'_>,
    ) {
        pacer.finished(sent, now_ns, answer, &mut random);
    }

    fn pacer_answered(
        pacer: &mut Pacer,
        sent: &Sent,
        now_ns: u64,
        answer: &Reading,
        mut random: Chance<'_>,
    ) {
        pacer.answered(sent, now_ns, answer, &mut random);
    }

    fn pacer_ended(pacer: &mut Pacer, sent: Sent) {
        pacer.ended(sent);
    }
}
