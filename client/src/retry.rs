//! Which refused requests may be sent again.

use ratecell::pacing::Reading;
use reqwest::{Method, StatusCode};

/// Whether a request that was answered so may be sent again: it does nothing twice.
///
/// A 429 says that the request was one too many and was not served, so any method may be sent
/// again. A 503 may come from something behind the server that has done half of the work, so only
/// idempotent methods may (RFC 9110 section 9.2.2), and only if it says when.
pub(crate) fn may_repeat(method: &Method, status: StatusCode, reading: &Reading) -> bool {
    match status {
        StatusCode::TOO_MANY_REQUESTS => true,
        StatusCode::SERVICE_UNAVAILABLE => {
            method.is_idempotent() && reading.retry_after_ns().is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::may_repeat;
    use ratecell::pacing::Reading;
    use reqwest::{Method, StatusCode};

    #[test]
    fn a_429_repeats_anything_and_a_503_what_is_idempotent_if_it_says_when() {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        let silent = Reading::of(0, 503, [], b"");
        let told = Reading::of(0, 503, [("retry-after", b"1".as_slice())], b"");
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::POST, Method::PATCH] {
            let is_idempotent = !matches!(method, Method::POST | Method::PATCH);
            assert!(may_repeat(&method, StatusCode::TOO_MANY_REQUESTS, &silent));
            assert_eq!(may_repeat(&method, unavailable, &told), is_idempotent, "{method}");
            assert!(!may_repeat(&method, unavailable, &silent), "{method}");
            assert!(!may_repeat(&method, StatusCode::OK, &told), "{method}");
        }
    }
}
