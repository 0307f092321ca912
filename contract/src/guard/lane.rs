//! One plan of a guard: the rules of a stage that are enforced, or those that only try.
//!
//! Rules with the same scope and key source share a dimension of the plan, so that a key is found
//! and hashed once for all of them.

use core::net::IpAddr;
use core::ptr;
use std::sync::Arc;

use ratecell::{
    BuildError, Clock, ConcurrencyQuota, FixedQuota, GcraQuota, Key, Limiter, Plan, Quota,
    QuotaError, Rule, SlidingQuota, TableStats,
};
use smallvec::SmallVec;

use super::builder::GuardError;
use crate::contract::Contract;
use crate::contract_rule::{Stage, limit_text};
use crate::key_source::{Absent, KeySource};
use crate::path_pattern::Path;
use crate::request::{Limit, Request, RequestError};
use crate::scope::Scope;

/// The keys of a call, by dimension.
pub(super) type LaneKeys<'r> = SmallVec<[(&'r str, Key<'r>); ratecell::MAX_RULES]>;

/// One plan of a guard.
pub(super) struct Lane<C> {
    pub(super) stage: Stage,
    pub(super) is_enforced: bool,
    limiter: Arc<Limiter<Arc<C>>>,
    /// For each rule of the plan its position in the contract.
    pub(super) rules: Box<[usize]>,
    dimensions: Box<[Dimension]>,
}

/// Rules for the same requests and by the same key.
struct Dimension {
    /// The first of them, which is counted by its own name.
    first: Rule,
    scope: Scope,
    source: KeySource,
    absent: Absent,
    /// Whether one of them hands out permits.
    has_permits: bool,
}

impl<C: Clock> Lane<C> {
    pub(super) fn new(
        contract: &Contract,
        stage: Stage,
        is_enforced: bool,
        positions: Vec<usize>,
        limiter: impl FnOnce(Plan) -> Result<Limiter<Arc<C>>, BuildError>,
    ) -> Result<Self, GuardError> {
        let mut dimensions: Vec<Dimension> = Vec::new();
        let mut rules = Vec::new();
        for rule in positions.iter().map(|&position| &contract.rules[position]) {
            let known = dimensions.iter_mut().find(|dimension| {
                dimension.scope == rule.scope
                    && dimension.source == rule.source
                    && dimension.absent == rule.absent
            });
            let has_permits = matches!(rule.quota(), Quota::Concurrency(_));
            let first = match known {
                Some(dimension) => {
                    dimension.has_permits |= has_permits;
                    &dimension.first
                }
                None => {
                    dimensions.push(Dimension {
                        first: rule.rule.clone(),
                        scope: rule.scope.clone(),
                        source: rule.source.clone(),
                        absent: rule.absent,
                        has_permits,
                    });
                    &rule.rule
                }
            };
            rules.push(rule.rule.with_dimension_of(first));
        }
        let plan = Plan::new(rules).map_err(GuardError::Plan)?;
        let limiter = limiter(plan).map_err(GuardError::Limiter)?;
        Ok(Self {
            stage,
            is_enforced,
            limiter: Arc::new(limiter),
            rules: positions.into(),
            dimensions: dimensions.into(),
        })
    }

    /// The keys of a request, for the rules that are for it; and whether permits may be taken.
    pub(super) fn keys<'r>(
        &'r self,
        request: &Request<'r>,
        path: &Path<'_>,
        address: impl Fn() -> Option<IpAddr>,
        ipv6_prefix: u8,
    ) -> (LaneKeys<'r>, bool) {
        let mut keys = LaneKeys::new();
        let mut holds = false;
        for dimension in &self.dimensions {
            if !dimension.scope.covers(request.method, path) {
                continue;
            }
            let address = if dimension.source == KeySource::Ip { address() } else { None };
            let key = dimension.source.key(request, address, ipv6_prefix);
            if let Some(key) = key.or_else(|| KeySource::key_of_absent(dimension.absent)) {
                keys.push((dimension.first.dimension(), key));
                holds |= dimension.has_permits;
            }
        }
        (keys, holds)
    }

    /// Whether a key needs no word about what it is the key of.
    pub(super) const fn has_one_dimension(&self) -> bool {
        matches!(*self.dimensions, [_])
    }

    /// The plan with this caller's own limits; none if there are none for it.
    pub(super) fn plan_for(
        &self,
        limits: &[(&str, Limit<'_>)],
    ) -> Result<Option<Plan>, RequestError> {
        let rules = self.limiter.plan().rules();
        let own = |rule: &Rule| limits.iter().find(|(name, _)| *name == rule.name());
        if !rules.iter().any(|rule| own(rule).is_some()) {
            return Ok(None);
        }
        let mut changed = Vec::with_capacity(rules.len());
        for rule in rules {
            changed.push(match own(rule) {
                Some((_, limit)) => rule.with_quota(quota_under(rule, *limit)?),
                None => rule.clone(),
            });
        }
        // INVARIANT: names and number are those of a plan.
        Ok(Plan::new(changed).ok())
    }

    pub(super) fn limiter(&self) -> &Arc<Limiter<Arc<C>>> {
        &self.limiter
    }

    /// The position in the contract of a rule of this plan.
    pub(super) fn contract_position(&self, rule: &Rule) -> usize {
        // The rules of an answer are those of the plan, not copies of them.
        let position = self.limiter.plan().rules().iter().position(|own| ptr::eq(own, rule));
        position.and_then(|position| self.rules.get(position)).copied().unwrap_or(0)
    }

    /// What the key table of a rule has counted, if the rule is one of this plan's.
    pub(super) fn table_stats(&self, name: &str) -> Option<TableStats> {
        let mut stats = self.limiter.keyed().stats();
        stats.find(|(rule, _)| rule.name() == name).map(|(_, stats)| stats)
    }
}

/// The quota of a rule for a caller with a limit of its own.
pub(super) fn quota_under(rule: &Rule, limit: Limit<'_>) -> Result<Quota, RequestError> {
    let wrong = |expected: String| RequestError::Limit { rule: rule.name().into(), expected };
    let own = rule.quota();
    let quota = match limit {
        Limit::Cap(cap) => capped(own, cap).map_err(|error| wrong(error.to_string()))?,
        Limit::Quota(quota) => quota,
        Limit::Text(text) => {
            let read = text.parse::<Rule>();
            let error = |error| RequestError::Text { rule: rule.name().into(), error };
            *read.map_err(error)?.quota()
        }
    };
    if !own.shares_state_with(&quota) {
        return Err(wrong(format!(
            "found a {} limit, expected one that can stand in for `{}`: the same kind, and if \
             fixed or sliding the same period and segments",
            quota.kind().as_str(),
            limit_text(rule),
        )));
    }
    Ok(quota)
}

/// A quota with another number. The burst of a gcra quota that is its limit stays its limit.
fn capped(quota: &Quota, cap: u32) -> Result<Quota, QuotaError> {
    Ok(match quota {
        Quota::Gcra(own) => {
            let burst = if own.burst() == own.limit() { cap } else { own.burst() };
            GcraQuota::new(cap, own.period_ns(), burst)?.into()
        }
        Quota::Fixed(own) => FixedQuota::new(cap, own.period_ns())?.into(),
        Quota::Sliding(own) => SlidingQuota::new(cap, own.period_ns(), own.segments())?.into(),
        Quota::Concurrency(_) => ConcurrencyQuota::new(cap)?.into(),
    })
}
