//! What a response says about limits, whatever dialect it speaks.
//!
//! It reads X-RateLimit, Retry-After, RateLimit of drafts 6, 7 and 11, X-Concurrency, and the
//! bodies of refusals as four published APIs write them. A field that is malformed, or that stands
//! twice with two values, is ignored whole; nothing here can fail or panic, and nothing is kept of
//! the response. All times are nanoseconds; `now` is Unix time.

mod cursor;
mod fields;
mod http_date;
mod json_scan;
mod list;

use core::fmt::Write as _;

use fields::Fields;
use heapless::String;
use json_scan::Body;
use list::{Member, Members};

use super::SECOND_NS;
use crate::quota::MAX_PERIOD_NS;
use crate::rule::Rule;

/// A reset of this many seconds and more is a Unix time, and below it a wait: 2001-09-09, and 31
/// years, which no window is.
const FIRST_UNIX_SECOND: u64 = 1_000_000_000;

/// What a response says about limits.
///
/// ```
/// use ratecell::pacing::Reading;
///
/// let headers = [("X-RateLimit-Remaining", b"41".as_slice()), ("x-ratelimit-reset", b"30")];
/// let reading = Reading::of(0, 200, headers, b"");
/// let shown = reading.shown().unwrap();
/// assert_eq!((shown.remaining, shown.reset_after_ns), (41, Some(30_000_000_000)));
///
/// let body = br#"{"error":{"details":{"retry_after_seconds":12}}}"#;
/// let refused = Reading::of(0, 429, [], body);
/// assert_eq!(refused.retry_after_ns(), Some(12_000_000_000));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    refused: bool,
    retry_after_ns: Option<u64>,
    concurrency_refused: bool,
    shown: Option<Shown>,
    in_flight: Option<InFlight>,
}

/// What a response shows of a limit on a rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Stands for the policy's name; 0 where the dialect has none.
    pub policy: u64,
    /// Units per window, where it is shown.
    pub limit: Option<u64>,
    /// Units left.
    pub remaining: u64,
    /// How long until the window ends or, as providers differ, the limit is as good as new.
    pub reset_after_ns: Option<u64>,
    /// The window's length, where it is shown.
    pub period_ns: Option<u64>,
}

/// What a response shows of a limit on requests in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// How many may be.
    pub limit: u64,
    /// How many are.
    pub running: u64,
}

impl Reading {
    /// Reads a response that has come at Unix time `now_ns`. Names of headers may be in letters of
    /// any case and stand several times. The body is looked at on a refusal only and may be empty.
    ///
    /// Wait-free; takes time in proportion to the headers and the body.
    pub fn of<'h>(
        now_ns: u64,
        status: u16,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        body: &'h [u8],
    ) -> Self {
        let refused = matches!(status, 429 | 503);
        let fields = Fields::of(headers);
        // A Date tells how far the two clocks are apart.
        let date = fields.date.value().and_then(|date| date_ns(date, now_ns));
        let server_now_ns = date.unwrap_or(now_ns);
        let clocks = Clocks { now_ns, server_now_ns };
        let body =
            if refused { json_scan::read(body).unwrap_or_default() } else { Body::default() };
        let listed = fields.listed();
        let in_flight = fields.in_flight();
        let retry_after_ns = if refused { clocks.retry_after(&fields, &body) } else { None };
        let concurrency_refused = refused && says_concurrency(&body)
            || status == 429
                && retry_after_ns.is_none()
                && in_flight.is_some_and(|shown| shown.running >= shown.limit);
        let shown = listed.as_ref().and_then(slowest).or_else(|| clocks.single(&fields));
        let shown = shown.or_else(|| if refused { from_body(&body, retry_after_ns) } else { None });
        Self { refused, retry_after_ns, concurrency_refused, shown, in_flight }
    }

    /// Whether the request was refused for a limit: status 429, or 503 for want of capacity.
    pub const fn refused(&self) -> bool {
        self.refused
    }

    /// How long to wait at least before trying again; none unless it was refused and says so.
    pub const fn retry_after_ns(&self) -> Option<u64> {
        self.retry_after_ns
    }

    /// Whether it was refused because too many requests are in flight: no window ends that.
    pub const fn concurrency_refused(&self) -> bool {
        self.concurrency_refused
    }

    /// The limit on a rate that it shows; of several, the one that allows the slowest rate.
    pub const fn shown(&self) -> Option<Shown> {
        self.shown
    }

    /// The limit on requests in flight that it shows.
    pub const fn in_flight(&self) -> Option<InFlight> {
        self.in_flight
    }
}

/// The client's clock and the server's, at the time of the response.
#[derive(Clone, Copy)]
struct Clocks {
    now_ns: u64,
    server_now_ns: u64,
}

impl Clocks {
    /// The longest wait that Retry-After and the body ask for.
    fn retry_after(self, fields: &Fields<'_>, body: &Body<'_>) -> Option<u64> {
        let header = fields.retry_after.value().and_then(|value| {
            let seconds = cursor::number(value);
            seconds
                .map(|seconds| seconds.saturating_mul(SECOND_NS))
                .or_else(|| Some(date_ns(value, self.now_ns)?.saturating_sub(self.server_now_ns)))
        });
        let body = body.retry_after_seconds.map(|seconds| seconds.saturating_mul(SECOND_NS));
        header.max(body)
    }

    /// The limit that fields of one value show.
    fn single(self, fields: &Fields<'_>) -> Option<Shown> {
        // Those of draft 6 are structured fields; X-RateLimit has no standard that bounds it.
        type Read = fn(&[u8]) -> Option<u64>;
        let (read, limit, remaining, reset): (Read, _, _, _) = match fields.remaining_of_draft_6() {
            Some(remaining) => {
                (cursor::integer, fields.draft_6_limit, remaining, fields.draft_6_reset)
            }
            None => (cursor::number, fields.x_limit, fields.x_remaining.value()?, fields.x_reset),
        };
        Some(Shown {
            policy: 0,
            limit: limit.value().and_then(leading).and_then(read),
            remaining: read(remaining)?,
            reset_after_ns: reset.value().and_then(read).and_then(|reset| self.reset_after(reset)),
            period_ns: fields.policies.as_ref().and_then(|policies| window_ns(policies.first()?)),
        })
    }

    /// How long until a reset that is given in Unix seconds or in seconds from now; none if it is
    /// further off than any window is long.
    fn reset_after(self, reset: u64) -> Option<u64> {
        let reset_ns = reset.saturating_mul(SECOND_NS);
        let wait_ns = if reset < FIRST_UNIX_SECOND {
            reset_ns
        } else {
            reset_ns.saturating_sub(self.best_now_ns())
        };
        (wait_ns <= MAX_PERIOD_NS).then_some(wait_ns)
    }

    /// The client's own clock, which is finer, unless the server's is seconds away.
    fn best_now_ns(self) -> u64 {
        let apart_ns = self.now_ns.abs_diff(self.server_now_ns);
        if apart_ns > 2 * SECOND_NS { self.server_now_ns } else { self.now_ns }
    }
}

/// A date of HTTP as Unix nanoseconds.
fn date_ns(date: &[u8], now_ns: u64) -> Option<u64> {
    Some(http_date::unix_seconds(date, now_ns / SECOND_NS)?.saturating_mul(SECOND_NS))
}

/// Of the members of a list, the one that allows the slowest rate.
fn slowest(members: &Members<'_>) -> Option<Shown> {
    let rates = members.iter().filter(|member| !member.is_concurrency && !member.is_foreign);
    let rates = rates.filter(|member| member.available.is_some());
    let slowest = rates.reduce(|best, other| if slower(other, best) { other } else { best })?;
    let reset_after_ns = slowest.effective_window.map(|t| t.saturating_mul(SECOND_NS));
    Some(Shown {
        policy: hash(slowest.name),
        limit: slowest.quota,
        remaining: slowest.available?,
        reset_after_ns: reset_after_ns.filter(|&wait_ns| wait_ns <= MAX_PERIOD_NS),
        period_ns: window_ns(slowest),
    })
}

fn slower(one: &Member<'_>, other: &Member<'_>) -> bool {
    let rate = |member: &Member<'_>| (member.available, member.effective_window);
    let ((Some(r), t), (Some(other_r), other_t)) = (rate(one), rate(other)) else { return false };
    // Without a time, it holds until told otherwise.
    let (t, other_t) = (t.unwrap_or(u64::MAX).max(1), other_t.unwrap_or(u64::MAX).max(1));
    // OVERFLOW: two u64 factors each.
    let mine = u128::from(r).saturating_mul(other_t.into());
    let theirs = u128::from(other_r).saturating_mul(t.into());
    mine < theirs
}

fn window_ns(member: &Member<'_>) -> Option<u64> {
    let window_ns = member.window?.checked_mul(SECOND_NS)?;
    (1..=MAX_PERIOD_NS).contains(&window_ns).then_some(window_ns)
}

/// A refusal's body that names its limit: nothing is left until the wait is over.
fn from_body(body: &Body<'_>, retry_after_ns: Option<u64>) -> Option<Shown> {
    let limit = body.limit?;
    // The window is written as the rules' text form writes it, so its reader reads it.
    let mut rule = String::<48>::new();
    write!(rule, "fixed 1/{}", core::str::from_utf8(body.window?).ok()?).ok()?;
    let period_ns = rule.parse::<Rule>().ok()?.quota().period_ns();
    let reset_after_ns = retry_after_ns.filter(|&wait_ns| wait_ns <= MAX_PERIOD_NS);
    Some(Shown { policy: 0, limit: Some(limit), remaining: 0, reset_after_ns, period_ns })
}

/// Whether a refusal's body speaks of requests in flight.
fn says_concurrency(body: &Body<'_>) -> bool {
    let capacity = body.reason.is_some_and(|reason| reason == b"cloudflare_account_capacity");
    let error = body.error.unwrap_or_default();
    capacity || error.get(..11).is_some_and(|start| start.eq_ignore_ascii_case(b"concurrency"))
}

/// The digits at the start of a value such as `100` or `100, 100;w=60`, as draft 3 wrote it.
fn leading(value: &[u8]) -> Option<&[u8]> {
    let mut cursor = cursor::Cursor::new(value);
    let digits = cursor.digits();
    matches!(cursor.peek(), None | Some(b',' | b';' | b' ')).then_some(digits)
}

/// FNV-1a, so that two names can be told apart without keeping them; never 0.
fn hash(name: &[u8]) -> u64 {
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.max(1)
}
