//! One client's pacing: how long to wait before its next request.

use super::random::{Random, scaled, up_to};
use super::reading::Reading;
use super::told::{Told, ToldError};
use super::window::Window;
use super::{MINUTE_NS, SECOND_NS, scale};
use crate::plan::Plan;

/// How long to wait for one of one's own requests in flight before asking again.
const PERMIT_POLL_NS: u64 = SECOND_NS / 20;

/// The first wait after a refusal for want of permits; four times that after another one that
/// names no wait.
const FIRST_BACKOFF_NS: u64 = SECOND_NS / 2;

/// The fewest requests of one's own in a minute that a refusal is taken to speak of.
const LEAST_EVIDENCE: u64 = 4;

/// The most that chance adds to a Retry-After.
const MAX_JITTER_NS: u64 = SECOND_NS;

/// Says how long a client is to wait before each request, so that none is refused.
///
/// ```
/// use ratecell::pacing::{Pacer, Reading};
///
/// let mut random = || 0x9e37_79b9_7f4a_7c15; // a generator in earnest
/// let plan = "sliding 600/min".parse()?;
/// let mut now_ns = 1_790_000_000_000_000_000;
/// let mut pacer = Pacer::told(&plan, 20, now_ns, &mut random)?;
///
/// now_ns += pacer.wait_ns(now_ns); // sleep for that long
/// let sent = pacer.sent(now_ns, &mut random);
/// // ... the request ...
/// pacer.finished(sent, now_ns, &Reading::of(now_ns, 200, [], b""), &mut random);
/// assert!(pacer.wait_ns(now_ns) > 2_000_000_000); // one of 20 on 600 a minute
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Every call takes the time as Unix nanoseconds and is wait-free. It is one client's own: threads
/// that share one put it behind a lock of theirs.
#[derive(Clone, Debug)]
pub struct Pacer {
    told: Option<Told>,
    window: Option<Window>,
    learned: Learned,
    /// Until when a refusal keeps it from sending.
    blocked_until_ns: u64,
    /// The earliest time that the plan's interval or the learned one allows.
    next_ns: u64,
    last_sent_ns: Option<u64>,
    last_refused_ns: u64,
    in_flight: u32,
    /// How many requests of its own may be in flight.
    permits: Option<u32>,
    /// Refusals without a known wait since the last success.
    unknown_refusals: u32,
    /// Chance, drawn with each request.
    draw: u64,
}

impl Pacer {
    /// The longest wait that headers can bring about: 5 minutes. Only a Retry-After makes it wait
    /// longer; after that a request finds out.
    pub const MAX_WAIT_NS: u64 = 5 * MINUTE_NS;

    /// A pacer that knows nothing and learns from responses.
    pub const fn new() -> Self {
        Self {
            told: None,
            window: None,
            learned: Learned::NOTHING,
            blocked_until_ns: 0,
            next_ns: 0,
            last_sent_ns: None,
            last_refused_ns: 0,
            in_flight: 0,
            permits: None,
            unknown_refusals: 0,
            draw: 0,
        }
    }

    /// A pacer that is one of `sharers` clients on keys which the rules of `plan` apply to.
    ///
    /// The plan holds the rules that all of them share, so not one that counts by an address of
    /// their own. Its first request waits for a random part of its interval.
    ///
    /// # Errors
    /// [`ToldError`] for 0 sharers.
    pub fn told(
        plan: &Plan,
        sharers: u32,
        now_ns: u64,
        random: &mut impl Random,
    ) -> Result<Self, ToldError> {
        let told = Told::new(plan, sharers)?;
        let mut pacer = Self { told: Some(told), permits: told.permits, ..Self::new() };
        pacer.next_ns = now_ns.saturating_add(up_to(pacer.interval_ns(), random));
        Ok(pacer)
    }

    /// The same with its first request kept back for a random part of `span_ns`, for clients that
    /// are started together: what they share may not bear all of them at once.
    #[must_use]
    pub fn spread_over(self, span_ns: u64, now_ns: u64, random: &mut impl Random) -> Self {
        let first_ns = now_ns.saturating_add(up_to(span_ns, random));
        Self { next_ns: self.next_ns.max(first_ns), ..self }
    }

    /// How long to wait before the next request, in nanoseconds; 0 to send it now.
    ///
    /// With as many requests in flight as it may have, the wait is short and only a hint to ask
    /// again. Calling it changes nothing.
    pub fn wait_ns(&self, now_ns: u64) -> u64 {
        let mut paced_ns = self.next_ns.saturating_sub(now_ns);
        if let (Some(window), Some(last_ns)) = (&self.window, self.last_sent_ns) {
            let next_ns = window.next_ns(last_ns, now_ns, self.sharers(), self.draw);
            // However far off a reset is said to be, a request finds out in the end.
            let next_ns = next_ns.min(last_ns.saturating_add(Self::MAX_WAIT_NS));
            paced_ns = paced_ns.max(next_ns.saturating_sub(now_ns));
        }
        if self.permits.is_some_and(|permits| self.in_flight >= permits) {
            paced_ns = paced_ns.max(PERMIT_POLL_NS);
        }
        let blocked_ns = self.blocked_until_ns.saturating_sub(now_ns);
        blocked_ns.max(paced_ns.min(Self::MAX_WAIT_NS))
    }

    /// Takes note that a request is sent, and gives what [`Self::finished`] wants back.
    pub fn sent(&mut self, now_ns: u64, random: &mut impl Random) -> Sent {
        self.in_flight = self.in_flight.saturating_add(1);
        self.last_sent_ns = Some(now_ns);
        self.draw = random.next();
        // A little late is made up for, by one interval at most.
        let interval_ns = self.interval_ns();
        let due_ns = self.next_ns.max(now_ns.saturating_sub(interval_ns));
        self.next_ns = due_ns.saturating_add(interval_ns);
        Sent { sent_ns: now_ns }
    }

    /// Takes note that a request was answered and is no longer in flight: [`Self::answered`] and
    /// [`Self::ended`] at once.
    pub fn finished(
        &mut self,
        sent: Sent,
        now_ns: u64,
        answer: &Reading,
        random: &mut impl Random,
    ) {
        self.answered(&sent, now_ns, answer, random);
        self.ended(sent);
    }

    /// Takes note of the answer to a request that stays in flight until its body has ended.
    pub fn answered(
        &mut self,
        sent: &Sent,
        now_ns: u64,
        answer: &Reading,
        random: &mut impl Random,
    ) {
        let told = self.told.and_then(|told| told.permits);
        if let (Some(shown), None) = (answer.in_flight(), told) {
            // What others have in flight is not this client's to use.
            let others = shown.running.saturating_sub(self.in_flight.into());
            let own = shown.limit.saturating_sub(others).max(1);
            self.permits = Some(u32::try_from(own).unwrap_or(u32::MAX));
        }
        if let Some(shown) = answer.shown() {
            let sharers = self.sharers();
            match &mut self.window {
                Some(window) => window.see(shown, sharers, sent.sent_ns, now_ns),
                None => {
                    let fixed = self.told.and_then(|told| told.fixed);
                    let rule = fixed.map(|rule| (rule.limit, rule.period_ns));
                    self.window = Some(Window::new(shown, rule, now_ns));
                }
            }
        }
        if answer.refused() {
            self.refused(sent, now_ns, answer, random);
        } else {
            self.unknown_refusals = 0;
            self.learned.succeeded(now_ns, answer);
        }
    }

    /// Takes note that a request is no longer in flight, whether or not it was answered.
    pub fn ended(&mut self, _sent: Sent) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Whether it may be forgotten to make room for another: nothing is in flight, it would send now,
    /// and it has sent nothing for twice [`Self::MAX_WAIT_NS`]. What it has learned is lost.
    pub fn is_at_rest(&self, now_ns: u64) -> bool {
        let rested_ns = Self::MAX_WAIT_NS.saturating_mul(2);
        let is_rested = |sent_ns: u64| now_ns.saturating_sub(sent_ns) >= rested_ns;
        self.in_flight == 0 && self.last_sent_ns.is_none_or(is_rested) && self.wait_ns(now_ns) == 0
    }

    /// How many requests are in flight.
    pub const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    fn refused(&mut self, sent: &Sent, now_ns: u64, answer: &Reading, random: &mut impl Random) {
        let for_permits = answer.concurrency_refused();
        // One refusal tells as much as all that were on their way with it, and as all that follow
        // until it is known when to come back.
        let is_news = sent.sent_ns >= self.last_refused_ns && self.unknown_refusals == 0;
        if !for_permits && is_news {
            self.last_refused_ns = now_ns;
            self.learned.refused(now_ns, answer, self.told.is_some());
            if let Some(window) = &mut self.window {
                window.see_refusal(answer.shown());
            }
        }
        let wait_ns = match answer.retry_after_ns() {
            Some(wait_ns) if !for_permits => {
                let jitter_ns = up_to(self.interval_ns().min(MAX_JITTER_NS), random);
                wait_ns.saturating_add(jitter_ns)
            }
            known => {
                if for_permits {
                    self.learned.slow_down();
                }
                let doublings = self.unknown_refusals.min(16);
                self.unknown_refusals = self.unknown_refusals.saturating_add(1);
                // A window takes longer to end than a request does.
                let first_ns = if for_permits { FIRST_BACKOFF_NS } else { 4 * FIRST_BACKOFF_NS };
                let longest_ns = first_ns.saturating_mul(1 << doublings).min(MINUTE_NS);
                let half_ns = longest_ns / 2;
                let wait_ns = half_ns.saturating_add(up_to(half_ns, random));
                wait_ns.max(known.unwrap_or(0))
            }
        };
        self.blocked_until_ns = self.blocked_until_ns.max(now_ns.saturating_add(wait_ns));
        // Those who were refused together are not to come back together.
        let apart_ns = scaled(self.interval_ns(), random.next());
        self.next_ns = self.next_ns.max(self.blocked_until_ns.saturating_add(apart_ns));
    }

    /// The interval between its requests that the plan or the refusals ask for.
    fn interval_ns(&self) -> u64 {
        let plan_ns = self.told.map_or(0, |told| {
            // What responses show of a fixed window is better than its mean.
            let fixed_ns = told.fixed.filter(|_| self.window.is_none());
            told.interval_ns.max(fixed_ns.map_or(0, |rule| rule.interval_ns))
        });
        match (self.told, &self.window) {
            (Some(_), _) => scale(plan_ns, self.learned.slower_256ths, 256),
            (None, None) => self.learned.interval_ns,
            (None, Some(_)) => 0,
        }
    }

    fn sharers(&self) -> Option<u32> {
        self.told.map(|told| told.sharers)
    }
}

impl Default for Pacer {
    fn default() -> Self {
        Self::new()
    }
}

/// A request that was sent. Given by [`Pacer::sent`].
#[derive(Clone, Copy, Debug)]
#[must_use = "the request counts as in flight until it is given back"]
pub struct Sent {
    sent_ns: u64,
}

/// What refusals have taught.
#[derive(Clone, Copy, Debug)]
struct Learned {
    /// The interval between requests where nothing is told or shown.
    interval_ns: u64,
    /// Whether a refusal has taught it; until then it is that of the slow start.
    is_taught: bool,
    /// The factor on a told interval, in 256ths: above 1 where the plan or the share was wrong.
    slower_256ths: u64,
    /// The minute that `count` is of, from its first success.
    started_ns: u64,
    count: u64,
    count_before: u64,
    /// Minutes without a refusal since the last one.
    calm: u32,
}

impl Learned {
    const NOTHING: Self = Self {
        interval_ns: SECOND_NS,
        is_taught: false,
        slower_256ths: 256,
        started_ns: 0,
        count: 0,
        count_before: 0,
        calm: 0,
    };

    fn succeeded(&mut self, now_ns: u64, answer: &Reading) {
        self.turn(now_ns);
        self.count = self.count.saturating_add(1);
        if !self.is_taught {
            // With a third of the permits in use it stays, with half of them it slows down.
            let used = |times: u64| {
                answer
                    .in_flight()
                    .is_some_and(|shown| shown.running.saturating_mul(times) > shown.limit)
            };
            self.interval_ns = match (used(3), used(2)) {
                (false, _) => self.interval_ns.saturating_sub(self.interval_ns.div_ceil(8)),
                (true, false) => self.interval_ns,
                (true, true) => scale(self.interval_ns, 9, 8).min(MINUTE_NS),
            };
        }
        if self.slower_256ths > 256 && self.count.is_multiple_of(8) {
            self.slower_256ths = self.slower_256ths.saturating_sub(1);
        }
    }

    /// Doubles the interval of the slow start.
    fn slow_down(&mut self) {
        if !self.is_taught {
            self.interval_ns = self.interval_ns.saturating_mul(2).clamp(SECOND_NS / 10, MINUTE_NS);
        }
    }

    fn refused(&mut self, now_ns: u64, answer: &Reading, is_told: bool) {
        if is_told {
            self.slower_256ths = scale(self.slower_256ths, 9, 8).min(16 * 256);
            return;
        }
        self.turn(now_ns);
        self.calm = 0;
        let period_ns = answer.shown().and_then(|shown| shown.period_ns).unwrap_or(MINUTE_NS);
        // Of the minute before, the part that is less than a minute ago.
        let old_ns = now_ns.saturating_sub(self.started_ns).min(MINUTE_NS);
        let before = scale(self.count_before, MINUTE_NS.saturating_sub(old_ns), MINUTE_NS);
        let own = self.count.saturating_add(before);
        if !self.is_taught && own < LEAST_EVIDENCE {
            // Whoever has just begun is not to crawl for it.
            self.slow_down();
            return;
        }
        let own = own.max(LEAST_EVIDENCE);
        let learned_ns = scale(period_ns.saturating_add(period_ns / 32), 1, own);
        if !self.is_taught {
            self.is_taught = true;
            self.interval_ns = learned_ns;
            return;
        }
        let slower_ns = scale(self.interval_ns, 17, 16);
        let slowest_ns = self.interval_ns.saturating_mul(2).max(slower_ns);
        self.interval_ns = learned_ns.clamp(slower_ns, slowest_ns);
    }

    /// Begins a new minute if the old one is over.
    fn turn(&mut self, now_ns: u64) {
        let since_ns = now_ns.saturating_sub(self.started_ns);
        if since_ns < MINUTE_NS {
            return;
        }
        if self.is_taught {
            // First by little, so that those who share a limit stay below it for long, and then by
            // ever more, so that who is alone again has all of it within half an hour.
            let part_ns = self.interval_ns.checked_shr(14_u32.saturating_sub(self.calm));
            self.interval_ns = self.interval_ns.saturating_sub(part_ns.unwrap_or(0));
            self.calm = self.calm.saturating_add(1).min(13);
        }
        self.count_before = if since_ns < 2 * MINUTE_NS { self.count } else { 0 };
        self.count = 0;
        let next_ns = self.started_ns.saturating_add(MINUTE_NS);
        self.started_ns = if since_ns < 2 * MINUTE_NS { next_ns } else { now_ns };
    }
}
