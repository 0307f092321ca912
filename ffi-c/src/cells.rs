//! Cells in memory of the caller's: one limit each, without a key.
//!
//! One of the files with `unsafe`: the pointers of its calls, and words seen as the core's cells.

use ratecell::{
    AtomicHeld, AtomicTat, AtomicU64, AtomicWindow, CallError, SegmentsIn, SlidingQuota, TableError,
};

use crate::boundary::{self, Out, status_of};
use crate::failure::Failure;
use crate::quota::Quota;
use crate::rule_decision::RuleDecision;
use crate::status::Status;

/// A gcra cell. Zeros are a cell that has counted nothing; only calls of this library touch it.
#[repr(C, align(8))]
#[derive(Debug)]
pub struct Tat {
    /// The state; not to be written.
    pub word: u64,
}

/// A fixed-window cell. Zeros are a cell that has counted nothing; only calls of this library
/// touch it.
#[repr(C, align(8))]
#[derive(Debug)]
pub struct Window {
    /// The state; not to be written.
    pub word: u64,
}

/// A concurrency cell. Zeros are a cell of which nothing is held; only calls of this library touch
/// it.
#[repr(C, align(8))]
#[derive(Debug)]
pub struct Held {
    /// The state; not to be written.
    pub word: u64,
}

/// A word of a sliding cell, which takes segments + 2 of them in a row. Zeros are a cell that has
/// counted nothing; only calls of this library touch it.
#[repr(C, align(8))]
#[derive(Debug)]
pub struct Segment {
    /// A part of the state; not to be written.
    pub word: u64,
}

// A cell of C and a cell of the core are the same bytes.
const _: () = {
    assert!(size_of::<Tat>() == size_of::<AtomicTat>());
    assert!(size_of::<Window>() == size_of::<AtomicWindow>());
    assert!(size_of::<Held>() == size_of::<AtomicHeld>());
    assert!(size_of::<Segment>() == size_of::<AtomicU64>());
    assert!(align_of::<AtomicU64>() == align_of::<Segment>());
};

/// The numbers of a call on a cell, checked but for the cell.
struct Call<'c> {
    quota: &'c Quota,
    out: Out<RuleDecision>,
}

impl Call<'_> {
    /// # Safety
    /// P1 holds for both pointers.
    #[inline(always)]
    unsafe fn new(quota: *const Quota, decision: *mut RuleDecision) -> Result<Self, Failure> {
        Ok(Self {
            // SAFETY: as promised to this function; any bytes are a `Quota`.
            quota: unsafe { boundary::object(quota, "quota") }?,
            // SAFETY: as promised to this function.
            out: unsafe { Out::new(decision, "decision") }?,
        })
    }

    #[inline(always)]
    fn answer(self, decision: &ratecell::Decision) -> Result<(), Failure> {
        self.out.write(RuleDecision::of(decision));
        Ok(())
    }
}

/// The words of a sliding cell that a quota needs.
///
/// # Safety
/// P2 and P5 hold for `words`.
unsafe fn segments<'a>(
    words: *mut Segment,
    count: usize,
    quota: &SlidingQuota,
) -> Result<SegmentsIn<'a>, Failure> {
    // SAFETY: P2 as promised; by P5 all accesses are atomic, and any bytes are words.
    let words = unsafe { boundary::elements(words.cast::<AtomicU64>(), count, "words") }?;
    let needed_words = quota.cell_words();
    let too_small = TableError::TooSmall { found_words: count, needed_words };
    Ok(SegmentsIn(words.get(..needed_words).ok_or(too_small)?))
}

/// Takes cost units of a gcra cell at now_ns if the quota allows it; a cost of 0 takes nothing.
///
/// now_ns is nanoseconds on any one clock, below 2^63; a clock that runs late or steps back never
/// admits more.
///
/// Fails with RATECELL_KIND for a quota that is not gcra, RATECELL_NOT_INITIALIZED for none.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_tat_acquire(
    cell: *mut Tat,
    quota: *const Quota,
    now_ns: u64,
    cost: u32,
    decision: *mut RuleDecision,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota` and `decision`.
        let call = unsafe { Call::new(quota, decision) }?;
        // SAFETY: P1 and P5 for `cell`; any word is one.
        let cell = unsafe { boundary::object(cell.cast::<AtomicTat>(), "cell") }?;
        let decision = cell.acquire(&call.quota.gcra()?, now_ns, cost);
        call.answer(&decision)
    })
}

/// Says what ratecell_tat_acquire would answer, with remaining before the charge. Changes nothing.
///
/// Fails as ratecell_tat_acquire does.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_tat_peek(
    cell: *mut Tat,
    quota: *const Quota,
    now_ns: u64,
    cost: u32,
    decision: *mut RuleDecision,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota` and `decision`.
        let call = unsafe { Call::new(quota, decision) }?;
        // SAFETY: P1 and P5 for `cell`; any word is one.
        let cell = unsafe { boundary::object(cell.cast::<AtomicTat>(), "cell") }?;
        let decision = cell.peek(&call.quota.gcra()?, now_ns, cost);
        call.answer(&decision)
    })
}

/// Forgets all units that a gcra cell has counted.
///
/// Fails as ratecell_tat_acquire does.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_tat_reset(cell: *mut Tat, quota: *const Quota) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota`; any bytes are one.
        let quota = unsafe { boundary::object(quota, "quota") }?;
        // SAFETY: P1 and P5 for `cell`; any word is one.
        let cell = unsafe { boundary::object(cell.cast::<AtomicTat>(), "cell") }?;
        cell.reset(&quota.gcra()?);
        Ok(())
    })
}

/// Takes cost units of a fixed cell at now_ns if the quota allows it; a cost of 0 takes nothing.
///
/// now_ns is nanoseconds on any one clock, below 2^63; a clock that runs late or steps back never
/// admits more.
///
/// Fails with RATECELL_KIND for a quota that is not fixed, RATECELL_NOT_INITIALIZED for none.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_window_acquire(
    cell: *mut Window,
    quota: *const Quota,
    now_ns: u64,
    cost: u32,
    decision: *mut RuleDecision,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota` and `decision`.
        let call = unsafe { Call::new(quota, decision) }?;
        // SAFETY: P1 and P5 for `cell`; any word is one.
        let cell = unsafe { boundary::object(cell.cast::<AtomicWindow>(), "cell") }?;
        let decision = cell.acquire(&call.quota.fixed()?, now_ns, cost);
        call.answer(&decision)
    })
}

/// Says what ratecell_window_acquire would answer, with remaining before the charge. Changes nothing.
///
/// Fails as ratecell_window_acquire does.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_window_peek(
    cell: *mut Window,
    quota: *const Quota,
    now_ns: u64,
    cost: u32,
    decision: *mut RuleDecision,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota` and `decision`.
        let call = unsafe { Call::new(quota, decision) }?;
        // SAFETY: P1 and P5 for `cell`; any word is one.
        let cell = unsafe { boundary::object(cell.cast::<AtomicWindow>(), "cell") }?;
        let decision = cell.peek(&call.quota.fixed()?, now_ns, cost);
        call.answer(&decision)
    })
}

/// Forgets all units that a fixed cell has counted.
///
/// Fails as ratecell_window_acquire does.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_window_reset(cell: *mut Window, quota: *const Quota) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota`; any bytes are one.
        let quota = unsafe { boundary::object(quota, "quota") }?;
        // SAFETY: P1 and P5 for `cell`; any word is one.
        let cell = unsafe { boundary::object(cell.cast::<AtomicWindow>(), "cell") }?;
        cell.reset(&quota.fixed()?);
        Ok(())
    })
}

/// Takes cost permits of a concurrency cell if the quota allows it; a cost of 0 takes nothing.
///
/// Fails with RATECELL_KIND for a quota that is not concurrency, RATECELL_NOT_INITIALIZED for none.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_held_acquire(
    cell: *mut Held,
    quota: *const Quota,
    cost: u32,
    decision: *mut RuleDecision,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota` and `decision`.
        let call = unsafe { Call::new(quota, decision) }?;
        // SAFETY: P1 and P5 for `cell`; any word is one.
        let cell = unsafe { boundary::object(cell.cast::<AtomicHeld>(), "cell") }?;
        let decision = cell.acquire(&call.quota.concurrency()?, cost);
        call.answer(&decision)
    })
}

/// Says what ratecell_held_acquire would answer, with remaining before the charge. Changes nothing.
///
/// Fails as ratecell_held_acquire does.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_held_peek(
    cell: *mut Held,
    quota: *const Quota,
    cost: u32,
    decision: *mut RuleDecision,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota` and `decision`.
        let call = unsafe { Call::new(quota, decision) }?;
        // SAFETY: P1 and P5 for `cell`; any word is one.
        let cell = unsafe { boundary::object(cell.cast::<AtomicHeld>(), "cell") }?;
        let decision = cell.peek(&call.quota.concurrency()?, cost);
        call.answer(&decision)
    })
}

/// Gives cost permits of a concurrency cell back.
///
/// Fails with RATECELL_RELEASE if fewer are held; nothing changes then.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_held_release(cell: *mut Held, cost: u32) -> Status {
    status_of(|| {
        // SAFETY: P1 and P5 for `cell`; any word is one.
        let cell = unsafe { boundary::object(cell.cast::<AtomicHeld>(), "cell") }?;
        Ok(cell.release(cost).map_err(CallError::Release)?)
    })
}

/// Takes cost units of a sliding cell at now_ns if the quota allows it; a cost of 0 takes nothing.
///
/// words are segments + 2 or more, and always go with one period and one number of segments; now_ns
/// is as for ratecell_tat_acquire.
///
/// Fails with RATECELL_TOO_SMALL for fewer words, RATECELL_KIND for a quota that is not sliding,
/// RATECELL_NOT_INITIALIZED for none.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_segments_acquire(
    words: *mut Segment,
    count: usize,
    quota: *const Quota,
    now_ns: u64,
    cost: u32,
    decision: *mut RuleDecision,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota` and `decision`.
        let call = unsafe { Call::new(quota, decision) }?;
        let quota = call.quota.sliding()?;
        // SAFETY: P2 and P5 for `words`.
        let cell = unsafe { segments(words, count, &quota) }?;
        call.answer(&cell.acquire(&quota, now_ns, cost))
    })
}

/// Says what ratecell_segments_acquire would answer, with remaining before the charge. Changes
/// nothing.
///
/// Fails as ratecell_segments_acquire does.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_segments_peek(
    words: *mut Segment,
    count: usize,
    quota: *const Quota,
    now_ns: u64,
    cost: u32,
    decision: *mut RuleDecision,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota` and `decision`.
        let call = unsafe { Call::new(quota, decision) }?;
        let quota = call.quota.sliding()?;
        // SAFETY: P2 and P5 for `words`.
        let cell = unsafe { segments(words, count, &quota) }?;
        call.answer(&cell.peek(&quota, now_ns, cost))
    })
}

/// Forgets all units that a sliding cell has counted; a charge that happens meanwhile may stay.
///
/// Fails as ratecell_segments_acquire does.
///
/// Threads: any, at once; lock-free where the target has atomics of 64 bits. Signals: safe there.
/// Memory: allocates nothing. Clock: not read. NULL: RATECELL_NULL. Failure: nothing is taken or
/// written. Since 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ratecell_segments_reset(
    words: *mut Segment,
    count: usize,
    quota: *const Quota,
) -> Status {
    status_of(|| {
        // SAFETY: P1 for `quota`; any bytes are one.
        let quota = unsafe { boundary::object(quota, "quota") }?;
        // SAFETY: P2 and P5 for `words`.
        let cell = unsafe { segments(words, count, &quota.sliding()?) }?;
        cell.reset();
        Ok(())
    })
}
