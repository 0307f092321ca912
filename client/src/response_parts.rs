//! A reqwest response taken apart, so that its body can be wrapped, without losing its address.

use http::response::Parts;
use reqwest::{Body, Response, ResponseBuilderExt as _};

/// Takes a response apart; `http::Response::from_parts` and `into` put it together again.
pub(crate) fn split(response: Response) -> (Parts, Body) {
    // reqwest keeps the address beside the parts, and reads it back from an extension that only
    // this builder can make.
    let with_url = http::Response::builder().url(response.url().clone());
    let (mut parts, body) = http::Response::<Body>::from(response).into_parts();
    if let Some(extensions) = with_url.extensions_ref() {
        parts.extensions.extend(extensions.clone());
    }
    (parts, body)
}
