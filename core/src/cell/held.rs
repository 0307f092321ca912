//! A concurrency cell: one atomic word, the twin of the plain [`Held`].

use core::fmt;

use super::{charge_word, peek_word};
use crate::atomic::{AtomicU64, OneWordOrders, Orders};
use crate::concurrency::{ConcurrencyQuota, Held};
use crate::decision::Decision;

/// A concurrency cell in one atomic word, for one limit that has no key.
///
/// ```
/// use ratecell::{AtomicHeld, ConcurrencyQuota};
///
/// let quota = ConcurrencyQuota::new(8)?;
/// let cell = AtomicHeld::new();
/// assert_eq!(cell.acquire(&quota, 3).remaining(), 5);
/// cell.release(3)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Progress: lock-free; a denial and a peek are wait-free. Threads may share it.
#[repr(transparent)]
pub struct AtomicHeld(AtomicU64);

impl AtomicHeld {
    /// A cell of which nothing is held.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// A cell of which nothing is held.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Takes `cost` permits if `quota` allows it; [`Self::release`] gives them back.
    #[inline]
    pub fn acquire(&self, quota: &ConcurrencyQuota, cost: u32) -> Decision {
        charge_word(quota, &self.0, OneWordOrders, 0, cost).0
    }

    /// What [`Self::acquire`] would answer, with `remaining` before the charge. Writes nothing.
    #[inline]
    pub fn peek(&self, quota: &ConcurrencyQuota, cost: u32) -> Decision {
        peek_word(quota, &self.0, OneWordOrders, 0, cost)
    }

    /// Gives `cost` permits back.
    ///
    /// # Errors
    /// [`ReleaseError`] if fewer are held; nothing changes then.
    #[inline]
    pub fn release(&self, cost: u32) -> Result<(), ReleaseError> {
        release_word(&self.0, cost)
    }

    /// The state as it is.
    pub fn load(&self) -> Held {
        Held(OneWordOrders.load(&self.0))
    }
}

impl Default for AtomicHeld {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AtomicHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AtomicHeld").field(&self.load().0).finish()
    }
}

/// More permits were given back than are held; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleaseError {
    /// How many were given back.
    pub cost: u32,
    /// How many are held.
    pub held: u64,
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cost, held } = self;
        write!(f, "the cost to release is {cost}, accepted are 0 to {held}, the permits held")
    }
}

impl core::error::Error for ReleaseError {}

impl Held {
    /// Whether `cost` permits are held, to be given back.
    pub(crate) const fn check_release(self, cost: u32) -> Result<(), ReleaseError> {
        match self.released(cost) {
            Some(_) => Ok(()),
            None => Err(ReleaseError { cost, held: self.0 }),
        }
    }
}

/// Gives `cost` permits back to a word. Lock-free.
pub(crate) fn release_word(word: &AtomicU64, cost: u32) -> Result<(), ReleaseError> {
    let orders = OneWordOrders;
    let mut held = Held(orders.load(word));
    loop {
        let Some(rest) = held.released(cost) else {
            return Err(ReleaseError { cost, held: held.0 });
        };
        match orders.exchange_weak(word, held.0, rest.0) {
            Ok(_) => return Ok(()),
            Err(found) => held = Held(found),
        }
    }
}
