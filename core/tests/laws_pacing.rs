//! Laws of backoff, of reading responses and of the pacer's waits.
//!
//! Dates are held against `httpdate`, lists against what the header writers wrote; examples of
//! what is read are in `laws_reading`. How well pacers share a key is in `pacing_closed_loop`.

use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use ratecell::http::HeaderStyle;
use ratecell::pacing::{
    Backoff, BackoffError, BackoffSettings, GiveUp, Jitter, Pacer, Reading, ToldError,
};
use ratecell::{HeapMemory, KeyedPlan, Plan, Seed};

const SECOND: u64 = 1_000_000_000;
const NOW: u64 = 1_794_000_000 * SECOND;

fn config(cases: u32) -> ProptestConfig {
    let file = FileFailurePersistence::Direct("proptest-regressions/laws_pacing.txt");
    ProptestConfig { cases, failure_persistence: Some(Box::new(file)), ..Default::default() }
}

fn read(status: u16, headers: &[(&str, &str)], body: &str) -> Reading {
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    Reading::of(NOW, status, headers, body.as_bytes())
}

fn settings() -> impl Strategy<Value = BackoffSettings> {
    let jitter = prop_oneof![Just(Jitter::None), Just(Jitter::Full), Just(Jitter::Decorrelated)];
    let spans = (1..10 * SECOND, 0..100 * SECOND, 0..3 * SECOND, 0..1000 * SECOND);
    (spans, 1_u32..80, jitter).prop_map(
        |((base_ns, more, retry_after_jitter_ns, budget), retries, jitter)| {
            let (cap_ns, budget_ns) = (base_ns + more, base_ns + budget);
            BackoffSettings { base_ns, cap_ns, retries, budget_ns, jitter, retry_after_jitter_ns }
        },
    )
}

/// Header fields as servers and their enemies send them.
fn field() -> impl Strategy<Value = (&'static str, String)> {
    let name = prop::sample::select(vec![
        "Retry-After",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "RateLimit",
        "RateLimit-Policy",
        "RateLimit-Limit",
        "RateLimit-Remaining",
        "RateLimit-Reset",
        "X-Concurrency-Limit",
        "X-Concurrency-Running",
        "Date",
    ]);
    let value = prop_oneof![
        3 => (0_u64..2_000).prop_map(|number| number.to_string()),
        1 => any::<u64>().prop_map(|number| number.to_string()),
        1 => (1_793_999_000_u64..1_794_001_000).prop_map(|number| number.to_string()),
        2 => (0_u64..700, 0_u64..100).prop_map(|(r, t)| format!("\"key\";r={r};t={t}")),
        1 => (0_u64..700, 0_u64..100).prop_map(|(q, w)| format!("\"key\";q={q};w={w}")),
        1 => (0_u64..700, 0_u64..90).prop_map(|(r, t)| format!("limit=9, remaining={r}, reset={t}")),
        1 => "[ -~]{0,20}",
        1 => any::<String>(),
    ];
    (name, value)
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn b1_b2_b3_waits_obey_retry_after_the_cap_the_retries_and_the_budget(
        settings in settings(),
        steps in prop::collection::vec((prop::option::of(0..100 * SECOND), any::<u64>()), 1..100),
    ) {
        let backoff = Backoff::new(settings).unwrap();
        let mut retries = backoff.start(NOW);
        let (mut now, mut given) = (NOW, 0);
        for (retry_after, draw) in steps {
            match retries.wait_ns(now, retry_after, &mut || draw) {
                Ok(wait) => {
                    given += 1;
                    prop_assert!(wait >= retry_after.unwrap_or(0));
                    let most = retry_after.map_or(0, |asked| asked + settings.retry_after_jitter_ns);
                    prop_assert!(wait <= most.max(settings.cap_ns));
                    now += wait;
                    prop_assert!(now - NOW <= settings.budget_ns);
                }
                Err(GiveUp::Retries) => prop_assert_eq!(given, settings.retries),
                Err(GiveUp::Budget { wait_ns }) => {
                    prop_assert!(now - NOW + wait_ns > settings.budget_ns);
                }
            }
        }
        prop_assert!(given <= settings.retries);
        prop_assert_eq!(retries.tried(), given);
    }

    #[test]
    fn dates_are_those_of_httpdate(second in 0_u64..18_446_744_066, cut in 0_usize..29) {
        // Up to 2554, where 64 bits of nanoseconds end.
        let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second));
        // The server's clock is at its own date, so Retry-After is the seconds between the two.
        let later = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second + 7));
        let reading = read(429, &[("Date", &text), ("Retry-After", &later)], "");
        prop_assert_eq!(reading.retry_after_ns(), Some(7 * SECOND));
        prop_assert_eq!(read(429, &[("Retry-After", &text[..cut])], "").retry_after_ns(), None);
    }

    #[test]
    fn a_date_in_an_obsolete_form_is_the_same_date(second in 220_924_800_u64..3_300_000_000) {
        // From 1977 to 2074: within 50 years of the present of these tests.
        let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second));
        let words: Vec<&str> = text.split(' ').collect();
        let [weekday, day, month, year, time, "GMT"] = words[..] else { panic!("{text}") };
        let weekday = weekday.trim_end_matches(',');
        let rest = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
        let long = rest.into_iter().find(|long| long.starts_with(weekday)).unwrap();
        let short_year = &year[2..];
        let bare_day = day.trim_start_matches('0');
        for form in [
            format!("{long}, {day}-{month}-{short_year} {time} GMT"),
            format!("{weekday} {month} {bare_day:>2} {time} {year}"),
        ] {
            let later = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(second + 7));
            let reading = read(429, &[("Date", &form), ("Retry-After", &later)], "");
            prop_assert_eq!(reading.retry_after_ns(), Some(7 * SECOND), "{}", form);
            let wait = read(429, &[("Date", &text), ("Retry-After", &form)], "").retry_after_ns();
            prop_assert_eq!(wait, Some(0), "{}", form);
        }
    }

    #[test]
    fn what_the_writers_write_is_read_back(
        rule in prop::sample::select(vec!["fixed 60/min", "sliding 9/10s", "gcra 5/2s burst 70"]),
        steps in prop::collection::vec((0..20 * SECOND, 1_u32..6), 1..30),
    ) {
        let plan: Plan = rule.parse().unwrap();
        let seed = Seed::from_bytes([3; 16]);
        let memory = |rule: &ratecell::Rule| HeapMemory::for_keys(rule.quota(), 8);
        let plan = KeyedPlan::new(plan, seed, memory).unwrap();
        let mut now = NOW;
        for (wait, cost) in steps {
            now += wait;
            let decision = plan.acquire(now, "k", cost).unwrap();
            let (_, own) = decision.governing().unwrap();
            let status = if decision.allowed() { 200 } else { 429 };
            for style in [
                HeaderStyle::X_RATELIMIT, HeaderStyle::X_RATELIMIT.with_reset_after(),
                HeaderStyle::DRAFT_6, HeaderStyle::DRAFT_7, HeaderStyle::DRAFT_11,
            ] {
                let fields = decision.headers(style | HeaderStyle::RETRY_AFTER, now);
                let fields: Vec<_> = fields.map(|f| (f.name(), f.value().to_string())).collect();
                let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
                let reading = Reading::of(now, status, fields, b"");
                let shown = reading.shown().unwrap();
                prop_assert_eq!(shown.remaining, u64::from(own.remaining()));
                prop_assert_eq!(reading.refused(), !decision.allowed());
                let seconds = decision.retry_after_seconds().map(|seconds| seconds * SECOND);
                prop_assert_eq!(reading.retry_after_ns(), seconds);
                if style != HeaderStyle::DRAFT_11 {
                    prop_assert_eq!(shown.limit, Some(own.limit().into()));
                    let reset = shown.reset_after_ns.unwrap();
                    prop_assert!(reset >= own.reset_after_ns().unwrap());
                    prop_assert!(reset < own.reset_after_ns().unwrap() + SECOND);
                }
            }
        }
    }

    #[test]
    fn p1_p2_waits_end_no_sooner_than_retry_after_and_are_capped_beyond_it(
        is_told in any::<bool>(),
        steps in prop::collection::vec(
            (prop::collection::vec(field(), 0..5), any::<u16>(), any::<bool>(), 0..90 * SECOND),
            1..40,
        ),
        draw in any::<u64>(),
    ) {
        let plan: Plan = "sliding 600/min; fixed 20/s; concurrency 3".parse().unwrap();
        let random = &mut || draw;
        let mut pacer = Pacer::new();
        if is_told {
            pacer = Pacer::told(&plan, 20, NOW, random).unwrap();
        }
        let (mut now, mut not_before) = (NOW, 0);
        for (headers, status, is_refused, later) in steps {
            now += later;
            let sent = pacer.sent(now, random);
            prop_assert_eq!(pacer.in_flight(), 1);
            now += later / 100;
            let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
            let status = if is_refused { 429 } else { status };
            let reading = Reading::of(now, status, headers, b"");
            pacer.finished(sent, now, &reading, random);
            if let Some(wait) = reading.retry_after_ns() {
                not_before = not_before.max(now.saturating_add(wait));
            }
            let wait = pacer.wait_ns(now);
            let asked = not_before.saturating_sub(now);
            prop_assert!(wait >= asked);
            // A second of jitter at most stands on top of what was asked.
            let most = asked.saturating_add(SECOND).max(Pacer::MAX_WAIT_NS);
            prop_assert!(wait <= most, "{wait} {most}");
            prop_assert_eq!(pacer.in_flight(), 0);
        }
    }

    #[test]
    fn p3_a_malformed_field_changes_nothing(garbage in "[ -~]{0,24}", number in any::<u64>()) {
        let good = [("X-RateLimit-Remaining", "41"), ("X-RateLimit-Reset", "30")];
        let expected = read(200, &good, "");
        for name in ["RateLimit", "X-RateLimit-Limit", "Date", "X-Concurrency-Limit"] {
            // A lone quotation mark opens a string that never ends.
            let bad = format!("\"{}", garbage.replace('"', ""));
            let mut headers = good.to_vec();
            headers.push((name, &bad));
            prop_assert_eq!(read(200, &headers, ""), expected);
        }
        let number = format!("-{number}");
        let mut headers = good.to_vec();
        headers.push(("X-RateLimit-Limit", &number));
        prop_assert_eq!(read(200, &headers, ""), expected);
    }

    #[test]
    fn any_bytes_are_a_response_and_a_cut_body_is_none(
        bytes in prop::collection::vec(any::<u8>(), 0..80), cut in 0_usize..60,
    ) {
        let headers = [("RateLimit", bytes.as_slice()), ("Retry-After", &bytes), ("Date", &bytes)];
        let _ = Reading::of(NOW, 429, headers, &bytes);
        let body = br#"{"error":{"code":"x","details":{"retry_after_seconds":12}}}"#;
        let cut = cut.min(body.len());
        let reading = Reading::of(NOW, 429, [], &body[..cut]);
        prop_assert_eq!(reading.retry_after_ns(), (cut == body.len()).then_some(12 * SECOND));
    }
}

#[test]
fn the_documented_backoff_is_one_two_four_seconds_and_then_none() {
    let mut retries = Backoff::DEFAULT.start(NOW);
    let mut waits = std::iter::from_fn(|| retries.wait_ns(NOW, None, &mut || u64::MAX).ok());
    assert_eq!(waits.by_ref().collect::<Vec<_>>(), [SECOND, 2 * SECOND, 4 * SECOND]);
    let full = BackoffSettings { jitter: Jitter::Full, ..BackoffSettings::DEFAULT };
    let mut retries = Backoff::new(full).unwrap().start(NOW);
    assert_eq!(retries.wait_ns(NOW, None, &mut || 0), Ok(0));
    assert_eq!(retries.wait_ns(NOW, None, &mut || u64::MAX), Ok(2 * SECOND));
    // Jitter goes on top.
    let mut retries = Backoff::DEFAULT.start(NOW);
    assert_eq!(retries.wait_ns(NOW, Some(9 * SECOND), &mut || u64::MAX), Ok(10 * SECOND));
}

#[test]
fn settings_without_sense_are_told() {
    let default = BackoffSettings::DEFAULT;
    let error = |settings| Backoff::new(settings).unwrap_err();
    let BackoffSettings { base_ns, .. } = default;
    assert_eq!(error(BackoffSettings { base_ns: 0, ..default }), BackoffError::ZeroBase);
    assert_eq!(error(BackoffSettings { retries: 0, ..default }), BackoffError::ZeroRetries);
    let short = BackoffSettings { cap_ns: 5, ..default };
    assert_eq!(error(short), BackoffError::CapBelowBase { cap_ns: 5, base_ns });
    let short = BackoffSettings { budget_ns: 5, ..default };
    assert_eq!(error(short), BackoffError::BudgetBelowBase { budget_ns: 5, base_ns });
    // No wait but the base, and no time for more than one, is sense.
    let least = BackoffSettings { cap_ns: base_ns, budget_ns: base_ns, ..default };
    let mut retries = Backoff::new(least).unwrap().start(NOW);
    assert_eq!(retries.wait_ns(NOW, None, &mut || 0), Ok(base_ns));
    let late = retries.wait_ns(NOW + 1, None, &mut || 0);
    assert_eq!(late, Err(GiveUp::Budget { wait_ns: base_ns }));
    let plan = "5/min".parse().unwrap();
    assert_eq!(Pacer::told(&plan, 0, NOW, &mut || 0).unwrap_err(), ToldError::NoSharers);
}

#[test]
fn a_told_pacer_keeps_its_interval_and_its_permits() {
    let plan: Plan = "sliding 600/min segments 62; inflight: concurrency 8".parse().unwrap();
    let random = &mut || 0;
    let mut pacer = Pacer::told(&plan, 20, NOW, random).unwrap();
    assert_eq!(pacer.wait_ns(NOW), 0);
    let first = pacer.sent(NOW, random);
    let wait = pacer.wait_ns(NOW);
    // 20 of 600 a minute: two seconds, a 62nd and a 256th more, and two ticks.
    assert!((2_040_000_000..2_045_000_000).contains(&wait), "{wait}");
    // Its part of 8 permits among 20 is one.
    let later = NOW + wait;
    assert!(pacer.wait_ns(later) > 0);
    pacer.ended(first);
    assert_eq!(pacer.wait_ns(later), 0);
}

#[test]
fn an_idle_client_keeps_its_share() {
    let random = &mut || 0;
    let mut pacer = Pacer::new();
    let mut step = |pacer: &mut Pacer, now: u64, remaining: u64, reset: u64| {
        let sent = pacer.sent(now, random);
        let headers = [
            ("X-RateLimit-Limit", String::from("1000")),
            ("X-RateLimit-Remaining", remaining.to_string()),
            ("X-RateLimit-Reset", reset.to_string()),
        ];
        let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        pacer.finished(sent, now, &Reading::of(now, 200, headers, b""), random);
    };
    // One of ten: nine others use a unit each for each of its own.
    for turn in 0..50_u64 {
        let since = turn * 600_000_000;
        step(&mut pacer, NOW + since, 1000 - turn * 10, (60 * SECOND - since).div_ceil(SECOND));
    }
    let now = NOW + 50 * 600_000_000;
    // It is idle for 25 s, in which the others go on; then a tenth of the rest is still its own.
    let idle = now + 25 * SECOND;
    step(&mut pacer, idle, 100, 5);
    let wait = pacer.wait_ns(idle);
    assert!((400_000_000..800_000_000).contains(&wait), "{wait}");
}

#[test]
fn an_answered_request_is_in_flight_until_it_has_ended() {
    let random = &mut || 0;
    let plan: Plan = "concurrency 1".parse().unwrap();
    let mut pacer = Pacer::told(&plan, 1, NOW, random).unwrap();
    let sent = pacer.sent(NOW, random);
    pacer.answered(&sent, NOW, &read(200, &[], ""), random);
    assert_eq!(pacer.in_flight(), 1);
    assert!(pacer.wait_ns(NOW) > 0);
    pacer.ended(sent);
    assert_eq!((pacer.in_flight(), pacer.wait_ns(NOW)), (0, 0));
}

#[test]
fn a_pacer_rests_ten_minutes_after_its_last_request_and_after_any_wait() {
    let mut random = || 0;
    let rested = 2 * Pacer::MAX_WAIT_NS;
    let mut pacer = Pacer::new();
    assert!(pacer.is_at_rest(NOW));
    let sent = pacer.sent(NOW, &mut random);
    assert!(!pacer.is_at_rest(NOW + rested), "its request is still in flight");
    pacer.finished(sent, NOW, &read(200, &[], ""), &mut random);
    assert!(!pacer.is_at_rest(NOW + rested - 1));
    assert!(pacer.is_at_rest(NOW + rested));

    let sent = pacer.sent(NOW, &mut random);
    pacer.finished(sent, NOW, &read(429, &[("Retry-After", "7200")], ""), &mut random);
    assert!(!pacer.is_at_rest(NOW + rested), "it remembers a Retry-After");
    assert!(pacer.is_at_rest(NOW + 7_210 * SECOND));

    let plan: Plan = "1/d burst 1".parse().unwrap();
    let never_sent = Pacer::told(&plan, 1, NOW, &mut || u64::MAX).unwrap();
    assert!(!never_sent.is_at_rest(NOW), "its first request has to wait");
}

#[test]
fn however_far_off_a_reset_is_a_request_finds_out_after_the_longest_wait() {
    let random = &mut || 0;
    let mut pacer = Pacer::new();
    let sent = pacer.sent(NOW, random);
    let far = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "20000000")];
    pacer.finished(sent, NOW, &read(200, &far, ""), random);
    assert!(pacer.wait_ns(NOW + Pacer::MAX_WAIT_NS - 1) > 0);
    assert_eq!(pacer.wait_ns(NOW + Pacer::MAX_WAIT_NS), 0);
}

#[test]
fn who_was_refused_finds_its_rate_again_within_half_an_hour() {
    let random = &mut || 0;
    let (mut pacer, mut now) = (Pacer::new(), NOW);
    let mut answer = |pacer: &mut Pacer, status| {
        now += pacer.wait_ns(now);
        let sent = pacer.sent(now, random);
        pacer.finished(sent, now, &read(status, &[], ""), random);
        now
    };
    for _ in 0..5 {
        answer(&mut pacer, 200);
    }
    let refused = answer(&mut pacer, 429);
    // Five in a minute is what it is taught, and what it keeps to at first.
    let first = answer(&mut pacer, 200);
    let second = answer(&mut pacer, 200);
    assert!((12 * SECOND..13 * SECOND).contains(&(second - first)), "{}", second - first);
    let mut last = second;
    loop {
        let next = answer(&mut pacer, 200);
        if next - last < SECOND / 10 {
            break;
        }
        last = next;
    }
    assert!(last - refused < 30 * 60 * SECOND, "{}", (last - refused) / SECOND);
}
