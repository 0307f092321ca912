//! Calls of a service in this thread, without a connection.

use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use cpu_time::ThreadTime;
use http::Request;
use http_body::Body as _;
use tower::Service as _;

use crate::entrant::{Entrant, PATH, PEER};

/// The CPU time of one request in nanoseconds, with what it takes to make and drop it.
pub fn ns_per_request(entrant: &Entrant, requests: u32) -> f64 {
    let mut app = entrant.app.clone().into_service::<Body>();
    let mut answer = || {
        let mut request = Request::get(PATH).body(Body::empty()).expect("a request");
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>(PEER));
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(response)) = pin!(app.call(request)).poll(&mut context) else {
            panic!("{} did not answer at once", entrant.name);
        };
        let status = response.status().as_u16();
        let mut body = pin!(response.into_body());
        while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
            drop(frame.expect("a frame"));
        }
        status
    };
    // An exhausted limiter has one unit, which the first request takes.
    answer();
    assert_eq!(answer(), entrant.status, "{}", entrant.name);
    let start = ThreadTime::now();
    for _ in 0..requests {
        answer();
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(requests)
}
