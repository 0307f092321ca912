//! A request of WSGI, from its environ.

use core::ffi::CStr;

use percent_encoding::percent_encode;
use pyo3::exceptions::{PyKeyError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::argument::{dict_of, text_of};
use crate::fastcall::{FastMethod, Values, utf8};
use crate::guard::{Asked, Guard, stage_of};
use crate::request::{IN_PATH, RequestHeaders, peer_of};

/// Where an environ has the id of its request, once an outcome has shown one.
const REQUEST_ID: &str = "ratecell.request_id";

/// `Guard._admit_environ`.
pub(crate) struct AdmitEnviron;

impl FastMethod for AdmitEnviron {
    type Class = Guard;
    const NAME: &'static CStr = c"_admit_environ";
    const DOC: &'static CStr =
        c"_admit_environ($self, environ, stage, cost, values=None, limits=None, /)
--

As admit, of an environ, which keeps the id of the request.
";

    #[inline]
    fn call<'py>(this: &Bound<'py, Guard>, values: Values<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
        let given = values.by_position::<3, 5>("_admit_environ")?;
        let [Some(environ), Some(stage), Some(cost), values, limits] = given else {
            return Err(PyTypeError::new_err("_admit_environ() takes an environ, stage and cost"));
        };
        let py = environ.py();
        let environ = environ.cast::<PyDict>()?;
        let method = environ.get_item(intern!(py, "REQUEST_METHOD"))?;
        let method = method.ok_or_else(|| PyKeyError::new_err("REQUEST_METHOD"))?;
        let peer = environ.get_item(intern!(py, "REMOTE_ADDR"))?;
        let request_id = environ.get_item(intern!(py, REQUEST_ID))?;
        let path = path_of(environ)?;
        let request_id = match &request_id {
            Some(id) => Some(utf8(id.cast()?)?),
            None => None,
        };
        let (values, limits) = (dict_of(values, "values")?, dict_of(limits, "limits")?);
        let outcome = this.get().decide(
            py,
            &Asked {
                method: text_of(&method, "REQUEST_METHOD")?,
                path: &path,
                peer: peer_of(peer.as_ref())?,
                headers: RequestHeaders::new(None, Some(environ.clone()))?,
                request_id,
                values: values.as_ref(),
                limits: limits.as_ref(),
                cost: cost.extract()?,
                stage: stage_of(stage)?,
            },
        )?;
        if let Some(id) = outcome.request_id() {
            environ.set_item(intern!(py, REQUEST_ID), id)?;
        }
        Ok(Bound::new(py, outcome)?.into_any())
    }
}

/// The path of an environ, percent-encoded. WSGI has decoded it, and gives each byte as a character.
fn path_of(environ: &Bound<'_, PyDict>) -> PyResult<String> {
    let py = environ.py();
    let mut bytes = Vec::new();
    for name in [intern!(py, "SCRIPT_NAME"), intern!(py, "PATH_INFO")] {
        let Some(part) = environ.get_item(name)? else { continue };
        for character in text_of(&part, utf8(name)?)?.chars() {
            bytes.push(u8::try_from(character).map_err(|_| {
                PyValueError::new_err(format!(
                    "{name} holds {character:?}; accepted is Latin-1, as WSGI has it"
                ))
            })?);
        }
    }
    Ok(percent_encode(&bytes, IN_PATH).to_string())
}
