//! What a middleware takes from outside: time and chance.

use std::sync::{Arc, Mutex, PoisonError};

use crate::time::Time;

/// A source of random numbers, each uniform over all of `u64`.
pub(crate) type Chance = dyn FnMut() -> u64 + Send;

/// Time and chance.
pub(crate) struct Surroundings {
    pub(crate) time: Arc<dyn Time>,
    pub(crate) chance: Mutex<Box<Chance>>,
}

impl Surroundings {
    /// The next random number.
    pub(crate) fn draw(&self) -> u64 {
        // A source that panicked once is asked again: it has drawn nothing.
        self.chance.lock().unwrap_or_else(PoisonError::into_inner)()
    }
}
