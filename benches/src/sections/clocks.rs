//! What a call pays before any limiter: reading a clock, hashing a key.

use std::hash::RandomState;
use std::sync::Arc;

use crate::entrants::governor_peer::{default_clock, free_clock, hashing, standard_clock};
use crate::harness::{Claim, Entrant, Form, MeasuredKey, Session, shuffled};

/// The rows of clocks and hashes.
pub fn run(session: &mut Session) {
    let once: Arc<[()]> = Arc::new([()]);
    let clocks = [free_clock as fn() -> Entrant<()>, default_clock];
    for clock in clocks {
        row(session, "clock/read", Claim::Cost, (&standard_clock(), &clock()), &once);
    }
    hashes::<u64>(session);
    hashes::<String>(session);
}

fn hashes<K: MeasuredKey>(session: &mut Session) {
    let keys = shuffled::<K>(1_000);
    let sip = hashing::<K>("SipHash-1-3 (std)", RandomState::new());
    let fold = hashing::<K>("foldhash", foldhash::fast::FixedState::default());
    row(session, &format!("hash/{}", K::NAME), Claim::Cost, (&sip, &fold), &keys);
}

fn row<K: Send + Sync + 'static>(
    session: &mut Session,
    case: &str,
    claim: Claim,
    (subject, opponent): (&Entrant<K>, &Entrant<K>),
    keys: &Arc<[K]>,
) {
    if session.wants(case) {
        let pace = session.options.pace(keys.len());
        let side = |entrant: &Entrant<K>| (entrant.name, entrant.alone(keys, Form::Throughput));
        session.duel(case, claim, pace, side(subject), side(opponent));
    }
}
