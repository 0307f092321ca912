//! What a request holds while it is served, for handlers that outlive their response.

use core::fmt;
use std::sync::Arc;

/// The permits of a request, such as its place among those in flight.
///
/// The layer keeps them until the response's body has ended or is dropped. A handler whose work
/// goes on after that, as on a websocket or in a task of its own, takes this from the request's
/// extensions and keeps it for as long as it works: the permits go back when the last clone is
/// dropped. It is there only if a concurrency rule applies to the request.
///
/// ```
/// use axum::Extension;
/// use ratecell_tower::Held;
///
/// async fn export(held: Option<Extension<Held>>) -> &'static str {
///     tokio::spawn(async move {
///         // ... work that counts as in flight ...
///         drop(held);
///     });
///     "started"
/// }
/// # let _ = axum::Router::<()>::new().route("/export", axum::routing::post(export));
/// ```
#[derive(Clone)]
#[must_use = "dropping it gives the permits back once the response has ended, too"]
pub struct Held {
    permits: Arc<dyn Send + Sync>,
}

impl Held {
    pub(crate) fn new(permits: impl Send + Sync + 'static) -> Self {
        Self { permits: Arc::new(permits) }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("clones", &Arc::strong_count(&self.permits)).finish()
    }
}
