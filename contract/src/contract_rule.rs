//! One rule of a contract: a limit, the requests it is for, and where its key comes from.

use std::sync::Arc;

use ratecell::{Quota, Rule};

use crate::key_source::{Absent, KeySource};
use crate::path_pattern::{Path, PathPattern};
use crate::response::Refused;
use crate::scope::Scope;

/// When a request is held to a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Before the service knows who asks.
    BeforeAuth,
    /// Once the service knows who asks.
    #[default]
    AfterAuth,
    /// Both, one after the other: for a service that authenticates elsewhere. Never the stage of a
    /// rule.
    Whole,
}

/// One rule of a contract.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractRule {
    pub(crate) rule: Rule,
    pub(crate) scope: Scope,
    pub(crate) source: KeySource,
    pub(crate) stage: Stage,
    pub(crate) absent: Absent,
    pub(crate) message: Option<Box<str>>,
    pub(crate) is_shown: bool,
    pub(crate) is_enforced: bool,
    pub(crate) refused: Arc<Refused>,
}

impl ContractRule {
    /// Its name, unlike those of the other rules.
    pub fn name(&self) -> &str {
        self.rule.name()
    }

    /// It as a rule of the core, counted by a dimension of its own name.
    pub const fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Its limit.
    pub const fn quota(&self) -> &Quota {
        self.rule.quota()
    }

    /// Its limit written out in full, such as `sliding 600/min segments 14`.
    pub fn limit_text(&self) -> String {
        limit_text(&self.rule)
    }

    /// The methods it is for, GET standing for HEAD too; empty for all.
    pub fn methods(&self) -> impl ExactSizeIterator<Item = &str> {
        self.scope.methods.iter().map(|method| &**method)
    }

    /// The paths it is for; empty for all.
    pub fn paths(&self) -> &[PathPattern] {
        &self.scope.paths
    }

    /// The paths it is not for.
    pub fn except(&self) -> &[PathPattern] {
        &self.scope.except
    }

    /// Whether it is for a request of this method and path, both as in
    /// [`Request`](crate::Request).
    pub fn covers(&self, method: &str, path: &str) -> bool {
        self.scope.covers(method, &Path::new(path))
    }

    /// Where its key comes from.
    pub const fn source(&self) -> &KeySource {
        &self.source
    }

    /// When requests are held to it: before or after authentication.
    pub const fn stage(&self) -> Stage {
        self.stage
    }

    /// What happens to a request that brings no key.
    pub const fn absent(&self) -> Absent {
        self.absent
    }

    /// What its refusals say where the body shows `{rule.message}`.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Whether responses may show it.
    pub const fn is_shown(&self) -> bool {
        self.is_shown
    }

    /// Whether it refuses; else it only counts what it would have refused.
    pub const fn is_enforced(&self) -> bool {
        self.is_enforced
    }

    /// The HTTP status of its refusals.
    pub fn status(&self) -> u16 {
        self.refused.status
    }
}

/// The text of a rule's limit, without its name and dimension.
pub(crate) fn limit_text(rule: &Rule) -> String {
    let text = rule.to_string();
    let limit = text.split_once(": ").map_or(&*text, |(_, limit)| limit);
    limit.rsplit_once(" by ").map_or(limit, |(limit, _)| limit).to_owned()
}
