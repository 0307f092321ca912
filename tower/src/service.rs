//! The service that holds requests to a contract before another one answers them.

use core::fmt;
use core::mem;
use core::task::{Context, Poll, Waker};
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use ratecell::{Clock, SystemClock};
use tower_service::Service;

use crate::admission::{self, Admission};
use crate::body::GuardedBody;
use crate::layer::Watch;
use crate::response_future::ResponseFuture;

/// Holds requests to a contract, and passes on to `S` those that are within it.
///
/// Made by a [`GuardLayer`](crate::GuardLayer). It is ready at any time: a refusal neither waits
/// for the inner service nor asks whether that is ready, so a service that is overloaded still
/// refuses at once. A request that passes waits for the inner service, with what it holds.
pub struct GuardService<S, C = SystemClock> {
    inner: S,
    watch: Arc<Watch<C>>,
}

impl<S, C> GuardService<S, C> {
    pub(crate) const fn new(inner: S, watch: Arc<Watch<C>>) -> Self {
        Self { inner, watch }
    }
}

impl<S, C, B, R> Service<Request<B>> for GuardService<S, C>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    C: Clock + Send + Sync + 'static,
    R: Body,
    R::Data: From<Bytes>,
{
    type Response = Response<GuardedBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        match admission::decide(&self.watch, &mut parts) {
            Admission::Refused(refusal) => ResponseFuture::refused(refusal),
            Admission::Passed(passage) => {
                let request = Request::from_parts(parts, body);
                // Most services are ready at any time, and need no clone for each request then. One
                // that is not is asked again by the future, with a waker that it can wake.
                match self.inner.poll_ready(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(Ok(())) => {
                        ResponseFuture::served(self.inner.call(request), passage)
                    }
                    Poll::Ready(Err(error)) => ResponseFuture::failed(error),
                    Poll::Pending => {
                        // The one that has been asked goes with the request; the next one gets the
                        // clone.
                        let clone = self.inner.clone();
                        let inner = mem::replace(&mut self.inner, clone);
                        ResponseFuture::waiting(inner, request, passage)
                    }
                }
            }
        }
    }
}

impl<S: Clone, C> Clone for GuardService<S, C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), watch: Arc::clone(&self.watch) }
    }
}

impl<S: fmt::Debug, C> fmt::Debug for GuardService<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardService")
            .field("inner", &self.inner)
            .field("stage", &self.watch.stage)
            .finish_non_exhaustive()
    }
}
