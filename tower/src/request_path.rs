//! The path that a contract speaks of: that of the request, with what axum's nested routers have cut
//! off put back.
//!
//! The path that a client has sent is not it where a service rewrites paths, or hands requests on
//! to routers that know nothing of where they are mounted: what a handler is found by has to be
//! what a rule is found by.

use std::borrow::Cow;

use http::request::Parts;

/// The path of a request.
#[cfg(feature = "axum")]
pub(crate) fn request_path(parts: &Parts) -> Cow<'_, str> {
    use axum::extract::{NestedPath, OriginalUri};

    let path = parts.uri.path();
    let Some(nested) = parts.extensions.get::<NestedPath>() else { return path.into() };
    let sent = parts.extensions.get::<OriginalUri>().map_or(path, |sent| sent.0.path());
    uncut(sent, nested.as_str(), path)
}

/// The path of a request.
#[cfg(not(feature = "axum"))]
pub(crate) fn request_path(parts: &Parts) -> Cow<'_, str> {
    parts.uri.path().into()
}

/// `path` with what routers nested at `nested` have cut off it: as it was `sent` if it ends so, else
/// as the routers are named. If neither can be known, because a path was rewritten before a router
/// that is nested at a placeholder, it is `path` alone.
#[cfg(feature = "axum")]
fn uncut<'p>(sent: &'p str, nested: &str, path: &'p str) -> Cow<'p, str> {
    let nested = nested.trim_end_matches('/');
    // Where nothing is left, axum puts a slash that need not have been sent.
    let cut = sent.strip_suffix(path).or_else(|| (path == "/").then_some(sent));
    if let Some(start) = cut.and_then(|cut| start_of_end(cut, nested)) {
        return sent.get(start..).unwrap_or(sent).into();
    }
    if nested.contains('{') { path.into() } else { format!("{nested}{path}").into() }
}

/// Where the end of `path` begins that has the segments of `nested`, in which a placeholder such as
/// `{id}` is any segment; none if it does not end so.
#[cfg(feature = "axum")]
fn start_of_end(path: &str, nested: &str) -> Option<usize> {
    let Some(segments) = nested.strip_prefix('/') else { return Some(path.len()) };
    segments.rsplit('/').try_fold(path.len(), |end, wanted| {
        let (start, found) = path.get(..end)?.rsplit_once('/')?;
        (wanted == found || wanted.starts_with('{')).then_some(start.len())
    })
}

#[cfg(all(test, feature = "axum"))]
mod tests {
    use super::uncut;

    #[test]
    fn what_nested_routers_cut_is_put_back_and_nothing_else() {
        for (sent, nested, path, expected) in [
            ("/api/v1/items", "/api/v1", "/items", "/api/v1/items"),
            ("/api", "/api", "/", "/api"),
            ("/api/", "/api", "/", "/api/"),
            ("/api/items", "/api/", "/items", "/api/items"),
            ("/acme/items", "/{tenant}", "/items", "/acme/items"),
            ("/a", "/", "/a", "/a"),
            // A part that the service itself has cut off before stays off.
            ("/mount/v1/items", "/v1", "/items", "/v1/items"),
            ("/mount/acme/items", "/{tenant}", "/items", "/acme/items"),
            // Rewritten before it came to the nested router.
            ("/old", "/api", "/items", "/api/items"),
            ("/old/items", "/api", "/items", "/api/items"),
            ("/items", "/api", "/items", "/api/items"),
            ("/old", "/api", "/", "/api/"),
            ("/old", "/{tenant}", "/items", "/items"),
        ] {
            assert_eq!(uncut(sent, nested, path), expected, "{sent} {nested} {path}");
        }
    }
}
