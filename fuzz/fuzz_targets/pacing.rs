//! Oracle: `sfv` reads the same from RateLimit, and no wait ends before a Retry-After or beyond the cap.
//!
//! `sfv` knows structured fields only; which members count is worked out here again, plainly. What
//! it takes for bytes is passed over: the reader does not decode them.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use ratecell::pacing::{Pacer, Reading};
use sfv::{BareItem, Dictionary, List, ListEntry, Parameters, Parser};

const NAMES: [&str; 13] = [
    "RateLimit",
    "RateLimit-Policy",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Concurrency-Limit",
    "X-Concurrency-Running",
    "Date",
    "Other",
];

const START_NS: u64 = 1_794_000_000_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    is_told: bool,
    draw: u64,
    answers: Vec<Answer<'a>>,
    /// Read alone.
    list: &'a [u8],
}

#[derive(Arbitrary, Debug)]
struct Answer<'a> {
    later_ms: u32,
    latency_ms: u16,
    is_refused: bool,
    headers: Vec<(u8, &'a [u8])>,
    body: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    compare_list(input.list);
    let random = &mut || input.draw;
    let mut pacer = Pacer::new();
    if input.is_told {
        let plan = "sliding 600/min; fixed 20/s; gcra 5/s; concurrency 3".parse().expect("a plan");
        pacer = Pacer::told(&plan, 3, START_NS, random).expect("3 sharers");
    }
    let (mut now_ns, mut not_before_ns) = (START_NS, 0_u64);
    for answer in &input.answers {
        now_ns += u64::from(answer.later_ms) * 1_000_000;
        let sent = pacer.sent(now_ns, random);
        now_ns += u64::from(answer.latency_ms) * 1_000_000;
        let headers = answer.headers.iter().map(|(name, value)| {
            (NAMES.get(usize::from(*name)).copied().unwrap_or(NAMES[0]), *value)
        });
        let status = if answer.is_refused { 429 } else { 200 };
        let reading = Reading::of(now_ns, status, headers, answer.body);
        assert_eq!(reading.refused(), answer.is_refused);
        pacer.finished(sent, now_ns, &reading, random);
        assert_eq!(pacer.in_flight(), 0);
        if let Some(wait_ns) = reading.retry_after_ns() {
            assert!(answer.is_refused, "a success asks for no wait");
            not_before_ns = not_before_ns.max(now_ns.saturating_add(wait_ns));
        }
        let wait_ns = pacer.wait_ns(now_ns);
        let asked_ns = not_before_ns.saturating_sub(now_ns);
        assert!(wait_ns >= asked_ns, "{wait_ns} is sooner than {asked_ns}");
        let most_ns = asked_ns.saturating_add(SECOND_NS).max(Pacer::MAX_WAIT_NS);
        assert!(wait_ns <= most_ns, "{wait_ns} is beyond {most_ns}");
    }
});

fn compare_list(value: &[u8]) {
    if value.contains(&b':') {
        return;
    }
    let reading = Reading::of(START_NS, 200, [("RateLimit", value)], b"");
    let found = reading.shown().map(|shown| shown.remaining);
    let text = String::from_utf8_lossy(value);
    match Parser::new(value).parse::<List>() {
        Ok(list) => match rates(&list) {
            Some(rates) => {
                let slowest = rates.iter().min_by(|a, b| {
                    (u128::from(a.0) * u128::from(b.1)).cmp(&(u128::from(b.0) * u128::from(a.1)))
                });
                assert_eq!(found, slowest.map(|rate| rate.0), "{text}");
            }
            None => assert_eq!(found, None, "{text}"),
        },
        Err(_) => {
            let draft_7 = Parser::new(value).parse::<Dictionary>().ok();
            let remaining = draft_7.and_then(|fields| match fields.get("remaining")? {
                ListEntry::Item(item) => units(&item.bare_item),
                ListEntry::InnerList(_) => None,
            });
            assert!(found.is_none() || found == remaining, "{text}");
        }
    }
}

/// Units and seconds of each member that limits a rate; none if the field means nothing.
fn rates(list: &List) -> Option<Vec<(u64, u64)>> {
    let mut rates = Vec::new();
    // As many members as are kept.
    for (position, entry) in list.iter().enumerate() {
        let ListEntry::Item(item) = entry else { return None };
        match &item.bare_item {
            BareItem::String(_) | BareItem::Token(_) => {}
            BareItem::Integer(_) if units(&item.bare_item).is_some() => {}
            _ => return None,
        }
        for letter in ["q", "w"] {
            number(&item.params, letter)?;
        }
        let (r, t) = (number(&item.params, "r")?, number(&item.params, "t")?);
        let unit = match item.params.get("qu") {
            None => "requests",
            Some(BareItem::String(unit)) => unit.as_str(),
            Some(BareItem::Token(unit)) => unit.as_str(),
            Some(_) => return None,
        };
        if let (Some(r), "requests" | "request") = (r, unit)
            && position < 16
        {
            rates.push((r, t.unwrap_or(u64::MAX).max(1)));
        }
    }
    Some(rates)
}

/// A parameter: the outer none if it is no integer of 0 and more, the inner one if it is absent.
fn number(parameters: &Parameters, letter: &str) -> Option<Option<u64>> {
    match parameters.get(letter) {
        None => Some(None),
        Some(value) => units(value).map(Some),
    }
}

fn units(value: &BareItem) -> Option<u64> {
    let BareItem::Integer(number) = value else { return None };
    u64::try_from(i64::from(*number)).ok()
}
