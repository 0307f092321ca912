//! The line of the requests of one caller that have to pass the same gates.
//!
//! The line is fair: whoever came first goes first, and a request that was refused keeps its place
//! before all that came after it. Only the first in line asks the gates, and sleeps for as long as
//! they say; all others sleep until they are first. Nobody polls: an answer and a request that ends
//! wake the first, since they may have changed its wait, and whoever leaves the line, by going on
//! or by being cancelled, wakes the next. Locks are held for a few computations, never while
//! anything waits. Between lanes that share a gate there is no order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ratecell::Clock as _;
use ratecell::pacing::Reading;
use tokio::sync::Notify;

use crate::gate::{Gate, Passed, pass};
use crate::pacing_error::PacingError;
use crate::surroundings::Surroundings;

/// Requests that pass the same gates, one after the other.
pub(crate) struct Lane {
    label: Box<str>,
    gates: Vec<Arc<Gate>>,
    surroundings: Arc<Surroundings>,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    next_ticket: u64,
    /// By ticket, so in the order of arrival.
    waiting: BTreeMap<u64, Arc<Notify>>,
}

impl Lane {
    /// A lane that errors call `label`.
    pub(crate) fn new(label: &str, gates: Vec<Arc<Gate>>, surroundings: Arc<Surroundings>) -> Self {
        Self { label: label.into(), gates, surroundings, line: Mutex::default() }
    }

    /// Whether its requests pass this gate.
    pub(crate) fn passes(&self, gate: &Arc<Gate>) -> bool {
        self.gates.iter().any(|other| Arc::ptr_eq(other, gate))
    }

    /// Takes a place in the order of arrival.
    pub(crate) fn arrive(self: &Arc<Self>) -> Place {
        let mut line = self.line();
        line.next_ticket += 1;
        Place { lane: Arc::clone(self), ticket: line.next_ticket }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // The line is whole after every statement, so that a panic elsewhere does not spoil it.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the first in line look again.
    fn wake_first(&self) {
        if let Some((_, first)) = self.line().waiting.first_key_value() {
            first.notify_one();
        }
    }

    /// What the request with this ticket is to do.
    fn look(&self, ticket: u64) -> Look {
        let is_first = self.line().waiting.first_key_value().is_none_or(|(it, _)| *it == ticket);
        if !is_first {
            return Look::Behind;
        }
        let surroundings = &self.surroundings;
        let now_ns = surroundings.time.now_ns();
        match pass(&self.gates, now_ns, &mut || surroundings.draw()) {
            Ok(passed) => Look::Go(passed),
            Err(wait_ns) => Look::First(Duration::from_nanos(wait_ns)),
        }
    }
}

enum Look {
    Go(Passed),
    /// The first in line, with a wait.
    First(Duration),
    Behind,
}

/// A request's place in the order of arrival, for all of its attempts.
pub(crate) struct Place {
    lane: Arc<Lane>,
    ticket: u64,
}

impl Place {
    /// Waits in line until the request may be sent, no longer than until `deadline_ns`. Dropping
    /// the future leaves the line.
    ///
    /// # Errors
    /// [`PacingError::TooLong`], as soon as it is known.
    pub(crate) async fn enter(
        &self,
        deadline_ns: u64,
        max_wait: Duration,
    ) -> Result<Flight, PacingError> {
        let in_line = InLine::enter(self);
        let lane = &*self.lane;
        let time = &lane.surroundings.time;
        loop {
            let left = Duration::from_nanos(deadline_ns.saturating_sub(time.now_ns()));
            let wait = match lane.look(self.ticket) {
                Look::Go(passed) => return Ok(Flight { passed, lane: Arc::clone(&self.lane) }),
                Look::First(wait) => Some(wait),
                Look::Behind => None,
            };
            // Whoever would wait too long is told at once, while it can still do something else.
            if left.is_zero() || wait.is_some_and(|wait| wait > left) {
                return Err(PacingError::TooLong { lane: lane.label.to_string(), wait, max_wait });
            }
            tokio::select! {
                biased;
                () = in_line.woken.notified() => {}
                () = time.sleep(wait.unwrap_or(left)) => {}
            }
        }
    }
}

/// A place while its request waits in line.
struct InLine<'p> {
    place: &'p Place,
    woken: Arc<Notify>,
}

impl<'p> InLine<'p> {
    fn enter(place: &'p Place) -> Self {
        let woken = Arc::new(Notify::new());
        place.lane.line().waiting.insert(place.ticket, Arc::clone(&woken));
        Self { place, woken }
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        self.place.lane.line().waiting.remove(&self.place.ticket);
        self.place.lane.wake_first();
    }
}

/// A request in flight, until it is dropped.
pub(crate) struct Flight {
    passed: Passed,
    lane: Arc<Lane>,
}

impl Flight {
    /// Tells the gates how the request was answered.
    pub(crate) fn answered(&self, reading: &Reading) {
        let surroundings = &self.lane.surroundings;
        let now_ns = surroundings.time.now_ns();
        self.passed.answered(now_ns, reading, &mut || surroundings.draw());
        self.lane.wake_first();
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.passed.end();
        self.lane.wake_first();
    }
}
