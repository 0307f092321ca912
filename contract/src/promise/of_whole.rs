//! What the rules of a contract leave open together, and what responses show.

use ratecell::http::HeaderStyle;

use super::Promise;
use super::words::listed;
use crate::contract::Contract;
use crate::contract_rule::ContractRule;
use crate::key_source::{Absent, KeySource};
use crate::response::Body;
use crate::template::Word;

/// The methods of HTTP that carry requests of clients. SOURCE: RFC 9110 section 9.3; RFC 5789.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Adds what holds for all rules together.
pub(super) fn promise(contract: &Contract, promises: &mut Vec<Promise>) {
    let enforced: Vec<&ContractRule> =
        contract.rules.iter().filter(|rule| rule.is_enforced()).collect();
    shown(contract, &enforced, promises);
    let mut warn = |sentence: String| promises.push(Promise::warning(None, sentence));
    if enforced.is_empty() {
        warn("No rule is enforced: nothing is ever refused.".into());
        return;
    }
    let free: Vec<String> = METHODS
        .into_iter()
        .filter(|method| !enforced.iter().any(|rule| rule.scope.covers_method(method)))
        .map(str::to_owned)
        .collect();
    if !free.is_empty() {
        warn(format!("No rule counts {} requests.", listed(&free)));
    }
    if enforced.iter().all(|rule| !rule.paths().is_empty()) {
        warn("No rule counts requests to paths that none of them lists.".into());
    }
    let counts_all =
        |rule: &&ContractRule| rule.source() == &KeySource::Ip || rule.absent() == Absent::Share;
    if !enforced.iter().any(counts_all) {
        warn(
            "A request that brings no key is never refused: let the service refuse it, or add a \
             rule by = \"ip\"."
                .into(),
        );
    }
}

/// Which fields responses carry, and whether refusals tell the wait.
fn shown(contract: &Contract, enforced: &[&ContractRule], promises: &mut Vec<Promise>) {
    let style = contract.response.style;
    let mut names: Vec<String> = FIELDS
        .into_iter()
        .filter(|(field, _)| style.contains(*field))
        .map(|(_, name)| name.to_owned())
        .collect();
    names.extend(contract.response.always.iter().map(|field| field.name.to_string()));
    let sentence = match &*names {
        [] => "Responses carry no header field about the limits.".to_owned(),
        names => format!("Responses carry {}.", listed(names)),
    };
    promises.push(Promise::new(None, sentence));
    let tells = |rule: &&ContractRule| {
        let in_body = match &rule.refused.body {
            Body::Problem => true,
            Body::Template(template) => {
                [Word::RetryAfterSeconds, Word::ResetSeconds, Word::ResetUnix]
                    .into_iter()
                    .any(|word| template.place_of(word).is_some())
            }
        };
        let has_wait = rule.quota().period_ns().is_some();
        let in_fields = TELLING.into_iter().any(|field| style.contains(field));
        !has_wait || in_body || in_fields || !rule.refused.fields.is_empty()
    };
    let silent: Vec<String> = enforced
        .iter()
        .filter(|rule| !tells(rule))
        .map(|rule| format!("`{}`", rule.name()))
        .collect();
    if !silent.is_empty() {
        let sentence = format!("Refusals by {} do not tell how long to wait.", listed(&silent));
        promises.push(Promise::warning(None, sentence));
    }
}

/// Each field of a style with its name and where it stands.
const FIELDS: [(HeaderStyle, &str); 13] = [
    (HeaderStyle::X_RATELIMIT_LIMIT, "X-RateLimit-Limit"),
    (HeaderStyle::X_RATELIMIT_REMAINING, "X-RateLimit-Remaining"),
    (HeaderStyle::X_RATELIMIT_RESET, "X-RateLimit-Reset (Unix seconds)"),
    (HeaderStyle::X_RATELIMIT_RESET_AFTER, "X-RateLimit-Reset (seconds from now)"),
    (HeaderStyle::RETRY_AFTER, "Retry-After (on refusals with a known wait)"),
    (HeaderStyle::X_CONCURRENCY_LIMIT, "X-Concurrency-Limit"),
    (HeaderStyle::X_CONCURRENCY_RUNNING, "X-Concurrency-Running"),
    (HeaderStyle::RATELIMIT_POLICY, "RateLimit-Policy"),
    (HeaderStyle::RATELIMIT, "RateLimit"),
    (HeaderStyle::DRAFT_6_LIMIT, "RateLimit-Limit"),
    (HeaderStyle::DRAFT_6_REMAINING, "RateLimit-Remaining"),
    (HeaderStyle::DRAFT_6_RESET, "RateLimit-Reset"),
    (HeaderStyle::DRAFT_7, "RateLimit (draft 7)"),
];

/// The fields that tell a client when to come back.
const TELLING: [HeaderStyle; 6] = [
    HeaderStyle::RETRY_AFTER,
    HeaderStyle::X_RATELIMIT_RESET,
    HeaderStyle::X_RATELIMIT_RESET_AFTER,
    HeaderStyle::RATELIMIT,
    HeaderStyle::DRAFT_6_RESET,
    HeaderStyle::DRAFT_7,
];
