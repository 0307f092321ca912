//! Three rules over two keys in one call, against one keyed check and against three of a peer's.

use std::sync::Arc;

use crate::entrants::{Answer, governor_peer};
use crate::harness::{Claim, Entrant, Form, Session, shuffled};

const KEYS: usize = 10_000;

/// The rows of plans.
pub fn run(session: &mut Session) {
    let case = "plan/3 rules, 2 keys/allowed";
    if !session.wants(case) {
        return;
    }
    let keys = shuffled::<(String, String)>(KEYS);
    let ips: Arc<[String]> = keys.iter().map(|pair| pair.0.clone()).collect();
    let pace = session.options.pace(KEYS);
    let three = governor_peer::three_limiters(Answer::Allowed);
    three.fill(&keys);
    let three_side = || (three.name, three.alone(&keys, Form::Throughput));

    #[cfg(feature = "limiter")]
    {
        use crate::entrants::ratecell_subject;

        let plan = ratecell_subject::plan(KEYS);
        plan.fill(&keys);
        let plan_side = || (plan.name, plan.alone(&keys, Form::Throughput));
        let one: Entrant<String> = ratecell_subject::keyed_default(Answer::Allowed, KEYS);
        one.fill(&ips);
        let one_side = (one.name, one.alone(&ips, Form::Throughput));
        session.duel(case, Claim::CostAtMost(3.5), pace, plan_side(), one_side);
        session.duel(case, Claim::Gain, pace, plan_side(), three_side());
    }

    let one: Entrant<String> = governor_peer::keyed_default(Answer::Allowed);
    one.fill(&ips);
    let one_side = (one.name, one.alone(&ips, Form::Throughput));
    session.duel(case, Claim::Cost, pace, three_side(), one_side);
}
