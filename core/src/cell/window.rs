//! A fixed-window cell: one atomic word, the twin of the plain [`Window`].

use core::fmt;

use super::{charge_word, empty_word, peek_word};
use crate::atomic::{AtomicU64, OneWordOrders, Orders};
use crate::decision::Decision;
use crate::fixed::{FixedQuota, Window};

/// A fixed-window cell in one atomic word, for one limit that has no key.
///
/// ```
/// use ratecell::{AtomicWindow, FixedQuota};
///
/// let quota = FixedQuota::new(600, 60_000_000_000)?;
/// let cell = AtomicWindow::new();
/// assert_eq!(cell.acquire(&quota, 0, 1).remaining(), 599);
/// # Ok::<(), ratecell::QuotaError>(())
/// ```
///
/// Progress: lock-free; a denial and a peek are wait-free. Threads may share it.
#[repr(transparent)]
pub struct AtomicWindow(AtomicU64);

impl AtomicWindow {
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
    pub fn acquire(&self, quota: &FixedQuota, now_ns: u64, cost: u32) -> Decision {
        charge_word(quota, &self.0, OneWordOrders, now_ns, cost).0
    }

    /// What [`Self::acquire`] would answer, with `remaining` before the charge. Writes nothing.
    #[inline]
    pub fn peek(&self, quota: &FixedQuota, now_ns: u64, cost: u32) -> Decision {
        peek_word(quota, &self.0, OneWordOrders, now_ns, cost)
    }

    /// Forgets all units counted.
    pub fn reset(&self, quota: &FixedQuota) {
        empty_word(quota, &self.0, OneWordOrders, || true);
    }

    /// The state as it is.
    pub fn load(&self) -> Window {
        Window(OneWordOrders.load(&self.0))
    }
}

impl Default for AtomicWindow {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AtomicWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AtomicWindow").field(&self.load().0).finish()
    }
}
