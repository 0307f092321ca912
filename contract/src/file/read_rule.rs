//! A `[[rule]]` of the file.

use std::sync::Arc;

use ratecell::{ConcurrencyQuota, ParseError, Problem, Quota, Rule};

use super::read_response::{RawRefused, check_field_name, placeholder_refused, read_refused};
use super::section::{Section, quoted};
use super::text::Text;
use crate::contract_error::Faults;
use crate::contract_rule::{ContractRule, Stage};
use crate::key_source::{Absent, KeySource};
use crate::path_pattern::PathPattern;
use crate::response::FieldTemplate;
use crate::scope::Scope;

const KEYS: [&str; 12] = [
    "name", "limit", "by", "methods", "paths", "except", "stage", "absent", "message", "show",
    "enforce", "refused",
];

/// Goes with a name that is to be checked though its limit has a fault.
const ANY_QUOTA: Quota = match ConcurrencyQuota::new(1) {
    Ok(quota) => Quota::Concurrency(quota),
    Err(_) => panic!("a permit is a quota"),
};

/// A rule whose refusals are not put together yet.
#[derive(Debug)]
pub(super) struct RawRule<'d> {
    pub(super) section: Section<'d>,
    pub(super) name: Option<Text<'d>>,
    pub(super) message: Option<Text<'d>>,
    /// With a stand-in for what its refusals say; none if a fault leaves it without name, limit or
    /// key.
    pub(super) rule: Option<ContractRule>,
    pub(super) refused: RawRefused<'d>,
}

/// Reads a rule. `always` are the fields of every response.
pub(super) fn read_rule<'d>(
    section: &Section<'d>,
    always: &[FieldTemplate],
    faults: &mut Faults<'_>,
) -> RawRule<'d> {
    section.accept_keys(&KEYS, faults);
    let name = section.needed_text("name", "\"...\"", faults);
    let quota = section
        .needed_text("limit", "\"...\", such as \"sliding 600/min\"", faults)
        .and_then(|text| read_limit(&text, faults));
    let source = section
        .needed_text("by", "\"bearer\", \"ip\", \"header:NAME\" or \"value:NAME\"", faults)
        .and_then(|text| read_source(&text, faults));
    let stages = [("before-auth", Stage::BeforeAuth), ("after-auth", Stage::AfterAuth)];
    let absents = [("skip", Absent::Skip), ("share", Absent::Share)];
    let stage = section.word("stage", &stages, faults).unwrap_or_default();
    let absent = section.word("absent", &absents, faults).unwrap_or_default();
    if section.has("absent") && source == Some(KeySource::Ip) {
        let expected = "expected it only where a key can be absent: without an address, requests \
                        always share one bucket";
        faults.add(section.place_of("absent"), "absent", "it beside by = \"ip\"", expected);
    }
    let message = section.text("message", faults);
    let is_shown = section.truth("show", faults).unwrap_or(true);
    let is_enforced = section.truth("enforce", faults).unwrap_or(true);
    let scope = Scope {
        methods: read_methods(section, faults),
        paths: read_patterns(section, "paths", faults),
        except: read_patterns(section, "except", faults),
    };
    let named = name.as_ref().and_then(|name| read_name(name, quota.unwrap_or(ANY_QUOTA), faults));
    let rule = quota.and(named).zip(source).map(|(rule, source)| ContractRule {
        rule,
        scope,
        source,
        stage,
        absent,
        message: message.as_ref().map(|text| text.value.into()),
        is_shown,
        is_enforced,
        refused: Arc::new(placeholder_refused()),
    });
    let refused = read_refused(section, "[rule.refused]", always, faults);
    RawRule { section: section.clone(), name, message, rule, refused }
}

/// The limit under its name, which is also its dimension.
fn read_name(name: &Text<'_>, quota: Quota, faults: &mut Faults<'_>) -> Option<Rule> {
    match Rule::new(name.value, quota, name.value) {
        Ok(rule) => Some(rule),
        Err(error) => {
            faults.add(name.span.start, "name", quoted(name.value), format!("but {error}"));
            None
        }
    }
}

fn read_limit(text: &Text<'_>, faults: &mut Faults<'_>) -> Option<Quota> {
    let file = faults.text();
    if let Some(offset) = text.value.find(':') {
        let expected = "expected a limit without a name; the rule's name is a key of its own";
        faults.add(text.place(file, offset), "limit", "`:`", expected);
        return None;
    }
    let rule: Rule = match text.value.parse() {
        Ok(rule) => rule,
        Err(error) => {
            let (found, expected) = told(&error);
            faults.add(text.place(file, error.offset()), "limit", found, expected);
            return None;
        }
    };
    // In a limit without a name, no other word than this one has these letters.
    if let Some(offset) = text.value.to_ascii_lowercase().find("by") {
        let expected = "expected a limit without a dimension; `by` is a key of its own";
        faults.add(text.place(file, offset), "limit", "`by`", expected);
        return None;
    }
    Some(*rule.quota())
}

fn told(error: &ParseError) -> (String, String) {
    let found = match error.found() {
        "" => "the end of the text".into(),
        found => quoted(found),
    };
    let expected = match error.problem() {
        Problem::Quota(error) => format!("but {error}"),
        problem => problem.to_string(),
    };
    (found, expected)
}

fn read_source(text: &Text<'_>, faults: &mut Faults<'_>) -> Option<KeySource> {
    let named = |name: &str| Text {
        value: text.value.get(text.value.len() - name.len()..).unwrap_or_default(),
        span: text.span.clone(),
    };
    let file = faults.text();
    match text.value.split_once(':') {
        None if text.value == "bearer" => return Some(KeySource::Bearer),
        None if text.value == "ip" => return Some(KeySource::Ip),
        Some(("header", name)) => {
            let place = text.place(file, "header:".len());
            let name = Text { span: place..place + name.len(), ..named(name) };
            check_field_name(&name, "by", faults);
            return Some(KeySource::Header(name.value.to_ascii_lowercase().into()));
        }
        Some(("value", name)) => {
            if name.is_empty() {
                let place = text.place(file, "value:".len());
                let expected = "expected the name of a value that the service works out";
                faults.add(place, "by", "the end of the text", expected);
            }
            return Some(KeySource::Value(name.into()));
        }
        _ => {}
    }
    let expected = "expected `bearer`, `ip`, `header:NAME` or `value:NAME`";
    faults.add(text.span.start, "by", quoted(text.value), expected);
    None
}

fn read_methods(section: &Section<'_>, faults: &mut Faults<'_>) -> Box<[Box<str>]> {
    let Some(texts) = section.texts("methods", faults) else { return Box::default() };
    for (position, text) in texts.iter().enumerate() {
        let is_method = |byte: u8| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_');
        let place = text.place(faults.text(), 0);
        if text.value.is_empty() || !text.value.bytes().all(is_method) {
            let expected = "expected a method in capitals, such as `GET`";
            faults.add(place, "methods", quoted(text.value), expected);
        }
        if texts[..position].iter().any(|before| before.value == text.value) {
            faults.add(place, "methods", quoted(text.value), "expected once only");
        }
    }
    texts.iter().map(|text| text.value.into()).collect()
}

fn read_patterns(
    section: &Section<'_>,
    key: &'static str,
    faults: &mut Faults<'_>,
) -> Box<[PathPattern]> {
    let mut patterns = Vec::new();
    for text in section.texts(key, faults).unwrap_or_default() {
        match PathPattern::new(text.value) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => {
                let rest = text.value.get(error.offset..).unwrap_or_default();
                let place = text.place(faults.text(), error.offset);
                faults.add(place, key, quoted(rest), error.problem.expected());
            }
        }
    }
    patterns.into()
}
