//! Reads plans from their text form by recursive descent.

use heapless::Vec;

use super::lexer::{At, Lexer};
use super::parse_error::{ParseError, Problem};
use super::unit_ns;
use crate::concurrency::ConcurrencyQuota;
use crate::fixed::FixedQuota;
use crate::gcra::GcraQuota;
use crate::name::Name;
use crate::plan::{MAX_RULES, Plan, PlanError};
use crate::quota::{Kind, Quota};
use crate::quota_error::QuotaError;
use crate::rule::Rule;
use crate::sliding::{DEFAULT_SEGMENTS, SlidingQuota};

const KIND_OR_AMOUNT: &str =
    "a kind (gcra, fixed, sliding or concurrency) or an amount such as 600/min";
const UNIT: &str = "a unit: ns, us, ms, s, min, h or d";
const OPTION_OR_END: &str = "burst, segments, by, `;` or the end";

/// Reads a plan.
pub(crate) fn parse_plan(text: &str) -> Result<Plan, ParseError> {
    let mut lexer = Lexer::new(text);
    let mut drafts = Vec::<Draft, MAX_RULES>::new();
    loop {
        let offset = lexer.offset();
        let draft = Draft::read(&mut lexer)?;
        if drafts.push(draft).is_err() {
            return Err(lexer.error_at(offset, Problem::TooManyRules));
        }
        if lexer.is_at_end() {
            break;
        }
        if !lexer.eat(b';') {
            return Err(lexer.error(Problem::Expected("`;` or the end")));
        }
    }
    named(&lexer, &drafts)
}

/// Reads a plan of one rule.
pub(crate) fn parse_rule(text: &str) -> Result<Rule, ParseError> {
    let mut lexer = Lexer::new(text);
    let draft = Draft::read(&mut lexer)?;
    if !lexer.is_at_end() {
        return Err(lexer.error(Problem::Expected("the end of a single rule")));
    }
    let default = default_name(draft.quota.kind(), &[]);
    let name = draft.name.map_or(default, |at| at.token);
    Ok(Rule::from_parts(name, draft.quota, draft.dimension))
}

/// Gives a name to each rule that has none, and makes the plan.
fn named(lexer: &Lexer<'_>, drafts: &[Draft]) -> Result<Plan, ParseError> {
    let mut taken = Vec::<Name, MAX_RULES>::new();
    for name in drafts.iter().filter_map(|draft| draft.name.as_ref()) {
        // There is room: at most one name for each of the rules, here and below.
        let _ = taken.push(name.token.clone());
    }
    let rules = drafts.iter().map(|draft| {
        let name = match &draft.name {
            Some(at) => at.token.clone(),
            None => {
                let name = default_name(draft.quota.kind(), &taken);
                let _ = taken.push(name.clone());
                name
            }
        };
        Rule::from_parts(name, draft.quota, draft.dimension.clone())
    });
    Plan::new(rules).map_err(|error| match error {
        PlanError::NameTwice { position } => {
            let name = drafts.get(position).and_then(|draft| draft.name.as_ref());
            lexer.error_at(name.map_or(0, |at| at.offset), Problem::NameTwice)
        }
        PlanError::TooManyRules => lexer.error_at(0, Problem::TooManyRules),
        PlanError::NoRules => lexer.error_at(0, Problem::Expected(KIND_OR_AMOUNT)),
    })
}

/// The kind's word, or with a number if that is taken: `gcra`, `gcra-2`, ...
fn default_name(kind: Kind, taken: &[Name]) -> Name {
    let stem = kind.as_str();
    let mut name = Name::numbered(stem, 1);
    for number in 2..=MAX_RULES.saturating_add(1) {
        if !taken.contains(&name) {
            break;
        }
        name = Name::numbered(stem, number);
    }
    name
}

/// A rule that may yet lack its name.
struct Draft {
    name: Option<At<Name>>,
    quota: Quota,
    dimension: Name,
}

impl Draft {
    fn read(lexer: &mut Lexer<'_>) -> Result<Self, ParseError> {
        let name = rule_name(lexer)?;
        let kind = kind(lexer)?;
        let Some(limit) = number(lexer)? else {
            return Err(lexer.error(Problem::Expected(match kind {
                Kind::Concurrency => "an integer, the permits held at once",
                _ => KIND_OR_AMOUNT,
            })));
        };
        let mut parts = Parts { kind, limit, period: None, burst: None, segments: None };
        if kind != Kind::Concurrency {
            parts.period = Some(period(lexer)?);
        }
        let mut dimension = None;
        while let Some(word) = lexer.word() {
            let (slot, of) = match word.token {
                w if w.eq_ignore_ascii_case("burst") => (&mut parts.burst, Kind::Gcra),
                w if w.eq_ignore_ascii_case("segments") => (&mut parts.segments, Kind::Sliding),
                w if w.eq_ignore_ascii_case("by") => {
                    let Some(at) = lexer.name() else {
                        return Err(
                            lexer.error(Problem::Expected("a dimension, such as key or ip"))
                        );
                    };
                    dimension = Some(checked_name(lexer, at)?.token);
                    break;
                }
                _ => return Err(lexer.error_at(word.offset, Problem::Expected(OPTION_OR_END))),
            };
            if of != kind {
                let problem = Problem::OptionOfOtherKind { kind: of.as_str() };
                return Err(lexer.error_at(word.offset, problem));
            }
            if slot.is_some() {
                return Err(lexer.error_at(word.offset, Problem::OptionTwice));
            }
            *slot = number(lexer)?;
            if slot.is_none() {
                return Err(lexer.error(Problem::Expected("an integer")));
            }
        }
        let quota = parts
            .quota()
            .map_err(|error| lexer.error_at(parts.offset_of(&error), Problem::Quota(error)))?;
        let dimension = dimension.unwrap_or_else(|| Name::numbered("key", 1));
        Ok(Self { name, quota, dimension })
    }
}

/// The numbers of a rule, each with its place in the text.
struct Parts {
    kind: Kind,
    limit: At<u32>,
    period: Option<At<u64>>,
    burst: Option<At<u32>>,
    segments: Option<At<u32>>,
}

impl Parts {
    fn quota(&self) -> Result<Quota, QuotaError> {
        let limit = self.limit.token;
        let period_ns = self.period.map_or(0, |at| at.token);
        Ok(match self.kind {
            Kind::Gcra => {
                let burst = self.burst.map_or(limit, |at| at.token);
                GcraQuota::new(limit, period_ns, burst)?.into()
            }
            Kind::Fixed => FixedQuota::new(limit, period_ns)?.into(),
            Kind::Sliding => {
                let segments = self.segments.map_or(DEFAULT_SEGMENTS, |at| at.token);
                SlidingQuota::new(limit, period_ns, segments)?.into()
            }
            Kind::Concurrency => ConcurrencyQuota::new(limit)?.into(),
        })
    }

    /// The offset of the number that an error is about.
    fn offset_of(&self, error: &QuotaError) -> usize {
        let limit = self.limit.offset;
        match error {
            QuotaError::PeriodOutOfRange { .. } => self.period.map_or(limit, |at| at.offset),
            QuotaError::ZeroBurst | QuotaError::BurstTooLong { .. } => {
                self.burst.map_or(limit, |at| at.offset)
            }
            QuotaError::SegmentsOutOfRange { .. } => self.segments.map_or(limit, |at| at.offset),
            QuotaError::ZeroLimit
            | QuotaError::LimitTooLarge { .. }
            | QuotaError::RateDistorted { .. } => limit,
        }
    }
}

/// `name ":"`, if that is what comes next.
fn rule_name(lexer: &mut Lexer<'_>) -> Result<Option<At<Name>>, ParseError> {
    let mut ahead = *lexer;
    match ahead.name() {
        Some(at) if ahead.eat(b':') => {
            *lexer = ahead;
            checked_name(lexer, at).map(Some)
        }
        _ => Ok(None),
    }
}

fn checked_name(lexer: &Lexer<'_>, at: At<&str>) -> Result<At<Name>, ParseError> {
    match at.token.parse() {
        Ok(token) => Ok(At { offset: at.offset, token }),
        Err(error) => Err(lexer.error_at(at.offset, Problem::Name(error))),
    }
}

fn kind(lexer: &mut Lexer<'_>) -> Result<Kind, ParseError> {
    let Some(word) = lexer.word() else { return Ok(Kind::Gcra) };
    [Kind::Gcra, Kind::Fixed, Kind::Sliding, Kind::Concurrency]
        .into_iter()
        .find(|kind| kind.as_str().eq_ignore_ascii_case(word.token))
        .ok_or_else(|| lexer.error_at(word.offset, Problem::Expected(KIND_OR_AMOUNT)))
}

/// An integer of 32 bits.
fn number(lexer: &mut Lexer<'_>) -> Result<Option<At<u32>>, ParseError> {
    let Some(At { offset, token }) = lexer.integer()? else { return Ok(None) };
    match u32::try_from(token) {
        Ok(token) => Ok(Some(At { offset, token })),
        Err(_) => {
            let problem = Problem::NumberTooLarge { max: u64::from(u32::MAX) };
            Err(lexer.error_at(offset, problem))
        }
    }
}

/// `( "/" | "per" ) [ integer ] unit`, in nanoseconds.
fn period(lexer: &mut Lexer<'_>) -> Result<At<u64>, ParseError> {
    if !lexer.eat(b'/') {
        let mut ahead = *lexer;
        match ahead.word() {
            Some(word) if word.token.eq_ignore_ascii_case("per") => *lexer = ahead,
            _ => return Err(lexer.error(Problem::Expected("`/` or per, then a period"))),
        }
    }
    let count = lexer.integer()?;
    let start = lexer.offset();
    let Some(unit) = lexer.word() else {
        return Err(lexer.error(Problem::Expected(UNIT)));
    };
    let Some(unit_ns) = unit_ns(unit.token) else {
        return Err(lexer.error_at(unit.offset, Problem::Expected(UNIT)));
    };
    let At { offset, token: count } = count.unwrap_or(At { offset: start, token: 1 });
    // The lexer cuts what does not fit 64 bits to the most that does: it is not what was found.
    let Some(token) = count.checked_mul(unit_ns).filter(|&ns| ns < u64::MAX) else {
        let max = crate::quota::MAX_PERIOD_NS.checked_div(unit_ns).unwrap_or(0);
        return Err(lexer.error_at(offset, Problem::NumberTooLarge { max }));
    };
    Ok(At { offset, token })
}
