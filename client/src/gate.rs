//! A pacer that lanes share, and the way of a request through several of them.
//!
//! The rules of a contract that are for the same requests and count by the same key are one gate.
//! A request passes all of its gates at one instant or none of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ratecell::pacing::{Pacer, Random, Reading, Sent};

/// A pacer, behind a lock that is held for a few computations and never while anything waits.
pub(crate) struct Gate(Mutex<Pacer>);

impl Gate {
    pub(crate) fn new(pacer: Pacer) -> Self {
        Self(Mutex::new(pacer))
    }

    /// Whether its pacer may be forgotten.
    pub(crate) fn is_at_rest(&self, now_ns: u64) -> bool {
        self.pacer().is_at_rest(now_ns)
    }

    fn pacer(&self) -> MutexGuard<'_, Pacer> {
        // A pacer does not panic, and whoever does while holding it has changed nothing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes all gates now, or none of them: then it says in how many nanoseconds to try again.
///
/// The gates are in the order of the contract, for every caller, so two of them never wait for each
/// other's locks.
pub(crate) fn pass(
    gates: &[Arc<Gate>],
    now_ns: u64,
    random: &mut impl Random,
) -> Result<Passed, u64> {
    let mut pacers: Vec<_> = gates.iter().map(|gate| gate.pacer()).collect();
    let wait_ns = pacers.iter().map(|pacer| pacer.wait_ns(now_ns)).max().unwrap_or(0);
    if wait_ns > 0 {
        return Err(wait_ns);
    }
    let sent = pacers.iter_mut().map(|pacer| pacer.sent(now_ns, random));
    Ok(Passed(gates.iter().cloned().zip(sent).collect()))
}

/// The gates that a request has passed, until it ends.
#[must_use = "the request counts as in flight until it ends"]
pub(crate) struct Passed(Vec<(Arc<Gate>, Sent)>);

impl Passed {
    /// Tells the gates how the request was answered.
    pub(crate) fn answered(&self, now_ns: u64, reading: &Reading, random: &mut impl Random) {
        for (gate, sent) in &self.0 {
            gate.pacer().answered(sent, now_ns, reading, random);
        }
    }

    /// Tells the gates that the request is no longer in flight.
    pub(crate) fn end(&mut self) {
        for (gate, sent) in self.0.drain(..) {
            gate.pacer().ended(sent);
        }
    }
}
