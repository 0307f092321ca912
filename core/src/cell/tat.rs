//! A gcra cell: one atomic word, the twin of the plain [`Tat`].

use core::fmt;

use super::{charge_word, empty_word, peek_word};
use crate::atomic::{AtomicU64, OneWordOrders, Orders};
use crate::decision::Decision;
use crate::gcra::{GcraQuota, Tat};

/// A gcra cell in one atomic word, for one limit that has no key.
///
/// ```
/// use ratecell::{AtomicTat, GcraQuota};
///
/// let quota = GcraQuota::new(600, 60_000_000_000, 10)?;
/// let cell = AtomicTat::new();
/// assert_eq!(cell.acquire(&quota, 0, 1).remaining(), 9);
/// # Ok::<(), ratecell::QuotaError>(())
/// ```
///
/// Progress: lock-free; a denial and a peek are wait-free. Threads may share it.
#[repr(transparent)]
pub struct AtomicTat(AtomicU64);

impl AtomicTat {
    /// A cell that has counted nothing.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// A cell that has counted nothing.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Takes `cost` units at `now_ns` if `quota` allows it. One load on a denial, one exchange
    /// more when allowed.
    #[inline]
    pub fn acquire(&self, quota: &GcraQuota, now_ns: u64, cost: u32) -> Decision {
        charge_word(quota, &self.0, OneWordOrders, now_ns, cost).0
    }

    /// What [`Self::acquire`] would answer, with `remaining` before the charge. Writes nothing.
    #[inline]
    pub fn peek(&self, quota: &GcraQuota, now_ns: u64, cost: u32) -> Decision {
        peek_word(quota, &self.0, OneWordOrders, now_ns, cost)
    }

    /// Forgets all units counted.
    pub fn reset(&self, quota: &GcraQuota) {
        empty_word(quota, &self.0, OneWordOrders, || true);
    }

    /// The state as it is.
    pub fn load(&self) -> Tat {
        Tat(OneWordOrders.load(&self.0))
    }
}

impl Default for AtomicTat {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AtomicTat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AtomicTat").field(&self.load().0).finish()
    }
}
