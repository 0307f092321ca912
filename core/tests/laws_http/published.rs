//! Fields and bodies of contracts as they are published, in whole texts.

use ratecell::http::{HeaderStyle, Report};
use ratecell::{HeapMemory, Key, KeyedPlan, Plan, Verdict};

use super::{SECOND, SEED, field, keyed, members, number};

const CONTRACT: &str = "ip: fixed 300/min by ip; key: sliding 600/min; inflight: concurrency 8";

fn lines(report: &Report<'_>, style: HeaderStyle, now_ns: u64) -> Vec<String> {
    let fields = report.headers(style, now_ns);
    fields.map(|field| format!("{}: {}", field.name(), field.value())).collect()
}

#[test]
fn the_fields_of_a_published_contract() {
    let plan = keyed(&CONTRACT.parse().unwrap());
    let keys: [(&str, Key<'_>); 2] = [("ip", "a".into()), ("key", "k".into())];
    let now_ns = 1_790_000_005 * SECOND + 1;
    let decision = plan.acquire(now_ns, &keys, 5).unwrap();
    let all = HeaderStyle::DRAFT_11 | HeaderStyle::X_CONCURRENCY | HeaderStyle::RETRY_AFTER;
    assert_eq!(
        lines(&Report::new(&decision), all, now_ns),
        [
            "X-Concurrency-Limit: 8",
            "X-Concurrency-Running: 5",
            "RateLimit-Policy: \"ip\";q=300;w=60, \"key\";q=600;w=60, \
             \"inflight\";q=8;qu=\"concurrent-requests\"",
            "RateLimit: \"ip\";r=295;t=35, \"key\";r=595;t=60, \"inflight\";r=3",
        ]
    );
    let refused = plan.acquire(now_ns, &keys, 4).unwrap();
    assert_eq!(refused.rule(), Some("inflight"));
    let style = all | HeaderStyle::X_RATELIMIT | HeaderStyle::DRAFT_7;
    let names: Vec<_> = refused.headers(style, now_ns).map(|field| field.name()).collect();
    // Neither a wait nor a reset is known, and draft 11 has taken draft 7's field.
    let expected = [
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-Concurrency-Limit",
        "X-Concurrency-Running",
        "RateLimit-Policy",
        "RateLimit",
    ];
    assert_eq!(names, expected);
    assert_eq!(style.check().unwrap_err().field, "RateLimit");
    assert_eq!(
        field(&refused, HeaderStyle::DRAFT_7, now_ns).as_deref(),
        Some("limit=8, remaining=3")
    );
}

#[test]
fn a_hidden_rule_refuses_and_another_speaks() {
    let plan = keyed(&"reads: fixed 1000/min; burst: sliding 3/10s".parse().unwrap());
    assert!(plan.acquire(0, "k", 3).unwrap().allowed());
    let refused = plan.acquire(SECOND, "k", 1).unwrap();
    assert_eq!(refused.rule(), Some("burst"));
    let report =
        Report::new(&refused).naming(&|rule| (rule.name() != "burst").then_some(rule.name()));
    let style = HeaderStyle::X_RATELIMIT | HeaderStyle::RETRY_AFTER | HeaderStyle::DRAFT_11;
    assert_eq!(
        lines(&report, style, SECOND),
        [
            "X-RateLimit-Limit: 1000",
            "X-RateLimit-Remaining: 997",
            "X-RateLimit-Reset: 60",
            "Retry-After: 10",
            "RateLimit-Policy: \"reads\";q=1000;w=60",
            "RateLimit: \"reads\";r=997;t=59",
        ]
    );
    assert_eq!(report.spoken_by("burst").speaker().unwrap().limit(), 3);
    let body: serde_json::Value = serde_json::from_str(&report.problem().to_string()).unwrap();
    assert_eq!(body["violated-policies"], serde_json::json!([]));
}

#[test]
fn plans_of_one_request_are_one_report_and_a_tried_one_refuses_nothing() {
    let before = keyed(&"ip: fixed 300/min by ip".parse().unwrap());
    let after = keyed(&"key: fixed 10/min".parse().unwrap());
    let tried = keyed(&"strict: fixed 1/min".parse().unwrap());
    let before = before.acquire(0, "a", 1).unwrap();
    let after = after.acquire(0, "k", 1).unwrap();
    assert!(tried.acquire(0, "k", 1).unwrap().allowed());
    let tried = tried.acquire(0, "k", 1).unwrap();
    assert!(!tried.allowed());
    let tried = Report::new(&tried).not_enforced();
    let after = Report::new(&after).then(&tried);
    let report = Report::new(&before).then(&after);
    assert!(!report.refused());
    let style = HeaderStyle::X_RATELIMIT_LIMIT | HeaderStyle::RETRY_AFTER | HeaderStyle::RATELIMIT;
    assert_eq!(
        lines(&report, style, 0),
        [
            "X-RateLimit-Limit: 10",
            "RateLimit: \"ip\";r=299;t=60, \"key\";r=9;t=60, \"strict\";r=0;t=60",
        ]
    );
    // Alone, it speaks.
    assert_eq!(tried.speaker().unwrap().label(), "strict");
    assert_eq!(tried.retry_after_seconds(), None);
}

#[test]
fn a_raised_rate_is_the_quota_that_is_shown() {
    for (own, raised, quota) in [
        ("sliding 600/min", "sliding 1200/min", 1200),
        ("fixed 600/min", "fixed 700/min", 700),
        ("gcra 600/min burst 3", "gcra 1200/min burst 900", 1200),
        ("gcra 600/min", "gcra 7/min", 7),
        ("gcra 600/min", "gcra 72000/h", 1200),
    ] {
        let plan = keyed(&own.parse().unwrap());
        let raised: Plan = raised.parse().unwrap();
        let decision = plan.acquire_with(0, &raised, "k", 1).unwrap();
        let policy = field(&decision, HeaderStyle::RATELIMIT_POLICY, 0).unwrap();
        assert_eq!(members(&policy)[0].number("q"), Some(quota), "{policy}");
        assert_eq!(members(&policy)[0].number("w"), Some(60));
    }
}

#[test]
fn a_window_in_which_nothing_is_used_may_be_spread_over_all_of_it() {
    let plan = keyed(&"fixed 5/min".parse().unwrap());
    let fresh = plan.peek(59 * SECOND, "k", 0).unwrap();
    let lines_of = |decision| {
        let style = HeaderStyle::RATELIMIT | HeaderStyle::X_RATELIMIT_REMAINING;
        lines(&Report::new(decision), style, 59 * SECOND)
    };
    assert_eq!(lines_of(&fresh), ["X-RateLimit-Remaining: 5", "RateLimit: \"fixed\";r=5;t=60"]);
    let used = plan.acquire(59 * SECOND, "k", 1).unwrap();
    assert_eq!(lines_of(&used), ["X-RateLimit-Remaining: 4", "RateLimit: \"fixed\";r=4;t=1"]);
    let values: Vec<_> = used
        .headers(HeaderStyle::RATELIMIT | HeaderStyle::X_RATELIMIT_REMAINING, 0)
        .map(|field| field.value().as_number())
        .collect();
    assert_eq!(values, [Some(4), None]);
}

#[test]
fn never_and_full_name_no_wait_that_does_not_help() {
    let plan = keyed(&"fixed 5/min".parse().unwrap());
    let never = plan.acquire(0, "k", 6).unwrap();
    assert_eq!(never.verdict(), Verdict::Never);
    assert_eq!(number(&never, HeaderStyle::RETRY_AFTER, 0), None);
    assert!(Report::new(&never).problem().to_string().contains("costs more than the 5"));

    let one_region = |rule: &ratecell::Rule| HeapMemory::for_keys(rule.quota(), 1);
    let plan = KeyedPlan::new("fixed 5/min".parse().unwrap(), SEED, one_region).unwrap();
    let full = (0..1000_u64).find_map(|key| {
        let decision = plan.acquire(SECOND, key, 1).unwrap();
        (decision.verdict() == Verdict::Full).then_some(decision)
    });
    let full = full.unwrap();
    let fields = lines(
        &Report::new(&full),
        HeaderStyle::X_RATELIMIT | HeaderStyle::RETRY_AFTER | HeaderStyle::RATELIMIT,
        SECOND,
    );
    assert_eq!(
        fields,
        [
            "X-RateLimit-Limit: 5",
            "X-RateLimit-Remaining: 0",
            "X-RateLimit-Reset: 60",
            "Retry-After: 59",
            "RateLimit: \"fixed\";r=0;t=59",
        ]
    );
}

#[test]
fn names_of_styles_are_known_in_any_case_and_bits_go_there_and_back() {
    for &(name, style) in HeaderStyle::NAMES {
        assert_eq!(HeaderStyle::named(&name.to_uppercase()), Some(style));
        assert_eq!(HeaderStyle::from_bits(style.bits()), Some(style));
        assert_eq!(style.check(), Ok(()));
    }
    assert_eq!(HeaderStyle::named("x-ratelimit-"), None);
    assert_eq!(HeaderStyle::from_bits(1 << 13), None);
    let both = HeaderStyle::X_RATELIMIT | HeaderStyle::X_RATELIMIT_RESET_AFTER;
    assert_eq!(both.check().unwrap_err().field, "X-RateLimit-Reset");
    assert_eq!(HeaderStyle::X_RATELIMIT.with_reset_after().check(), Ok(()));
    assert_eq!(both.with_reset_after(), HeaderStyle::X_RATELIMIT.with_reset_after());
    // A set holds a field once, however often it is put in or taken out.
    assert_eq!(both | HeaderStyle::X_RATELIMIT, both);
    let rest = both.without(HeaderStyle::X_RATELIMIT);
    assert_eq!(rest, HeaderStyle::X_RATELIMIT_RESET_AFTER);
    assert_eq!(rest.without(HeaderStyle::X_RATELIMIT), rest);
    assert_eq!(HeaderStyle::RETRY_AFTER.with_reset_after(), HeaderStyle::RETRY_AFTER);
}
