//! Asks the plans of a guard in turn.

use core::cell::OnceCell;
use std::sync::Arc;

use ratecell::{CallError, Clock, Keys, OwnedPermit, Plan, PlanDecision};
use smallvec::SmallVec;

use super::Guard;
use super::answer::{Answer, Answers, Context, MAX_ANSWERS};
use super::lane::{Lane, quota_under};
use crate::contract_rule::{ContractRule, Stage};
use crate::fields::Fields;
use crate::outcome::{Outcome, Pass, Refusal};
use crate::path_pattern::Path;
use crate::request::{Limit, Request, RequestError};
use crate::request_id::request_id;
use crate::response::Refused;

/// A plan that was asked, and what it has answered.
struct Asked<'g, C> {
    lane: &'g Lane<C>,
    decision: PlanDecision<'g>,
    /// If a rule that hands out permits applies.
    permit: Option<Box<OwnedPermit<Arc<C>>>>,
}

/// The plans that were asked, in order.
type AllAsked<'g, C> = SmallVec<[Asked<'g, C>; MAX_ANSWERS]>;

/// The rules of a dry run that would have refused.
type WouldRefuse = SmallVec<[Arc<Refused>; 1]>;

impl<C: Clock> Guard<C> {
    pub(super) fn decide(
        &self,
        stage: Stage,
        request: &Request<'_>,
    ) -> Result<Outcome<C>, RequestError> {
        self.check_limits(request.limits)?;
        let now_ns = self.clock.now_ns();
        let path = Path::new(request.path);
        let address = OnceCell::new();
        let address = || *address.get_or_init(|| self.proxies.client(request));
        let mut asked = AllAsked::new();
        let mut would_refuse = WouldRefuse::new();
        let lanes = self.lanes.iter().filter(|lane| stage == Stage::Whole || lane.stage == stage);
        for lane in lanes {
            let (keys, holds) = lane.keys(request, &path, address, self.contract.ipv6_prefix);
            let keys = match keys.as_slice() {
                [] => continue,
                [(_, key)] if lane.has_one_dimension() => Keys::One(*key),
                keys => Keys::Each(keys),
            };
            let own = lane.plan_for(request.limits)?;
            let ask = if holds { held } else { taken };
            asked.push(ask(lane, own.as_ref(), now_ns, keys, request.cost)?);
            let refuser = asked.last().and_then(|one| self.count(one, &mut would_refuse));
            if let Some(rule) = refuser {
                return Ok(Outcome::Refuse(self.refusal(
                    now_ns,
                    &asked,
                    rule,
                    request,
                    would_refuse,
                )));
            }
        }
        Ok(Outcome::Pass(self.pass(now_ns, &mut asked, request, would_refuse)))
    }

    /// Counts an answer, and gives the rule that refuses the request, if one does.
    fn count(&self, asked: &Asked<'_, C>, would_refuse: &mut WouldRefuse) -> Option<&ContractRule> {
        let Asked { lane, decision, .. } = asked;
        if decision.allowed() {
            for (rule, _) in decision.rules() {
                self.counters[lane.contract_position(rule)].count_allowed();
            }
            return None;
        }
        if lane.is_enforced {
            // A plan is refused by one of its rules, so one of them governs.
            let (rule, _) = decision.governing()?;
            let position = lane.contract_position(rule);
            self.counters[position].count_refused();
            return Some(&self.contract.rules[position]);
        }
        for (rule, _) in decision.rules().filter(|(_, one)| !one.allowed()) {
            let position = lane.contract_position(rule);
            self.counters[position].count_would_have_refused();
            would_refuse.push(Arc::clone(&self.contract.rules[position].refused));
        }
        None
    }

    fn pass(
        &self,
        now_ns: u64,
        asked: &mut AllAsked<'_, C>,
        request: &Request<'_>,
        would_refuse: WouldRefuse,
    ) -> Pass<C> {
        let id = self.always_shows_id.then(|| self.request_id(request));
        let context = self.context(now_ns, id.as_deref());
        let fields =
            if context.is_silent() { Fields::default() } else { context.fields(&answers(asked)) };
        let permits = asked.drain(..).filter_map(|one| one.permit);
        let permits = permits.filter(|permit| permit.allowed()).collect();
        Pass { fields, request_id: id, permits, would_refuse }
    }

    fn refusal(
        &self,
        now_ns: u64,
        asked: &AllAsked<'_, C>,
        rule: &ContractRule,
        request: &Request<'_>,
        would_refuse: WouldRefuse,
    ) -> Refusal {
        let shows_id = self.always_shows_id || rule.refused.shows_request_id();
        let id = shows_id.then(|| self.request_id(request));
        let answers = answers(asked);
        let retry_after_ns = answers.last().and_then(|answer| answer.decision.retry_after_ns());
        let (fields, body) = self.context(now_ns, id.as_deref()).refusal(&answers, rule);
        Refusal {
            fields,
            request_id: id,
            body,
            refused: Arc::clone(&rule.refused),
            retry_after_ns,
            would_refuse,
        }
    }

    fn context<'c>(&'c self, now_ns: u64, id: Option<&'c str>) -> Context<'c> {
        let response = &self.contract.response;
        Context {
            rules: &self.contract.rules,
            all_shown: self.all_shown,
            style: response.style,
            always: &response.always,
            request_id: id,
            // The instant that was decided on. One read later, if only by a microsecond, would put
            // the end of a window past its whole second, and rounding up would make that a second.
            unix_now_ns: now_ns,
        }
    }

    fn request_id(&self, request: &Request<'_>) -> String {
        request_id(&self.contract.request_id, request, &self.request_numbers)
    }

    /// Whether each limit is for a rule of the contract and can stand in for it, and no two are for
    /// one rule. All are looked at before any plan is asked, so that an error finds nothing charged.
    fn check_limits(&self, limits: &[(&str, Limit<'_>)]) -> Result<(), RequestError> {
        for (position, (name, limit)) in limits.iter().enumerate() {
            let Some(rule) = self.contract.rules.iter().find(|rule| rule.name() == *name) else {
                let names = self.contract.rules.iter().map(|rule| format!("`{}`", rule.name()));
                let accepted = names.collect::<Vec<_>>().join(", ");
                return Err(RequestError::UnknownRule { found: (*name).into(), accepted });
            };
            if limits[..position].iter().any(|(before, _)| before == name) {
                return Err(RequestError::LimitTwice { rule: (*name).into() });
            }
            quota_under(rule.rule(), *limit)?;
        }
        Ok(())
    }
}

/// Asks a plan that hands out permits.
fn held<'g, C: Clock>(
    lane: &'g Lane<C>,
    own: Option<&Plan>,
    now_ns: u64,
    keys: Keys<'_>,
    cost: u32,
) -> Result<Asked<'g, C>, CallError> {
    let limiter = lane.limiter();
    let permit = limiter.hold_owned_at(now_ns, own.unwrap_or(limiter.plan()), keys, cost)?;
    // The same answer under the lane's plan, which outlives the permit.
    let answer = permit.decision();
    let applied = answer.rules().map(|(_, own)| *own);
    let decision = PlanDecision::restored(limiter.plan(), answer.allowed(), applied);
    Ok(Asked { lane, decision, permit: Some(Box::new(permit)) })
}

/// Asks a plan of rates.
fn taken<'g, C: Clock>(
    lane: &'g Lane<C>,
    own: Option<&Plan>,
    now_ns: u64,
    keys: Keys<'_>,
    cost: u32,
) -> Result<Asked<'g, C>, CallError> {
    let keyed = lane.limiter().keyed();
    let decision = match own {
        Some(own) => keyed.acquire_with(now_ns, own, keys, cost),
        None => keyed.acquire(now_ns, keys, cost),
    }?;
    Ok(Asked { lane, decision, permit: None })
}

fn answers<'a, C>(asked: &'a AllAsked<'_, C>) -> Answers<'a> {
    let answer = |one: &'a Asked<'_, C>| Answer {
        decision: &one.decision,
        is_enforced: one.lane.is_enforced,
    };
    asked.iter().map(answer).collect()
}
