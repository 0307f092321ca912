//! The whole file.

use std::collections::HashSet;

use ratecell::MAX_RULES;
use toml::de::DeTable;

use super::read_response::{RawRefused, read_refused, read_response, refused_for};
use super::read_rule::{RawRule, read_rule};
use super::section::{Section, quoted};
use crate::contract::{Contract, RequestIdSource};
use crate::contract_error::{ContractError, Faults};
use crate::contract_rule::{ContractRule, Stage};
use crate::response::Response;

/// By how many leading bits IPv6 addresses are told apart if the file does not say: a /64 is what
/// one client is commonly given. SOURCE: RFC 6177.
const DEFAULT_IPV6_PREFIX: u8 = 64;

/// How ids begin that are made here, if the file does not say.
const DEFAULT_ID_PREFIX: &str = "req_";

/// Reads a contract from the bytes of its file, which must be UTF-8 as all of TOML is.
pub(crate) fn read_bytes(bytes: &[u8]) -> Result<Contract, ContractError> {
    let error = match str::from_utf8(bytes) {
        Ok(text) => return read_contract(text),
        Err(error) => error,
    };
    let (good, rest) = bytes.split_at(error.valid_up_to());
    let text = str::from_utf8(good).unwrap_or_default();
    let mut faults = Faults::new(text);
    let found = format!("the byte 0x{:02x}", rest.first().copied().unwrap_or_default());
    faults.add(good.len(), "the contract", found, "expected UTF-8");
    Err(faults.into_error())
}

/// Reads a contract.
pub(crate) fn read_contract(text: &str) -> Result<Contract, ContractError> {
    let mut faults = Faults::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        faults.add(offset, "TOML", syntax_found(text, offset), error.message().to_owned());
    }
    let whole = Section::new("the contract", table.get_ref(), 0..text.len());
    let contract = if errors.is_empty() { read(&whole, &mut faults) } else { None };
    match contract {
        Some(contract) if faults.is_empty() => Ok(contract),
        _ => Err(faults.into_error()),
    }
}

fn syntax_found(text: &str, offset: usize) -> String {
    let rest = text.get(offset..).unwrap_or_default();
    match rest.lines().next().map(str::trim_end) {
        None => "the end of the file".into(),
        Some("") => "the end of the line".into(),
        Some(line) => quoted(line),
    }
}

fn read(whole: &Section<'_>, faults: &mut Faults<'_>) -> Option<Contract> {
    whole.accept_keys(&["name", "rule", "response", "clients", "request_id"], faults);
    let name = whole.needed_text("name", "\"...\"", faults);
    if let Some(name) = name.as_ref().filter(|name| name.value.trim().is_empty()) {
        faults.add(name.span.start, "name", quoted(name.value), "expected the name of the API");
    }
    let response = read_response(whole, faults);
    let (refused, always) = match &response {
        Some((section, Response { always, .. })) => {
            (read_refused(section, "[response.refused]", always, faults), &**always)
        }
        None => (RawRefused::default(), [].as_slice()),
    };
    let sections = whole.sections("rule", "[[rule]]", faults);
    let is_empty = sections.as_ref().is_some_and(Vec::is_empty);
    let raw_rules: Vec<RawRule<'_>> =
        sections.iter().flatten().map(|section| read_rule(section, always, faults)).collect();
    if is_empty {
        let expected = "expected at least one: a contract that limits nothing is an error";
        faults.add(whole.place_of("rule"), "the contract", "no [[rule]]", expected);
    }
    check_names_and_numbers(&raw_rules, faults);
    let rules: Vec<ContractRule> =
        raw_rules.into_iter().filter_map(|raw| finish(raw, &refused, faults)).collect();
    let ipv6_prefix = read_clients(whole, faults);
    let request_id = read_request_id(whole, faults);
    let (_, response) = response?;
    Some(Contract {
        name: name?.value.into(),
        rules: rules.into(),
        response,
        ipv6_prefix,
        request_id,
    })
}

fn finish(
    raw: RawRule<'_>,
    refused: &RawRefused<'_>,
    faults: &mut Faults<'_>,
) -> Option<ContractRule> {
    let refused = refused_for(&raw, refused, faults)?;
    Some(ContractRule { refused: refused.into(), ..raw.rule? })
}

/// Names must differ, and each stage is one plan for what is enforced and one for the dry run.
fn check_names_and_numbers(rules: &[RawRule<'_>], faults: &mut Faults<'_>) {
    let mut plans: Vec<(Stage, bool, usize)> = Vec::new();
    let mut names = HashSet::new();
    for raw in rules {
        if let Some(name) = raw.name.as_ref().filter(|name| !names.insert(name.value)) {
            let expected = "expected a name that no earlier rule has";
            faults.add(name.span.start, "name", quoted(name.value), expected);
        }
        let Some(rule) = &raw.rule else { continue };
        let plan = plans.iter_mut().find(|(stage, is_enforced, _)| {
            (*stage, *is_enforced) == (rule.stage, rule.is_enforced)
        });
        let Some((_, _, count)) = plan else {
            plans.push((rule.stage, rule.is_enforced, 1));
            continue;
        };
        *count += 1;
        if *count == MAX_RULES + 1 {
            let stage = if rule.stage == Stage::BeforeAuth { "before" } else { "after" };
            let kind = if rule.is_enforced { "enforced" } else { "dry-run" };
            let expected =
                format!("expected at most {MAX_RULES} {kind} rules {stage} authentication");
            let found = format!("one rule more, {}", quoted(rule.name()));
            faults.add(raw.section.start(), "[[rule]]", found, expected);
        }
    }
}

fn read_clients(whole: &Section<'_>, faults: &mut Faults<'_>) -> u8 {
    let Some(section) = whole.section("clients", "[clients]", faults) else {
        return DEFAULT_IPV6_PREFIX;
    };
    section.accept_keys(&["ipv6_prefix"], faults);
    let prefix = section.integer("ipv6_prefix", 1..=128, faults);
    prefix.and_then(|bits| u8::try_from(bits).ok()).unwrap_or(DEFAULT_IPV6_PREFIX)
}

fn read_request_id(whole: &Section<'_>, faults: &mut Faults<'_>) -> RequestIdSource {
    let mut source = RequestIdSource { header: None, prefix: DEFAULT_ID_PREFIX.into() };
    let Some(section) = whole.section("request_id", "[request_id]", faults) else {
        return source;
    };
    section.accept_keys(&["header", "prefix"], faults);
    if let Some(header) = section.text("header", faults) {
        super::read_response::check_field_name(&header, "header", faults);
        source.header = Some(header.value.to_ascii_lowercase().into());
    }
    if let Some(prefix) = section.text("prefix", faults) {
        if !crate::request_id::is_prefix(prefix.value) {
            let expected = "expected at most 32 ASCII letters, digits, `-`, `_`, `.` or `~`";
            faults.add(prefix.span.start, "prefix", quoted(prefix.value), expected);
        }
        source.prefix = prefix.value.into();
    }
    source
}
