//! Two threads on one key, on keys of their own, and on one cell without a key.

use std::sync::Arc;

use super::{budget, pairs, prove};
use crate::entrants::{Answer, floors, governor_peer, rate_net_peer};
use crate::harness::{Claim, Entrant, Session, Who, shuffled};

const THREADS: usize = 2;

/// The rows of two threads.
pub fn run(session: &mut Session) {
    for answer in Answer::BOTH {
        let one = shuffled::<u64>(1);
        let case = format!("2 threads/same key/{}", answer.name());
        // The design's budget is on the denial: an attacker's traffic is what must not contend.
        let claim = match answer {
            Answer::Allowed => Claim::Gain,
            Answer::Denied => Claim::GainAtLeast(5.0),
        };
        rows(session, &case, answer, &one, &vec![Arc::clone(&one); THREADS], claim);

        let case = format!("2 threads/direct/{}", answer.name());
        if session.wants(&case) {
            direct(session, &case, answer);
        }

        let many = shuffled::<u64>(10_000);
        let halves: Vec<Arc<[u64]>> = many.chunks(many.len() / THREADS).map(Arc::from).collect();
        let case = format!("2 threads/own keys/{}", answer.name());
        rows(session, &case, answer, &many, &halves, Claim::Gain);
    }
}

/// What the shared line alone costs, without the way to a key's cell.
fn direct(session: &mut Session, case: &str, answer: Answer) {
    let once: Arc<[()]> = Arc::new([()]);
    let entrants = [
        #[cfg(feature = "subject")]
        crate::entrants::ratecell_subject::direct(answer),
        governor_peer::direct(answer),
        floors::direct(answer),
    ];
    for entrant in &entrants {
        entrant.fill(&once);
    }
    let pace = session.options.threads_pace();
    for (subject, opponent) in pairs(&entrants) {
        let claim = super::for_information(opponent.who);
        let rings = vec![Arc::clone(&once); THREADS];
        let side = |entrant: &Entrant<()>| (entrant.name, entrant.together(&rings));
        session.duel(case, claim, pace, side(subject), side(opponent));
    }
}

fn rows(
    session: &mut Session,
    case: &str,
    answer: Answer,
    keys: &[u64],
    rings: &[Arc<[u64]>],
    claim: Claim,
) {
    if !session.wants(case) {
        return;
    }
    let entrants: Vec<Entrant<u64>> = vec![
        #[cfg(feature = "subject")]
        crate::entrants::ratecell_subject::keyed(answer, keys.len()),
        governor_peer::keyed(answer),
        governor_peer::keyed_hashmap(answer),
        rate_net_peer::keyed(answer),
        floors::keyed(answer, keys.len()),
    ];
    prove(&entrants, keys, answer);
    let pace = session.options.threads_pace();
    for (subject, opponent) in pairs(&entrants) {
        let claim = budget(subject, opponent, Who::Governor, claim);
        let side = |entrant: &Entrant<u64>| (entrant.name, entrant.together(rings));
        session.duel(case, claim, pace, side(subject), side(opponent));
    }
}
