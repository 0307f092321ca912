//! Which requests share a pace.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::LazyLock;

use reqwest::Request;
use reqwest::header::{AUTHORIZATION, HeaderName};

/// The fields that a caller is known by where nothing else is said: their values are told apart,
/// and never kept or shown.
const CALLER_FIELDS: [HeaderName; 2] = [AUTHORIZATION, HeaderName::from_static("x-api-key")];

/// Whose request it is: what the requests that share a pace have in common.
///
/// It has a label, which errors show, and a digest of secrets such as API keys, which nothing
/// shows. Two secrets of one label share a lane by mistake once in 2^64.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LaneKey {
    label: Box<str>,
    secrets: u64,
}

/// Secret, so that nobody finds out a key from a digest; the same for a key's whole life.
static SECRETS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl LaneKey {
    /// A key that is told from others by its label alone.
    pub fn new(label: impl Into<Box<str>>) -> Self {
        Self { label: label.into(), secrets: 0 }
    }

    /// The same, told from others by `secret` too.
    #[must_use]
    pub fn with_secret(self, secret: &[u8]) -> Self {
        let mut hasher = SECRETS.build_hasher();
        hasher.write_u64(self.secrets);
        hasher.write(secret);
        Self { label: self.label, secrets: hasher.finish() }
    }

    /// The origin of a request's URL, whoever sends it.
    pub(crate) fn of_origin(request: &Request) -> Self {
        Self::new(request.url().origin().ascii_serialization())
    }

    /// The key where nothing else is set: the origin of the URL (scheme, host and port) and the
    /// values of `Authorization` and `X-Api-Key`.
    ///
    /// ```
    /// use ratecell_client::LaneKey;
    /// use reqwest::{Method, Request};
    ///
    /// let mut request = Request::new(Method::GET, "https://api.example.com/v1/items".parse()?);
    /// let nobody = LaneKey::of_caller(&request);
    /// assert_eq!(nobody.label(), "https://api.example.com");
    ///
    /// request.headers_mut().insert("authorization", "Bearer pk_live_1".parse()?);
    /// assert_ne!(LaneKey::of_caller(&request), nobody);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_caller(request: &Request) -> Self {
        Self::of_origin(request).with_fields(request, &CALLER_FIELDS)
    }

    /// The same, told from others by the values of these header fields too.
    pub(crate) fn with_fields(mut self, request: &Request, fields: &[HeaderName]) -> Self {
        for field in fields {
            for value in request.headers().get_all(field) {
                // The name's end keeps one field's values apart from the next one's.
                self = self.with_secret(field.as_str().as_bytes()).with_secret(value.as_bytes());
            }
        }
        self
    }

    /// What errors call the lane.
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl fmt::Debug for LaneKey {
    /// Shows the label alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LaneKey").field(&self.label).finish()
    }
}
