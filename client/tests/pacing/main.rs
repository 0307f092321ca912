//! The middleware, on tokio's paused time and against a provider without a network: what is sent
//! when, in which order, how often, and what the caller gets.

mod places;
mod provider;

use std::time::Duration;

use provider::{Provider, answer};
use ratecell_client::{Attempts, Backoff, BackoffSettings, LaneKey, Pacing, PacingError};
use ratecell_contract::Contract;
use reqwest::{Body, StatusCode};
use reqwest_middleware::{ClientWithMiddleware, Error};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const URL: &str = "http://api.example.com";
const QUICK: Duration = Duration::from_millis(10);

async fn get(client: &ClientWithMiddleware, path: &str) -> reqwest::Response {
    client.get(format!("{URL}{path}")).send().await.unwrap()
}

/// Starts a request on a task of its own, and lets it come as far as it can.
async fn start(client: &ClientWithMiddleware, requests: &mut JoinSet<u16>, path: &str) {
    let (client, path) = (client.clone(), path.to_owned());
    requests.spawn(async move { get(&client, &path).await.status().as_u16() });
    tokio::task::yield_now().await;
}

fn pacing_error(error: &Error) -> &PacingError {
    let Error::Middleware(error) = error else { panic!("{error}") };
    error.downcast_ref().unwrap()
}

#[tokio::test(start_paused = true)]
async fn told_a_plan_it_sends_at_its_share_of_the_rate_and_not_faster() {
    let provider = Provider::serving(QUICK);
    let client = provider.client(Pacing::builder().plan("60/min burst 1").sharers(2));
    for _ in 0..5 {
        get(&client, "/").await;
    }
    let times = provider.times_ms();
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= 2_000), "{times:?}");
    assert!(*times.last().unwrap() < 8_500, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_came_first_goes_first() {
    let provider = Provider::serving(QUICK);
    let client = provider.client(Pacing::builder().plan("1/s burst 1"));
    let mut requests = JoinSet::new();
    for path in ["/a", "/b", "/c", "/d", "/e"] {
        start(&client, &mut requests, path).await;
    }
    requests.join_all().await;
    assert_eq!(provider.paths(), ["/a", "/b", "/c", "/d", "/e"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_goes_before_all_that_came_after_it() {
    // Under the plan the others stand in line before it is refused; without one they are too late.
    let told = Pacing::builder().plan("1/4s burst 1");
    for (builder, wait) in [(Pacing::builder(), "2"), (told, "1")] {
        let provider = Provider::new(QUICK, move |number, _| match number {
            0 => answer(429, &[("retry-after", wait)], ""),
            _ => answer(200, &[], ""),
        });
        let client = provider.client(builder);
        let mut requests = JoinSet::new();
        for path in ["/a", "/b", "/c"] {
            start(&client, &mut requests, path).await;
            sleep(Duration::from_millis(100)).await;
        }
        requests.join_all().await;
        assert_eq!(provider.paths(), ["/a", "/a", "/b", "/c"], "{wait}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_obeyed_and_chance_comes_on_top() {
    for (draw, earliest_ms, latest_ms) in [(0, 7_000, 7_100), (u64::MAX, 7_900, 9_000)] {
        let provider = Provider::new(QUICK, |number, _| match number {
            0 => answer(429, &[("Retry-After", "7")], "refused"),
            _ => answer(200, &[], "served"),
        });
        let pacing = Pacing::builder().plan("10/s").random(move || draw).build().unwrap();
        let client = provider.client_of(pacing);
        let response = get(&client, "/").await;
        let attempts = *response.extensions().get::<Attempts>().unwrap();
        assert_eq!(attempts.sent(), 2);
        assert_eq!(response.text().await.unwrap(), "served");
        let waited_ms = provider.times_ms()[1];
        assert!((earliest_ms..latest_ms).contains(&waited_ms), "{draw}: {waited_ms}");
        assert_eq!(attempts.waited(), Duration::from_millis(waited_ms as u64) - QUICK);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_stands_in_the_body_alone_is_obeyed() {
    let body = r#"{"error":{"code":"rate_limited","details":{"retry_after_seconds":12}}}"#;
    let provider = Provider::new(QUICK, move |number, _| match number {
        0 => answer(429, &[], body),
        _ => answer(200, &[], ""),
    });
    get(&provider.client(Pacing::builder()), "/").await;
    let waited_ms = provider.times_ms()[1];
    assert!((12_000..14_000).contains(&waited_ms), "{waited_ms}");
}

#[tokio::test(start_paused = true)]
async fn without_a_wait_it_backs_off_by_1_2_and_4_seconds_and_gives_the_refusal_back() {
    // Longer than what is read ahead, so that the caller's body is pieced together.
    let long = "refused ".repeat(10_000);
    let sent = long.clone();
    let provider = Provider::new(QUICK, move |_, _| answer(429, &[("x-kept", "1")], &sent));
    let response = get(&provider.client(Pacing::builder()), "/a").await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["x-kept"], "1");
    assert_eq!(response.extensions().get::<Attempts>().unwrap().sent(), 4);
    assert!(response.text().await.unwrap() == long);
    let times = provider.times_ms();
    let waits: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (wait, least) in waits.iter().zip([1_000, 2_000, 4_000]) {
        assert!((least..least + 500).contains(wait), "{waits:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_copied_is_sent_once() {
    let provider = Provider::new(QUICK, |_, _| answer(429, &[("retry-after", "1")], ""));
    let client = provider.client(Pacing::builder());
    let stream = Body::wrap(http_body_util::Full::new(bytes::Bytes::from_static(b"1")));
    let response = client.post(URL).body(stream).send().await.unwrap();
    assert_eq!((response.status().as_u16(), provider.times_ms().len()), (429, 1));

    let response = client.post(URL).body("2").send().await.unwrap();
    assert_eq!((response.status().as_u16(), provider.times_ms().len()), (429, 5));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_leaves_the_line() {
    let provider = Provider::serving(QUICK);
    let client = provider.client(Pacing::builder().plan("1/s burst 1"));
    let mut first = JoinSet::new();
    start(&client, &mut first, "/a").await;
    let mut given_up = JoinSet::new();
    start(&client, &mut given_up, "/b").await;
    let mut last = JoinSet::new();
    start(&client, &mut last, "/c").await;
    sleep(QUICK * 2).await;
    drop(given_up);
    first.join_all().await;
    last.join_all().await;
    assert_eq!(provider.paths(), ["/a", "/c"]);
    assert!(provider.times_ms()[1] < 1_100);
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_is_told_at_once() {
    let provider = Provider::serving(QUICK);
    let builder = Pacing::builder().plan("1/h").max_wait(Duration::from_secs(5));
    let client = provider.client(builder);
    get(&client, "/").await;
    let asked = Instant::now();
    let error = client.get(URL).send().await.unwrap_err();
    assert!(asked.elapsed() < QUICK);
    let PacingError::TooLong { lane, wait: Some(wait), .. } = pacing_error(&error) else {
        panic!("{error}")
    };
    assert_eq!(lane, URL);
    assert!(*wait > Duration::from_secs(5), "{error}");
    assert_eq!(provider.times_ms().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_waits_behind_others_gives_up_when_its_time_is_over() {
    let provider = Provider::serving(QUICK);
    let builder = Pacing::builder().plan("1/4s burst 1").max_wait(Duration::from_secs(6));
    let client = provider.client(builder);
    let mut requests = JoinSet::new();
    for _ in 0..4 {
        let client = client.clone();
        requests.spawn(async move { client.get(URL).send().await.map(drop) });
    }
    let ended = requests.join_all().await;
    let errors: Vec<_> = ended.iter().filter_map(|ended| ended.as_ref().err()).collect();
    assert_eq!(errors.len(), 2);
    for error in errors {
        assert!(matches!(pacing_error(error), PacingError::TooLong { .. }), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_attempt_takes_on_the_network_is_no_wait() {
    let slow = Duration::from_secs(100);
    let refused = |number, _: &reqwest::Request| match number {
        0..2 => answer(429, &[("retry-after", "2")], ""),
        _ => answer(200, &[], ""),
    };
    for (max_wait, status) in [(30, 200), (3, 429)] {
        let provider = Provider::new(slow, refused);
        let builder = Pacing::builder().max_wait(Duration::from_secs(max_wait));
        let response = get(&provider.client(builder), "/").await;
        assert_eq!(response.status().as_u16(), status);
        let waited = response.extensions().get::<Attempts>().unwrap().waited();
        assert!(waited <= Duration::from_secs(max_wait), "{waited:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn callers_have_paces_of_their_own() {
    let provider = Provider::serving(QUICK);
    let client = provider.client(Pacing::builder().plan("1/min burst 1"));
    for key in ["Bearer a", "Bearer b", "Basic c"] {
        client.get(URL).header("authorization", key).send().await.unwrap();
    }
    for key in ["a", "b"] {
        client.get(URL).header("x-api-key", key).send().await.unwrap();
    }
    client.get("http://other.example.com").send().await.unwrap();
    assert!(*provider.times_ms().last().unwrap() < 1_000);
    client.get(URL).header("authorization", "Bearer a").send().await.unwrap();
    assert!(*provider.times_ms().last().unwrap() >= 60_000);
}

#[tokio::test(start_paused = true)]
async fn a_caller_too_many_is_an_error_until_another_has_come_to_rest() {
    let provider = Provider::serving(QUICK);
    let by_path = |request: &reqwest::Request| LaneKey::new(request.url().path());
    let client = provider.client(Pacing::builder().lane_by(by_path).max_callers(2));
    for path in ["/a", "/b", "/a"] {
        get(&client, path).await;
    }
    let error = client.get(format!("{URL}/c")).send().await.unwrap_err();
    let expected = PacingError::TooManyCallers { caller: "/c".into(), max_callers: 2 };
    assert_eq!(pacing_error(&error), &expected);
    sleep(Duration::from_secs(3_600)).await;
    get(&client, "/c").await;
}

#[tokio::test(start_paused = true)]
async fn requests_in_flight_are_kept_to_the_cap_that_answers_show() {
    let show = |_, _: &reqwest::Request| {
        answer(200, &[("x-concurrency-limit", "2"), ("x-concurrency-running", "0")], "")
    };
    let provider = Provider::new(Duration::from_secs(1), show);
    let client = provider.client(Pacing::builder());
    get(&client, "/").await;
    let mut requests = JoinSet::new();
    for _ in 0..40 {
        start(&client, &mut requests, "/").await;
    }
    requests.join_all().await;
    let times = provider.times_ms();
    let together = |at: &u128| times.iter().filter(|other| other.abs_diff(*at) < 500).count();
    assert!(times.iter().all(|at| together(at) <= 2), "{times:?}");
    assert!(times[20..].iter().any(|at| together(at) == 2), "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_in_flight_gives_its_place_back() {
    let provider = Provider::serving(Duration::from_secs(3_600));
    let client = provider.client(Pacing::builder().plan("concurrency 1"));
    for _ in 0..3 {
        assert!(timeout(Duration::from_secs(5), get(&client, "/")).await.is_err());
    }
    assert_eq!(provider.times_ms().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_in_flight_until_its_body_has_ended_or_is_dropped() {
    let provider = Provider::serving(QUICK);
    let client = provider.client(Pacing::builder().plan("concurrency 1"));
    for is_read in [true, false] {
        let unread = get(&client, "/").await;
        let sent = provider.times_ms().len();
        let second = Duration::from_secs(1);
        assert!(timeout(second, get(&client, "/")).await.is_err());
        assert_eq!(provider.times_ms().len(), sent);
        if is_read {
            assert_eq!(unread.text().await.unwrap(), "ok");
        } else {
            drop(unread);
        }
        timeout(second, get(&client, "/")).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn one_early_refusal_does_not_slow_a_lonely_client_down_for_long() {
    let provider = Provider::new(QUICK, |number, _| match number {
        0 => answer(429, &[("retry-after", "2")], ""),
        _ => answer(200, &[], ""),
    });
    let client = provider.client(Pacing::builder());
    for _ in 0..600 {
        get(&client, "/").await;
    }
    let times = provider.times_ms();
    assert!(times[1] < 5_000, "{}", times[1]);
    assert!(*times.last().unwrap() < 40 * 60_000, "{}", times.last().unwrap());
}

#[tokio::test(start_paused = true)]
async fn under_a_contract_reads_do_not_wait_for_writes() {
    let contract: Contract = include_str!("../../../contracts/productlane.toml").parse().unwrap();
    let provider = Provider::serving(QUICK);
    let client = provider.client(Pacing::builder().contract(contract));
    for _ in 0..2 {
        client.post(URL).send().await.unwrap();
        client.get(URL).send().await.unwrap();
    }
    let times = provider.times_ms();
    assert!(times[2] - times[0] >= 1_000, "writes: {times:?}");
    assert!(times[3] - times[2] < 100, "reads: {times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_response_keeps_its_address_and_its_extensions() {
    #[derive(Clone, Debug, PartialEq)]
    struct Kept;
    let provider = Provider::new(QUICK, |_, request| {
        let url =
            reqwest::ResponseBuilderExt::url(http::Response::builder(), request.url().clone());
        url.status(429).extension(Kept).body(Body::from("whole")).unwrap()
    });
    let settings = BackoffSettings { retries: 1, ..BackoffSettings::DEFAULT };
    let builder = Pacing::builder().backoff(Backoff::new(settings).unwrap());
    let response = get(&provider.client(builder), "/where").await;
    assert_eq!(response.url().path(), "/where");
    assert_eq!(response.extensions().get(), Some(&Kept));
    assert_eq!(response.text().await.unwrap(), "whole");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_no_rule_is_for_is_sent_at_once() {
    let contract = r#"
        name = "few"
        [[rule]]
        name = "imports"
        limit = "1/h"
        paths = ["/imports"]
        by = "bearer"
    "#;
    let provider = Provider::serving(QUICK);
    let client = provider.client(Pacing::builder().contract(contract.parse().unwrap()));
    for _ in 0..20 {
        get(&client, "/other").await;
    }
    assert!(*provider.times_ms().last().unwrap() < 1_000);
}

#[tokio::test]
async fn what_cannot_be_built_says_what_is_accepted() {
    let error = |builder: ratecell_client::PacingBuilder| builder.build().unwrap_err().to_string();
    assert!(error(Pacing::builder().plan("600/fortnight")).starts_with("plan: "));
    let zero = error(Pacing::builder().sharers(0));
    assert_eq!(zero, "sharers: found 0, accepted are 1 and more");
    let zero = error(Pacing::builder().max_callers(0));
    assert_eq!(zero, "max_callers: found 0, accepted are 1 and more");
}
