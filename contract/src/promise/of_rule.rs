//! What one rule promises.

use ratecell::Quota;

use super::Promise;
use super::bounds::{most_in_a_period, steady_units};
use super::words::{listed, number, per, span};
use crate::contract::Contract;
use crate::contract_rule::{ContractRule, Stage};
use crate::key_source::{Absent, KeySource};
use crate::path_pattern::PathPattern;
use crate::response::Body;
use crate::template::Word;

/// A sliding rule that grants steady callers less than this many percent is worth a word.
const STEADY_PERCENT: u64 = 95;

/// Adds what a rule promises.
pub(super) fn promise(contract: &Contract, rule: &ContractRule, promises: &mut Vec<Promise>) {
    let name = Some(rule.name());
    promises.push(Promise::new(name, who(contract, rule)));
    amounts(rule, promises);
    if let Some(sentence) = never_refused(rule) {
        promises.push(Promise::new(name, sentence));
    }
    if !rule.is_enforced() {
        let sentence = "It is only tried: it counts what it would refuse and refuses nothing.";
        promises.push(Promise::warning(name, sentence));
    }
    if !rule.is_shown() {
        let sentence = "Responses do not show it; a refusal by it shows the numbers of another \
                        rule, with its own wait.";
        promises.push(Promise::warning(name, sentence));
    }
    if rule.stage() == Stage::BeforeAuth && rule.source() != &KeySource::Ip {
        let sentence = "Its key is held before anybody has checked it: each made-up key is a new \
                        one, so it does not limit who makes up keys.";
        promises.push(Promise::warning(name, sentence));
    }
    waits(rule, promises);
}

/// Which requests, by what and when.
fn who(contract: &Contract, rule: &ContractRule) -> String {
    let mut methods: Vec<String> = rule.methods().map(str::to_owned).collect();
    if rule.scope.covers_method("HEAD") && !methods.is_empty() {
        methods.retain(|method| method != "HEAD");
        methods.push("HEAD".into());
    }
    let what = if methods.is_empty() {
        "Every request".to_owned()
    } else {
        format!("{} requests", listed(&methods))
    };
    let quoted = |patterns: &[PathPattern]| {
        let texts: Vec<_> = patterns.iter().map(|one| format!("`{}`", one.as_str())).collect();
        listed(&texts)
    };
    let paths = match rule.paths() {
        [] => String::new(),
        paths => format!(" to {}", quoted(paths)),
    };
    let except = match rule.except() {
        [] => String::new(),
        except => format!(" except to {}", quoted(except)),
    };
    let by = match rule.source() {
        KeySource::Bearer => "bearer token".into(),
        KeySource::Ip => match contract.ipv6_prefix() {
            128 => "address".into(),
            bits => format!("address (IPv6: by its first {bits} bits)"),
        },
        KeySource::Header(name) => format!("value of the header field `{name}`"),
        KeySource::Value(name) => format!("`{name}` that the service works out"),
    };
    let when = match rule.stage() {
        Stage::BeforeAuth => "before authentication",
        _ => "after authentication",
    };
    format!("{what}{paths}{except}, by {by}, {when}.")
}

/// Most in any span, most at once, and the sustained rate.
fn amounts(rule: &ContractRule, promises: &mut Vec<Promise>) {
    let name = Some(rule.name());
    let quota = rule.quota();
    let capacity = number(quota.capacity().into());
    let (Some(most), Some(steady), Some(period_ns)) =
        (most_in_a_period(quota), steady_units(quota), quota.period_ns())
    else {
        let sentence = format!(
            "At most {capacity} in flight at once, each until its response has ended; no limit to \
             how many a second."
        );
        promises.push(Promise::new(name, sentence));
        return;
    };
    let (in_any, rate) = (span(period_ns), per(period_ns));
    let mut sentence =
        format!("At most {} in any {in_any}, {capacity} of them at once;", number(most));
    let limit = units_per_period(quota);
    match quota {
        Quota::Sliding(_) => {
            sentence += &format!(
                " whoever spreads requests evenly is never refused up to {} {rate}.",
                number(steady)
            );
        }
        Quota::Gcra(quota) if steady < limit => {
            sentence += &format!(
                " sustained just under {} {rate}, one every {} ns.",
                number(limit),
                number(quota.emission_interval_ns())
            );
        }
        _ => sentence += &format!(" sustained {} {rate}.", number(limit)),
    }
    promises.push(Promise::new(name, sentence));
    surprises(rule, most, steady, promises);
}

fn surprises(rule: &ContractRule, most: u64, steady: u64, promises: &mut Vec<Promise>) {
    let name = Some(rule.name());
    let quota = rule.quota();
    let Some(period_ns) = quota.period_ns() else { return };
    let in_some = span(period_ns);
    let limit = units_per_period(quota);
    let sentence = match quota {
        Quota::Gcra(quota) if most > limit => format!(
            "Up to {} pass within some {in_some}, not {}: the burst of {} comes on top of the \
             rate. A `sliding` limit holds in every {in_some}.",
            number(most),
            number(limit),
            number(quota.burst().into()),
        ),
        Quota::Fixed(_) => format!(
            "Up to {} pass within {} that lies across the edge of two windows, not {}. A `sliding` \
             limit holds in every {in_some}.",
            number(most),
            some(period_ns),
            number(limit),
        ),
        Quota::Sliding(quota) if steady * 100 < limit * STEADY_PERCENT => format!(
            "A caller that sends {} {} as evenly as can be is refused at times: segments {} grant \
             it {}. More segments grant more, at 8 bytes a key each.",
            number(limit),
            per(period_ns),
            quota.segments(),
            number(steady),
        ),
        _ => return,
    };
    promises.push(Promise::warning(name, sentence));
}

/// `a minute`, or `10 seconds`.
fn some(span_ns: u64) -> String {
    let per = per(span_ns);
    per.strip_prefix("in ").map_or(per.clone(), str::to_owned)
}

/// Who brings no key, and what then.
fn never_refused(rule: &ContractRule) -> Option<String> {
    let what = match rule.source() {
        KeySource::Ip => {
            let sentence = "Requests from an unknown address share one bucket.";
            return Some(sentence.into());
        }
        KeySource::Bearer => "a bearer token".to_owned(),
        KeySource::Header(name) => format!("the header field `{name}`"),
        KeySource::Value(name) => format!("a `{name}` from the service"),
    };
    Some(match rule.absent() {
        Absent::Skip => format!("It never refuses a request without {what}."),
        Absent::Share => format!("All requests without {what} share one bucket."),
    })
}

/// Whether refusals tell how long to wait.
fn waits(rule: &ContractRule, promises: &mut Vec<Promise>) {
    if !matches!(rule.quota(), Quota::Concurrency(_)) {
        return;
    }
    let shows_wait = match &rule.refused.body {
        Body::Problem => false,
        Body::Template(template) => template.place_of(Word::RetryAfterSeconds).is_some(),
    };
    let mut sentence =
        "Its refusals carry no Retry-After: nobody can know when a request will end.".to_owned();
    if shows_wait {
        sentence += " The wait in its body is then unknown (`null` in JSON).";
    }
    promises.push(Promise::warning(Some(rule.name()), sentence));
}

/// Units per period as the rule states them.
fn units_per_period(quota: &Quota) -> u64 {
    match quota {
        Quota::Gcra(quota) => quota.limit().into(),
        _ => quota.capacity().into(),
    }
}
