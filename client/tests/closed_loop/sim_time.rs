//! A simulated time in which real HTTP happens in no time at all.
//!
//! Every actor is either asleep in it or at work. Only when all are asleep does the time move, to
//! the earliest who wakes; so it never runs ahead of a request that is still on its way through
//! a socket, and only one actor is ever at work. An actor that waits for an answer counts as at
//! work, unless the server sleeps on its behalf. Invariants: the time never goes back, and actors
//! wake in the order of their instants, those of one instant in the order in which they fell
//! asleep: a run is the same each time.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ratecell::Clock;
use ratecell_client::{Sleep, Time};

/// A clock for servers and a time for clients, at once.
#[derive(Clone)]
pub(crate) struct SimTime(Arc<Mutex<State>>);

struct State {
    now_ns: u64,
    /// Actors that have not ended.
    actors: usize,
    next_place: u64,
    /// By when they wake, and then by when they fell asleep.
    asleep: BTreeMap<(u64, u64), Waker>,
}

impl SimTime {
    /// A time at `now_ns` with that many actors, all at work.
    pub(crate) fn new(now_ns: u64, actors: usize) -> Self {
        Self(Arc::new(Mutex::new(State { now_ns, actors, next_place: 0, asleep: BTreeMap::new() })))
    }

    /// An actor has ended.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.actors -= 1;
        state.move_on();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    /// Wakes the earliest if all are asleep.
    fn move_on(&mut self) {
        if self.asleep.len() < self.actors {
            return;
        }
        if let Some(((wakes_ns, _), waker)) = self.asleep.pop_first() {
            self.now_ns = self.now_ns.max(wakes_ns);
            waker.wake();
        }
    }
}

impl Clock for SimTime {
    fn now_ns(&self) -> u64 {
        self.state().now_ns
    }
}

impl Time for SimTime {
    fn sleep(&self, span: Duration) -> Sleep {
        let span_ns = u64::try_from(span.as_nanos()).unwrap();
        let mut state = self.state();
        state.next_place += 1;
        let place = (state.now_ns + span_ns, state.next_place);
        drop(state);
        Box::pin(SimSleep { time: self.clone(), place, begun: false })
    }
}

struct SimSleep {
    time: SimTime,
    place: (u64, u64),
    begun: bool,
}

impl Future for SimSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let time = self.time.clone();
        let mut state = time.state();
        if !std::mem::replace(&mut self.begun, true) {
            state.asleep.insert(self.place, context.waker().clone());
            state.move_on();
            return Poll::Pending;
        }
        match state.asleep.get_mut(&self.place) {
            Some(waker) => {
                waker.clone_from(context.waker());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

impl Drop for SimSleep {
    fn drop(&mut self) {
        self.time.state().asleep.remove(&self.place);
    }
}
