//! Bytes a key, asked of the allocator: by a limiter that holds as many keys as it was made for, and
//! by ratecell's table with four fifths of its slots taken.

use crate::entrants::{Answer, governor_peer, rate_net_peer};
use crate::harness::{Claim, Entrant, MeasuredKey, Session, Who, live_bytes, shuffled};

/// What the design allows a key of gcra at 80 % load.
const BUDGET_BYTES: f64 = 20.0;

/// The rows of bytes.
pub fn run(session: &mut Session) {
    let case = "bytes a key/u64/1M";
    if session.wants(case) {
        let keys = shuffled::<u64>(session.options.many());
        let governor = bytes_a_key(&keys, || governor_peer::keyed(Answer::Denied));
        let rate_net = bytes_a_key(&keys, || rate_net_peer::keyed(Answer::Denied));
        #[cfg(feature = "subject")]
        {
            use crate::entrants::ratecell_subject;

            // A table made for 5 keys has 10 slots, of which 8 are four fifths.
            let made_for = keys.len() / 8 * 5;
            let full = bytes_a_key(&keys, || ratecell_subject::keyed(Answer::Denied, made_for));
            let budget = (Who::Floor, "the budget", BUDGET_BYTES);
            let loaded = format!("{case}/80% load");
            row(session, &loaded, Claim::CostAtMost(1.0), full, budget);
            let subject =
                bytes_a_key(&keys, || ratecell_subject::keyed(Answer::Denied, keys.len()));
            row(session, case, Claim::Gain, subject, governor);
            row(session, case, Claim::Gain, subject, rate_net);
        }
        row(session, case, Claim::Gain, governor, rate_net);
        row(session, case, Claim::Cost, governor, (Who::Floor, "ratecell's budget", BUDGET_BYTES));
    }
    let case = "bytes a key/string/1M";
    if session.wants(case) {
        let keys = shuffled::<String>(session.options.many());
        let governor = bytes_a_key(&keys, || governor_peer::keyed(Answer::Denied));
        let rate_net = bytes_a_key(&keys, || rate_net_peer::keyed(Answer::Denied));
        row(session, case, Claim::Gain, governor, rate_net);
    }
}

type Measured = (Who, &'static str, f64);

fn bytes_a_key<K: MeasuredKey>(keys: &[K], build: impl FnOnce() -> Entrant<K>) -> Measured {
    let before = live_bytes();
    let limiter = build();
    limiter.fill(keys);
    let bytes = (live_bytes() - before) as f64 / keys.len() as f64;
    // A tenth of a byte a key: a header or a list of shards is not a matter of keys.
    (limiter.who, limiter.name, (bytes * 10.0).round() / 10.0)
}

fn row(session: &mut Session, case: &str, claim: Claim, subject: Measured, opponent: Measured) {
    session.bytes(case, claim, (subject.1, subject.2), (opponent.1, opponent.2));
}
