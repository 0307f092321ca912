//! What is measured, in the order of the table.

mod clocks;
mod direct;
mod flood;
mod footprint;
mod keyed;
mod plan;
mod threads;

use crate::entrants::Answer;
use crate::harness::{Claim, Entrant, Session, Who};

/// Every row that the options keep.
pub fn run_all(session: &mut Session) {
    clocks::run(session);
    direct::run(session);
    keyed::run(session);
    threads::run(session);
    plan::run(session);
    flood::run(session);
    footprint::run(session);
}

/// The first entrant and each of the others: the subject leads when it takes part.
fn pairs<K>(entrants: &[Entrant<K>]) -> impl Iterator<Item = (&Entrant<K>, &Entrant<K>)> {
    let (subject, opponents) = entrants.split_first().expect("a row has entrants");
    opponents.iter().map(move |opponent| (subject, opponent))
}

/// Without a budget: a floor is something to cost more than, a peer something to gain on.
fn for_information(opponent: Who) -> Claim {
    if opponent == Who::Floor { Claim::Cost } else { Claim::Gain }
}

/// The budget if it is ratecell that is measured against this opponent; else for information.
fn budget<K>(subject: &Entrant<K>, opponent: &Entrant<K>, against: Who, claim: Claim) -> Claim {
    if subject.who == Who::Ratecell && opponent.who == against {
        claim
    } else {
        for_information(opponent.who)
    }
}

/// Makes sure that a denied row denies and an allowed one allows; a wrong setup must not pass for
/// a fast limiter. Calls every key twice, which also fills the tables and touches their pages.
///
/// A table of fixed capacity may have no room for one key in ten thousand; such keys stay in the
/// ring, are counted in a note, and change no median.
fn prove<K: Send + Sync + 'static>(entrants: &[Entrant<K>], keys: &[K], answer: Answer) {
    let few = keys.len() / 10_000;
    for entrant in entrants {
        let (first, second) = (entrant.fill(keys), entrant.fill(keys));
        if entrant.who == Who::Floor {
            continue;
        }
        assert!(first + few >= keys.len(), "{}: {first} of the keys allowed", entrant.name);
        if first != keys.len() {
            eprintln!("note: {} had no slot for {} keys", entrant.name, keys.len() - first);
        }
        let expected = if answer == Answer::Allowed { first } else { 0 };
        assert_eq!(second, expected, "{} on {} keys", entrant.name, answer.name());
    }
}
