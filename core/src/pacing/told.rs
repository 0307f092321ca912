//! The plan that a pacer was told, as intervals and permits of one of its clients.

use core::fmt;

use super::scale;
use crate::plan::Plan;
use crate::quota::Quota;

/// The part of a period that is kept for latencies that vary: 1/256.
const SLACK: u64 = 256;

/// One client's part of a plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) sharers: u32,
    /// The shortest interval that keeps to all rules but fixed ones.
    pub(super) interval_ns: u64,
    /// The fixed rule that allows the slowest rate.
    pub(super) fixed: Option<FixedRule>,
    /// The client's part of the permits, at least 1.
    pub(super) permits: Option<u32>,
}

/// A fixed rule of the plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct FixedRule {
    /// The shortest interval that keeps to it without knowing what is left.
    pub(super) interval_ns: u64,
    pub(super) limit: u64,
    pub(super) period_ns: u64,
}

impl Told {
    pub(super) fn new(plan: &Plan, sharers: u32) -> Result<Self, ToldError> {
        if sharers == 0 {
            return Err(ToldError::NoSharers);
        }
        let mut told = Self { sharers, interval_ns: 0, fixed: None, permits: None };
        for rule in plan.rules() {
            told.add(rule.quota());
        }
        Ok(told)
    }

    fn add(&mut self, quota: &Quota) {
        let sharers = u64::from(self.sharers);
        let interval_ns = match quota {
            Quota::Gcra(quota) => quota.emission_interval_ns().saturating_mul(sharers),
            Quota::Sliding(quota) => {
                let segment_ns = scale(quota.period_ns(), 1, quota.segments().into());
                let strict_ns = quota.period_ns().saturating_add(segment_ns);
                let span_ns = strict_ns.saturating_add(quota.tick_ns().saturating_mul(2));
                with_slack(span_ns, quota.limit(), sharers)
            }
            Quota::Fixed(quota) => {
                let period_ns = quota.period_ns();
                let interval_ns = with_slack(period_ns, quota.limit(), sharers);
                let rule = FixedRule { interval_ns, limit: quota.limit().into(), period_ns };
                if self.fixed.is_none_or(|known| known.interval_ns < interval_ns) {
                    // The one that was slowest until now still holds.
                    let other = self.fixed.replace(rule);
                    other.map_or(0, |other| other.interval_ns)
                } else {
                    interval_ns
                }
            }
            Quota::Concurrency(quota) => {
                let permits = quota.limit().div_ceil(self.sharers.max(1));
                self.permits = Some(self.permits.map_or(permits, |known| known.min(permits)));
                0
            }
        };
        self.interval_ns = self.interval_ns.max(interval_ns);
    }
}

fn with_slack(span_ns: u64, limit: u32, sharers: u64) -> u64 {
    scale(span_ns.saturating_add(span_ns / SLACK), sharers, limit.into())
}

/// Why a plan cannot be told to a pacer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToldError {
    /// 0 clients share it.
    NoSharers,
}

impl fmt::Display for ToldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSharers => write!(
                f,
                "the plan is shared by 0 clients, accepted are 1 and more: this one is among them"
            ),
        }
    }
}

impl core::error::Error for ToldError {}
