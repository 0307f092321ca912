//! A contract: what an HTTP API publishes about its limits.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use core::fmt;

use crate::contract_error::ContractError;
use crate::contract_rule::ContractRule;
use crate::file;
use crate::response::Response;

/// What an HTTP API publishes about its limits, read from a contract file.
///
/// ```
/// use ratecell_contract::Contract;
///
/// let contract = Contract::parse(
///     r#"
///     name = "shop"
///     [[rule]]
///     name = "key"
///     limit = "sliding 600/min"
///     by = "bearer"
///     [response]
///     headers = ["ratelimit", "retry-after"]
///     "#,
/// )?;
/// assert_eq!(contract.rules()[0].name(), "key");
/// # Ok::<(), ratecell_contract::ContractError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    pub(crate) name: Box<str>,
    pub(crate) rules: Box<[ContractRule]>,
    pub(crate) response: Response,
    pub(crate) ipv6_prefix: u8,
    pub(crate) request_id: RequestIdSource,
}

/// Where the id of a request comes from if the service gives none, and how ids made here begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestIdSource {
    /// A header field of the request, in lower case.
    pub(crate) header: Option<Box<str>>,
    pub(crate) prefix: Box<str>,
}

impl Contract {
    /// The most bytes that a contract's file may have: 1 MiB, hundreds of times what the longest
    /// ones need. Without a bound, the name of a device or of a log would fill the memory.
    pub const MAX_FILE_BYTES: u64 = 1 << 20;

    /// Reads a contract from the text of its file.
    ///
    /// # Errors
    /// [`ContractError`] with every fault and its place.
    pub fn parse(text: &str) -> Result<Self, ContractError> {
        file::read_contract(text)
    }

    /// Reads a contract from the bytes of its file, which must be UTF-8.
    ///
    /// # Errors
    /// [`ContractError`] with every fault and its place.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, ContractError> {
        file::read_bytes(bytes)
    }

    /// Reads a contract from its file, which may be a pipe.
    ///
    /// # Errors
    /// [`LoadError`] with the path if the file cannot be read, has more than
    /// [`MAX_FILE_BYTES`](Self::MAX_FILE_BYTES), or is no contract.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let path = path.as_ref();
        let failed = |problem| LoadError { path: path.to_owned(), problem };
        let bytes = Self::read_bytes(path).map_err(|error| failed(LoadProblem::Read(error)))?;
        Self::parse_bytes(&bytes).map_err(|error| failed(LoadProblem::Contract(error)))
    }

    /// Reads the bytes of a contract's file as [`load`](Self::load) does, and no further: for whoever
    /// shows them beside the faults that [`parse_bytes`](Self::parse_bytes) finds.
    ///
    /// # Errors
    /// Those of the system, and [`io::ErrorKind::FileTooLarge`] for a file of more than
    /// [`MAX_FILE_BYTES`](Self::MAX_FILE_BYTES).
    pub fn read_bytes(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let most = Self::MAX_FILE_BYTES;
        let mut file = File::open(path)?;
        let mut bytes = Vec::new();
        if file.by_ref().take(most + 1).read_to_end(&mut bytes)? as u64 <= most {
            return Ok(bytes);
        }
        // Devices and pipes do not say how much is in them.
        let size = file.metadata()?.len();
        let found = if size > most { size.to_string() } else { format!("more than {most}") };
        let message = format!("found {found} bytes, accepted are at most {most} (1 MiB)");
        Err(io::Error::new(io::ErrorKind::FileTooLarge, message))
    }

    /// The name of the API.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its rules, in the order of the file.
    pub fn rules(&self) -> &[ContractRule] {
        &self.rules
    }

    /// By how many leading bits IPv6 addresses are told apart.
    pub const fn ipv6_prefix(&self) -> u8 {
        self.ipv6_prefix
    }
}

impl core::str::FromStr for Contract {
    type Err = ContractError;

    fn from_str(text: &str) -> Result<Self, ContractError> {
        Self::parse(text)
    }
}

/// Why a contract cannot be had from a file.
#[derive(Debug)]
pub struct LoadError {
    path: PathBuf,
    problem: LoadProblem,
}

/// What went wrong with a contract file.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadProblem {
    /// The file cannot be read.
    Read(io::Error),
    /// Its text is not a contract.
    Contract(ContractError),
}

impl LoadError {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong with it.
    pub const fn problem(&self) -> &LoadProblem {
        &self.problem
    }
}

impl fmt::Display for LoadError {
    /// One fault a line, each as `file:line:column: fault`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            LoadProblem::Read(error) => write!(f, "{path}: {error}"),
            LoadProblem::Contract(error) => {
                for (position, fault) in error.faults().iter().enumerate() {
                    let line_end = if position > 0 { "\n" } else { "" };
                    write!(f, "{line_end}{path}:{fault}")?;
                }
                Ok(())
            }
        }
    }
}

impl core::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.problem {
            LoadProblem::Read(error) => Some(error),
            LoadProblem::Contract(error) => Some(error),
        }
    }
}
