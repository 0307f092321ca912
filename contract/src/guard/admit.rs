//! Asks the plans of a guard in turn.

use core::cell::OnceCell;
use std::sync::Arc;

use ratecell::{Clock, Keys, OwnedPermit, PlanDecision};
use smallvec::SmallVec;

use super::Guard;
use super::answer::{Answer, Answers, Context};
use super::lane::Lane;
use crate::contract_rule::{ContractRule, Stage};
use crate::outcome::{Outcome, Pass, Refusal};
use crate::path_pattern::Path;
use crate::request::{Limit, Request, RequestError};
use crate::request_id::request_id;
use crate::response::Refused;

/// A plan that was asked, and what it has answered.
struct Asked<'g, C> {
    lane: &'g Lane<C>,
    answer: Taken<'g, C>,
}

/// An answer, with permits if a rule that hands them out applies.
enum Taken<'g, C> {
    Units(PlanDecision<'g>),
    Permits(OwnedPermit<Arc<C>>),
}

impl<C> Asked<'_, C> {
    fn decision(&self) -> PlanDecision<'_> {
        match &self.answer {
            Taken::Units(decision) => decision.clone(),
            Taken::Permits(permit) => permit.decision(),
        }
    }
}

/// The plans that were asked, in order: at most two for each of two stages.
type AllAsked<'g, C> = SmallVec<[Asked<'g, C>; 4]>;

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
            if keys.is_empty() {
                continue;
            }
            let keys = Keys::Each(&keys);
            let own = lane.plan_for(request.limits)?;
            let plan = own.as_ref().unwrap_or(lane.limiter().plan());
            let answer = if holds {
                Taken::Permits(lane.limiter().hold_owned_with(plan, keys, request.cost)?)
            } else {
                let keyed = lane.limiter().keyed();
                Taken::Units(keyed.acquire_with(now_ns, plan, keys, request.cost)?)
            };
            let now_asked = Asked { lane, answer };
            let refuser = self.count(&now_asked, &mut would_refuse);
            asked.push(now_asked);
            if let Some(rule) = refuser {
                return Ok(Outcome::Refuse(self.refusal(&asked, rule, request, would_refuse)));
            }
        }
        Ok(Outcome::Pass(self.pass(asked, request, would_refuse)))
    }

    /// Counts an answer, and gives the rule that refuses the request, if one does.
    fn count(&self, asked: &Asked<'_, C>, would_refuse: &mut WouldRefuse) -> Option<&ContractRule> {
        let decision = asked.decision();
        if decision.allowed() {
            for (rule, _) in decision.rules() {
                self.counters[asked.lane.contract_position(rule)].count_allowed();
            }
            return None;
        }
        if asked.lane.is_enforced {
            let (rule, _) = decision.governing()?;
            let position = asked.lane.contract_position(rule);
            self.counters[position].count_refused();
            return Some(&self.contract.rules[position]);
        }
        for (rule, _) in decision.rules().filter(|(_, one)| !one.allowed()) {
            let position = asked.lane.contract_position(rule);
            self.counters[position].count_would_have_refused();
            would_refuse.push(Arc::clone(&self.contract.rules[position].refused));
        }
        None
    }

    fn pass(
        &self,
        asked: AllAsked<'_, C>,
        request: &Request<'_>,
        would_refuse: WouldRefuse,
    ) -> Pass<C> {
        let id = self.always_shows_id.then(|| self.request_id(request));
        let fields = {
            let answers = answers(&asked);
            self.context(&asked, id.as_deref()).fields(&answers)
        };
        let permits = asked.into_iter().filter_map(|one| match one.answer {
            Taken::Permits(permit) if permit.allowed() => Some(permit),
            _ => None,
        });
        Pass { fields, request_id: id, permits: permits.collect(), would_refuse }
    }

    fn refusal(
        &self,
        asked: &AllAsked<'_, C>,
        rule: &ContractRule,
        request: &Request<'_>,
        would_refuse: WouldRefuse,
    ) -> Refusal {
        let shows_id = self.always_shows_id || rule.refused.shows_request_id();
        let id = shows_id.then(|| self.request_id(request));
        let answers = answers(asked);
        let retry_after_ns = answers.last().and_then(|answer| answer.decision.retry_after_ns());
        let (fields, body) = self.context(asked, id.as_deref()).refusal(&answers, rule);
        Refusal {
            fields,
            request_id: id,
            body,
            refused: Arc::clone(&rule.refused),
            retry_after_ns,
            would_refuse,
        }
    }

    fn context<'c>(&'c self, asked: &AllAsked<'_, C>, id: Option<&'c str>) -> Context<'c> {
        let response = &self.contract.response;
        Context {
            rules: &self.contract.rules,
            all_shown: self.all_shown,
            style: response.style,
            always: &response.always,
            request_id: id,
            // Read after the decisions: an instant told to a client must not lie before the one that
            // was decided on.
            unix_now_ns: if asked.is_empty() { 0 } else { self.clock.now_ns() },
        }
    }

    fn request_id(&self, request: &Request<'_>) -> String {
        request_id(&self.contract.request_id, request, &self.request_numbers)
    }

    /// Whether each limit is for a rule of the contract, and for one of its own.
    fn check_limits(&self, limits: &[(&str, Limit<'_>)]) -> Result<(), RequestError> {
        for (position, (name, _)) in limits.iter().enumerate() {
            if !self.contract.rules.iter().any(|rule| rule.name() == *name) {
                let names = self.contract.rules.iter().map(|rule| format!("`{}`", rule.name()));
                let accepted = names.collect::<Vec<_>>().join(", ");
                return Err(RequestError::UnknownRule { found: (*name).into(), accepted });
            }
            if limits[..position].iter().any(|(before, _)| before == name) {
                return Err(RequestError::LimitTwice { rule: (*name).into() });
            }
        }
        Ok(())
    }
}

fn answers<'a, C>(asked: &'a AllAsked<'_, C>) -> Answers<'a> {
    let answer = |one: &'a Asked<'_, C>| Answer {
        decision: one.decision(),
        is_enforced: one.lane.is_enforced,
    };
    asked.iter().map(answer).collect()
}
