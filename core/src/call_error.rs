//! What is wrong with a call; a refusal is a decision and not an error.

use core::fmt;

use crate::cell::ReleaseError;
use crate::plan::Mismatch;

/// What is wrong with a call. Nothing was taken, given back or forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// One key was given without its dimension, and the plan counts by several of which none is
    /// called `key`.
    DimensionMissing,
    /// Two keys were given for one dimension.
    DimensionTwice {
        /// The position of the second, counted from 0.
        position: usize,
    },
    /// The rules given for this call cannot stand in for the plan's.
    OtherRules(Mismatch),
    /// More permits were given back than are held.
    Release(ReleaseError),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DimensionMissing => write!(
                f,
                "the key has no dimension and the plan counts by several, none called key; \
                 accepted are pairs of dimension and key"
            ),
            Self::DimensionTwice { position } => write!(
                f,
                "key {position} (from 0) has the dimension of an earlier one; accepted is one key a \
                 dimension"
            ),
            Self::OtherRules(mismatch) => {
                write!(f, "the rules for this call do not fit: {mismatch}")
            }
            Self::Release(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for CallError {}

impl From<ReleaseError> for CallError {
    fn from(error: ReleaseError) -> Self {
        Self::Release(error)
    }
}
