//! Laws of one pacer's waits, each worked out by hand from what it was told, shown and refused.
//!
//! How several of them share a key is in `pacing_closed_loop`, what holds for any responses in
//! `laws_pacing`.

use ratecell::Plan;
use ratecell::pacing::{Pacer, Reading};

const SECOND: u64 = 1_000_000_000;
const MILLI: u64 = 1_000_000;
/// A whole minute.
const NOW: u64 = 1_794_000_000 * SECOND;

const OK: &[(&str, &str)] = &[];

/// A client whose every answer comes at once and whose chance is a constant.
struct Client {
    pacer: Pacer,
    now_ns: u64,
    draw: u64,
}

impl Client {
    fn new() -> Self {
        Self { pacer: Pacer::new(), now_ns: NOW, draw: 0 }
    }

    fn told(plan: &str) -> Self {
        let plan: Plan = plan.parse().unwrap();
        Self { pacer: Pacer::told(&plan, 1, NOW, &mut || 0).unwrap(), ..Self::new() }
    }

    /// One request now: how long it is then to the next.
    fn meets(&mut self, status: u16, headers: &[(&str, &str)], body: &str) -> u64 {
        let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        let reading = Reading::of(self.now_ns, status, headers, body.as_bytes());
        let sent = self.pacer.sent(self.now_ns, &mut || 0);
        let draw = self.draw;
        let mut draws = [draw, 0].into_iter();
        let random = &mut || draws.next().unwrap_or(0);
        self.pacer.finished(sent, self.now_ns, &reading, random);
        self.pacer.wait_ns(self.now_ns)
    }

    /// The same, and then it waits for that long.
    fn goes_on(&mut self, status: u16, headers: &[(&str, &str)], body: &str) -> u64 {
        let wait_ns = self.meets(status, headers, body);
        self.now_ns += wait_ns;
        wait_ns
    }

    fn several(&mut self, times: usize, status: u16, body: &str) -> Vec<u64> {
        (0..times).map(|_| self.goes_on(status, OK, body)).collect()
    }
}

/// What a response of a limit with `remaining` left and so many seconds to its reset shows.
fn shows(
    limit: &str,
    remaining: &str,
    reset: &str,
    meets: impl FnOnce(&[(&str, &str)]) -> u64,
) -> u64 {
    meets(&[
        ("X-RateLimit-Limit", limit),
        ("X-RateLimit-Remaining", remaining),
        ("X-RateLimit-Reset", reset),
    ])
}

#[test]
fn who_is_told_and_shown_nothing_starts_with_a_second_and_shortens_it_by_an_eighth() {
    let mut client = Client::new();
    // The second may follow at once: a client that is a little late makes up for one interval.
    assert_eq!(client.several(4, 200, ""), [0, 875 * MILLI, 765_625_000, 669_921_875]);
}

#[test]
fn with_a_third_of_the_permits_in_use_the_start_is_no_faster_and_with_half_of_them_slower() {
    for (running, expected) in [("2", 875), ("3", 1_000), ("4", 1_125)] {
        let mut client = Client::new();
        let shown = [("X-Concurrency-Limit", "6"), ("X-Concurrency-Running", running)];
        client.goes_on(200, &shown, "");
        assert_eq!(client.meets(200, &shown, ""), expected * MILLI, "{running} of 6");
    }
}

#[test]
fn waits_that_no_refusal_names_double_up_to_a_minute_and_chance_adds_as_much_again() {
    let mut client = Client::new();
    let seconds = [1, 2, 4, 8, 16, 30, 30];
    assert_eq!(client.several(7, 429, ""), seconds.map(|seconds| seconds * SECOND));
    // A success ends it: the next one begins anew, here with all that chance can add.
    client.goes_on(200, OK, "");
    client.now_ns += 600 * SECOND;
    client.draw = u64::MAX;
    assert_eq!(client.meets(429, OK, ""), 2 * SECOND);
}

#[test]
fn refusals_for_want_of_permits_begin_with_a_quarter_second_and_slow_the_start_down() {
    let body = r#"{"success":false,"error":"Concurrency limit exceeded","meta":{}}"#;
    let mut client = Client::new();
    client.several(30, 200, "");
    assert_eq!(client.several(2, 429, body), [250, 500].map(|ms| ms * MILLI));
    // A wait that is named does not make it shorter.
    assert_eq!(client.goes_on(429, &[("Retry-After", "0")], body), SECOND);
    // At least a tenth of a second, and twice that with each.
    assert_eq!(client.several(2, 200, ""), [400 * MILLI, 350 * MILLI]);
    // The longer one counts.
    let named = [("Retry-After", "7")];
    assert_eq!(client.goes_on(429, &named, body), 7 * SECOND);
}

#[test]
fn refusals_teach_by_what_passed_in_the_minute_before_and_no_less_than_four() {
    // The slow start is doubled where that is no evidence; 33/32 of a minute else.
    for (passed, expected) in
        [(2, 1_531_250_000), (3, 1_339_843_750), (4, 15_468_750_000), (6, 10_312_500_000)]
    {
        let mut client = Client::new();
        client.several(passed, 200, "");
        client.goes_on(429, &[("Retry-After", "1")], "");
        assert_eq!(client.goes_on(200, OK, ""), expected.max(SECOND), "{passed} had passed");
    }
    // What has been taught is slowed by a sixteenth at least; the calm minute has given a 16,384th
    // back.
    let mut client = Client::new();
    let mut refused = |passed, idle| {
        client.several(passed, 200, "");
        client.now_ns += idle;
        client.goes_on(429, &[("Retry-After", "60")], "");
        client.goes_on(200, OK, "")
    };
    assert_eq!(refused(6, 0), 10_312_500_000);
    assert_eq!(refused(0, 0), 10_956_362_486);
    // And by as much again at most, however little has passed.
    let mut client = Client::new();
    client.several(20, 200, "");
    client.goes_on(429, &[("Retry-After", "1")], "");
    let taught = client.goes_on(200, OK, "");
    assert_eq!(taught, 3_093_750_000);
    client.now_ns += 300 * SECOND;
    client.goes_on(429, &[("Retry-After", "1")], "");
    let slower = client.goes_on(200, OK, "");
    assert!((2 * taught - 1_000_000..=2 * taught).contains(&slower), "{slower}");
}

#[test]
fn requests_that_were_under_way_together_are_refused_once() {
    let mut client = Client::told("gcra 60/min");
    assert_eq!(client.goes_on(200, OK, ""), SECOND);
    let headers = [("Retry-After", b"5".as_slice())];
    let refusal = Reading::of(NOW, 429, headers, b"");
    let random = &mut || 0;
    let sent = [(); 3].map(|()| client.pacer.sent(client.now_ns, random));
    client.now_ns += SECOND / 10;
    for sent in sent {
        client.pacer.finished(sent, client.now_ns, &refusal, random);
    }
    client.now_ns += client.pacer.wait_ns(client.now_ns);
    // By an eighth once, and by a 256th less with each eighth success.
    assert_eq!(client.several(7, 200, ""), [1_125 * MILLI; 7]);
    assert_eq!(client.several(2, 200, "").last(), Some(&(SECOND * 287 / 256)));
    // Another refusal is news, and sixteen times the interval the slowest.
    client.several(40, 429, "");
    client.several(1, 200, "");
    for _ in 0..40 {
        client.goes_on(429, &[("Retry-After", "1")], "");
    }
    assert_eq!(client.goes_on(200, OK, ""), 16 * SECOND);
}

#[test]
fn clients_started_together_begin_within_the_span_they_are_spread_over() {
    let spread = |draw: u64| {
        let pacer = Client::told("gcra 60/min").pacer;
        pacer.spread_over(10 * SECOND, NOW, &mut || draw)
    };
    assert_eq!(spread(0).wait_ns(NOW), 0);
    assert_eq!(spread(u64::MAX).wait_ns(NOW), 10 * SECOND);
    // It is still the pacer of its plan.
    let mut client = Client { pacer: spread(u64::MAX), now_ns: NOW + 10 * SECOND, draw: 0 };
    assert_eq!(client.meets(200, OK, ""), SECOND);
}

#[test]
fn of_two_fixed_rules_the_slower_is_the_window_and_the_other_still_holds() {
    for plan in ["fixed 60/min; fixed 70/min", "fixed 70/min; fixed 60/min"] {
        let mut client = Client::told(plan);
        // A second, and a 256th of it.
        assert_eq!(client.meets(200, OK, ""), 1_003_906_250, "{plan}");
        let mut waits = Vec::new();
        for reset in ["10", "8", "7"] {
            waits.push(shows("60", "60", reset, |shown| client.goes_on(200, shown, "")));
        }
        // Two thirds of a second would do for the window, which has more left than time.
        let other = (60 * SECOND + 60 * SECOND / 256).div_ceil(70);
        assert_eq!(waits.last(), Some(&other), "{plan}: {waits:?}");
    }
}

/// A client that is told of the window it is half way through, and that all of it was left.
fn half_way() -> Client {
    let mut client = Client::told("fixed 100/min");
    shows("100", "100", "60", |shown| client.meets(200, shown, ""));
    client.now_ns += 30 * SECOND;
    client
}

#[test]
fn what_is_left_of_a_window_is_spread_evenly_over_the_rest_of_it() {
    for (remaining, millis) in
        [("50", 600), ("10", 3_000), ("1", 30_000), ("90", 400), ("0", 30_000)]
    {
        let mut client = half_way();
        let wait = shows("100", remaining, "30", |shown| client.meets(200, shown, ""));
        assert_eq!(wait, millis * MILLI, "{remaining} of 100 left");
    }
    // In the window after it, all is there again.
    let mut client = half_way();
    shows("100", "0", "30", |shown| client.goes_on(200, shown, ""));
    assert_eq!(client.goes_on(200, OK, ""), 600 * MILLI);
}

#[test]
fn a_refusal_with_units_left_tells_of_a_burst_limit_and_any_other_that_all_are_gone() {
    let refusal = ("Retry-After", "0");
    let mut client = half_way();
    let waits = [(); 5].map(|()| {
        shows("100", "90", "30", |shown| client.meets(429, &[shown, &[refusal]].concat(), ""))
    });
    // At first all together go half again as fast as the limit, at last no faster than it.
    assert_eq!(waits, [436_363_637, 480 * MILLI, 533_333_334, 600 * MILLI, 600 * MILLI]);

    assert_eq!(half_way().meets(429, &[refusal], ""), 30 * SECOND);
    let gone =
        shows("100", "0", "30", |shown| half_way().meets(429, &[shown, &[refusal]].concat(), ""));
    assert_eq!(gone, 30 * SECOND);
}

#[test]
fn a_limit_that_names_no_reset_is_taken_to_begin_anew_with_the_minute() {
    let mut client = Client::new();
    client.now_ns += 10 * SECOND;
    let used_up = [("X-RateLimit-Limit", "100"), ("X-RateLimit-Remaining", "0")];
    assert_eq!(client.meets(200, &used_up, ""), 50 * SECOND);
    // Far more is left than was: a window has begun since, and is taken to have begun just now.
    client.now_ns += 20 * SECOND;
    let full = [("X-RateLimit-Limit", "100"), ("X-RateLimit-Remaining", "99")];
    client.meets(200, &full, "");
    client.now_ns += SECOND;
    assert_eq!(client.meets(200, &used_up, ""), 59 * SECOND);
}

/// A reset that moves on before it is reached is that of a limit which slides or refills: it is
/// never waited for. One of sixteen, as who knows nothing is taken to be, has 33/512 of the limit.
#[test]
fn a_reset_that_moves_before_it_is_reached_is_no_windows_end() {
    for (remaining, expected) in [
        // Half is used, so the 30 seconds stand for half of a period, which is a minute: 15 s a
        // request, and half of that while plenty is left.
        ("32", 7_272_727_273),
        // 61 of 64 come back in 30 seconds; with 3 left, below a level of 5, it slows down.
        ("3", 12_717_337_309),
    ] {
        let mut client = Client::new();
        shows("64", "64", "30", |shown| client.meets(200, shown, ""));
        client.now_ns += 10 * SECOND;
        let wait = shows("64", remaining, "30", |shown| client.meets(200, shown, ""));
        assert_eq!(wait, expected, "{remaining} of 64 left");
    }
    // Rounded, or a little late, it is the same one.
    let mut client = Client::new();
    shows("64", "64", "30", |shown| client.meets(200, shown, ""));
    client.now_ns += 10 * SECOND;
    assert_eq!(shows("64", "0", "21", |shown| client.meets(200, shown, "")), 20 * SECOND);
}
