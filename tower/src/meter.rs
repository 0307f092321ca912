//! What the layer tells of its decisions: counters through `metrics`, events through `tracing`.
//!
//! No label and no event holds a key or an address: they would be secrets, and too many.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use metrics::{Key, Label, Level, Metadata};
use ratecell::Clock;
use ratecell_contract::{ContractRule, Guard, KeySource, Refusal, RequestError, Stage};

/// The target of all events.
const TARGET: &str = "ratecell";

const REQUESTS: &str = "ratecell_requests_total";
const WOULD_REFUSE: &str = "ratecell_would_refuse_total";

static METADATA: Metadata<'static> = Metadata::new(TARGET, Level::INFO, Some(core::module_path!()));

/// The counters of a layer, their keys made once, so that counting allocates nothing here.
pub(crate) struct Meter {
    contract: Box<str>,
    stage: &'static str,
    passed: Key,
    failed: Key,
    rules: Box<[RuleKeys]>,
    /// Whether a rule of the stage counts by address.
    needs_peer: bool,
    has_missed_peer: AtomicBool,
}

struct RuleKeys {
    rule: Box<str>,
    refused: Key,
    would_refuse: Key,
}

impl Meter {
    pub(crate) fn new<C: Clock>(guard: &Guard<C>, stage: Stage) -> Self {
        let contract = guard.contract();
        let word = word_of(stage);
        let labels = |rule: &str| {
            vec![
                Label::new("contract", contract.name().to_owned()),
                Label::from_static_parts("stage", word),
                Label::new("rule", rule.to_owned()),
            ]
        };
        let outcome = |rule: &str, outcome: &'static str| {
            let mut labels = labels(rule);
            labels.push(Label::from_static_parts("outcome", outcome));
            Key::from_parts(REQUESTS, labels)
        };
        let rules = contract.rules().iter();
        let rules = rules.filter(|rule| stage == Stage::Whole || rule.stage() == stage);
        let by_address = |rule: &ContractRule| *rule.source() == KeySource::Ip;
        let needs_peer = rules.clone().any(by_address) && !guard.trusts_unix_sockets();
        Self {
            contract: contract.name().into(),
            stage: word,
            passed: outcome("", "passed"),
            failed: outcome("", "failed"),
            rules: rules
                .map(|rule| RuleKeys {
                    rule: rule.name().into(),
                    refused: outcome(rule.name(), "refused"),
                    would_refuse: Key::from_parts(WOULD_REFUSE, labels(rule.name())),
                })
                .collect(),
            needs_peer,
            has_missed_peer: AtomicBool::new(false),
        }
    }
}

impl Meter {
    /// A request went on to its handler.
    pub(crate) fn pass<'r>(&self, would_refuse: impl Iterator<Item = &'r str>) {
        count(&self.passed);
        self.would_refuse(would_refuse);
    }

    /// A request was refused.
    pub(crate) fn refuse(&self, refusal: &Refusal) {
        let rule = refusal.rule();
        if let Some(keys) = self.keys_of(rule) {
            count(&keys.refused);
        }
        // At debug: a flood of requests must not become a flood of lines.
        tracing::debug!(
            target: TARGET,
            contract = &*self.contract,
            stage = self.stage,
            rule,
            status = refusal.status(),
            retry_after_ns = refusal.retry_after_ns(),
            "request refused"
        );
        self.would_refuse(refusal.would_refuse());
    }

    /// The service asked for a limit that cannot be.
    pub(crate) fn fail(&self, error: &RequestError) {
        count(&self.failed);
        tracing::error!(
            target: TARGET,
            contract = &*self.contract,
            stage = self.stage,
            %error,
            "the service gave a limit that cannot stand in for a rule's; answered with 500"
        );
    }

    /// A request has no address. Said once: on a Unix socket that is so for all.
    pub(crate) fn miss_peer(&self) {
        // ORDERING: Relaxed. It publishes nothing; two threads at once may both say it.
        if self.needs_peer && !self.has_missed_peer.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                target: TARGET,
                contract = &*self.contract,
                stage = self.stage,
                "a request brings no address of its peer: the rules by address count all such \
                 requests together; with axum, serve with into_make_service_with_connect_info; \
                 with hyper, insert PeerAddr"
            );
        }
    }

    fn would_refuse<'r>(&self, rules: impl Iterator<Item = &'r str>) {
        for rule in rules {
            if let Some(keys) = self.keys_of(rule) {
                count(&keys.would_refuse);
            }
            tracing::debug!(
                target: TARGET,
                contract = &*self.contract,
                stage = self.stage,
                rule,
                "request would be refused, were the rule enforced"
            );
        }
    }

    fn keys_of(&self, rule: &str) -> Option<&RuleKeys> {
        self.rules.iter().find(|keys| *keys.rule == *rule)
    }
}

fn count(key: &Key) {
    // The recorder is asked each time, as one may be installed after the layer was built.
    metrics::with_recorder(|recorder| recorder.register_counter(key, &METADATA).increment(1));
}

const fn word_of(stage: Stage) -> &'static str {
    match stage {
        Stage::BeforeAuth => "before-auth",
        Stage::AfterAuth => "after-auth",
        Stage::Whole => "whole",
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("stage", &self.stage).finish_non_exhaustive()
    }
}
