//! The header fields of a response that speak of limits, each at its place.

use super::InFlight;
use super::cursor;
use super::list::{self, Member, Members};

/// A field that has one value.
#[derive(Clone, Copy, Default)]
pub(super) enum Single<'h> {
    #[default]
    Absent,
    One(&'h [u8]),
    /// It stands twice with two values: nobody knows which one counts.
    Clash,
}

impl<'h> Single<'h> {
    pub(super) const fn value(self) -> Option<&'h [u8]> {
        match self {
            Self::One(value) => Some(value),
            Self::Absent | Self::Clash => None,
        }
    }

    fn meet(&mut self, value: &'h [u8]) {
        let value = one_of_alike(value.trim_ascii());
        *self = match *self {
            Self::Absent => Self::One(value),
            Self::One(known) if known == value => Self::One(known),
            Self::One(_) | Self::Clash => Self::Clash,
        };
    }
}

/// The fields that speak of limits.
#[derive(Default)]
pub(super) struct Fields<'h> {
    pub(super) date: Single<'h>,
    pub(super) retry_after: Single<'h>,
    pub(super) x_limit: Single<'h>,
    pub(super) x_remaining: Single<'h>,
    pub(super) x_reset: Single<'h>,
    pub(super) draft_6_limit: Single<'h>,
    draft_6_remaining: Single<'h>,
    pub(super) draft_6_reset: Single<'h>,
    running: Single<'h>,
    running_limit: Single<'h>,
    /// The members of RateLimit-Policy; none if it is malformed.
    pub(super) policies: Option<Members<'h>>,
    /// The members of RateLimit; none if it is malformed.
    limits: Option<Members<'h>>,
}

impl<'h> Fields<'h> {
    pub(super) fn of(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Self {
        let policies = Some(Members::new());
        let mut fields = Self { policies, limits: Some(Members::new()), ..Self::default() };
        for (name, value) in headers {
            fields.meet(name, value);
        }
        fields
    }

    fn meet(&mut self, name: &str, value: &'h [u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let single = match () {
            () if is("date") => &mut self.date,
            () if is("retry-after") => &mut self.retry_after,
            () if is("x-ratelimit-limit") => &mut self.x_limit,
            () if is("x-ratelimit-remaining") => &mut self.x_remaining,
            () if is("x-ratelimit-reset") => &mut self.x_reset,
            () if is("ratelimit-limit") => &mut self.draft_6_limit,
            () if is("ratelimit-remaining") => &mut self.draft_6_remaining,
            () if is("ratelimit-reset") => &mut self.draft_6_reset,
            () if is("x-concurrency-limit") => &mut self.running_limit,
            () if is("x-concurrency-running") => &mut self.running,
            () if is("ratelimit-policy") => return extend(&mut self.policies, value),
            () if is("ratelimit") => return self.meet_limits(value),
            () => return,
        };
        single.meet(value);
    }

    /// Adds a line of RateLimit, in the form of draft 11 or of draft 7.
    fn meet_limits(&mut self, value: &'h [u8]) {
        let draft_7 = list::read_draft_7(value);
        match (draft_7, &mut self.limits) {
            (Some(member), Some(members)) => {
                let _ = members.push(member);
            }
            (_, limits) => extend(limits, value),
        }
    }

    /// The members of RateLimit, each with what RateLimit-Policy says of it; none if there are none
    /// or the field is malformed.
    pub(super) fn listed(&self) -> Option<Members<'h>> {
        let limits = self.limits.as_ref()?;
        let policies = self.policies.as_deref().unwrap_or_default();
        if limits.is_empty() {
            return None;
        }
        let known = |limit: &Member<'h>| {
            let policy = policies.iter().find(|policy| policy.name == limit.name).copied();
            let policy = policy.unwrap_or_default();
            Member {
                quota: limit.quota.or(policy.quota),
                window: limit.window.or(policy.window),
                is_concurrency: limit.is_concurrency || policy.is_concurrency,
                is_foreign: limit.is_foreign || policy.is_foreign,
                ..*limit
            }
        };
        let mut joined = Members::new();
        for limit in limits {
            // There is room for as many.
            let _ = joined.push(known(limit));
        }
        Some(joined)
    }

    pub(super) const fn remaining_of_draft_6(&self) -> Option<&'h [u8]> {
        self.draft_6_remaining.value()
    }

    /// The limit on requests in flight, from X-Concurrency or from a list.
    pub(super) fn in_flight(&self) -> Option<InFlight> {
        let number = |field: Single<'h>| field.value().and_then(cursor::number);
        if let (Some(limit), Some(running)) = (number(self.running_limit), number(self.running)) {
            return Some(InFlight { limit, running });
        }
        let listed = self.listed()?;
        let permits = listed.iter().find(|member| member.is_concurrency)?;
        let limit = permits.quota?;
        Some(InFlight { limit, running: limit.saturating_sub(permits.available?) })
    }
}

/// The value of lines that say the same and were joined by commas, as some HTTP clients do it; any
/// other value as it is.
fn one_of_alike(value: &[u8]) -> &[u8] {
    let mut lines = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    let first = lines.next().unwrap_or_default();
    if lines.all(|line| line == first) { first } else { value }
}

fn extend<'h>(members: &mut Option<Members<'h>>, line: &'h [u8]) {
    if let Some(known) = members
        && list::read(line, known).is_none()
    {
        *members = None;
    }
}
