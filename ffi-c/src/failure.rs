//! Why a call failed, before it becomes a status and a message.

use core::fmt;

use ratecell::{CallError, ParseError, QuotaError, TableError};

#[cfg(feature = "std")]
use crate::guard_failure::GuardFailure;
use crate::status::*;

/// Why a call failed: its status, and what a sentence about it needs.
#[derive(Debug)]
pub(crate) enum Failure {
    Null(&'static str),
    Misaligned {
        argument: &'static str,
        found: usize,
        accepted: usize,
    },
    StructSize {
        argument: &'static str,
        found: u32,
        accepted: usize,
    },
    Length {
        argument: &'static str,
        found: usize,
        accepted: usize,
    },
    Number {
        argument: &'static str,
        found: u64,
        accepted: &'static str,
    },
    Utf8 {
        argument: &'static str,
        offset: usize,
    },
    NotInitialized {
        argument: &'static str,
    },
    Kind {
        found: u32,
        accepted: u32,
    },
    ZeroCapacity,
    TooManyKeys {
        found: u64,
    },
    /// Another quota for one call cannot stand in for the table's.
    OtherQuota,
    Quota(QuotaError),
    Text(ParseError),
    Table(TableError),
    Call(CallError),
    #[cfg(feature = "std")]
    Guard(GuardFailure),
    #[cfg(feature = "std")]
    Internal,
}

impl Failure {
    /// The number that C sees.
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Null(_) => RATECELL_NULL,
            Self::Misaligned { .. } => RATECELL_MISALIGNED,
            Self::StructSize { .. } => RATECELL_STRUCT_SIZE,
            Self::Length { .. } => RATECELL_LENGTH,
            Self::Number { .. } => RATECELL_NUMBER,
            Self::Utf8 { .. } => RATECELL_UTF8,
            Self::NotInitialized { .. } => RATECELL_NOT_INITIALIZED,
            Self::Kind { .. } => RATECELL_KIND,
            Self::ZeroCapacity => RATECELL_CAPACITY,
            Self::TooManyKeys { .. } => RATECELL_TOO_LARGE,
            Self::OtherQuota => RATECELL_OTHER_RULES,
            Self::Quota(error) => of_quota(error),
            Self::Text(_) => RATECELL_TEXT,
            Self::Table(error) => of_table(error),
            Self::Call(error) => of_call(error),
            #[cfg(feature = "std")]
            Self::Guard(failure) => failure.status(),
            #[cfg(feature = "std")]
            Self::Internal => RATECELL_INTERNAL,
        }
    }

    /// The byte of the text that is wrong, if a text is.
    pub(crate) fn offset(&self) -> Option<usize> {
        match self {
            Self::Text(error) => Some(error.offset()),
            Self::Utf8 { offset, .. } => Some(*offset),
            #[cfg(feature = "std")]
            Self::Guard(failure) => failure.offset(),
            _ => None,
        }
    }

    /// The line and column of the contract that are wrong, from 1; zeros if none are.
    pub(crate) fn place(&self) -> (u32, u32) {
        match self {
            #[cfg(feature = "std")]
            Self::Guard(failure) => failure.place(),
            _ => (0, 0),
        }
    }
}

fn of_quota(error: &QuotaError) -> Status {
    match error {
        QuotaError::ZeroLimit => RATECELL_ZERO_LIMIT,
        QuotaError::ZeroBurst => RATECELL_ZERO_BURST,
        QuotaError::PeriodOutOfRange { .. } => RATECELL_PERIOD,
        QuotaError::LimitTooLarge { .. } => RATECELL_LIMIT,
        QuotaError::RateDistorted { .. } => RATECELL_RATE,
        QuotaError::BurstTooLong { .. } => RATECELL_BURST,
        QuotaError::SegmentsOutOfRange { .. } => RATECELL_SEGMENTS,
        _ => RATECELL_INVALID,
    }
}

fn of_table(error: &TableError) -> Status {
    match error {
        TableError::TooSmall { .. } => RATECELL_TOO_SMALL,
        TableError::TooLarge { .. } => RATECELL_TOO_LARGE,
        TableError::OutOfMemory { .. } => RATECELL_OUT_OF_MEMORY,
        TableError::Misaligned { .. } => RATECELL_MISALIGNED,
        TableError::NotATable => RATECELL_NOT_A_TABLE,
        TableError::OtherLayout => RATECELL_OTHER_LAYOUT,
        _ => RATECELL_INVALID,
    }
}

fn of_call(error: &CallError) -> Status {
    match error {
        CallError::DimensionMissing => RATECELL_DIMENSION_MISSING,
        CallError::DimensionTwice { .. } => RATECELL_DIMENSION_TWICE,
        CallError::OtherRules(_) => RATECELL_OTHER_RULES,
        CallError::Release(_) => RATECELL_RELEASE,
        _ => RATECELL_INVALID,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null(argument) => write!(f, "{argument} is NULL"),
            Self::Misaligned { argument, found, accepted } => {
                write!(f, "{argument} is at {found:#x}, accepted are multiples of {accepted}")
            }
            Self::StructSize { argument, found, accepted } => {
                write!(f, "{argument} has struct_size {found}, accepted is {accepted}")
            }
            Self::Length { argument, found, accepted } => {
                write!(f, "{argument} is {found}, accepted are 0 to {accepted}")
            }
            Self::Number { argument, found, accepted } => {
                write!(f, "{argument} is {found}, accepted are {accepted}")
            }
            Self::Utf8 { argument, offset } => {
                write!(f, "{argument} is not UTF-8 at byte {offset}")
            }
            Self::NotInitialized { argument } => {
                write!(f, "{argument} was not made by its init function or macro")
            }
            Self::Kind { found, accepted } => {
                write!(f, "the quota is of kind {found}, accepted is kind {accepted}")
            }
            Self::ZeroCapacity => write!(f, "the capacity is 0 keys, accepted are 1 and more"),
            Self::TooManyKeys { found } => {
                write!(f, "{found} keys need more memory than can be addressed")
            }
            Self::OtherQuota => write!(
                f,
                "the quota for this call is accepted only with the kind of the table's, and if fixed \
                 or sliding with its period and segments"
            ),
            Self::Quota(error) => write!(f, "{error}"),
            Self::Text(error) => write!(f, "{error}"),
            Self::Table(error) => write!(f, "{error}"),
            Self::Call(error) => write!(f, "{error}"),
            #[cfg(feature = "std")]
            Self::Guard(failure) => write!(f, "{failure}"),
            #[cfg(feature = "std")]
            Self::Internal => write!(f, "a defect of this library was met and contained"),
        }
    }
}

impl From<QuotaError> for Failure {
    fn from(error: QuotaError) -> Self {
        Self::Quota(error)
    }
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        Self::Text(error)
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}
