//! Keys never seen before: the mean insertion and the longest one.

use crate::entrants::{Answer, floors, governor_peer, rate_net_peer};
use crate::harness::{Claim, Entrant, Session, Who, shuffled};

/// The rows of floods.
pub fn run(session: &mut Session) {
    let case = "flood/u64/1M";
    if !session.wants(case) {
        return;
    }
    let keys = shuffled::<u64>(session.options.many());
    let builders: [&dyn Fn() -> Entrant<u64>; _] = [
        #[cfg(feature = "subject")]
        &|| crate::entrants::ratecell_subject::keyed(Answer::Denied, keys.len()),
        &|| governor_peer::keyed(Answer::Denied),
        &|| rate_net_peer::keyed(Answer::Denied),
        // Not a limiter: what the worst of a million calls is when no call has a reason to be slow.
        &|| floors::keyed(Answer::Allowed, keys.len()),
    ];
    let (subject, opponents) = builders.split_first().expect("a row has entrants");
    for opponent in opponents {
        let (left, right) = (subject(), opponent());
        let worst = super::budget(&left, &right, Who::Governor, Claim::GainAtLeast(100.0));
        drop((left, right));
        session.flood(case, [Claim::Gain, worst], &keys, subject, opponent);
    }
}
