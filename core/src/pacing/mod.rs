//! The client's side: how long to wait before a request, and before trying again.
//!
//! [`Pacer`] waits *before* sending, so that nothing is refused; [`Backoff`] waits after a refusal.
//! Both are told the time and chance and keep no clock, thread or queue; neither allocates or
//! panics. Many clients may share one key without knowing of each other. All times are nanoseconds;
//! `now` is Unix time, which windows and Retry-After dates are aligned to.
//!
//! # How the pacer paces
//!
//! Three sources are used together; whichever asks for the longest wait wins.
//!
//! **A plan that it was told**, with the number of clients that share it. A rule of L per P among n
//! clients gives each a request every n\*P/L, a little longer: a sliding rule of K segments never
//! denies L per P\*(1+1/K) and two ticks, and each rule gets P/256 for latencies that vary. So there
//! is nothing to learn and nothing to be refused. Its permits are shared likewise, at least one
//! each.
//!
//! **What responses show.** They show what is left (R) and when the window ends (in T). Clients who
//! spread R over T and all know R use the window up just as it ends, whatever their number n:
//! each sends every n\*T/R. With even use R and T shrink together, so that the interval stays as it
//! is between two responses. Nobody tells n; but between two responses of its own a client sees R
//! fall by what *all* have used, so n is that fall over its own requests, kept as two sums that
//! forget. A client that overrates n sends less, R lasts, and the interval falls by itself: R is
//! looked at anew with every response, so errors do not add up. Ends that matter:
//! - The sums start as if there were sixteen, which is the slow start. What a client could have sent
//!   counts as its own, so that an idle one keeps its share.
//! - To 1/n each adds 1/512. All then use a little more than R/T and settle a little earlier, and
//!   the one that has got less than its share grows faster than the others: shares even out.
//! - A 256th of the limit and a tenth of n (at least 1) stay as a reserve for requests on their way.
//! - Nobody sends faster than 3/2 of the limit per window, however much is left of it at the end:
//!   providers have burst limits that they show nobody. A refusal that shows units left lowers it.
//! - Who waits for a window to begin adds a random part of its interval, so that not all arrive at
//!   once.
//! - If no reset is shown, windows are taken to be a minute long and aligned to the clock; that what
//!   is left jumps up tells when they really begin.
//! - A reset that moves before it is reached, or is reached and leaves far less than the limit, is
//!   no window's end: the limit slides or refills. A client that was told the plan then keeps to
//!   that; else all together send at the limit's own rate, up to twice that while R is above a
//!   32nd of it, and less in proportion below.
//!
//! **Refusals**, where nothing is told or shown. It starts with a request a second and takes an
//! eighth off the interval with each success; with more than a third of the permits shown in use it
//! stays, with more than half it grows. The first refusal says that all have used up a window,
//! and of that the client knows its own part: k in the last minute. If everybody keeps to its own k
//! a minute and a 32nd longer, nobody is refused again. Then the interval shrinks with each minute
//! without a refusal, to find out whether others have left: by 1/16384 in the first, twice that in
//! the second, and by half from the fourteenth on. A k below 4 says little: the slow start
//! then goes on at twice its interval.
//!
//! Retry-After is obeyed in full, with a random part of the interval, at most 1 s, on top. A refusal
//! for want of permits, or without a known wait, is answered by exponential waits with jitter.
//!
//! - P1: a wait is never shorter than what is left of a Retry-After.
//! - P2: beyond that and its jitter, no wait is longer than [`Pacer::MAX_WAIT_NS`], whatever
//!   headers say.
//! - P3: a field that is malformed changes nothing.

mod backoff;
mod pacer;
mod random;
mod reading;
mod share;
mod told;
mod window;

pub use backoff::{Backoff, BackoffError, BackoffSettings, GiveUp, Jitter, Retries};
pub use pacer::{Pacer, Sent};
pub use random::Random;
pub use reading::{InFlight, Reading, Shown};
pub use told::ToldError;

const SECOND_NS: u64 = 1_000_000_000;
const MINUTE_NS: u64 = 60 * SECOND_NS;

/// `value * factor / divisor` in 128 bits, rounded up; all ones if it does not fit, and if the
/// divisor is 0.
const fn scale(value: u64, factor: u64, divisor: u64) -> u64 {
    // OVERFLOW: two u64 factors.
    let product = (value as u128).saturating_mul(factor as u128);
    if divisor == 0 {
        return u64::MAX;
    }
    let scaled = product.div_ceil(divisor as u128);
    if scaled > u64::MAX as u128 {
        return u64::MAX;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the branch above bounds it")]
    let scaled = scaled as u64;
    scaled
}
