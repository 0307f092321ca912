//! What a response says: its header fields and body, from what the plans have answered.

use core::cell::OnceCell;
use core::fmt::Write as _;

use ratecell::http::{HeaderStyle, Report, ReportLine};
use ratecell::{PlanDecision, Rule};
use smallvec::SmallVec;

use crate::contract_rule::ContractRule;
use crate::fields::Fields;
use crate::response::{Body, FieldTemplate};
use crate::template::{Shown, Values, Word};

/// Room for the values of the usual fields of a response.
const FIELDS_LEN: usize = 96;

/// Room for a usual body.
const BODY_LEN: usize = 256;

/// What one plan has answered.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) decision: &'a PlanDecision<'a>,
    pub(super) is_enforced: bool,
}

/// What the plans of a request have answered, in the order in which they were asked.
pub(super) type Answers<'a> = SmallVec<[Answer<'a>; MAX_ANSWERS]>;

/// For each of two stages one plan that is enforced and one that tries.
pub(super) const MAX_ANSWERS: usize = 4;

/// What a response speaks of besides the answers.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub(super) rules: &'c [ContractRule],
    pub(super) all_shown: bool,
    pub(super) style: HeaderStyle,
    pub(super) always: &'c [FieldTemplate],
    pub(super) request_id: Option<&'c str>,
    pub(super) unix_now_ns: u64,
}

impl Context<'_> {
    /// Whether responses to requests that pass carry no field.
    pub(super) fn is_silent(&self) -> bool {
        self.style_of_passes() == HeaderStyle::NONE && self.always.is_empty()
    }

    /// The fields of a response to a request that passes.
    pub(super) fn fields(&self, answers: &Answers<'_>) -> Fields {
        let style = self.style_of_passes();
        self.tell(answers, &(), |report, ()| self.write_fields(style, report.as_ref()))
    }

    /// The fields and the body of a refusal by `rule`.
    pub(super) fn refusal(&self, answers: &Answers<'_>, rule: &ContractRule) -> (Fields, String) {
        self.tell(answers, rule, |report, rule| {
            let mut fields = self.write_fields(self.style, report.as_ref());
            // A cache must not store a 429 and need not know that; other statuses it may keep.
            // SOURCE: RFC 6585 section 4; RFC 9111 section 5.2.2.5.
            fields.push("Cache-Control", "no-store");
            let mut body = String::with_capacity(BODY_LEN);
            if let Some(report) = report {
                // Where no rule may be shown, the one that refuses speaks in the body.
                let hidden = || report.spoken_by(rule.name()).speaker();
                let speaker = report.speaker().or_else(hidden);
                let numbers = Numbers::new(self, report, speaker, rule);
                for field in &rule.refused.fields {
                    fields.push_own(&field.name, |out| field.value.render_known(&numbers, out));
                }
                match &rule.refused.body {
                    Body::Template(template) => template.render(&numbers, &mut body),
                    Body::Problem => numbers.write_problem(rule.status(), &mut body),
                }
            }
            (fields, body)
        })
    }

    /// A request that passes has nothing to wait for.
    fn style_of_passes(&self) -> HeaderStyle {
        self.style.without(HeaderStyle::RETRY_AFTER)
    }

    fn write_fields(&self, style: HeaderStyle, report: Option<&Report<'_>>) -> Fields {
        let mut fields = Fields::with_capacity(FIELDS_LEN);
        if let Some(report) = report {
            for header in report.headers(style, self.unix_now_ns) {
                match header.value().as_number() {
                    Some(number) => fields.push_number(header.name(), number),
                    None => fields.push(header.name(), header.value()),
                }
            }
        }
        let values = OnlyRequestId(self.request_id);
        for field in self.always {
            fields.push_own(&field.name, |out| field.value.render_known(&values, out));
        }
        fields
    }

    /// Calls `read` with a report of all answers, if there are any, and with what shall live as long.
    fn tell<W, T>(
        &self,
        answers: &[Answer<'_>],
        with: &W,
        read: impl for<'r> FnOnce(Option<Report<'r>>, &'r W) -> T,
    ) -> T {
        let naming = a_naming(|rule| {
            let known = self.rules.iter().find(|known| known.name() == rule.name());
            let is_shown = known.is_none_or(ContractRule::is_shown);
            is_shown.then_some(rule.name())
        });
        let naming: Option<Naming<'_>> = if self.all_shown { None } else { Some(&naming) };
        // A report borrows the next one for as long as it lives itself, so each has a name.
        let [first, second, third, fourth] =
            [0, 1, 2, 3].map(|position| answers.get(position).copied());
        let fourth = joined(fourth, naming, None);
        let third = joined(third, naming, fourth.as_ref());
        let second = joined(second, naming, third.as_ref());
        read(joined(first, naming, second.as_ref()), with)
    }
}

/// How a report shows a rule.
type Naming<'a> = &'a dyn Fn(&'a Rule) -> Option<&'a str>;

/// Tells the compiler that a closure borrows from the rule that it is given.
fn a_naming<F: Fn(&Rule) -> Option<&str>>(naming: F) -> F {
    naming
}

/// The report of an answer and those that follow it.
fn joined<'a>(
    answer: Option<Answer<'a>>,
    naming: Option<Naming<'a>>,
    next: Option<&'a Report<'a>>,
) -> Option<Report<'a>> {
    let Answer { decision, is_enforced } = answer?;
    let report = Report::new(decision);
    let report = naming.map_or(report, |naming| report.naming(naming));
    let report = if is_enforced { report } else { report.not_enforced() };
    Some(next.map_or(report, |next| report.then(next)))
}

/// The numbers and texts that a refusal shows.
struct Numbers<'r, 'i> {
    report: Report<'r>,
    /// Whose numbers they are.
    speaker: Option<ReportLine<'r>>,
    /// The rule that the refusal is down to.
    refuser: &'r ContractRule,
    request_id: &'i str,
    unix_now_ns: u64,
    /// The window of the rule that speaks, once it is shown.
    window: OnceCell<Option<String>>,
}

impl<'r, 'i> Numbers<'r, 'i> {
    fn new(
        context: &Context<'i>,
        report: Report<'r>,
        speaker: Option<ReportLine<'r>>,
        refuser: &'r ContractRule,
    ) -> Self {
        Self {
            report,
            speaker,
            refuser,
            request_id: context.request_id.unwrap_or_default(),
            unix_now_ns: context.unix_now_ns,
            window: OnceCell::new(),
        }
    }

    /// Appends a problem of RFC 9457, in the words of the rule that refuses if it has any.
    fn write_problem(&self, status: u16, out: &mut String) {
        let problem = self.report.problem().with_status(status);
        let message = self.refuser.message();
        let problem = message.map_or(problem, |message| problem.with_detail(message));
        // Writing to a String does not fail.
        let _ = write!(out, "{problem}");
    }

    fn window(&self) -> Option<&str> {
        let text = self.window.get_or_init(|| {
            let quota = self.speaker?.rule().quota();
            quota.period_ns().map(window_text)
        });
        text.as_deref()
    }

    /// The number of a field that has one number.
    fn number_of(&self, field: HeaderStyle) -> Option<u64> {
        self.report.headers(field, self.unix_now_ns).next()?.value().as_number()
    }
}

impl Values for Numbers<'_, '_> {
    fn shown(&self, word: Word) -> Shown<'_> {
        let Self { report, speaker, refuser, .. } = self;
        let text = match word {
            Word::RuleName => speaker.map(|line| line.label()),
            Word::RuleMessage => refuser.message(),
            Word::RequestId => Some(self.request_id),
            Word::Window => self.window(),
            _ => None,
        };
        let number = match word {
            Word::Limit => speaker.map(|line| line.limit().into()),
            Word::Remaining => speaker.map(|line| line.remaining().into()),
            Word::WindowSeconds => speaker.and_then(|line| line.window_seconds()),
            Word::ResetSeconds => speaker.and_then(|line| line.reset_after_seconds()),
            Word::ResetUnix => speaker.and_then(|line| line.reset_unix_seconds(self.unix_now_ns)),
            Word::RetryAfterSeconds => report.retry_after_seconds(),
            Word::ConcurrencyLimit => self.number_of(HeaderStyle::X_CONCURRENCY_LIMIT),
            Word::ConcurrencyRunning => self.number_of(HeaderStyle::X_CONCURRENCY_RUNNING),
            _ => None,
        };
        text.map(Shown::Text).or(number.map(Shown::Number)).unwrap_or(Shown::Unknown)
    }
}

/// Shows the id of the request and nothing else.
struct OnlyRequestId<'i>(Option<&'i str>);

impl Values for OnlyRequestId<'_> {
    fn shown(&self, word: Word) -> Shown<'_> {
        match (word, self.0) {
            (Word::RequestId, Some(id)) => Shown::Text(id),
            _ => Shown::Unknown,
        }
    }
}

/// A period in the largest unit that divides it: `1m`, `10s`, `36h`.
fn window_text(period_ns: u64) -> String {
    const UNITS: [(&str, u64); 6] = [
        ("d", 86_400_000_000_000),
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
    ];
    let whole = UNITS.iter().find(|(_, ns)| period_ns.is_multiple_of(*ns));
    let (unit, ns) = whole.copied().unwrap_or(("ns", 1));
    format!("{}{unit}", period_ns / ns)
}
