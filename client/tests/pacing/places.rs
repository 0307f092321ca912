//! Who keeps its place: in line, in flight and in memory.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use ratecell_client::{LaneKey, Pacing, PacingError};
use reqwest::Body;
use tokio::time::{Instant, sleep, timeout};

use super::provider::{Provider, answer};
use super::{QUICK, URL, get, pacing_error};

#[tokio::test(start_paused = true)]
async fn a_wait_as_long_as_the_longest_is_waited_and_no_longer_one() {
    for (most, is_sent) in [(4_000, true), (3_999, false)] {
        let provider = Provider::serving(Duration::ZERO);
        let builder = Pacing::builder().plan("1/4s burst 1");
        let client = provider.client(builder.max_wait(Duration::from_millis(most)));
        get(&client, "/").await;
        let asked = Instant::now();
        let second = client.get(URL).send().await;
        assert_eq!(second.is_ok(), is_sent, "{most} ms at most");
        if let Err(error) = second {
            let PacingError::TooLong { wait, .. } = pacing_error(&error) else { panic!("{error}") };
            assert_eq!(*wait, Some(Duration::from_secs(4)));
            assert!(asked.elapsed() < QUICK);
        }
    }
}

/// A body that does not say how long it is or that its last part is the last.
struct Parts(Vec<&'static str>);

impl http_body::Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(|part| Ok(Frame::data(part.into()))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_read_in_part_is_in_flight_and_one_read_to_its_end_is_not() {
    let provider = Provider::new(QUICK, |_, _| {
        http::Response::new(Body::wrap(Parts(vec!["end", "middle", "start"])))
    });
    let client = provider.client(Pacing::builder().plan("concurrency 1"));
    let second = Duration::from_secs(1);
    let mut response = get(&client, "/").await;
    for part in ["start", "middle", "end"] {
        assert_eq!(response.chunk().await.unwrap().unwrap(), part);
        assert!(timeout(second, get(&client, "/")).await.is_err(), "{part}");
    }
    assert_eq!(response.chunk().await.unwrap(), None);
    timeout(second, get(&client, "/")).await.unwrap();
    drop(response);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_is_told_to_wait_for_hours_is_not_forgotten_meanwhile() {
    let provider = Provider::new(QUICK, |number, _| match number {
        0 => answer(429, &[("retry-after", "7200")], ""),
        _ => answer(200, &[], ""),
    });
    let by_path = |request: &reqwest::Request| LaneKey::new(request.url().path());
    let client = provider.client(Pacing::builder().lane_by(by_path).max_callers(1));
    assert_eq!(get(&client, "/a").await.status(), 429);
    sleep(Duration::from_secs(3_600)).await;
    let error = client.get(format!("{URL}/b")).send().await.unwrap_err();
    assert!(matches!(pacing_error(&error), PacingError::TooManyCallers { .. }), "{error}");
    sleep(Duration::from_secs(3_700)).await;
    get(&client, "/b").await;
}
