//! The answer to a request while it is being made.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::GuardedBody;
use crate::passage::Passage;

pin_project! {
    /// The future of a [`GuardService`](crate::GuardService).
    ///
    /// Dropping it, as a timeout or a client that hangs up does, gives back what the request holds.
    /// So does a panic in it, while it unwinds. Polled again after it has answered, it stays pending.
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, S::Future, S::Error, B>,
        passage: Option<Passage>,
    }
}

pin_project! {
    #[project = StateProjection]
    #[project_replace = StateReplacement]
    enum State<S, F, E, B> {
        Refused { response: Response<Bytes> },
        /// The handler cannot take requests any more.
        Failed { error: E },
        /// Waits until the handler is ready for the request.
        Waiting { handler: S, request: Request<B> },
        /// Waits for the handler's answer.
        Served { #[pin] answer: F },
        Done,
    }
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(crate) const fn refused(response: Response<Bytes>) -> Self {
        Self { state: State::Refused { response }, passage: None }
    }

    pub(crate) const fn failed(error: S::Error) -> Self {
        Self { state: State::Failed { error }, passage: None }
    }

    pub(crate) const fn waiting(handler: S, request: Request<B>, passage: Passage) -> Self {
        Self { state: State::Waiting { handler, request }, passage: Some(passage) }
    }

    pub(crate) const fn served(answer: S::Future, passage: Passage) -> Self {
        Self { state: State::Served { answer }, passage: Some(passage) }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
    R::Data: From<Bytes>,
{
    type Output = Result<Response<GuardedBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // The passage is out of the future while the handler runs, so that a panic of the handler
        // drops it, and gives back what the request holds, even if the future itself is kept.
        let passage = this.passage.take();
        if let StateProjection::Waiting { handler, .. } = this.state.as_mut().project() {
            match handler.poll_ready(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    this.state.set(State::Done);
                    return Poll::Ready(Err(error));
                }
                Poll::Pending => {
                    *this.passage = passage;
                    return Poll::Pending;
                }
            }
            let waiting = this.state.as_mut().project_replace(State::Done);
            if let StateReplacement::Waiting { mut handler, request } = waiting {
                let answer = handler.call(request);
                this.state.set(State::Served { answer });
            }
        }
        if let StateProjection::Served { answer } = this.state.as_mut().project() {
            let Poll::Ready(answer) = answer.poll(cx) else {
                *this.passage = passage;
                return Poll::Pending;
            };
            // Whatever the handler's future still owns goes before the response does.
            this.state.set(State::Done);
            let response = answer?;
            return Poll::Ready(Ok(match passage {
                Some(passage) => passage.leave(response),
                None => response.map(|body| GuardedBody::of_handler(body, None)),
            }));
        }
        match this.state.project_replace(State::Done) {
            StateReplacement::Refused { response } => {
                Poll::Ready(Ok(response.map(GuardedBody::of_refusal)))
            }
            StateReplacement::Failed { error } => Poll::Ready(Err(error)),
            _ => Poll::Pending,
        }
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("passage", &self.passage).finish_non_exhaustive()
    }
}
