//! `[response]` and what refusals say, for all rules or for one.

use std::collections::HashSet;

use ratecell::http::{HeaderStyle, Problem};
use toml::de::DeTable;

use super::read_rule::RawRule;
use super::section::{Section, list, quoted, short};
use super::text::Text;
use crate::contract_error::Faults;
use crate::response::{Body, DEFAULT_CONTENT_TYPE, FieldTemplate, KNOWN_FIELDS, Refused, Response};
use crate::template::{Syntax, Template, TemplateError, WORDS, Word, name_of};

/// Fields that belong to the body, to the connection or to the guard itself. With one of a
/// connection, a response is malformed in HTTP/2. SOURCE: RFC 9113 section 8.2.2.
const RESERVED_FIELDS: [&str; 12] = [
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Reads `[response]`; a missing one shows nothing and refuses with a problem body.
pub(super) fn read_response<'d>(
    whole: &Section<'d>,
    faults: &mut Faults<'_>,
) -> Option<(Section<'d>, Response)> {
    static EMPTY: std::sync::LazyLock<DeTable<'static>> = std::sync::LazyLock::new(DeTable::new);
    let section = if whole.has("response") {
        whole.section("response", "[response]", faults)?
    } else {
        Section::new("[response]", &EMPTY, 0..0)
    };
    section.accept_keys(&["headers", "reset", "always", "refused"], faults);
    let mut style = read_style(&section, faults);
    let is_after = section.word("reset", &[("unix", false), ("seconds", true)], faults);
    if section.has("reset") && !style.contains(HeaderStyle::X_RATELIMIT_RESET) {
        let expected = "expected it only beside `x-ratelimit` or `x-ratelimit-reset` in headers";
        faults.add(section.place_of("reset"), "reset", "it without the field", expected);
    }
    if is_after == Some(true) {
        style = style.with_reset_after();
    }
    let always = section
        .section("always", "[response.always]", faults)
        .map(|table| read_fields(&table, None, faults))
        .unwrap_or_default();
    Some((section, Response { style, always }))
}

fn read_style(section: &Section<'_>, faults: &mut Faults<'_>) -> HeaderStyle {
    let mut style = HeaderStyle::NONE;
    for text in section.texts("headers", faults).unwrap_or_default() {
        let place = text.place(faults.text(), 0);
        let named = HeaderStyle::NAMES.iter().find(|(word, _)| *word == text.value);
        let Some(&(_, fields)) = named else {
            let words: Vec<&str> = HeaderStyle::NAMES.iter().map(|(word, _)| *word).collect();
            let expected = format!("expected one of {}", list(&words));
            faults.add(place, "headers", quoted(text.value), expected);
            continue;
        };
        if style.bits() & fields.bits() != 0 {
            let expected = "expected each field once only";
            faults.add(place, "headers", quoted(text.value), expected);
        } else if let Err(clash) = (style | fields).check() {
            let expected = format!("but {clash}");
            faults.add(place, "headers", quoted(text.value), expected);
        }
        style = style | fields;
    }
    style
}

/// Reads a table of header fields: those of every response, or those that refusals carry beside
/// them, which are `always`.
fn read_fields(
    section: &Section<'_>,
    always: Option<&[FieldTemplate]>,
    faults: &mut Faults<'_>,
) -> Box<[FieldTemplate]> {
    let mut fields = Vec::new();
    let always_named = always.map(|always| always.iter().map(|it| it.name.to_ascii_lowercase()));
    let always_named: HashSet<_> = always_named.into_iter().flatten().collect();
    let mut named = HashSet::new();
    for (name, value) in section.all_texts(faults) {
        check_field_name(&name, section.title, faults);
        let lower = name.value.to_ascii_lowercase();
        if RESERVED_FIELDS.contains(&lower.as_str()) || KNOWN_FIELDS.contains(&&*lower) {
            let expected = "expected a field that neither `headers` nor the body brings";
            faults.add(name.span.start, section.title, quoted(name.value), expected);
        }
        let is_always = always_named.contains(&lower);
        if !named.insert(lower) {
            faults.add(name.span.start, section.title, quoted(name.value), "expected once only");
        }
        if is_always {
            let expected = "expected a field that `[response.always]` does not bring";
            faults.add(name.span.start, section.title, quoted(name.value), expected);
        }
        let subject = short(name.value);
        let Some(template) = compile(&value, &subject, Syntax::Plain, faults) else { continue };
        let is_value = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        if let Some(offset) = value.value.bytes().position(|byte| !is_value(byte)) {
            let place = value.place(faults.text(), offset);
            let found = quoted(value.value.get(offset..).unwrap_or_default());
            faults.add(place, &*subject, found, "expected visible ASCII characters and spaces");
        }
        let mut places = value.places(faults.text());
        for (word, offset) in template.placeholders() {
            if always.is_none() && word != Word::RequestId {
                let place = places.of(offset);
                let found = format!("`{{{}}}`", name_of(word));
                let expected = "expected no other placeholder than `{request_id}` in a field of \
                                every response";
                faults.add(place, &*subject, found, expected);
            }
        }
        fields.push(FieldTemplate { name: name.value.into(), value: template });
    }
    fields.into()
}

/// A fault if a text is not the name of a header field. SOURCE: RFC 9110 section 5.6.2.
pub(super) fn check_field_name(name: &Text<'_>, subject: &str, faults: &mut Faults<'_>) {
    if !is_token(name.value) {
        let expected = "expected the name of a header field: letters, digits, `-` and `_`";
        faults.add(name.span.start, subject, quoted(name.value), expected);
    }
}

/// Whether a text is a token: the name of a header field, or half a media type. SOURCE: RFC 9110
/// section 5.6.2.
fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

/// What a table says of refusals, before the rule's and the contract's are put together.
#[derive(Debug, Default)]
pub(super) struct RawRefused<'d> {
    status: Option<u16>,
    content_type: Option<Text<'d>>,
    body: Option<Text<'d>>,
    fields: Option<Box<[FieldTemplate]>>,
    fields_start: usize,
}

/// Reads the `refused` of a table; all of it may be left out. `always` are the fields of every
/// response.
pub(super) fn read_refused<'d>(
    parent: &Section<'d>,
    title: &'static str,
    always: &[FieldTemplate],
    faults: &mut Faults<'_>,
) -> RawRefused<'d> {
    let Some(section) = parent.section("refused", title, faults) else {
        return RawRefused::default();
    };
    section.accept_keys(&["status", "content_type", "body", "headers"], faults);
    let status = section.integer("status", 400..=599, faults);
    let content_type = section.text("content_type", faults);
    if let Some(text) = &content_type {
        let essence = text.value.split(';').next().unwrap_or_default();
        let is_plain = text.value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        let is_type = essence
            .split_once('/')
            .is_some_and(|(kind, sub)| is_token(kind) && is_token(sub.trim_end()));
        if !is_plain || !is_type {
            let expected = "expected a media type such as `application/json`";
            faults.add(text.span.start, "content_type", quoted(text.value), expected);
        }
    }
    let fields = section
        .section("headers", "the headers of refusals", faults)
        .map(|table| read_fields(&table, Some(always), faults));
    RawRefused {
        status: status.and_then(|status| u16::try_from(status).ok()),
        content_type,
        body: section.text("body", faults),
        fields,
        fields_start: section.place_of("headers"),
    }
}

/// Stands in for what a rule's refusals say until the whole file is read.
pub(super) fn placeholder_refused() -> Refused {
    Refused {
        rule: Box::default(),
        status: 429,
        content_type: Problem::MEDIA_TYPE.into(),
        body: Body::Problem,
        fields: Box::default(),
    }
}

/// What a rule's refusals say: its own words first, then the contract's.
pub(super) fn refused_for(
    raw: &RawRule<'_>,
    general: &RawRefused<'_>,
    faults: &mut Faults<'_>,
) -> Option<Refused> {
    let own = &raw.refused;
    let rule = raw.name.as_ref().map_or("", |name| name.value).into();
    let body = own.body.as_ref().or(general.body.as_ref());
    let content_type = own.content_type.as_ref().or(general.content_type.as_ref());
    let status = own.status.or(general.status).unwrap_or(429);
    let fields = own.fields.as_ref().or(general.fields.as_ref()).cloned().unwrap_or_default();
    let fields_start = if own.fields.is_some() { own.fields_start } else { general.fields_start };
    for field in &fields {
        if field.value.place_of(Word::RuleMessage).is_some() {
            check_message(raw, fields_start, &field.name, faults);
        }
    }
    let Some(body) = body else {
        if let Some(text) = content_type {
            let expected = "expected a body beside it; without one the body is a problem of RFC \
                            9457";
            faults.add(text.span.start, "content_type", quoted(text.value), expected);
        }
        let content_type = Problem::MEDIA_TYPE.into();
        return Some(Refused { rule, status, content_type, body: Body::Problem, fields });
    };
    let content_type = content_type.map_or(DEFAULT_CONTENT_TYPE, |text| text.value);
    let syntax = if is_json(content_type) { Syntax::Json } else { Syntax::Plain };
    let template = compile(body, "body", syntax, faults)?;
    if let Some(offset) = template.place_of(Word::RuleMessage) {
        check_message(raw, body.place(faults.text(), offset), "body", faults);
    }
    let body = Body::Template(template);
    Some(Refused { rule, status, content_type: content_type.into(), body, fields })
}

/// A fault if a refusal shows the message of a rule that has none.
fn check_message(raw: &RawRule<'_>, place: usize, subject: &str, faults: &mut Faults<'_>) {
    let Some(name) = &raw.name else { return };
    match &raw.message {
        None if raw.section.has("message") => {}
        None => {
            let found = format!("`{{rule.message}}`, but no message in the rule `{}`", name.value);
            faults.add(place, subject, found, "expected message = \"...\" in every rule it is for");
        }
        Some(message) if subject != "body" => {
            let is_value = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
            if !message.value.bytes().all(is_value) {
                let expected = "expected visible ASCII characters and spaces in a header field";
                faults.add(message.span.start, "message", quoted(message.value), expected);
            }
        }
        Some(_) => {}
    }
}

/// Whether a content type is JSON or built on it, such as `application/problem+json`.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence == "text/json" || essence.ends_with("+json")
}

fn compile(
    text: &Text<'_>,
    subject: &str,
    syntax: Syntax,
    faults: &mut Faults<'_>,
) -> Option<Template> {
    let file = faults.text();
    match Template::new(text.value, syntax) {
        Ok(template) => return Some(template),
        Err(TemplateError::UnknownPlaceholder { offset, found }) => {
            let names = WORDS.map(|(name, _)| format!("`{{{name}}}`"));
            let expected = format!("expected one of {}", names.join(", "));
            let place = text.place(file, offset);
            let found = format!("the placeholder `{{{}}}`", short(&found));
            faults.add(place, subject, found, expected);
        }
        Err(TemplateError::NotJson { offset, problem }) => {
            let rest = text.value.get(offset..).unwrap_or_default();
            let found = if rest.is_empty() { "the end of the text".into() } else { quoted(rest) };
            let expected = format!("expected JSON: {problem}");
            faults.add(text.place(file, offset), subject, found, expected);
        }
    }
    None
}
