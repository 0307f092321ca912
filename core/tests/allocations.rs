//! What is said to allocate nothing, counted by the allocator.

use std::fmt::Write as _;
use std::hint::black_box;

use allocation_counter::measure;
use heapless::String;
use ratecell::http::{HeaderStyle, Report};
use ratecell::pacing::Reading;
use ratecell::{Key, Limiter, ManualClock, Plan, WhenFull};

/// Every kind of rule, over two dimensions.
const PLAN: &str =
    "ip: fixed 3/min by ip; key: sliding 3/min; burst: 3/min; inflight: concurrency 3";

fn keys(number: u64) -> [(&'static str, Key<'static>); 2] {
    [("ip", number.into()), ("key", number.into())]
}

/// Runs `call` for keys that are new, known, refused and without a slot.
#[track_caller]
fn allocates_nothing(what: &str, mut call: impl FnMut(u64)) {
    let info = measure(|| {
        for number in (0..40).chain(0..40) {
            call(number);
        }
    });
    assert_eq!((info.count_total, info.bytes_total), (0, 0), "{what}");
}

#[test]
fn the_counter_sees_an_allocation() {
    assert_eq!(measure(|| drop(black_box(Box::new(1_u8)))).count_total, 1);
}

#[test]
fn no_call_of_a_limiter_allocates_once_it_is_made() {
    for when_full in [WhenFull::Deny, WhenFull::Allow] {
        let clock = ManualClock::new(0);
        let limiter = Limiter::builder(PLAN).capacity(8).when_full(when_full).clock(&clock);
        let limiter = limiter.build().unwrap();
        let others: Plan = PLAN.replace('3', "9").parse().unwrap();
        for round in 0..3 {
            clock.advance(round * 25_000_000_000);
            allocates_nothing("acquire", |number| {
                let _ = limiter.acquire_keys(&keys(number), 1).unwrap();
            });
            allocates_nothing("acquire_with", |number| {
                let _ = limiter.acquire_with(&others, &keys(number), 1).unwrap();
            });
            allocates_nothing("peek", |number| {
                let _ = limiter.peek(&keys(number), 1).unwrap();
            });
            allocates_nothing("hold", |number| drop(limiter.hold(&keys(number), 1).unwrap()));
            allocates_nothing("release", |number| {
                let _ = limiter.release(&keys(number), 1);
            });
            allocates_nothing("reset", |number| limiter.reset(&keys(number % 3)).unwrap());
            allocates_nothing("stats", |_| assert_eq!(limiter.stats().count(), 4));
        }
    }
}

#[test]
fn no_writer_of_header_fields_or_bodies_allocates() {
    let clock = ManualClock::new(0);
    let limiter = Limiter::builder(PLAN).capacity(8).clock(&clock).build().unwrap();
    let styles = [
        HeaderStyle::X_RATELIMIT | HeaderStyle::RETRY_AFTER | HeaderStyle::X_CONCURRENCY,
        HeaderStyle::DRAFT_6 | HeaderStyle::DRAFT_11,
        HeaderStyle::DRAFT_7,
    ];
    allocates_nothing("fields, bodies and sentences", |number| {
        let decision = limiter.acquire_keys(&keys(number), 1).unwrap();
        let mut text = String::<1024>::new();
        for header in styles.iter().flat_map(|style| decision.headers(*style, 0)) {
            write!(text, "{}: {}", header.name(), header.value()).unwrap();
        }
        write!(text, "{} {decision}", Report::new(&decision).problem()).unwrap();
    });
}

#[test]
fn no_reader_of_responses_allocates() {
    allocates_nothing("a reading", |number| {
        let fields = [
            ("Retry-After", b"7".as_slice()),
            ("RateLimit", b"\"key\";r=1;t=60, \"ip\";r=0;t=5"),
            ("X-RateLimit-Reset", b"1767225600"),
        ];
        let body = br#"{"error":{"retry_after_seconds":7}}"#;
        black_box(Reading::of(number, 429, fields, body));
    });
}
