//! Holds what the clients have seen against what is published, from both sides: nobody got more,
//! and nobody less.
//!
//! The bounds are right whatever the clock does. A fixed window may end during the demo, at the
//! edge of a minute, and then an address may use two of them; a machine may stall for a minute, and
//! then a sliding window has moved on. Where neither happens the bounds meet.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::clients::{DAVES_RPM, Tallies};
use crate::tally::{Outcome, Tally};

/// The period of the limits.
pub(crate) const MINUTE_NS: u64 = 60_000_000_000;

/// A client, the requests it sends, and how many of them meet which outcome; no other is met.
type Expected<'a> = (&'a Tally, u32, &'a [(Outcome, RangeInclusive<u32>)]);

/// What the limits were over the time of the demo.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Audit {
    /// Fixed windows that the demo fell in.
    fixed_windows: u32,
    /// How often a sliding window may have been used up.
    sliding_windows: u32,
}

impl Audit {
    /// An audit of a demo that ran between these times on the limiter's clock.
    pub(crate) fn new(start_ns: u64, end_ns: u64) -> Self {
        let count = |windows: u64| u32::try_from(windows + 1).unwrap_or(u32::MAX);
        Self {
            fixed_windows: count(end_ns / MINUTE_NS - start_ns / MINUTE_NS),
            sliding_windows: count((end_ns - start_ns) / MINUTE_NS),
        }
    }

    /// What is not as published; empty if everything is.
    pub(crate) fn findings(self, tallies: &Tallies) -> Vec<String> {
        use Outcome::{Admitted, RefusedByInflight, RefusedByIp, RefusedByKey, Unauthorized};

        let by_key = |cap, sent| at_most(cap, self.sliding_windows, sent);
        let by_ip = at_most(300, self.fixed_windows, 450);
        let Tallies { alice, bob, carol, dave, mallory } = tallies;
        let (bobs, daves) = (by_key(600, 700), by_key(DAVES_RPM, 1_100));
        let expected: [Expected<'_>; 5] = [
            (alice, 20, &[(Admitted, 20..=20)]),
            (bob, 700, &[(Admitted, bobs.clone()), (RefusedByKey, rest(700, bobs))]),
            (carol, 28, &[(Admitted, 16..=16), (RefusedByInflight, 12..=12)]),
            (dave, 1_100, &[(Admitted, daves.clone()), (RefusedByKey, rest(1_100, daves))]),
            (mallory, 450, &[(Unauthorized, by_ip.clone()), (RefusedByIp, rest(450, by_ip))]),
        ];
        let mut findings = Vec::new();
        for (tally, sent, outcomes) in expected {
            findings.extend(tally.wrong().map(|wrong| format!("{}: {wrong}", tally.name)));
            let mut hold = |what: String, found: u32, expected: RangeInclusive<u32>| {
                if !expected.contains(&found) {
                    findings.push(format!(
                        "{}: {what}: {found}, published is {expected:?}",
                        tally.name
                    ));
                }
            };
            hold("sent".into(), tally.sent(), sent..=sent);
            for outcome in Outcome::ALL {
                let of_it = outcomes.iter().find(|(expected, _)| *expected == outcome);
                let expected = of_it.map_or(0..=0, |(_, expected)| expected.clone());
                hold(format!("{outcome:?}"), tally.outcome(outcome), expected);
            }
            let answered: u32 = Outcome::ALL.iter().map(|outcome| tally.outcome(*outcome)).sum();
            hold("answered".into(), answered, sent..=sent);
        }
        if carol.most_running() != 8 {
            findings.push(format!("carol: {} in flight, published is 8", carol.most_running()));
        }
        findings
    }

    /// What was published and what was enforced.
    pub(crate) fn summary(self, tallies: &Tallies, took: Duration) -> String {
        use Outcome::{Admitted, RefusedByInflight, RefusedByIp, Unauthorized};

        let Tallies { alice, bob, carol, dave, mallory } = tallies;
        let edge = if self.fixed_windows > 1 { ", over the edge of a minute" } else { "" };
        format!(
            "Published: 300 a minute per address before authentication, 600 a minute per\n\
             key, 8 in flight per key. Enforced in {:.1} s: bob got {} of {}, and dave, whose\n\
             cap is {DAVES_RPM}, {} of {}. carol had {} in flight and was refused {} more at\n\
             once. mallory was stopped after {} tries without a key{edge} and refused {}.\n\
             alice got {} of {}.",
            took.as_secs_f32(),
            bob.outcome(Admitted),
            bob.sent(),
            dave.outcome(Admitted),
            dave.sent(),
            carol.most_running(),
            carol.outcome(RefusedByInflight),
            mallory.outcome(Unauthorized),
            mallory.outcome(RefusedByIp),
            alice.outcome(Admitted),
            alice.sent(),
        )
    }
}

/// At least one window's units, at the most those of all windows, and never more than were sent.
fn at_most(cap: u32, windows: u32, sent: u32) -> RangeInclusive<u32> {
    cap.min(sent)..=cap.saturating_mul(windows).min(sent)
}

/// What is left of `sent`.
fn rest(sent: u32, of: RangeInclusive<u32>) -> RangeInclusive<u32> {
    sent - of.end()..=sent - of.start()
}
