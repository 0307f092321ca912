//! Why a guard cannot be made or a request not be judged.

use core::fmt;
use std::string::String;

use ratecell_contract::{
    ContractError, GuardError, LoadError, LoadProblem, RequestError, TrustedProxyError,
};

use crate::failure::Failure;
use crate::status::*;

/// Why a guard cannot be made or a request not be judged.
#[derive(Debug)]
pub(crate) enum GuardFailure {
    Contract(ContractError),
    Load(LoadError),
    Plan(GuardError),
    Request(RequestError),
    Proxy { found: String, error: TrustedProxyError },
}

impl GuardFailure {
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Contract(_) | Self::Plan(_) => RATECELL_CONTRACT,
            Self::Load(error) => match error.problem() {
                LoadProblem::Contract(_) => RATECELL_CONTRACT,
                _ => RATECELL_FILE,
            },
            Self::Request(_) => RATECELL_REQUEST,
            Self::Proxy { .. } => RATECELL_NETWORK,
        }
    }

    fn contract(&self) -> Option<&ContractError> {
        match self {
            Self::Contract(error) => Some(error),
            Self::Load(error) => match error.problem() {
                LoadProblem::Contract(error) => Some(error),
                _ => None,
            },
            _ => None,
        }
    }

    /// The byte of the contract, or of the text of a limit, that is wrong.
    pub(crate) fn offset(&self) -> Option<usize> {
        match self {
            Self::Request(RequestError::Text { error, .. }) => Some(error.offset()),
            _ => Some(self.contract()?.faults().first()?.offset()),
        }
    }

    /// The line and column of the first fault of the contract, from 1; zeros if it has none.
    pub(crate) fn place(&self) -> (u32, u32) {
        let first = self.contract().and_then(|error| error.faults().first());
        let short = |number| u32::try_from(number).unwrap_or(u32::MAX);
        first.map_or((0, 0), |fault| (short(fault.line()), short(fault.column())))
    }
}

impl fmt::Display for GuardFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contract(error) => write!(f, "{error}"),
            Self::Load(error) => write!(f, "{error}"),
            Self::Plan(error) => write!(f, "{error}"),
            Self::Request(error) => write!(f, "{error}"),
            Self::Proxy { found, error } => write!(f, "trusted_proxies has `{found}`, {error}"),
        }
    }
}

impl From<ContractError> for Failure {
    fn from(error: ContractError) -> Self {
        Self::Guard(GuardFailure::Contract(error))
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::Guard(GuardFailure::Load(error))
    }
}

impl From<GuardError> for Failure {
    fn from(error: GuardError) -> Self {
        match error {
            GuardError::Limiter(error) => error.into(),
            other => Self::Guard(GuardFailure::Plan(other)),
        }
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::Guard(GuardFailure::Request(error))
    }
}
