//! A decision of the core as the reference would put it.

use ratecell::Decision;
use ratecell_reference::{Answer, Verdict};

/// The decision as an answer; none if it is `full`, which the reference does not know.
pub fn answer(decision: &Decision) -> Option<Answer> {
    let verdict = match decision.verdict() {
        ratecell::Verdict::Allow => Verdict::Allow,
        ratecell::Verdict::Deny => Verdict::Deny,
        ratecell::Verdict::Never => Verdict::Never,
        ratecell::Verdict::Full => return None,
        other => panic!("the verdict {other} is new"),
    };
    assert_eq!(decision.allowed(), verdict == Verdict::Allow, "{decision:?}");
    Some(Answer {
        verdict,
        limit: decision.limit(),
        remaining: decision.remaining(),
        retry_after_ns: decision.retry_after_ns(),
        reset_after_ns: decision.reset_after_ns(),
    })
}

/// Whether the decision is `full`.
pub fn full(decision: &Decision) -> bool {
    decision.verdict() == ratecell::Verdict::Full
}
