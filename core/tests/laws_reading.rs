//! Laws of reading responses: bodies, dialects, resets and digits. Those over any text, and those of
//! the pacers that are told by them, are in `laws_pacing`.

use std::time::{Duration, UNIX_EPOCH};

use ratecell::pacing::{InFlight, Reading, Shown};

const SECOND: u64 = 1_000_000_000;
const NOW: u64 = 1_794_000_000 * SECOND;

fn read(status: u16, headers: &[(&str, &str)], body: &str) -> Reading {
    let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    Reading::of(NOW, status, headers, body.as_bytes())
}

#[test]
fn the_four_bodies_are_read() {
    let peeker = r#"{"error":{"code":"rate_limited","message":"API rate limit exceeded",
        "details":{"retry_after_seconds":12}}}"#;
    assert_eq!(read(429, &[], peeker).retry_after_ns(), Some(12 * SECOND));
    let capacity = r#"{"error":{"code":"rate_limited","message":"API rate limit exceeded",
        "details":{"reason":"cloudflare_account_capacity"}}}"#;
    assert!(read(429, &[], capacity).concurrency_refused());
    let productlane = r#"{"error":{"code":"rate_limited","message":"Rate limit exceeded.",
        "details":{"limit":60,"window":"1m"},"request_id":"req_\"x"}}"#;
    let reading = read(429, &[("retry-after", "7")], productlane);
    let expected = Shown {
        policy: 0,
        limit: Some(60),
        remaining: 0,
        reset_after_ns: Some(7 * SECOND),
        period_ns: Some(60 * SECOND),
    };
    assert_eq!(reading.shown(), Some(expected));
    let prefetch = |what: &str| {
        format!(
            r#"{{"success":false,"error":"{what} limit exceeded for this API key","meta":{{}}}}"#
        )
    };
    assert!(read(429, &[], &prefetch("Concurrency")).concurrency_refused());
    assert!(!read(429, &[("Retry-After", "3")], &prefetch("Rate")).concurrency_refused());
    let prolifi = r#"{"error":{"type":"rate_limit_error","message":"Too many requests."}}"#;
    let reading = read(429, &[("Retry-After", "3")], prolifi);
    assert_eq!((reading.retry_after_ns(), reading.shown()), (Some(3 * SECOND), None));
    // A fraction is rounded up; nesting without end is no JSON for this purpose.
    let fraction = r#"{"error":{"details":{"retry_after_seconds":1.01}}}"#;
    assert_eq!(read(429, &[], fraction).retry_after_ns(), Some(2 * SECOND));
    assert_eq!(read(429, &[], &"[".repeat(100_000)), read(429, &[], ""));
    // On a success neither the body nor Retry-After counts.
    assert_eq!(read(200, &[("Retry-After", "3")], peeker), read(200, &[], ""));
}

#[test]
fn fields_of_each_dialect_are_read_and_the_slowest_rule_is_chosen() {
    let policy =
        "\"ip\";q=300;w=60, \"key\";q=600;w=60, \"inflight\";q=8;qu=\"concurrent-requests\"";
    let reading = read(
        200,
        &[
            ("RateLimit-Policy", policy),
            ("ratelimit", "\"inflight\";r=3"),
            ("RateLimit", "\"key\";r=120;t=12;x=?1;pk=:YQ==:, \"ip\";r=20;t=50"),
        ],
        "",
    );
    let shown = reading.shown().unwrap();
    assert_eq!((shown.limit, shown.remaining), (Some(300), 20));
    assert_eq!(shown.reset_after_ns, Some(50 * SECOND));
    assert_eq!(shown.period_ns, Some(60 * SECOND));
    assert_eq!(reading.in_flight(), Some(InFlight { limit: 8, running: 5 }));

    // A limit on bytes is none on requests.
    let bytes =
        [("RateLimit-Policy", "\"b\";q=9;qu=\"content-bytes\""), ("RateLimit", "\"b\";r=1")];
    assert_eq!(read(200, &bytes, "").shown(), None);
    // Malformed as a whole: what stands beside it is not listened to either.
    for malformed in [
        "\"key\";r=5, \"ip",
        "\"key\";r=-5",
        "\"key\";r=5 \"ip\";r=6",
        "\"key\";r=1000000000000000",
        "\"key\";R=5",
        "(\"key\");r=5",
        "\"key\";r=\"5\"",
        "r=5;;",
        ",",
    ] {
        assert_eq!(read(200, &[("RateLimit", malformed)], "").shown(), None, "{malformed}");
    }
    // The same value twice is one; two values are none.
    let twice = [("X-RateLimit-Remaining", "5"), ("x-ratelimit-remaining", " 5 ")];
    assert_eq!(read(200, &twice, "").shown().map(|shown| shown.remaining), Some(5));
    let clash = [("X-RateLimit-Remaining", "5"), ("x-ratelimit-remaining", "6")];
    assert_eq!(read(200, &clash, "").shown(), None);
    // Clients that join the lines of a field by commas read the same.
    let joined = [("X-RateLimit-Remaining", "5, 5")];
    assert_eq!(read(200, &joined, "").shown(), read(200, &twice, "").shown());
    assert_eq!(read(200, &[("X-RateLimit-Remaining", "5, 6")], "").shown(), None);
    assert_eq!(read(429, &[("Retry-After", "7,7")], "").retry_after_ns(), Some(7 * SECOND));
}

#[test]
fn a_reset_is_unix_time_or_a_wait_and_the_servers_clock_counts() {
    let reset = |value: &str, date: &str| {
        let headers =
            [("X-RateLimit-Remaining", "5"), ("X-RateLimit-Reset", value), ("Date", date)];
        read(200, &headers, "").shown().unwrap().reset_after_ns.map(|wait| wait / SECOND)
    };
    assert_eq!(reset("30", ""), Some(30));
    assert_eq!(reset("1794000030", ""), Some(30));
    assert_eq!(reset("1793999990", ""), Some(0));
    // Neither a time in reach nor a wait that any window lasts.
    assert_eq!(reset("999999999", ""), None);
    assert_eq!(reset("1894000030", ""), None);
    // The server is an hour ahead and says so.
    let hour_on = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(1_794_003_600));
    assert_eq!(reset("1794003630", &hour_on), Some(30));
    // A second apart, the client's own clock is the finer one.
    let second_on = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(1_794_000_001));
    assert_eq!(reset("1794000030", &second_on), Some(30));
}

#[test]
fn a_year_of_two_digits_is_at_most_50_years_ahead_and_what_is_no_date_is_ignored() {
    // The present of these tests is in 2026.
    let wait = |date: &str| read(429, &[("Retry-After", date)], "").retry_after_ns();
    assert_eq!(wait("Sunday, 06-Nov-94 08:49:37 GMT"), Some(0));
    assert_eq!(wait("Saturday, 01-Jan-77 00:00:00 GMT"), Some(0));
    let years = wait("Wednesday, 01-Jan-76 00:00:00 GMT").unwrap() / (365 * 86_400 * SECOND);
    assert_eq!(years, 49);
    for date in [
        "Sun, 30 Feb 2031 00:00:00 GMT",
        "Sat, 29 Feb 2031 00:00:00 GMT",
        "Thu, 31 Apr 2031 00:00:00 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 24:00:00 GMT",
        "Sunday, 06-Nov-94 23:60:00 GMT",
        "Sunday, 06-Nov-94 23:59:61 GMT",
        "Sunday",
        "Sun",
        "",
    ] {
        assert_eq!(wait(date), None, "{date}");
    }
    assert!(wait("Sun, 29 Feb 2032 23:59:60 GMT").is_some());
}

#[test]
fn a_wait_of_any_number_of_digits_counts_and_the_longest_is_the_longest() {
    let in_header = |value: &str| read(503, &[("Retry-After", value)], "").retry_after_ns();
    let in_body = |value: &str| {
        let body = format!(r#"{{"error":{{"details":{{"retry_after_seconds":{value}}}}}}}"#);
        read(429, &[], &body).retry_after_ns()
    };
    let longest = Some(u64::MAX);
    for digits in ["18446744074", "1000000000000000", &u64::MAX.to_string(), &"9".repeat(400)] {
        assert_eq!((in_header(digits), in_body(digits)), (longest, longest), "{digits}");
    }
    let padded = format!("{}7", "0".repeat(400));
    assert_eq!((in_header(&padded), in_body(&padded)), (Some(7 * SECOND), Some(7 * SECOND)));
    for malformed in ["", "-1", "+1", "1e3", "1.5", "1 2", "\u{661}", "1000000000000000 s"] {
        assert_eq!(in_header(malformed), None, "{malformed}");
    }
    // JSON has other forms of a number, which its writers choose by size.
    let seconds = |value: &str| in_body(value).map(|wait_ns| wait_ns / SECOND);
    for (value, expected) in [
        ("5e-05", 1),
        ("0e-05", 0),
        ("0.0E+999999999999999999999", 0),
        ("1.25e1", 13),
        ("1.25E+2", 125),
        ("1.25e+03", 1_250),
        ("1250e-2", 13),
        ("1200e-2", 12),
        ("7e-99999999999999999999", 1),
    ] {
        assert_eq!(seconds(value), Some(expected), "{value}");
    }
    assert_eq!((in_body("1e+21"), in_body("1e99999999999999999999")), (longest, longest));
    for malformed in ["-1", "-1e3", "1.", "1e", "1e+", "1e+-2", "1e2.5", "1.e2", "1-2"] {
        assert_eq!(in_body(malformed), None, "{malformed}");
    }
}

#[test]
fn only_structured_fields_end_at_fifteen_digits() {
    let shown = |headers: &[(&str, &str)]| read(200, headers, "").shown();
    let (most, sixteen) = ("999999999999999", "1000000000000000");
    let x = shown(&[("X-RateLimit-Limit", &"9".repeat(30)), ("X-RateLimit-Remaining", sixteen)]);
    let x = x.unwrap();
    assert_eq!((x.limit, x.remaining), (Some(u64::MAX), 1_000_000_000_000_000));
    let reset = shown(&[("X-RateLimit-Remaining", "5"), ("X-RateLimit-Reset", &"9".repeat(30))]);
    assert_eq!(reset.map(|shown| (shown.remaining, shown.reset_after_ns)), Some((5, None)));
    let running = [("X-Concurrency-Limit", sixteen), ("X-Concurrency-Running", "3")];
    let expected = InFlight { limit: 1_000_000_000_000_000, running: 3 };
    assert_eq!(read(200, &running, "").in_flight(), Some(expected));

    let draft_6 = |limit: &str, remaining: &str| {
        shown(&[("RateLimit-Limit", limit), ("RateLimit-Remaining", remaining)])
            .map(|shown| (shown.limit, shown.remaining))
    };
    assert_eq!(draft_6(most, most), Some((Some(999_999_999_999_999), 999_999_999_999_999)));
    assert_eq!(draft_6(sixteen, "5"), Some((None, 5)));
    assert_eq!(draft_6("5", sixteen), None);
    let listed = |list: &str| shown(&[("RateLimit", list)]).map(|shown| shown.remaining);
    assert_eq!(listed(&format!("\"a\";r={most}")), Some(999_999_999_999_999));
    assert_eq!(listed(&format!("\"a\";r=5;x=@{most}")), Some(5));
    assert_eq!(listed("\"a\";r=5;x=999999999999.125"), Some(5));
    for malformed in [sixteen, "5;x=-1000000000000000", "5;x=@1000000000000000"] {
        assert_eq!(listed(&format!("\"a\";r={malformed}")), None, "{malformed}");
    }
    for malformed in ["0000000000001.5", "1.1234", "1."] {
        assert_eq!(listed(&format!("\"a\";r=5;x={malformed}")), None, "{malformed}");
    }
}

#[test]
fn values_that_say_nothing_of_the_limit_are_read_past_in_every_form_and_in_no_other() {
    let listed =
        |list: &str| read(200, &[("RateLimit", list)], "").shown().map(|shown| shown.remaining);
    for value in [
        "-1",
        "-1.5",
        "@-7",
        "?0",
        "?1",
        ":YQ==:",
        "a/B!#$%&'*+-.^_`|~:9",
        "\"a\\\"b\\\\c\"",
        "\"\"",
    ] {
        assert_eq!(listed(&format!("\"a\";r=5;  x={value};y")), Some(5), "{value}");
        assert_eq!(listed(&format!("\"a\";x={value};r=5 ,\t\"b\";r=6")), Some(5), "{value}");
    }
    for value in
        ["?2", "?", ":YQ==", "\"a\\b\"", "\"a", "\"a\u{1}\"", "\"\u{e9}\"", "(1 2)", "!a", "-", "@"]
    {
        assert_eq!(listed(&format!("\"a\";r=5;x={value}")), None, "{value}");
    }
    // A name may be a token as well as a string.
    assert_eq!(listed("a.b/c;r=5"), Some(5));
    assert_eq!(listed("a.b\\c;r=5"), None);

    let body = |before: &str| {
        let body =
            format!(r#"{{"flags":{before},"error":{{"details":{{"retry_after_seconds":12}}}}}}"#);
        read(429, &[], &body).retry_after_ns()
    };
    for before in
        ["true", "false", "null", "[]", "[true, [1, \"]\"], {}]", "{}", "-1.5e3", r#""a\"b\\""#]
    {
        assert_eq!(body(before), Some(12 * SECOND), "{before}");
    }
    for before in ["tru", "[1", "[1 2]", "[1,]", "\"a\nb\"", "'a'", "+1", "{1:2}", "{\"a\" 1}"] {
        assert_eq!(body(before), None, "{before}");
    }
}

#[test]
fn a_429_with_all_permits_in_use_and_no_wait_is_for_want_of_permits() {
    for (status, running, wait, expected) in [
        (429, "8", None, true),
        (429, "9", None, true),
        (429, "7", None, false),
        (429, "8", Some(("Retry-After", "1")), false),
        (503, "8", None, false),
        (200, "8", None, false),
    ] {
        let mut headers = vec![("X-Concurrency-Limit", "8"), ("X-Concurrency-Running", running)];
        headers.extend(wait);
        let found = read(status, &headers, "").concurrency_refused();
        assert_eq!(found, expected, "{status}, {running} of 8, {wait:?}");
    }
}

#[test]
fn of_several_rules_the_slowest_speaks_and_is_told_from_the_others_by_name() {
    let shown = |list: &str| read(200, &[("RateLimit", list)], "").shown().unwrap();
    for (list, remaining) in [
        ("\"a\";r=10;t=10, \"b\";r=9;t=10", 9),
        ("\"a\";r=9;t=10, \"b\";r=10;t=10", 9),
        ("\"a\";r=9;t=10, \"b\";r=10;t=30", 10),
        ("\"a\";r=9;t=0, \"b\";r=10;t=1", 9),
        // Without a time, it holds until told otherwise.
        ("\"a\";r=9;t=99, \"b\";r=10", 10),
    ] {
        assert_eq!(shown(list).remaining, remaining, "{list}");
    }
    // Of two alike the first.
    let [a, b] = ["\"a\";r=9;t=10", "\"b\";r=9;t=10"].map(|list| shown(list).policy);
    assert_eq!(shown("\"a\";r=9;t=10, \"b\";r=9;t=10").policy, a);
    let [ab, ba] = ["\"ab\";r=9", "\"ba\";r=9"].map(|list| shown(list).policy);
    let mut names = vec![0, a, b, ab, ba];
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 5, "every name is another policy, and no name is none");
}

#[test]
fn a_wait_counts_up_to_366_days_and_a_clock_up_to_two_seconds_off_is_ones_own() {
    let longest = 366 * 86_400;
    let fields = |reset: u64| {
        let reset = reset.to_string();
        read(200, &[("X-RateLimit-Remaining", "5"), ("X-RateLimit-Reset", &reset)], "").shown()
    };
    let list = |t: u64| read(200, &[("RateLimit", &format!("\"a\";r=5;t={t}"))], "").shown();
    let body = |wait: u64| {
        let body = r#"{"error":{"details":{"limit":60,"window":"1m"}}}"#;
        read(429, &[("Retry-After", &wait.to_string())], body).shown()
    };
    for (wait, expected) in [(longest, Some(longest * SECOND)), (longest + 1, None)] {
        for shown in [fields(wait), list(wait), body(wait)] {
            assert_eq!(shown.unwrap().reset_after_ns, expected, "{wait}");
        }
    }
    let ahead = |seconds: u64| {
        let date = UNIX_EPOCH + Duration::from_secs(1_794_000_000 + seconds);
        let date = httpdate::fmt_http_date(date);
        let headers =
            [("X-RateLimit-Remaining", "5"), ("X-RateLimit-Reset", "1794000030"), ("Date", &date)];
        read(200, &headers, "").shown().unwrap().reset_after_ns
    };
    assert_eq!([0, 2, 3].map(ahead), [30, 30, 27].map(|seconds| Some(seconds * SECOND)));
}
