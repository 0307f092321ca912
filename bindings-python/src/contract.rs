//! Contract files as Python objects.

use std::path::PathBuf;

use pyo3::exceptions::{PyOSError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use ratecell_contract::LoadProblem;

use crate::argument::path_of;
use crate::fastcall::utf8;

/// What an HTTP API publishes about its limits, as one file.
///
/// `contract/README.md` of the project has the format. ``Contract(text)`` reads a text,
/// ``Contract.load(path)`` a file. Immutable.
///
/// >>> from ratecell import Contract
/// >>> contract = Contract('''
/// ... name = "shop"
/// ... [[rule]]
/// ... name = "key"
/// ... limit = "sliding 600/min"
/// ... by = "bearer"
/// ... ''')
/// >>> contract.name, contract.rules
/// ('shop', ('key',))
///
/// Raises ValueError for a text that is no contract: each fault on a line of its own, with line,
/// column, what was found and what is accepted.
///
/// Its copies are itself. It is not pickled: give another process its text or its path.
#[pyclass(frozen, module = "ratecell")]
pub(crate) struct Contract(pub(crate) ratecell_contract::Contract);

#[pymethods]
impl Contract {
    #[new]
    #[pyo3(signature = (text, /))]
    fn new(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Ok(text) = text.cast::<PyString>() else {
            return Err(PyTypeError::new_err(format!(
                "text is {text:?}; accepted is the text of a contract, or Contract.load(path)"
            )));
        };
        match ratecell_contract::Contract::parse(utf8(text)?) {
            Ok(contract) => Ok(Self(contract)),
            Err(error) => Err(PyValueError::new_err(error.to_string())),
        }
    }

    /// Read a contract from its file.
    ///
    /// Raises OSError if the file cannot be read, ValueError if it has more than 1 MiB or is no
    /// contract: each fault with the file's name, line and column.
    #[staticmethod]
    #[pyo3(signature = (path, /))]
    fn load(path: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::read(path_of(path, "path", "a str and an os.PathLike")?)
    }

    /// The name of the API.
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    /// The names of its rules, in the order of the file.
    #[getter]
    fn rules<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let names: Vec<_> = self.0.rules().iter().map(|rule| rule.name()).collect();
        PyTuple::new(py, names)
    }

    /// Itself, as it never changes.
    fn __copy__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    #[pyo3(signature = (_memo, /))]
    fn __deepcopy__<'py>(slf: Bound<'py, Self>, _memo: &Bound<'_, PyAny>) -> Bound<'py, Self> {
        slf
    }

    fn __repr__(&self) -> String {
        format!("<Contract {:?} of {} rules>", self.0.name(), self.0.rules().len())
    }
}

impl Contract {
    /// Reads the file at a path.
    pub(crate) fn read(path: PathBuf) -> PyResult<Self> {
        match ratecell_contract::Contract::load(path) {
            Ok(contract) => Ok(Self(contract)),
            Err(error) => Err(match error.problem() {
                LoadProblem::Read(cause) => {
                    let (path, said) = (error.path().display().to_string(), cause.to_string());
                    match cause.raw_os_error() {
                        // With these arguments Python makes it FileNotFoundError and the like.
                        Some(code) => PyOSError::new_err((code, said, path)),
                        None => PyValueError::new_err(format!("{path}: {said}")),
                    }
                }
                _ => PyValueError::new_err(error.to_string()),
            }),
        }
    }
}
