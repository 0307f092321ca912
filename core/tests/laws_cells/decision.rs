//! A decision as a value: its words, its spans, and when two are equal.

use std::time::Duration;

use ratecell::{AtomicHeld, AtomicTat, ConcurrencyQuota, Decision, GcraQuota, Verdict};

const SECOND: u64 = 1_000_000_000;

/// What a cell of 2 units a second, both at once, answers to calls of 1, 2 and 3 units.
fn answers() -> [Decision; 3] {
    let quota = GcraQuota::new(2, SECOND, 2).unwrap();
    let cell = AtomicTat::new();
    [1, 2, 3].map(|cost| cell.acquire(&quota, 0, cost))
}

#[test]
fn words_give_back_every_verdict_and_only_words_that_were_given() {
    for decision in answers() {
        let again = Decision::from_words(decision.to_words()).unwrap();
        assert_eq!(again, decision);
        assert_eq!(again.to_words(), decision.to_words());
    }
    let verdicts = (0..4).map(|word| Decision::from_words([word, 0, 0, 0, 0]).unwrap().verdict());
    let all = [Verdict::Allow, Verdict::Deny, Verdict::Never, Verdict::Full];
    assert_eq!(verdicts.collect::<Vec<_>>(), all);
    assert_eq!(all.map(Verdict::as_str), ["allow", "deny", "never", "full"]);
    for head in [4, 1 << 16, 1 << 24] {
        assert_eq!(Decision::from_words([head, 0, 0, 0, 0]), None);
    }
    let placed = Decision::from_words([7 << 8 | 9 << 32, 0, 0, 0, 0]).unwrap();
    assert_eq!((placed.position(), placed.limit()), (7, 9));
}

#[test]
fn decisions_are_equal_when_verdict_and_every_number_are_and_wherever_the_rule_stands() {
    for decision in answers() {
        let words = decision.to_words();
        let [head, room, unit, retry_after, reset_after] = words;
        for other in [
            [head ^ 1, room, unit, retry_after, reset_after],
            [head + (1 << 32), room, unit, retry_after, reset_after],
            [head, room + unit, unit, retry_after, reset_after],
            [head, room, unit, retry_after ^ 1, reset_after],
            [head, room, unit, retry_after, reset_after ^ 1],
        ] {
            assert_ne!(Decision::from_words(other).unwrap(), decision);
        }
        let elsewhere = Decision::from_words([head | 3 << 8, room, unit, retry_after, reset_after]);
        assert_eq!(elsewhere.unwrap(), decision);
        assert_eq!(elsewhere.unwrap().to_words()[0], head | 3 << 8);
    }
    // Alike but for the part of a unit that has come back.
    let quota = GcraQuota::new(2, SECOND, 2).unwrap();
    let cell = AtomicTat::new();
    assert!(cell.acquire(&quota, 0, 2).allowed());
    let [head, room, unit, retry_after, reset_after] = cell.peek(&quota, 0, 1).to_words();
    let later = Decision::from_words([head, room + 1, unit, retry_after, reset_after]).unwrap();
    assert_ne!(later, cell.peek(&quota, 0, 1));
}

#[test]
fn spans_are_durations_too_and_none_where_nobody_can_know() {
    let [_, denied, never] = answers();
    assert_eq!(denied.retry_after(), Some(Duration::from_millis(500)));
    assert_eq!(denied.reset_after(), Some(Duration::from_millis(500)));
    assert_eq!((never.retry_after(), never.retry_after_seconds()), (None, None));
    assert_eq!((denied.retry_after_seconds(), denied.remaining()), (Some(1), 1));

    let permits = AtomicHeld::new();
    let refused = [1, 1].map(|cost| permits.acquire(&ConcurrencyQuota::new(1).unwrap(), cost))[1];
    assert_eq!((refused.verdict(), refused.retry_after()), (Verdict::Deny, None));
    assert_eq!((refused.reset_after(), refused.next_unit_after_ns()), (None, None));
}
