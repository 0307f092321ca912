//! The one file that names the atomics: `portable-atomic`, or loom's when a model runs.
//!
//! It deliberately has no type but [`AtomicU64`]: every state that threads share in this crate is a
//! sequence of 64-bit words, so that each step is one atomic access and a thread, or a process
//! that shares the memory, may stop after any of them.

pub(crate) use core::sync::atomic::Ordering;

#[cfg(not(any(loom, all(feature = "critical-section", not(target_has_atomic = "64")))))]
pub use portable_atomic::AtomicU64;

#[cfg(all(not(loom), feature = "critical-section", not(target_has_atomic = "64")))]
pub use guarded::AtomicU64;

#[cfg(loom)]
pub use model::AtomicU64;

/// The orderings of one kind of use, so that the same transition code serves each.
///
/// A type for each kind, so that an ordering is a constant wherever it is used.
pub(crate) trait Orders: Copy {
    const LOAD: Ordering;
    const EXCHANGE: Ordering;

    #[inline(always)]
    fn load(self, word: &AtomicU64) -> u64 {
        word.load(Self::LOAD)
    }

    #[inline(always)]
    fn exchange(self, word: &AtomicU64, from: u64, to: u64) -> Result<u64, u64> {
        word.compare_exchange(from, to, Self::EXCHANGE, Self::LOAD)
    }

    /// As [`Self::exchange`], but may fail without a reason: for loops.
    #[inline(always)]
    fn exchange_weak(self, word: &AtomicU64, from: u64, to: u64) -> Result<u64, u64> {
        word.compare_exchange_weak(from, to, Self::EXCHANGE, Self::LOAD)
    }
}

/// A word that is the whole state.
// ORDERING: Relaxed throughout. The word publishes no other memory; a read-modify-write reads the
// value just before its own write in the word's modification order whatever its ordering. A stale
// load can only turn into a failed exchange, because no state returns to an old value that would
// admit more. Checked by: tests/loom_sliding.rs::two_callers_never_share_a_unit.
#[derive(Clone, Copy)]
pub(crate) struct OneWordOrders;

impl Orders for OneWordOrders {
    const LOAD: Ordering = Ordering::Relaxed;
    const EXCHANGE: Ordering = Ordering::Relaxed;
}

/// A sliding cell by itself: its words are read against one another.
// ORDERING: a slot that is cleared or frozen is released by the exchange that does it, and whoever
// acquires that value then finds the head at least closing. With Relaxed loads a call could be
// judged on a half-moved ring. Checked by: tests/loom_sliding.rs::sliding_*.
#[derive(Clone, Copy)]
pub(crate) struct RingOrders;

impl Orders for RingOrders {
    const LOAD: Ordering = Ordering::Acquire;
    const EXCHANGE: Ordering = Ordering::AcqRel;
}

/// A cell in a slot of a table.
// ORDERING: charge-then-look-at-the-owner stands against mark-then-look-at-the-cell, a store
// buffering pattern: only the single order of SeqCst lets at least one side see the other. On x86
// and AArch64 this costs nothing over acquire and release here.
// Checked by: tests/loom_table.rs::charge_against_reuse.
#[derive(Clone, Copy)]
pub(crate) struct TableOrders;

impl Orders for TableOrders {
    const LOAD: Ordering = Ordering::SeqCst;
    const EXCHANGE: Ordering = Ordering::SeqCst;
}

#[cfg(loom)]
mod model {
    use super::Ordering;
    use loom::sync::atomic::fence;

    /// loom's word with the single order of SeqCst accesses put back.
    ///
    /// loom treats SeqCst accesses as acquire and release only. A SeqCst fence before each SeqCst
    /// load and after each SeqCst exchange gives the order that the language promises for them.
    #[derive(Debug)]
    pub struct AtomicU64(loom::sync::atomic::AtomicU64);

    impl AtomicU64 {
        /// A word that holds `value`.
        pub fn new(value: u64) -> Self {
            Self(loom::sync::atomic::AtomicU64::new(value))
        }

        /// Reads the word.
        pub fn load(&self, order: Ordering) -> u64 {
            if order == Ordering::SeqCst {
                fence(Ordering::SeqCst);
            }
            self.0.load(order)
        }

        /// Writes the word.
        pub fn store(&self, value: u64, order: Ordering) {
            self.0.store(value, order);
            if order == Ordering::SeqCst {
                fence(Ordering::SeqCst);
            }
        }

        /// Writes `to` if the word holds `from`.
        pub fn compare_exchange(
            &self,
            from: u64,
            to: u64,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u64, u64> {
            let result = self.0.compare_exchange(from, to, success, failure);
            if success == Ordering::SeqCst {
                fence(Ordering::SeqCst);
            }
            result
        }

        /// As [`Self::compare_exchange`]; loom has no spurious failures.
        pub fn compare_exchange_weak(
            &self,
            from: u64,
            to: u64,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u64, u64> {
            self.compare_exchange(from, to, success, failure)
        }

        /// Adds to the word and returns what it held.
        pub fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
            self.0.fetch_add(value, order)
        }
    }
}

#[cfg(all(not(loom), feature = "critical-section", not(target_has_atomic = "64")))]
mod guarded {
    use core::cell::Cell;

    use critical_section::{Mutex, with};

    use super::Ordering;

    /// A word inside the application's critical sections.
    ///
    /// Cores with a 32-bit compare-exchange need it too: there `portable-atomic` keeps to a spin
    /// lock of its own, whatever its `critical-section` feature says, and an interrupt that spins
    /// for the code that it interrupted never returns.
    /// Checked by: firmware/board/src/interrupt.rs.
    // ORDERING: every critical section is ordered before or after every other, so all accesses are
    // as strong as SeqCst and the orderings asked for are not looked at.
    #[derive(Debug)]
    #[repr(transparent)]
    pub struct AtomicU64(Mutex<Cell<u64>>);

    impl AtomicU64 {
        /// A word that holds `value`.
        pub const fn new(value: u64) -> Self {
            Self(Mutex::new(Cell::new(value)))
        }

        /// Reads the word.
        #[inline]
        pub fn load(&self, _: Ordering) -> u64 {
            self.update(|value| value)
        }

        /// Writes the word.
        #[inline]
        pub fn store(&self, value: u64, _: Ordering) {
            self.update(|_| value);
        }

        /// Writes `to` if the word holds `from`.
        #[inline]
        pub fn compare_exchange(
            &self,
            from: u64,
            to: u64,
            _: Ordering,
            _: Ordering,
        ) -> Result<u64, u64> {
            let found = self.update(|value| if value == from { to } else { value });
            if found == from { Ok(found) } else { Err(found) }
        }

        /// As [`Self::compare_exchange`]; there are no spurious failures.
        #[inline]
        pub fn compare_exchange_weak(
            &self,
            from: u64,
            to: u64,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u64, u64> {
            self.compare_exchange(from, to, success, failure)
        }

        /// Adds to the word and returns what it held.
        #[inline]
        pub fn fetch_add(&self, value: u64, _: Ordering) -> u64 {
            self.update(|held| held.wrapping_add(value))
        }

        /// Changes the word and returns what it held.
        #[inline]
        fn update(&self, change: impl FnOnce(u64) -> u64) -> u64 {
            with(|section| {
                let word = self.0.borrow(section);
                let held = word.get();
                word.set(change(held));
                held
            })
        }
    }
}
