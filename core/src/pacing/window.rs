//! The limit that responses show: what is left of it, until when, and among how many.

use super::random::scaled;
use super::reading::Shown;
use super::share::Share;
use super::{MINUTE_NS, SECOND_NS, scale};

/// Resets are whole seconds and may be rounded: those closer than this are one.
const SAME_RESET_NS: u64 = 1_500_000_000;

/// The fastest that all together send, in sixteenths of the limit per window.
const FASTEST: u64 = 24;

/// A limit that responses show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    policy: u64,
    /// Units per window: as shown, or the most that was ever left.
    limit: u64,
    period_ns: u64,
    /// Whether the period was told, shown or seen, and is not the minute taken for granted.
    period_is_known: bool,
    /// What was left at `seen_ns`.
    remaining: u64,
    seen_ns: u64,
    reset_ns: u64,
    /// Whether it slides or refills, so that its reset is not the end of a window.
    is_continuous: bool,
    /// When the window was first known to have begun: an answer to a request sent before it may
    /// show the window before.
    began_ns: u64,
    /// The longest wait for a reset that was shown, while the period is looked for.
    longest_reset_ns: u64,
    /// What the period is at most, while it is looked for.
    most_period_ns: u64,
    /// Whether what is left is taken for granted, and not what a response has shown.
    is_presumed: bool,
    share: Share,
    sixteenths: u64,
}

impl Window {
    /// The window that a first response shows.
    pub(super) fn new(shown: Shown, told: Option<(u64, u64)>, now_ns: u64) -> Self {
        let (told_limit, told_period_ns) = told.unzip();
        let known_ns = shown.period_ns.or(told_period_ns);
        let period_ns = known_ns.unwrap_or(MINUTE_NS).max(1);
        let limit = shown.limit.or(told_limit).unwrap_or(0).max(shown.remaining).max(1);
        let mut window = Self {
            policy: shown.policy,
            limit,
            period_ns,
            period_is_known: known_ns.is_some(),
            remaining: shown.remaining,
            seen_ns: now_ns,
            reset_ns: next_multiple(now_ns, period_ns),
            is_continuous: false,
            began_ns: 0,
            longest_reset_ns: 0,
            most_period_ns: u64::MAX,
            is_presumed: false,
            share: Share::UNKNOWN,
            sixteenths: FASTEST,
        };
        if let Some(wait_ns) = shown.reset_after_ns {
            window.reset_ns = now_ns.saturating_add(wait_ns);
        }
        window
    }

    /// Takes note of what the answer to a request sent at `sent_ns` shows.
    pub(super) fn see(&mut self, shown: Shown, sharers: Option<u32>, sent_ns: u64, now_ns: u64) {
        if shown.policy != self.policy {
            let told = Some((self.limit, self.period_ns)).filter(|_| self.policy == 0);
            *self = Self { share: self.share, ..Self::new(shown, told, now_ns) };
            return;
        }
        self.roll(now_ns);
        if let Some(period_ns) = shown.period_ns {
            self.period_ns = period_ns.max(1);
            self.period_is_known = true;
        }
        self.limit = shown.limit.unwrap_or(self.limit).max(shown.remaining).max(1);
        if sent_ns < self.began_ns {
            return;
        }
        let is_new = match shown.reset_after_ns {
            Some(wait_ns) => {
                self.meet_full(shown.remaining, now_ns);
                self.meet_reset(now_ns.saturating_add(wait_ns), now_ns)
            }
            None => self.has_jumped(shown.remaining, now_ns),
        };
        if is_new {
            self.began_ns = sent_ns;
        }
        if self.is_continuous && !self.period_is_known {
            self.estimate_period(shown.remaining, now_ns);
        }
        self.is_presumed |= is_new;
        self.count(shown.remaining, sharers, now_ns);
    }

    /// Takes note of a refusal: if units are left, there is a burst limit that is not shown.
    pub(super) fn see_refusal(&mut self, shown: Option<Shown>) {
        match shown {
            Some(shown) if shown.remaining > 0 => {
                self.sixteenths = self.sixteenths.saturating_sub(2).max(16);
            }
            _ => self.remaining = 0,
        }
    }

    /// When the next request may go, if the last one went at `last_ns` and `draw` is chance.
    pub(super) fn next_ns(
        &self,
        last_ns: u64,
        now_ns: u64,
        sharers: Option<u32>,
        draw: u64,
    ) -> u64 {
        let mut window = *self;
        window.roll(now_ns);
        if window.is_continuous && sharers.is_some() {
            // The plan that was told is better than what can be guessed.
            return now_ns;
        }
        if window.is_continuous {
            return last_ns.saturating_add(window.continuous_interval_ns(sharers));
        }
        let is_spendable = window.remaining > window.reserve(sharers);
        let next_ns = last_ns.saturating_add(window.even_interval_ns(sharers));
        if is_spendable && next_ns < window.reset_ns {
            return next_ns;
        }
        // In the next window, at the pace it will have.
        let nominal_ns = interval(&window.share, sharers, window.period_ns, window.limit);
        let next_ns = last_ns.saturating_add(nominal_ns);
        if is_spendable && next_ns >= window.reset_ns {
            return next_ns;
        }
        window.reset_ns.saturating_add(scaled(nominal_ns.min(window.period_ns), draw))
    }

    /// Starts the next window if the time for it has come.
    fn roll(&mut self, now_ns: u64) {
        if now_ns < self.reset_ns || self.is_continuous {
            return;
        }
        let late_ns = now_ns.saturating_sub(self.reset_ns);
        let whole = late_ns.checked_div(self.period_ns).unwrap_or(0);
        self.seen_ns = self.reset_ns.saturating_add(whole.saturating_mul(self.period_ns));
        self.reset_ns = self.seen_ns.saturating_add(self.period_ns);
        self.remaining = self.limit;
        self.began_ns = self.seen_ns;
        self.is_presumed = true;
    }

    /// Takes note of a reset that is shown, and says whether it is that of a new window.
    fn meet_reset(&mut self, reset_ns: u64, now_ns: u64) -> bool {
        if self.is_continuous {
            self.reset_ns = reset_ns;
            return false;
        }
        if reset_ns.abs_diff(self.reset_ns) <= SAME_RESET_NS {
            // Rounded up each time, so the earliest is the closest.
            self.reset_ns = reset_ns.min(self.reset_ns);
            return false;
        }
        if now_ns.saturating_add(SAME_RESET_NS) < self.reset_ns {
            // It has moved before it was reached.
            self.become_continuous();
        } else if !self.period_is_known {
            self.period_ns = reset_ns.saturating_sub(self.reset_ns).max(1);
            self.period_is_known = true;
        }
        self.reset_ns = reset_ns;
        !self.is_continuous
    }

    /// Takes note of what is left after a reset that was reached: if it is far less than the limit,
    /// that was no window's end.
    fn meet_full(&mut self, remaining: u64, now_ns: u64) {
        if !self.is_presumed || self.is_continuous {
            return;
        }
        let since_ns = now_ns.saturating_sub(self.seen_ns);
        let usable = scale(self.limit, since_ns.saturating_mul(2), self.period_ns);
        let gone = self.limit.saturating_sub(remaining);
        if gone > usable.saturating_add(self.limit / 2) {
            self.become_continuous();
        }
    }

    /// Its resets are no windows' ends. Its period is looked for anew, unless it was shown.
    fn become_continuous(&mut self) {
        self.is_continuous = true;
        self.is_presumed = true;
    }

    /// Where units come back one by one, those that are used come back by the reset; where they
    /// come back a period later, the reset is up to a period off. So the period is at most the
    /// reset's wait times the limit over the units used, and the least that is seen is the closest.
    /// Until that is close, it is taken to be the longest wait seen, and at least a minute.
    fn estimate_period(&mut self, remaining: u64, now_ns: u64) {
        let used = self.limit.saturating_sub(remaining).max(1);
        let wait_ns = self.reset_ns.saturating_sub(now_ns).max(1);
        self.longest_reset_ns = self.longest_reset_ns.max(wait_ns);
        self.most_period_ns = self.most_period_ns.min(scale(wait_ns, self.limit, used));
        self.period_ns = self.most_period_ns.min(self.longest_reset_ns.max(MINUTE_NS));
    }

    /// Whether more is left than can be without a new window, where no reset is shown.
    fn has_jumped(&mut self, remaining: u64, now_ns: u64) -> bool {
        if remaining <= self.remaining.saturating_add((self.limit / 8).max(2)) {
            return false;
        }
        // It began between the last response and this one. Taking it to have begun now is safe,
        // and the first to see the next one begin corrects it.
        self.reset_ns = now_ns.saturating_add(self.period_ns);
        true
    }

    /// Takes note of what is left, and of what has been used since it was last seen.
    fn count(&mut self, remaining: u64, sharers: Option<u32>, now_ns: u64) {
        let since_ns = now_ns.saturating_sub(self.seen_ns);
        let used = self.remaining.saturating_sub(remaining);
        let gained = remaining.saturating_sub(self.remaining);
        if self.is_presumed {
            self.is_presumed = false;
        } else if self.is_continuous {
            let refilled = scale(self.limit, since_ns.min(self.period_ns), self.period_ns);
            let used = used.saturating_add(refilled).saturating_sub(gained);
            self.share.see(used, since_ns, self.continuous_interval_ns(sharers));
        } else {
            self.share.see(used, since_ns, self.even_interval_ns(sharers));
            if gained > 0 {
                // An answer that has overtaken another one shows more than is left.
                return;
            }
        }
        self.remaining = remaining;
        self.seen_ns = now_ns;
    }

    /// The interval that uses what is left evenly until the window ends, though none faster than all
    /// may go together.
    fn even_interval_ns(&self, sharers: Option<u32>) -> u64 {
        let spendable = self.remaining.saturating_sub(self.reserve(sharers)).max(1);
        let span_ns = self.reset_ns.saturating_sub(self.seen_ns);
        let nominal_ns = interval(&self.share, sharers, self.period_ns, self.limit);
        let fastest_ns = scale(nominal_ns, 16, self.sixteenths);
        interval(&self.share, sharers, span_ns, spendable).max(fastest_ns)
    }

    /// The interval under a limit that slides or refills: its own rate, up to twice that while more
    /// than a level is left, and less in proportion below.
    fn continuous_interval_ns(&self, sharers: Option<u32>) -> u64 {
        let level = (self.limit / 32).max(self.sharers(sharers) / 4).saturating_add(1);
        let interval_ns = interval(&self.share, sharers, self.period_ns, self.limit);
        scale(interval_ns, level, self.remaining.clamp(1, level.saturating_mul(2)))
    }

    /// Units that are left to requests on their way. Shares that were told add up and need few.
    fn reserve(&self, sharers: Option<u32>) -> u64 {
        let guessed = if sharers.is_some() { 0 } else { (self.share.sharers() / 10).max(1) };
        (self.limit / 256).saturating_add(guessed)
    }

    fn sharers(&self, sharers: Option<u32>) -> u64 {
        sharers.map_or_else(|| self.share.sharers(), u64::from)
    }
}

/// One's own interval, if all together may use `units` in `span_ns`.
fn interval(share: &Share, sharers: Option<u32>, span_ns: u64, units: u64) -> u64 {
    match sharers {
        Some(sharers) => scale(span_ns, sharers.into(), units),
        None => share.interval_ns(span_ns, units),
    }
}

/// The first multiple of `step` after `at`.
fn next_multiple(at: u64, step: u64) -> u64 {
    let past = at.checked_rem(step).unwrap_or(0);
    at.saturating_add(step.saturating_sub(past)).max(at.saturating_add(SECOND_NS / 100))
}
