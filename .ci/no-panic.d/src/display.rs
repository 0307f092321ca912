//! What is shown to people.
//!
//! Decisions are missing: they show spans through `Duration`'s own `Debug`, in which core has
//! panics that the optimizer cannot see to be dead.

use core::fmt;

use ratecell::{
    CallError, NameError, ParseError, Plan, PlanError, QuotaError, ReleaseError, Rule, TableError,
    Verdict,
};

macro_rules! display {
    ($($name:ident $type:ty),* $(,)?) => {
        export! {
            $(fn $name(value: &$type, to: &mut dyn fmt::Write) -> fmt::Result {
                write!(to, "{value}")
            })*
        }
    };
}

display! {
    show_plan Plan,
    show_rule Rule,
    show_verdict Verdict,
    show_parse_error ParseError,
    show_quota_error QuotaError,
    show_table_error TableError,
    show_name_error NameError,
    show_plan_error PlanError,
    show_call_error CallError,
    show_release_error ReleaseError,
}
