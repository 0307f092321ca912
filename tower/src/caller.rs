//! What the service knows of a caller that no header field says.

use std::borrow::Cow;

use ratecell_contract::Limit;

/// What the service knows of the caller of a request: values that it worked out, limits of the
/// caller's own, and what the request costs.
///
/// Whatever authenticates inserts it into the request's extensions, outside of the layer that is to
/// read it; [`GuardLayer::after_auth`](crate::GuardLayer::after_auth) and
/// [`GuardLayer::whole`](crate::GuardLayer::whole) do.
///
/// ```
/// use ratecell_tower::Caller;
///
/// let caller = Caller::new()
///     .value("tenant", "t-17")     // the key of rules by = "value:tenant"
///     .cap("key", 1200)            // 1200 in place of the limit of the rule `key`
///     .request_id("req_81f0");
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(caller);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it says nothing until it is in the extensions of a request"]
pub struct Caller {
    pub(crate) values: Vec<(Cow<'static, str>, Secret)>,
    pub(crate) limits: Vec<(Cow<'static, str>, Limit<'static>)>,
    pub(crate) cost: Option<u32>,
}

impl Caller {
    /// A caller of whom nothing is known yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A value that the service worked out: the key of rules `by = "value:NAME"`. Of two of one
    /// name the first counts; an empty one counts as absent.
    pub fn value(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Vec<u8>>) -> Self {
        self.values.push((name.into(), Secret(value.into())));
        self
    }

    /// The id of the request, for what shows `{request_id}`. One that is empty, longer than 128
    /// bytes, or holds what identifiers do not, is passed over, and a new one made.
    pub fn request_id(self, id: impl Into<Vec<u8>>) -> Self {
        self.value("request_id", id)
    }

    /// Another number in place of the limit of `rule`: units in the same period, or permits. See
    /// [`Limit::Cap`].
    pub fn cap(self, rule: impl Into<Cow<'static, str>>, cap: u32) -> Self {
        self.limit(rule, Limit::Cap(cap))
    }

    /// Another limit in place of that of `rule`, of the same kind. The key's state stays as it is:
    /// a raised rate never applies to the past.
    ///
    /// A limit that does not fit, or for a rule that the contract does not have, is the service's
    /// mistake: the request is answered with 500, and an event says why.
    pub fn limit(mut self, rule: impl Into<Cow<'static, str>>, limit: Limit<'static>) -> Self {
        self.limits.push((rule.into(), limit));
        self
    }

    /// What the request costs, in units of every rule that applies. It comes before
    /// [`GuardLayer::cost`](crate::GuardLayer::cost); 1 if neither says. A cost of 0 is always
    /// allowed and counts nothing.
    pub const fn cost(mut self, units: u32) -> Self {
        self.cost = Some(units);
        self
    }
}

/// Bytes that may be a secret, and so are not shown.
#[derive(Clone, Default)]
pub(crate) struct Secret(pub(crate) Vec<u8>);

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
