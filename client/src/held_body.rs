//! A response's body that keeps something until the body has ended or is dropped.
//!
//! A server counts a request as in flight until the client has its whole response, so the client
//! has to count it so as well.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use reqwest::{Body, Response};

use crate::response_parts::split;

/// A body, and what it keeps for as long as it lasts.
struct HeldBody<T> {
    body: Body,
    held: Option<T>,
}

/// Lets `held` live until the body of the response has ended, failed or been dropped.
pub(crate) fn hold<T: Send + Sync + Unpin + 'static>(response: Response, held: T) -> Response {
    let (parts, body) = split(response);
    let held = (!body.is_end_stream()).then_some(held);
    http::Response::from_parts(parts, Body::wrap(HeldBody { body, held })).into()
}

impl<T: Unpin> HttpBody for HeldBody<T> {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) || self.body.is_end_stream() {
            self.held = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
