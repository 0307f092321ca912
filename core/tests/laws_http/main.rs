//! Laws of header fields and problem bodies, over random plans and calls.
//!
//! The lists are read by `sfv`, an RFC 9651 parser that shares no line with the writer, and the
//! problem body by `serde_json`; whether obeying a number works is asked of the limiter itself.

mod published;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::FileFailurePersistence;
use ratecell::http::{HeaderStyle, Report, write_c_text};
use ratecell::{HeapMemory, KeyedPlan, Kind, Plan, PlanDecision, Quota, Seed};
use sfv::{BareItem, Item, List, ListEntry, Parser};

const SECOND: u64 = 1_000_000_000;
const SEED: Seed = Seed::from_bytes(*b"the laws of http");
const MAX_DIGITS: usize = 15;

fn config(cases: u32) -> ProptestConfig {
    let file = FileFailurePersistence::Direct("proptest-regressions/laws_http.txt");
    ProptestConfig { cases, failure_persistence: Some(Box::new(file)), ..Default::default() }
}

fn rule() -> impl Strategy<Value = String> {
    let limit = prop_oneof![4 => 1_u32..9, 2 => 1_u32..2_000, 1 => Just(1_000_000)];
    let period = select(vec!["300ms", "1s", "1500ms", "10s", "min", "2h", "7day", "366day"]);
    let burst = prop_oneof![1_u32..12, Just(100_000)];
    (0..5, limit, period, burst, 1_u32..=62).prop_map(|(kind, limit, period, burst, segments)| {
        match kind {
            0 => format!("gcra {limit}/{period}"),
            1 => format!("gcra {limit}/{period} burst {burst}"),
            2 => format!("fixed {limit}/{period}"),
            3 => format!("sliding {limit}/{period} segments {segments}"),
            _ => format!("concurrency {limit}"),
        }
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let text = prop::collection::vec(rule(), 1..=4).prop_map(|rules| rules.join("; "));
    text.prop_filter_map("a limit beyond what its kind can hold", |text| text.parse().ok())
}

/// A call: how long after the last, and its cost.
fn calls() -> impl Strategy<Value = Vec<(u64, u32)>> {
    let wait = prop_oneof![
        3 => Just(0),
        2 => 0..2 * SECOND,
        1 => 0..200 * SECOND,
        1 => select(vec![SECOND, 60 * SECOND, 59 * SECOND + 999_999_999]),
    ];
    let cost = prop_oneof![6 => 1_u32..4, 1 => 1_u32..2_000, 1 => Just(0)];
    prop::collection::vec((wait, cost), 1..40)
}

fn keyed(plan: &Plan) -> KeyedPlan<HeapMemory> {
    KeyedPlan::new(plan.clone(), SEED, |rule| HeapMemory::for_keys(rule.quota(), 64)).unwrap()
}

/// Plays the calls on one key and shows each answer, with the plan as it is then and the time.
fn play(
    plan: &Plan,
    start_ns: u64,
    calls: &[(u64, u32)],
    mut see: impl FnMut(&KeyedPlan<HeapMemory>, &PlanDecision<'_>, u64, u32),
) {
    let plan = keyed(plan);
    let mut now_ns = start_ns;
    for &(wait_ns, cost) in calls {
        now_ns += wait_ns;
        let decision = plan.acquire(now_ns, "k", cost).unwrap();
        see(&plan, &decision, now_ns, cost);
    }
}

/// A member of a list: its string and the integers among its parameters.
struct Member {
    name: String,
    numbers: Vec<(String, i64)>,
    words: Vec<(String, String)>,
}

impl Member {
    fn number(&self, key: &str) -> Option<u64> {
        let (_, number) = self.numbers.iter().find(|(name, _)| name == key)?;
        Some(u64::try_from(*number).unwrap())
    }
}

fn members(field: &str) -> Vec<Member> {
    let list: List = Parser::new(field).parse().unwrap_or_else(|e| panic!("{field}: {e}"));
    let read = |entry: ListEntry| {
        let ListEntry::Item(Item { bare_item, params }) = entry else { panic!("{field}") };
        let BareItem::String(name) = bare_item else { panic!("{field}") };
        let mut member = Member { name: name.as_str().to_owned(), numbers: vec![], words: vec![] };
        for (key, value) in params {
            match value {
                BareItem::Integer(number) => {
                    member.numbers.push((key.as_str().to_owned(), i64::from(number)));
                }
                BareItem::String(word) => {
                    member.words.push((key.as_str().to_owned(), word.as_str().to_owned()));
                }
                other => panic!("{field}: {other:?}"),
            }
        }
        member
    };
    list.into_iter().map(read).collect()
}

fn field(decision: &PlanDecision<'_>, style: HeaderStyle, now_ns: u64) -> Option<String> {
    let mut fields = decision.headers(style, now_ns);
    let value = fields.next().map(|field| field.value().to_string());
    assert!(fields.next().is_none());
    value
}

fn number(decision: &PlanDecision<'_>, style: HeaderStyle, now_ns: u64) -> Option<u64> {
    field(decision, style, now_ns).map(|text| {
        assert!(text.len() <= MAX_DIGITS);
        text.parse().unwrap()
    })
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn h1_every_list_parses_and_says_what_the_decisions_say(
        plan in plan(), start in 0_u64..1 << 62, calls in calls(),
    ) {
        play(&plan, start, &calls, |_, decision, now_ns, _| {
            let policies = members(&field(decision, HeaderStyle::RATELIMIT_POLICY, now_ns).unwrap());
            let limits = members(&field(decision, HeaderStyle::RATELIMIT, now_ns).unwrap());
            let own: Vec<_> = decision.rules().collect();
            assert_eq!((policies.len(), limits.len()), (own.len(), own.len()));
            for ((rule, own), (policy, limit)) in own.iter().zip(policies.iter().zip(&limits)) {
                assert_eq!((policy.name.as_str(), limit.name.as_str()), (rule.name(), rule.name()));
                let quota = match rule.quota() {
                    Quota::Gcra(quota) => quota.limit(),
                    quota => quota.capacity(),
                };
                assert_eq!(policy.number("q"), Some(quota.into()));
                let window = rule.quota().period_ns().map(|ns| ns.div_ceil(SECOND));
                assert_eq!(policy.number("w"), window);
                let is_concurrency = rule.quota().kind() == Kind::Concurrency;
                let unit = ("qu".to_owned(), "concurrent-requests".to_owned());
                assert_eq!(policy.words, if is_concurrency { vec![unit] } else { vec![] });
                assert_eq!(limit.number("r"), Some(own.remaining().into()));
                assert_eq!(limit.number("t").is_none(), is_concurrency);
                assert!(limit.words.is_empty());
                // Beyond the wait of a refusal, r per t is no faster than q per w.
                if let (true, Some(t), Some(w)) = (own.allowed(), limit.number("t"), window)
                    && own.remaining() > 0 && rule.quota().kind() != Kind::Fixed
                {
                    assert!(own.remaining() as u64 * w <= t * u64::from(quota));
                }
            }
        });
    }

    #[test]
    fn h2_whoever_waits_as_told_is_not_too_early(
        plan in plan(), start in 0_u64..1 << 62, calls in calls(),
    ) {
        play(&plan, start, &calls, |keyed, decision, now_ns, cost| {
            let later = |seconds: u64| now_ns + seconds * SECOND;
            let passes = |name: &str, at_ns: u64, cost: u32| {
                let decision = keyed.peek(at_ns, "k", cost).unwrap();
                decision.rule_named(name).unwrap().1.allowed()
            };
            let Some((governing, own)) = decision.governing() else { return };
            if let Some(seconds) = number(decision, HeaderStyle::RETRY_AFTER, now_ns) {
                assert!(passes(governing.name(), later(seconds), cost));
                // No later than the exact wait rounded up.
                assert!(seconds == 1 || seconds * SECOND < own.retry_after_ns().unwrap() + SECOND);
            }
            let reset = number(decision, HeaderStyle::X_RATELIMIT_RESET, now_ns);
            let after = number(decision, HeaderStyle::X_RATELIMIT_RESET_AFTER, now_ns);
            assert_eq!(reset, own.reset_after_ns().map(|wait| (now_ns + wait).div_ceil(SECOND)));
            assert_eq!(after, own.reset_after_ns().map(|wait| wait.div_ceil(SECOND)));
            assert_eq!(after, number(decision, HeaderStyle::DRAFT_6_RESET, now_ns));
            if let Some(reset) = reset {
                let refused = keyed.peek(reset * SECOND, "k", own.limit()).unwrap();
                assert!(refused.rule_named(governing.name()).unwrap().1.allowed());
            }
            let limits = members(&field(decision, HeaderStyle::RATELIMIT, now_ns).unwrap());
            for limit in limits {
                let (r, t) = (limit.number("r").unwrap(), limit.number("t"));
                if let (0, Some(t)) = (r, t) {
                    assert!(t > 0);
                    assert!(passes(&limit.name, later(t), 1));
                    assert!(!passes(&limit.name, now_ns, 1));
                }
            }
        });
    }

    #[test]
    fn the_wait_for_one_unit_is_exact(plan in plan(), start in 0_u64..1 << 62, calls in calls()) {
        play(&plan, start, &calls, |keyed, decision, now_ns, _| {
            for (rule, own) in decision.rules() {
                let passes = |at_ns: u64| {
                    let look = keyed.peek(at_ns, "k", 1).unwrap();
                    look.rule_named(rule.name()).unwrap().1.allowed()
                };
                match own.next_unit_after_ns() {
                    None => assert_eq!((rule.quota().kind(), own.remaining()), (Kind::Concurrency, 0)),
                    Some(wait_ns) => {
                        assert_eq!(wait_ns == 0, own.remaining() > 0);
                        assert!(passes(now_ns + wait_ns));
                        assert!(wait_ns == 0 || !passes(now_ns + wait_ns - 1));
                    }
                }
            }
        });
    }

    #[test]
    fn h3_retry_after_stands_on_refusals_with_a_known_wait_and_not_before_t(
        plan in plan(), start in 0_u64..1 << 62, calls in calls(),
    ) {
        play(&plan, start, &calls, |_, decision, now_ns, _| {
            let retry_after = number(decision, HeaderStyle::RETRY_AFTER, now_ns);
            let known = !decision.allowed() && decision.retry_after_ns().is_some();
            assert_eq!(retry_after.is_some(), known);
            assert_eq!(retry_after, decision.retry_after_seconds());
            assert_ne!(retry_after, Some(0));
            let Some(retry_after) = retry_after else { return };
            for limit in members(&field(decision, HeaderStyle::RATELIMIT, now_ns).unwrap()) {
                let (_, own) = decision.rule_named(&limit.name).unwrap();
                if !own.allowed() {
                    assert!(limit.number("t").is_none_or(|t| t <= retry_after));
                }
            }
        });
    }

    #[test]
    fn h4_no_field_stands_twice_and_each_value_is_printable(
        plan in plan(), start in 0_u64..1 << 62, calls in calls(), bits in 0_u32..1 << 13,
    ) {
        let style = HeaderStyle::from_bits(bits).unwrap();
        play(&plan, start, &calls, |_, decision, now_ns, _| {
            let mut names: Vec<_> = decision.headers(style, now_ns).map(|f| f.name()).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count);
            for field in decision.headers(style, now_ns) {
                assert_eq!(field.name().to_ascii_lowercase(), field.name_lower());
                let text = field.value().to_string();
                assert!(!text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
                if let Some(number) = field.value().as_number() {
                    assert_eq!(text, number.to_string());
                }
            }
        });
    }

    #[test]
    fn a_problem_body_is_json_that_names_who_refused(
        plan in plan(), start in 0_u64..1 << 62, calls in calls(), detail in any::<String>(),
    ) {
        play(&plan, start, &calls, |_, decision, _, _| {
            let report = Report::new(decision);
            let body = report.problem().to_string();
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            let refused = decision.rules().filter(|(_, own)| !own.allowed());
            let names: Vec<_> = refused.map(|(rule, _)| rule.name()).collect();
            assert_eq!(body["violated-policies"], serde_json::json!(names));
            assert_eq!(body["status"], 429);
            let own = report.problem().with_detail(&detail).with_status(503).to_string();
            let own: serde_json::Value = serde_json::from_str(&own).unwrap();
            assert_eq!((&own["detail"], &own["status"]), (&detail.as_str().into(), &503.into()));
        });
    }

    #[test]
    fn any_label_makes_a_string_that_parses(label in any::<String>()) {
        let plan = keyed(&"5/min".parse().unwrap());
        let decision = plan.acquire(0, "k", 1).unwrap();
        let naming = |_: &_| Some(label.as_str());
        let report = Report::new(&decision).naming(&naming);
        let value = report.headers(HeaderStyle::RATELIMIT, 0).next().unwrap().value().to_string();
        let ascii = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
        assert_eq!(members(&value)[0].name, label.chars().map(ascii).collect::<String>());
    }

    #[test]
    fn text_for_c_is_cut_to_fit_and_ended(text in "[ -~]{0,40}", size in 0_usize..48) {
        let mut buffer = [0x55_u8; 64];
        let needed = write_c_text(&mut buffer[..size], &text);
        assert_eq!(needed, text.len());
        assert!(buffer[size..].iter().all(|&byte| byte == 0x55));
        if size > 0 {
            let written = needed.min(size - 1);
            assert_eq!(&buffer[..written], &text.as_bytes()[..written]);
            assert_eq!(buffer[written], 0);
        }
    }
}
