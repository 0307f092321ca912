//! The body of a response that passed through the layer: the handler's, or a refusal's.
//!
//! - B1: what is held for a request goes back when its body has ended, failed, panicked or been
//!   dropped, whichever comes first, and only once.

use core::pin::Pin;
use core::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::held::Held;

pin_project! {
    /// The body of a response: the handler's own, frame by frame, or the text of a refusal.
    ///
    /// It holds the permits of its request until it has ended or is dropped.
    #[derive(Debug)]
    pub struct GuardedBody<B> {
        #[pin]
        source: Source<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = SourceProjection]
    enum Source<B> {
        Handler { #[pin] body: B, held: Option<Held> },
        Refusal { text: Bytes },
    }
}

impl<B> GuardedBody<B> {
    pub(crate) const fn of_handler(body: B, held: Option<Held>) -> Self {
        Self { source: Source::Handler { body, held } }
    }

    pub(crate) const fn of_refusal(text: Bytes) -> Self {
        Self { source: Source::Refusal { text } }
    }
}

impl<B> Body for GuardedBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().source.project() {
            SourceProjection::Handler { body, held } => {
                // The permits are out of the body while it is polled, so a panic in there drops
                // them even if the body itself is kept.
                let taken = held.take();
                match body.poll_frame(cx) {
                    Poll::Pending => {
                        *held = taken;
                        Poll::Pending
                    }
                    Poll::Ready(Some(Ok(frame))) => {
                        *held = taken;
                        Poll::Ready(Some(Ok(frame)))
                    }
                    ended => ended,
                }
            }
            SourceProjection::Refusal { text } => {
                let text = core::mem::take(text);
                Poll::Ready((!text.is_empty()).then(|| Ok(Frame::data(text.into()))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Handler { body, .. } => body.is_end_stream(),
            Source::Refusal { text } => text.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Handler { body, .. } => body.size_hint(),
            Source::Refusal { text } => {
                SizeHint::with_exact(u64::try_from(text.len()).unwrap_or(u64::MAX))
            }
        }
    }
}
