//! Services under the published contracts, on the loopback, with a clock that the test moves.

use core::net::SocketAddr;
use core::pin::Pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::{Context, Poll};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use bytes::Bytes;
use http_body::Frame;
use ratecell::ManualClock;
use ratecell_contract::{Contract, Guard, GuardBuilder};
use ratecell_tower::{Caller, GuardLayer};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tower_http::catch_panic::CatchPanicLayer;

use crate::loopback;

/// 2026-01-01T00:00:00Z, the start of a minute. Every test begins there.
pub(crate) const START_S: u64 = 1_767_225_600;

/// A second in nanoseconds.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// A clock that the test and the guard share.
pub(crate) type TestClock = Arc<ManualClock>;

/// Who a request is from; none if nobody knows its key.
pub(crate) type Authenticate = fn(&HeaderMap) -> Option<Caller>;

/// A service on the loopback.
pub(crate) struct Api {
    pub(crate) address: SocketAddr,
    pub(crate) clock: TestClock,
    pub(crate) works: Arc<Works>,
}

impl Api {
    /// Serves a contract of the folder `contracts/`, as its provider would: the rules before
    /// authentication, then authentication, then the others.
    pub(crate) async fn serve(contract: &str, authenticate: Authenticate) -> Self {
        let path = format!("{}/../contracts/{contract}.toml", env!("CARGO_MANIFEST_DIR"));
        Self::serve_contract(Contract::load(path).unwrap(), authenticate).await
    }

    /// Serves a contract that a test has written itself.
    pub(crate) async fn serve_text(contract: &str, authenticate: Authenticate) -> Self {
        Self::serve_contract(Contract::parse(contract).unwrap(), authenticate).await
    }

    async fn serve_contract(contract: Contract, authenticate: Authenticate) -> Self {
        let clock = Arc::new(ManualClock::new(START_S * SECOND));
        let guard = Arc::new(guard_builder(contract, &clock).build().unwrap());
        let (app, works) = routes();
        let app = app
            .layer(GuardLayer::after_auth(&guard))
            .layer(middleware::from_fn_with_state(authenticate, authenticated))
            .layer(GuardLayer::before_auth(&guard));
        Self { address: loopback::serve(app).await, clock, works }
    }

    pub(crate) async fn client(&self) -> loopback::Client {
        loopback::Client::connect(self.address).await
    }

    /// Moves the clock to so many seconds after the start.
    pub(crate) fn at(&self, seconds: u64) {
        self.clock.set((START_S + seconds) * SECOND);
    }
}

/// A builder on `clock` whose request ids are 1, 2, 3 and so on.
pub(crate) fn guard_builder(contract: Contract, clock: &TestClock) -> GuardBuilder<TestClock> {
    let number = AtomicU64::new(0);
    Guard::builder(contract)
        .clock(Arc::clone(clock))
        .request_numbers(move || u128::from(number.fetch_add(1, Ordering::Relaxed)) + 1)
}

async fn authenticated(
    State(authenticate): State<Authenticate>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(caller) = authenticate(request.headers()) else {
        return (StatusCode::UNAUTHORIZED, "who are you?").into_response();
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

/// What handlers tell the test, and wait for.
#[derive(Debug)]
pub(crate) struct Works {
    begun: (mpsc::UnboundedSender<()>, Mutex<mpsc::UnboundedReceiver<()>>),
    dropped: (mpsc::UnboundedSender<()>, Mutex<mpsc::UnboundedReceiver<()>>),
    may_end: Semaphore,
}

impl Works {
    fn new() -> Self {
        let channel = || {
            let (sender, receiver) = mpsc::unbounded_channel();
            (sender, Mutex::new(receiver))
        };
        Self { begun: channel(), dropped: channel(), may_end: Semaphore::new(0) }
    }

    /// Waits until a slow handler has begun.
    pub(crate) async fn begun(&self) {
        self.begun.1.lock().await.recv().await;
    }

    /// Waits until the work of a slow handler has been dropped, whether or not it had ended.
    pub(crate) async fn dropped(&self) {
        self.dropped.1.lock().await.recv().await;
    }

    /// Lets one slow handler, or one piece of a streamed body, go on.
    pub(crate) fn go_on(&self) {
        self.may_end.add_permits(1);
    }

    async fn wait(self: &Arc<Self>) {
        let _work = Work::begin(self);
        self.may_end.acquire().await.unwrap().forget();
    }
}

/// Work that tells when it begins and when it is dropped.
struct Work(Arc<Works>);

impl Work {
    fn begin(works: &Arc<Works>) -> Self {
        works.begun.0.send(()).unwrap();
        Self(Arc::clone(works))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // The test may be over by then.
        let _ = self.0.dropped.0.send(());
    }
}

/// The handlers of all four services.
pub(crate) fn routes() -> (Router, Arc<Works>) {
    let works = Arc::new(Works::new());
    let slow = |State(works): State<Arc<Works>>| async move {
        works.wait().await;
        r#"{"success":true}"#
    };
    let app = Router::new()
        .route("/domains/{name}", get(|Path(name): Path<String>| async move { name }))
        .route("/domains/import", post(slow))
        .route("/v1/items", any(|| async { r#"{"items":[]}"# }))
        .route("/v1/prefetch", get(|| async { r#"{"success":true}"# }))
        .route("/v1/slow", get(slow))
        .route("/v1/stream", get(stream))
        .route("/v1/empty", get(|| async { StatusCode::NO_CONTENT }))
        .route("/v1/panic", get(panics))
        .route("/v1/caught", get(panics).layer(CatchPanicLayer::new()))
        .with_state(Arc::clone(&works));
    (app, works)
}

async fn panics(State(works): State<Arc<Works>>) -> &'static str {
    let _work = Work::begin(&works);
    panic!("a handler that panics, as the test wants it");
}

/// Answers with three pieces, each when the test says so.
async fn stream(State(works): State<Arc<Works>>) -> Body {
    let (sender, receiver) = mpsc::channel(1);
    let work = Work::begin(&works);
    tokio::spawn(async move {
        for piece in ["one ", "two ", "three"] {
            works.may_end.acquire().await.unwrap().forget();
            if sender.send(Bytes::from(piece)).await.is_err() {
                return;
            }
        }
    });
    Body::new(Pieces { receiver, _work: work })
}

struct Pieces {
    receiver: mpsc::Receiver<Bytes>,
    _work: Work,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = core::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.receiver.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
