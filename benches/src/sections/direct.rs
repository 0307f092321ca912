//! One cell, no key.

use std::sync::Arc;

use super::{budget, pairs};
use crate::entrants::{Answer, floors, governor_peer, rate_net_peer};
use crate::harness::{Claim, Entrant, Form, Session, Who};

/// The rows of direct limiters.
pub fn run(session: &mut Session) {
    let once: Arc<[()]> = Arc::new([()]);
    for answer in Answer::BOTH {
        let floor_claim = match answer {
            Answer::Allowed => Claim::CostAtMost(1.3),
            Answer::Denied => Claim::CostAtMost(1.5),
        };
        let entrants = [
            #[cfg(feature = "subject")]
            crate::entrants::ratecell_subject::direct(answer),
            governor_peer::direct(answer),
            rate_net_peer::core(answer),
            rate_net_peer::direct(answer),
            floors::direct(answer),
        ];
        let forms = [(Form::Throughput, ""), (Form::Isolated, "/isolated")];
        for (form, suffix) in forms {
            let case = format!("direct/{}{suffix}", answer.name());
            rows(session, &case, answer, &entrants, &once, form, floor_claim);
        }
        let as_it_comes =
            [governor_peer::direct_default(answer), rate_net_peer::direct_default(answer)];
        let case = format!("direct/{}/default", answer.name());
        rows(session, &case, answer, &as_it_comes, &once, Form::Throughput, Claim::Cost);
    }
    let with_wait = [
        #[cfg(feature = "subject")]
        crate::entrants::ratecell_subject::direct_with_wait(Answer::Denied),
        governor_peer::direct_with_wait(Answer::Denied),
        rate_net_peer::core_with_wait(Answer::Denied),
    ];
    let case = "direct/denied/wait read";
    rows(session, case, Answer::Denied, &with_wait, &once, Form::Throughput, Claim::Cost);
}

fn rows(
    session: &mut Session,
    case: &str,
    answer: Answer,
    entrants: &[Entrant<()>],
    once: &Arc<[()]>,
    form: Form,
    floor_claim: Claim,
) {
    if !session.wants(case) {
        return;
    }
    for entrant in entrants.iter().filter(|entrant| entrant.who != Who::Floor) {
        entrant.fill(once);
        assert_eq!(entrant.fill(once) == 1, answer == Answer::Allowed, "{}", entrant.name);
    }
    for (subject, opponent) in pairs(entrants) {
        // The budget is on the plain form; a fence on both sides would flatter the ratio.
        let claim = match form {
            Form::Throughput => budget(subject, opponent, Who::Floor, floor_claim),
            Form::Isolated => super::for_information(opponent.who),
        };
        let pace = session.options.pace(1);
        let side = |entrant: &Entrant<()>| (entrant.name, entrant.alone(once, form));
        session.duel(case, claim, pace, side(subject), side(opponent));
    }
}
