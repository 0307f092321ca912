//! The start of a refusal's body, read ahead; the caller still gets all of it.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use reqwest::{Body, Response};

use crate::response_parts::split;

/// How much of a body is read ahead at the most; the bodies of refusals are a few hundred bytes.
const MAX_PEEKED_BYTES: usize = 16 * 1024;

/// The frames that were read ahead, and the rest of the body.
struct PeekedBody {
    read: VecDeque<Result<Frame<Bytes>, reqwest::Error>>,
    rest: Body,
}

/// How long is waited for a body at the most. It is time on the network and not a part of the pace,
/// so it is always tokio's.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the start of a response's body. The response is as it was: whoever reads it gets the whole
/// body.
pub(crate) async fn peek(response: Response) -> (Response, Vec<u8>) {
    let (parts, mut rest) = split(response);
    let mut read = VecDeque::new();
    let mut text = Vec::new();
    let reading = async {
        while text.len() < MAX_PEEKED_BYTES {
            let Some(frame) = rest.frame().await else { break };
            let data = frame.as_ref().ok().and_then(Frame::data_ref);
            let left = MAX_PEEKED_BYTES - text.len();
            text.extend(data.into_iter().flatten().take(left));
            let failed = frame.is_err();
            read.push_back(frame);
            if failed {
                break;
            }
        }
    };
    tokio::select! {
        biased;
        () = reading => {}
        () = tokio::time::sleep(PATIENCE) => {}
    }
    let body = Body::wrap(PeekedBody { read, rest });
    (http::Response::from_parts(parts, body).into(), text)
}

impl HttpBody for PeekedBody {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        match self.read.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let read: usize =
            self.read.iter().flatten().filter_map(Frame::data_ref).map(Bytes::len).sum();
        let read = read as u64;
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(read)) {
            hint.set_upper(upper);
        }
        hint
    }
}
