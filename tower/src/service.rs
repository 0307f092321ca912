//! The service that holds requests to a contract before another one answers them.

use core::fmt;
use core::mem;
use core::task::{Context, Poll};
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
                // The one that has been called before stays with this request, which asks it
                // whether it is ready; the next request gets the clone.
                let clone = self.inner.clone();
                let inner = mem::replace(&mut self.inner, clone);
                ResponseFuture::passed(inner, Request::from_parts(parts, body), passage)
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
