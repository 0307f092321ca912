//! Oracle: what prints a plan parses back to it, and an error points into the text; never a panic.
//!
//! Half of the inputs are taken as text as they are, half as tokens, so that most get past the
//! first word.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use ratecell::{ParseError, Plan, Rule};
use ratecell_reference::Quota;

const TOKENS: [&str; 62] = [
    "gcra",
    "fixed",
    "sliding",
    "concurrency",
    "GCRA",
    "burst",
    "segments",
    "by",
    "per",
    "/",
    ";",
    ":",
    " ",
    "\t",
    "\n",
    "ns",
    "us",
    "ms",
    "s",
    "sec",
    "second",
    "seconds",
    "m",
    "min",
    "minute",
    "minutes",
    "h",
    "hour",
    "hours",
    "d",
    "day",
    "days",
    "key",
    "ip",
    "a",
    "sliding-2",
    "-",
    "_",
    "0",
    "1",
    "2",
    "10",
    "60",
    "62",
    "63",
    "366",
    "367",
    "600",
    "1_000",
    "1__0",
    "1_",
    "1000000",
    "8388607",
    "8388608",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999",
    "é",
    "\u{3000}",
    "\u{0}",
    "name-of-32-bytes-and-not-one-more",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((mode, rest)) = bytes.split_first() else { return };
    let text = if mode % 2 == 0 {
        String::from_utf8_lossy(rest).into_owned()
    } else {
        rest.iter().map(|&byte| token(byte)).collect()
    };
    let plan = check::<Plan>(&text);
    let rule = check::<Rule>(&text);
    if let Some(rule) = &rule {
        quota_is_valid(rule);
        let shouted = rule.to_string().to_ascii_uppercase().parse::<Rule>();
        assert_eq!(shouted.as_ref().map(Rule::quota), Ok(rule.quota()), "words in any case");
        let alone = Plan::new([rule.clone()]).expect("one rule is a plan");
        assert_eq!(plan, Some(alone), "a rule is a plan of one");
    }
    if let Some(plan) = &plan {
        plan.rules().iter().for_each(quota_is_valid);
        assert_eq!(rule.is_some(), plan.rules().len() == 1, "a plan of one is a rule");
    }
});

fn token(byte: u8) -> &'static str {
    TOKENS.get(usize::from(byte)).copied().unwrap_or(" ")
}

/// Parses the text, and prints and parses what comes of it.
fn check<T>(text: &str) -> Option<T>
where
    T: FromStr<Err = ParseError> + Display + Debug + PartialEq,
{
    match text.parse::<T>() {
        Ok(parsed) => {
            let canonical = parsed.to_string();
            assert_eq!(canonical.parse().as_ref(), Ok(&parsed), "{text:?} to {canonical:?}");
            let again = canonical.parse::<T>().expect("compared above").to_string();
            assert_eq!(again, canonical, "the canonical text is its own");
            Some(parsed)
        }
        Err(error) => {
            let rest = text.get(error.offset()..);
            let rest = rest.unwrap_or_else(|| panic!("{error:?} points beside {text:?}"));
            assert!(rest.starts_with(error.found()), "{error:?} in {text:?}");
            assert_eq!(error.found().is_empty(), rest.is_empty(), "{error:?} in {text:?}");
            assert!(!error.to_string().is_empty(), "{error:?} says nothing");
            None
        }
    }
}

/// The reference accepts the numbers too.
fn quota_is_valid(rule: &Rule) {
    let quota = match rule.quota() {
        ratecell::Quota::Gcra(quota) => {
            Quota::Gcra { limit: quota.limit(), period_ns: quota.period_ns(), burst: quota.burst() }
        }
        ratecell::Quota::Fixed(quota) => {
            Quota::Fixed { limit: quota.limit(), period_ns: quota.period_ns() }
        }
        ratecell::Quota::Sliding(quota) => Quota::Sliding {
            limit: quota.limit(),
            period_ns: quota.period_ns(),
            segments: quota.segments(),
        },
        ratecell::Quota::Concurrency(quota) => Quota::Concurrency { limit: quota.limit() },
    };
    assert_eq!(quota.check(), Ok(()), "{rule}");
    let printed: Rule = quota.to_text().parse().expect("the reference's text is a rule");
    assert_eq!(printed.quota(), rule.quota(), "{}", quota.to_text());
}
