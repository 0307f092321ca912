//! What becomes of a request: it passes, or it is refused with a response that is ready to send.

use core::fmt;
use core::mem;
use core::time::Duration;
use std::sync::Arc;

use ratecell::{OwnedPermit, SystemClock};
use smallvec::SmallVec;

use crate::fields::Fields;
use crate::response::Refused;

/// What becomes of a request.
#[derive(Debug)]
#[must_use = "a refusal that nobody reads limits nothing"]
pub enum Outcome<C = SystemClock> {
    /// The request goes on to its handler.
    Pass(Pass<C>),
    /// The request is answered without its handler.
    Refuse(Refusal),
}

impl<C> Outcome<C> {
    /// Whether the request goes on.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Pass(_))
    }

    /// The header fields that the response must carry.
    pub const fn fields(&self) -> &Fields {
        match self {
            Self::Pass(pass) => &pass.fields,
            Self::Refuse(refusal) => &refusal.fields,
        }
    }

    /// The header fields that the response must carry, taken out; none are left.
    pub fn take_fields(&mut self) -> Fields {
        mem::take(match self {
            Self::Pass(pass) => &mut pass.fields,
            Self::Refuse(refusal) => &mut refusal.fields,
        })
    }

    /// The id of the request, if the contract shows it.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Pass(pass) => pass.request_id(),
            Self::Refuse(refusal) => refusal.request_id(),
        }
    }

    /// The pass, if it is one.
    pub fn pass(self) -> Option<Pass<C>> {
        match self {
            Self::Pass(pass) => Some(pass),
            Self::Refuse(_) => None,
        }
    }

    /// The refusal, if it is one.
    pub fn refusal(self) -> Option<Refusal> {
        match self {
            Self::Pass(_) => None,
            Self::Refuse(refusal) => Some(refusal),
        }
    }
}

/// A request that goes on, with the permits that it holds.
///
/// Dropping it gives the permits back, on whatever thread: keep it until the last byte of the
/// response is sent or given up. Units of rates stay taken.
#[must_use = "dropping it gives the permits back"]
pub struct Pass<C = SystemClock> {
    pub(crate) fields: Fields,
    pub(crate) request_id: Option<String>,
    /// One for each plan with a concurrency rule that applies.
    pub(crate) permits: SmallVec<[Box<OwnedPermit<Arc<C>>>; 1]>,
    pub(crate) would_refuse: SmallVec<[Arc<Refused>; 1]>,
}

impl<C> Pass<C> {
    /// The header fields that the response must carry.
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The id of the request, if the contract shows it: the one of the fields.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The names of the rules of a dry run that would have refused the request.
    pub fn would_refuse(&self) -> impl ExactSizeIterator<Item = &str> {
        self.would_refuse.iter().map(|refused| &*refused.rule)
    }

    /// Whether it holds permits, so that when it is dropped matters.
    pub fn holds_permits(&self) -> bool {
        !self.permits.is_empty()
    }
}

impl<C> fmt::Debug for Pass<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass")
            .field("fields", &self.fields)
            .field("permits", &self.permits)
            .finish_non_exhaustive()
    }
}

/// The response to a request that is refused.
#[derive(Clone)]
pub struct Refusal {
    pub(crate) fields: Fields,
    pub(crate) request_id: Option<String>,
    pub(crate) body: String,
    pub(crate) refused: Arc<Refused>,
    pub(crate) retry_after_ns: Option<u64>,
    pub(crate) would_refuse: SmallVec<[Arc<Refused>; 1]>,
}

impl Refusal {
    /// The HTTP status, 400 to 599; 429 unless the contract says otherwise.
    pub fn status(&self) -> u16 {
        self.refused.status
    }

    /// The header fields that the response must carry, beside `Content-Type` and `Content-Length`.
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The media type of the body.
    pub fn content_type(&self) -> &str {
        &self.refused.content_type
    }

    /// The body.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The body, taken out.
    pub fn into_body(self) -> String {
        self.body
    }

    /// The name of the rule that refuses: the governing one, whether or not responses may show it.
    pub fn rule(&self) -> &str {
        &self.refused.rule
    }

    /// The smallest wait after which the stage that refuses would let the same request pass if nobody
    /// else came meanwhile, in nanoseconds; none if nobody can know it or no wait helps. Earlier
    /// stages have counted the request, and may refuse it then for that.
    pub const fn retry_after_ns(&self) -> Option<u64> {
        self.retry_after_ns
    }

    /// [`Self::retry_after_ns`] as a [`Duration`].
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_ns.map(Duration::from_nanos)
    }

    /// The id of the request, if this refusal shows it.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// As [`Pass::would_refuse`], of an earlier stage.
    pub fn would_refuse(&self) -> impl ExactSizeIterator<Item = &str> {
        self.would_refuse.iter().map(|refused| &*refused.rule)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("status", &self.status())
            .field("rule", &self.rule())
            .field("fields", &self.fields)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
