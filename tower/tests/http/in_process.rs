//! What a connection cannot show: services that are not ready, futures that are kept or dropped,
//! panics that somebody catches.

use core::convert::Infallible;
use core::future::{Future, Ready, pending, ready};
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::{Context, Poll, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Empty, Full};
use ratecell::ManualClock;
use ratecell_contract::Contract;
use ratecell_tower::{GuardLayer, Held};
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

use crate::api::{TestClock, guard_builder};

type TestRequest = Request<Empty<Bytes>>;
type TestAnswer = Result<Response<Full<Bytes>>, Infallible>;

/// One request in flight for all.
fn one_in_flight() -> GuardLayer<TestClock> {
    let contract = r#"
        name = "one"
        [[rule]]
        name = "inflight"
        limit = "concurrency 1"
        by = "ip"
    "#;
    let clock = Arc::new(ManualClock::new(0));
    let guard = guard_builder(Contract::parse(contract).unwrap(), &clock).build();
    GuardLayer::whole(&Arc::new(guard.unwrap()))
}

fn request() -> TestRequest {
    Request::new(Empty::new())
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Whether the only permit is there.
async fn is_free(layer: &GuardLayer<TestClock>) -> bool {
    let handler = service_fn(|_: TestRequest| ready(TestAnswer::Ok(Response::default())));
    layer.layer(handler).oneshot(request()).await.unwrap().status() == 200
}

#[tokio::test]
async fn a_future_that_is_dropped_gives_its_permit_back() {
    let layer = one_in_flight();
    let handler = service_fn(|_: TestRequest| pending::<TestAnswer>());
    let mut answer = Box::pin(layer.layer(handler).oneshot(request()));
    assert!(poll_once(answer.as_mut()).is_pending());
    assert!(!is_free(&layer).await);
    drop(answer);
    assert!(is_free(&layer).await);
}

#[tokio::test]
async fn a_handler_that_fails_gives_its_permit_back() {
    let layer = one_in_flight();
    let handler = service_fn(|_: TestRequest| ready(Err::<Response<Full<Bytes>>, _>("failed")));
    assert_eq!(layer.layer(handler).oneshot(request()).await.unwrap_err(), "failed");
    assert!(is_free(&layer).await);
}

#[tokio::test]
async fn a_panic_gives_the_permit_back_even_if_the_future_is_kept() {
    async fn panics() -> TestAnswer {
        tokio::task::yield_now().await;
        panic!("a handler that panics, as the test wants it");
    }
    let layer = one_in_flight();
    let mut answer =
        Box::pin(layer.layer(service_fn(|_: TestRequest| panics())).oneshot(request()));
    assert!(poll_once(answer.as_mut()).is_pending());
    assert!(!is_free(&layer).await);
    let caught = catch_unwind(AssertUnwindSafe(|| poll_once(answer.as_mut())));
    assert!(caught.is_err());
    assert!(is_free(&layer).await);
    drop(answer);
    assert!(is_free(&layer).await, "it is given back once and not twice");
}

/// A body that fails or panics when it is read.
enum Broken {
    Fails,
    Panics,
}

impl Body for Broken {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        match *self {
            Self::Fails => Poll::Ready(Some(Err("broken"))),
            Self::Panics => panic!("a body that panics, as the test wants it"),
        }
    }
}

#[tokio::test]
async fn a_body_that_panics_gives_the_permit_back_even_if_it_is_kept() {
    let layer = one_in_flight();
    let handler =
        service_fn(|_: TestRequest| ready(Ok::<_, Infallible>(Response::new(Broken::Panics))));
    let mut body = layer.layer(handler).oneshot(request()).await.unwrap().into_body();
    assert!(!is_free(&layer).await);
    let caught = catch_unwind(AssertUnwindSafe(|| drop(poll_once(pin!(body.frame())))));
    assert!(caught.is_err());
    assert!(is_free(&layer).await);
    drop(body);
}

#[tokio::test]
async fn a_body_that_fails_gives_the_permit_back_and_passes_the_error_on() {
    let layer = one_in_flight();
    let handler =
        service_fn(|_: TestRequest| ready(Ok::<_, Infallible>(Response::new(Broken::Fails))));
    let mut body = layer.layer(handler).oneshot(request()).await.unwrap().into_body();
    assert!(!is_free(&layer).await);
    assert_eq!(body.frame().await.unwrap().unwrap_err(), "broken");
    assert!(is_free(&layer).await);
    drop(body);
}

/// A service that is never ready, and counts how often it is asked.
#[derive(Clone, Default)]
struct Overloaded {
    asked: Arc<AtomicU32>,
}

impl Service<TestRequest> for Overloaded {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<TestAnswer>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Poll::Pending
    }

    fn call(&mut self, _: TestRequest) -> Self::Future {
        panic!("called though it was not ready");
    }
}

#[tokio::test]
async fn a_refusal_neither_waits_for_the_inner_service_nor_asks_it() {
    let layer = one_in_flight();
    let inner = Overloaded::default();
    let mut service = layer.layer(inner.clone());
    let mut first = Box::pin(service.ready().await.unwrap().call(request()));
    assert!(poll_once(first.as_mut()).is_pending());
    let asked = inner.asked.load(Ordering::Relaxed);
    assert!(asked > 0);
    let second = service.ready().await.unwrap().call(request()).await.unwrap();
    assert_eq!(second.status(), 429);
    assert_eq!(inner.asked.load(Ordering::Relaxed), asked);
    // The one that waits for the inner service holds its permit until it gives up.
    drop(first);
    assert!(is_free(&layer).await);
}

/// A service that is ready when it has been asked a few times, and then fails or answers.
#[derive(Clone)]
struct Hesitant {
    asked: u32,
    works: bool,
}

impl Service<TestRequest> for Hesitant {
    type Response = Response<Full<Bytes>>;
    type Error = &'static str;
    type Future = Ready<Result<Self::Response, &'static str>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        if self.asked < 3 {
            self.asked += 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(if self.works { Ok(()) } else { Err("closed") })
    }

    fn call(&mut self, _: TestRequest) -> Self::Future {
        assert_eq!(self.asked, 3, "called though it was not ready");
        ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn a_request_that_passes_waits_until_the_inner_service_is_ready_or_fails() {
    for asked in [0, 3] {
        let layer = one_in_flight();
        let answer = layer.layer(Hesitant { asked, works: true }).oneshot(request()).await;
        assert_eq!(answer.unwrap().status(), 200);
        let answer = layer.layer(Hesitant { asked, works: false }).oneshot(request()).await;
        assert_eq!(answer.unwrap_err(), "closed");
        assert!(is_free(&layer).await);
    }
}

/// A handler that gives away what it holds, as one does that starts a task or a websocket.
fn gives_away(mut request: TestRequest) -> Ready<Result<Response<Full<Bytes>>, Infallible>> {
    let held = request.extensions_mut().remove::<Held>().expect("a concurrency rule applies");
    let mut response = Response::new(Full::default());
    response.extensions_mut().insert(held);
    ready(Ok(response))
}

#[tokio::test]
async fn a_handler_that_outlives_its_response_keeps_what_all_layers_hold() {
    let (outer, inner) = (one_in_flight(), one_in_flight());
    let service = outer.layer(inner.layer(service_fn(gives_away)));
    let mut response = service.oneshot(request()).await.unwrap();
    let held = response.extensions_mut().remove::<Held>();
    drop(response);
    assert!(!is_free(&outer).await && !is_free(&inner).await);
    drop(held);
    assert!(is_free(&outer).await && is_free(&inner).await);
}

#[tokio::test]
async fn an_answer_that_is_polled_again_stays_pending() {
    let layer = one_in_flight();
    let mut answer = pin!(layer.layer(service_fn(gives_away)).call(request()));
    assert!(poll_once(answer.as_mut()).is_ready());
    assert!(poll_once(answer.as_mut()).is_pending());
}
