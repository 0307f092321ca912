//! Laws of the text form of rules, and what is said about texts that are no plan.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;
use ratecell::{
    ConcurrencyQuota, FixedQuota, GcraQuota, MAX_PERIOD_NS, MIN_PERIOD_NS, Plan, Quota, Rule,
    SlidingQuota,
};

fn config(cases: u32) -> ProptestConfig {
    let file = FileFailurePersistence::Direct("proptest-regressions/laws_text.txt");
    ProptestConfig { cases, failure_persistence: Some(Box::new(file)), ..Default::default() }
}

const UNITS: [(&str, u64); 17] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("sec", 1_000_000_000),
    ("second", 1_000_000_000),
    ("seconds", 1_000_000_000),
    ("m", 60_000_000_000),
    ("min", 60_000_000_000),
    ("minute", 60_000_000_000),
    ("minutes", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("hour", 3_600_000_000_000),
    ("hours", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("day", 86_400_000_000_000),
    ("days", 86_400_000_000_000),
];

const KIND_OR_AMOUNT: &str =
    "expected a kind (gcra, fixed, sliding or concurrency) or an amount such as 600/min";
const UNIT: &str = "expected a unit: ns, us, ms, s, min, h or d";
const PER: &str = "expected `/` or per, then a period";
const END: &str = "expected `;` or the end";
const OPTION: &str = "expected burst, segments, by, `;` or the end";
const DIMENSION: &str = "expected a dimension, such as key or ip";
const UNDERSCORES: &str = "expected single underscores between digits";
const ZERO: &str = "the limit is 0, accepted are 1 and more";
const PERIODS: &str = "accepted are 1000000 ns (1 ms) to 31622400000000000 ns (366 days)";

/// The text, the byte at which it goes wrong, what is found there and what is said of it.
type Bad = (&'static str, usize, &'static str, &'static str);

const WRONG_WORDS: [Bad; 38] = [
    ("", 0, "", KIND_OR_AMOUNT),
    (" \t", 2, "", KIND_OR_AMOUNT),
    (";", 0, ";", KIND_OR_AMOUNT),
    ("5/s;", 4, "", KIND_OR_AMOUNT),
    ("5/s; ", 5, "", KIND_OR_AMOUNT),
    ("5/s;;5/s", 4, ";", KIND_OR_AMOUNT),
    ("leaky 5/s", 0, "leaky", KIND_OR_AMOUNT),
    ("by 5/s", 0, "by", KIND_OR_AMOUNT),
    ("a: b: 5/s", 3, "b", KIND_OR_AMOUNT),
    ("a b: 5/s", 0, "a", KIND_OR_AMOUNT),
    ("-5/min", 0, "-5", KIND_OR_AMOUNT),
    ("+5/min", 0, "+", KIND_OR_AMOUNT),
    ("_5/s", 0, "_5", KIND_OR_AMOUNT),
    ("🦀/s", 0, "🦀", KIND_OR_AMOUNT),
    ("clé: 5/s", 0, "clé", KIND_OR_AMOUNT),
    ("\u{a0}5/s", 0, "\u{a0}", KIND_OR_AMOUNT),
    ("concurrency", 11, "", "expected an integer, the permits held at once"),
    ("1.5/s", 1, ".", PER),
    ("1e3/s", 1, "e3", PER),
    ("9:5/s", 1, ":", PER),
    ("5", 1, "", PER),
    ("5🦀/s", 1, "🦀", PER),
    ("600 every minute", 4, "every", PER),
    ("600/fortnight", 4, "fortnight", UNIT),
    ("5/-1s", 2, "-1s", UNIT),
    ("5/1.5s", 3, ".", UNIT),
    ("5/🦀", 2, "🦀", UNIT),
    ("5 per", 5, "", UNIT),
    ("5/s 6/s", 4, "6", END),
    ("5/s, 6/s", 3, ",", END),
    ("5/s\0", 3, "\0", END),
    ("5/s by clé", 9, "é", END),
    ("5/s by key burst 3", 11, "burst", END),
    ("concurrency 5/s", 13, "/", END),
    ("concurrency 5 per min", 14, "per", OPTION),
    ("5/s by key; 5/s x", 16, "x", OPTION),
    ("5/s burst x", 10, "x", "expected an integer"),
    ("5/s burst -1", 10, "-1", "expected an integer"),
];

const WRONG_NUMBERS: [Bad; 27] = [
    ("5_/s", 0, "5_", UNDERSCORES),
    ("5__0/s", 0, "5__0", UNDERSCORES),
    ("5/1_s", 2, "1_s", UNDERSCORES),
    ("0/min", 0, "0", ZERO),
    ("fixed 0/s", 6, "0", ZERO),
    ("sliding 0/s", 8, "0", ZERO),
    ("concurrency 0", 12, "0", ZERO),
    ("60/min burst 0", 13, "0", "the burst is 0, accepted are 1 and more"),
    ("4294967296/min", 0, "4294967296", "expected at most 4294967295"),
    ("5/min burst 4294967296", 12, "4294967296", "expected at most 4294967295"),
    ("18446744073709551616/min", 0, "18446744073709551616", "expected at most 4294967295"),
    ("5/18446744073709551615s", 2, "18446744073709551615s", "expected at most 31622400"),
    ("5/18446744073709551616ns", 2, "18446744073709551616ns", "expected at most 31622400000000000"),
    ("sliding 5/s segments 0", 21, "0", "the number of segments is 0, accepted are 1 to 62"),
    ("sliding 5/s segments 63", 21, "63", "the number of segments is 63, accepted are 1 to 62"),
    (
        "sliding 8388608/min",
        8,
        "8388608",
        "the limit is 8388608, accepted are 1 to 8388607 for this kind and period",
    ),
    (
        "fixed 1_048_576/1ms",
        6,
        "1_048_576",
        "the limit is 1048576, accepted are 1 to 1048575 for this kind and period",
    ),
    (
        "600_000_000/s",
        0,
        "600_000_000",
        "600000000 in 1000000000 ns would be held at 500000000, since units come whole \
         nanoseconds apart; accepted are rates that this changes by 1 % at most",
    ),
    (
        "5/366d burst 730",
        13,
        "730",
        "the burst is 730, accepted are 1 to 729 at this rate (a burst comes back within 2^62 ns)",
    ),
    ("fixed 5/s burst 3", 10, "burst", "expected only in a gcra rule"),
    ("concurrency 5 burst 2", 14, "burst", "expected only in a gcra rule"),
    ("5/s segments 3", 4, "segments", "expected only in a sliding rule"),
    ("5/s burst 2 burst 3", 12, "burst", "expected once only"),
    ("a: 5/s; a: 6/s", 8, "a", "expected a name that no earlier rule has"),
    ("5/s by", 6, "", DIMENSION),
    ("5/s by 7", 7, "7", DIMENSION),
    ("5/s by é", 7, "é", DIMENSION),
];

fn check(text: &str, offset: usize, found: &str, said: &str) {
    let error = text.parse::<Plan>().expect_err(text);
    assert_eq!(error.offset(), offset, "{text:?}: {error}");
    assert_eq!(error.found(), found, "{text:?}");
    let found = if found.is_empty() { "the end of the text" } else { &format!("`{found}`") };
    assert_eq!(error.to_string(), format!("at byte {offset}: found {found}, {said}"), "{text:?}");
}

#[test]
fn what_is_no_plan_is_told_by_byte_by_what_is_found_and_by_what_is_accepted() {
    for (text, offset, found, said) in WRONG_WORDS.into_iter().chain(WRONG_NUMBERS) {
        check(text, offset, found, said);
    }
}

#[test]
fn a_period_must_be_1_ms_to_366_days() {
    let said = |ns: u64| format!("the period is {ns} ns, {PERIODS}");
    check("5/999us", 2, "999us", &said(999_000));
    check("5/999_999ns", 2, "999_999ns", &said(999_999));
    check("fixed 5 per 0s", 12, "0s", &said(0));
    check("sliding 5/367 d", 10, "367", &said(367 * 86_400_000_000_000));
    for text in ["5/ms", "5/1000us", "fixed 5/366d"] {
        assert!(text.parse::<Plan>().is_ok(), "{text}");
    }
}

#[test]
fn a_name_or_dimension_is_at_most_32_bytes() {
    let (fits, long) = ("n".repeat(32), "n".repeat(33));
    let said = "the name has 33 bytes, accepted are 1 to 32";
    check(&format!("{long}: 5/s"), 0, &fits, said);
    check(&format!("5/s by {long}"), 7, &fits, said);
    let plan: Plan = format!("{fits}: 5/s by {fits}").parse().unwrap();
    assert_eq!((plan.rules()[0].name(), plan.rules()[0].dimension()), (&*fits, &*fits));
}

#[test]
fn a_plan_has_at_most_8_rules() {
    check(&["5/s"; 9].join("; "), 40, "5", "expected 8 rules at the most");
    assert_eq!(["5/s"; 8].join("; ").parse::<Plan>().unwrap().rules().len(), 8);
}

#[test]
fn rules_without_a_name_are_called_by_their_kind_and_number() {
    let text = "5/s; gcra 6/s; fixed 7/s; gcra-3: sliding 8/s; 9/s; fixed-2: 1/s; FIXED 2/s";
    let plan: Plan = text.parse().unwrap();
    let names: Vec<_> = plan.rules().iter().map(Rule::name).collect();
    assert_eq!(names, ["gcra", "gcra-2", "fixed", "gcra-3", "gcra-4", "fixed-2", "fixed-3"]);
    assert!(plan.rules().iter().all(|rule| rule.dimension() == "key"));
}

#[test]
fn a_single_rule_is_no_plan_of_two() {
    let error = "5/s; 6/s".parse::<Rule>().unwrap_err();
    assert_eq!(
        (error.offset(), error.to_string().as_str()),
        (3, "at byte 3: found `;`, expected the end of a single rule")
    );
    assert_eq!("5/s".parse::<Rule>().unwrap().to_string(), "gcra: gcra 5/s burst 5 by key");
}

#[test]
fn the_canonical_text_writes_every_number_out_and_the_largest_unit_that_divides() {
    let cases = [
        ("600/min", "gcra: gcra 600/min burst 600 by key"),
        ("SLIDING 600 PER 60000 MS BY Ip", "sliding: sliding 600/min segments 14 by Ip"),
        ("a: fixed 1_000/48h", "a: fixed 1000/2d by key"),
        ("Concurrency 8", "concurrency: concurrency 8 by key"),
        ("5000/7200s burst 3", "gcra: gcra 5000/2h burst 3 by key"),
        ("5/1000001ns", "gcra: gcra 5/1000001ns burst 5 by key"),
    ];
    for (text, canonical) in cases {
        assert_eq!(text.parse::<Plan>().unwrap().to_string(), canonical);
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z][a-zA-Z0-9_-]{0,31}",
        select(vec!["gcra", "by", "per", "s", "burst"]).prop_map(str::to_owned)
    ]
}

fn period() -> impl Strategy<Value = (String, u64)> {
    let numbered = (select(&UNITS), 1_u64..2_000_000_000).prop_map(|((unit, ns), count)| {
        let count = count.clamp(MIN_PERIOD_NS.div_ceil(ns), MAX_PERIOD_NS / ns);
        (format!("{count} {unit}"), count * ns)
    });
    let alone = select(&UNITS[2..]).prop_map(|(unit, ns)| (unit.to_owned(), ns));
    prop_oneof![numbered, alone]
}

/// Words and marks, apart by spaces, and the quota that they stand for.
fn amount() -> impl Strategy<Value = (String, Quota)> {
    let per = select(vec!["/", "per"]);
    let numbers = (1_u32..9_000, period(), per, 1_u32..60, any::<bool>());
    (0..4, numbers).prop_map(|(kind, (limit, (text, ns), per, more, explicit))| {
        let amount = format!("{limit} {per} {text}");
        match kind {
            0 if explicit => {
                let quota = GcraQuota::new(limit, ns, more).unwrap();
                (format!("gcra {amount} burst {more}"), quota.into())
            }
            0 => (amount, GcraQuota::new(limit, ns, limit).unwrap().into()),
            1 => (format!("fixed {amount}"), FixedQuota::new(limit, ns).unwrap().into()),
            2 if explicit => {
                let quota = SlidingQuota::new(limit, ns, more).unwrap();
                (format!("sliding {amount} segments {more}"), quota.into())
            }
            2 => (format!("sliding {amount}"), SlidingQuota::new(limit, ns, 14).unwrap().into()),
            _ => (format!("concurrency {limit}"), ConcurrencyQuota::new(limit).unwrap().into()),
        }
    })
}

fn rules() -> impl Strategy<Value = Vec<(String, Quota, String, String)>> {
    let rule = (name(), amount(), name());
    prop::collection::vec(rule, 1..=8).prop_map(|rules| {
        let mut kept: Vec<(String, Quota, String, String)> = Vec::new();
        for (name, (amount, quota), dimension) in rules {
            if kept.iter().all(|(other, ..)| *other != name) {
                kept.push((name, quota, dimension, amount));
            }
        }
        kept
    })
}

/// The same words in another case.
fn recased(words: &str, mut bits: u64) -> String {
    let recase = |letter: char| {
        bits = bits.rotate_left(1);
        if bits & 1 == 0 { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() }
    };
    words.chars().map(recase).collect()
}

/// The same tokens with other spaces between them; none only where the two do not run together.
fn respaced(tokens: &str, bits: u64) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let mut text = String::new();
    for (position, token) in tokens.split(' ').enumerate() {
        let both = text.ends_with(word) && token.starts_with(word);
        let digits = text.ends_with(|c: char| c.is_ascii_digit());
        let apart = both && !(digits && token.starts_with(|c: char| c.is_ascii_alphabetic()));
        let spaces = (bits >> (position * 3 % 61) & 0b11) as usize;
        text.push_str(
            &[" ", "\t", " \n", ""][spaces.min(if apart { 2 } else { 3 })].repeat(1 + spaces),
        );
        text.push_str(token);
    }
    text
}

proptest! {
    #![proptest_config(config(192))]

    #[test]
    fn canonical_text_parses_to_the_same_plan(rules in rules()) {
        let rules = rules.iter().map(|(name, quota, dimension, _)| {
            Rule::new(name, *quota, dimension).unwrap()
        });
        let plan = Plan::new(rules).unwrap();
        let text = plan.to_string();
        prop_assert_eq!(text.parse(), Ok(plan), "{}", text);
    }

    #[test]
    fn words_are_read_in_any_case_and_spacing(
        rules in rules(), case in any::<u64>(), spacing in any::<u64>(),
    ) {
        let made = rules.iter().map(|(name, quota, dimension, _)| {
            Rule::new(name, *quota, dimension).unwrap()
        });
        let texts = rules.iter().map(|(name, _, dimension, amount)| {
            let by = recased("by", case);
            format!("{name} : {} {by} {dimension}", recased(amount, case))
        });
        let text = respaced(&texts.collect::<Vec<_>>().join(" ; "), spacing);
        prop_assert_eq!(text.parse(), Plan::new(made).map_err(|_| unreachable!()), "{}", text);
    }

    #[test]
    fn no_text_panics_and_every_offset_lies_on_a_character(
        words in prop::collection::vec(select(vec![
            "600", "1_0", "0", "99999999999999999999", "/", "per", " ", "min", "s", "burst", "by",
            "segments", "fixed", "sliding", "concurrency", "gcra", ":", ";", "a", "é", "🦀", "-",
        ]), 0..14),
        any in ".{0,40}",
    ) {
        for text in [words.concat(), words.join(" "), any.clone(), words.concat() + &any] {
            match text.parse::<Plan>() {
                Ok(plan) => prop_assert_eq!(plan.to_string().parse(), Ok(plan)),
                Err(error) => {
                    prop_assert!(text.is_char_boundary(error.offset()), "{text:?}: {error}");
                    prop_assert!(text[error.offset()..].starts_with(error.found()));
                }
            }
        }
    }
}
