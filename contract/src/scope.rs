//! Which requests a rule is for: methods and paths.

use crate::path_pattern::{Path, PathPattern};

/// Which requests a rule is for. A list that is left out restricts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Empty for all methods.
    pub(crate) methods: Box<[Box<str>]>,
    /// Empty for all paths.
    pub(crate) paths: Box<[PathPattern]>,
    pub(crate) except: Box<[PathPattern]>,
}

impl Scope {
    pub(crate) fn covers(&self, method: &str, path: &Path<'_>) -> bool {
        self.covers_method(method)
            && (self.paths.is_empty() || path.may_match(&self.paths))
            && (self.except.is_empty() || !path.surely_matches(&self.except))
    }

    /// Whether the rule is for a method. A HEAD costs the service what a GET costs, so it counts
    /// wherever GET does. Letters count in any case: to HTTP `get` is another method than GET, but
    /// to WSGI frameworks it is the same, and what they serve as a GET must not get by.
    pub(crate) fn covers_method(&self, method: &str) -> bool {
        let listed = |method: &str| self.methods.iter().any(|one| one.eq_ignore_ascii_case(method));
        let is_head = || method.eq_ignore_ascii_case("HEAD");
        self.methods.is_empty() || listed(method) || is_head() && listed("GET")
    }
}
