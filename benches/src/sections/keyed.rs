//! A cell for each key: by number of keys, kind of key, answer and form.

use std::sync::Arc;

use super::{budget, pairs, prove};
use crate::entrants::{Answer, floors, governor_peer, rate_net_peer};
use crate::harness::{Claim, Entrant, Form, MeasuredKey, Session, Who, shuffled};

/// The rows of keyed limiters.
pub fn run(session: &mut Session) {
    run_with::<u64>(session);
    run_with::<String>(session);
}

fn run_with<K: MeasuredKey>(session: &mut Session) {
    for (count, count_name) in [(1, "1"), (10_000, "10k"), (session.options.many(), "1M")] {
        let keys = shuffled::<K>(count);
        for answer in Answer::BOTH {
            let case = format!("{}/{count_name}/{}", K::NAME, answer.name());
            best_forms(session, &case, &keys, answer);
            as_they_come(session, &case, &keys, answer);
        }
    }
}

/// Time passed in or a free clock, the best hash of each.
fn best_forms<K: MeasuredKey>(session: &mut Session, case: &str, keys: &Arc<[K]>, answer: Answer) {
    let forms = [(Form::Throughput, ""), (Form::Isolated, "/isolated")];
    let wanted: Vec<_> = forms
        .into_iter()
        .map(|(form, suffix)| (form, format!("{case}{suffix}")))
        .filter(|(_, case)| session.wants(case))
        .collect();
    if wanted.is_empty() {
        return;
    }
    let entrants = [
        #[cfg(feature = "subject")]
        crate::entrants::ratecell_subject::keyed::<K>(answer, keys.len()),
        #[cfg(feature = "subject")]
        crate::entrants::ratecell_subject::keyed_siphash::<K>(answer, keys.len()),
        governor_peer::keyed::<K>(answer),
        governor_peer::keyed_hashmap::<K>(answer),
        rate_net_peer::keyed::<K>(answer),
        floors::keyed::<K>(answer, keys.len()),
    ];
    prove(&entrants, keys, answer);
    for (form, case) in wanted {
        // Budgets are stated for u64 keys, allowed or denied alike.
        let claim = match (form, keys.len()) {
            _ if K::NAME != "u64" => Claim::Gain,
            (Form::Throughput, ..=10_000) => Claim::GainAtLeast(1.3),
            (Form::Isolated, 10_001..) => Claim::GainAtLeast(2.0),
            _ => Claim::Gain,
        };
        rows(session, &case, &entrants, keys, form, claim);
    }
}

/// Each with its own clock and hash.
fn as_they_come<K: MeasuredKey>(
    session: &mut Session,
    case: &str,
    keys: &Arc<[K]>,
    answer: Answer,
) {
    let case = format!("{case}/default");
    if !session.wants(&case) {
        return;
    }
    let entrants = [
        #[cfg(feature = "limiter")]
        crate::entrants::ratecell_subject::keyed_default::<K>(answer, keys.len()),
        governor_peer::keyed_default::<K>(answer),
        rate_net_peer::keyed_default::<K>(answer),
    ];
    prove(&entrants, keys, answer);
    let claim = match keys.len() {
        _ if K::NAME != "u64" => Claim::Gain,
        10_000 => Claim::GainAtLeast(1.3),
        10_001.. => Claim::GainAtLeast(2.5),
        _ => Claim::Gain,
    };
    rows(session, &case, &entrants, keys, Form::Throughput, claim);
}

fn rows<K: MeasuredKey>(
    session: &mut Session,
    case: &str,
    entrants: &[Entrant<K>],
    keys: &Arc<[K]>,
    form: Form,
    claim: Claim,
) {
    let pace = session.options.pace(keys.len());
    for (subject, opponent) in pairs(entrants) {
        let claim = budget(subject, opponent, Who::Governor, claim);
        let side = |entrant: &Entrant<K>| (entrant.name, entrant.alone(keys, form));
        session.duel(case, claim, pace, side(subject), side(opponent));
    }
}
