//! Which folder the cases are read from.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::{Failure, Place};

/// The name of the file with the cases on one cell.
pub const SINGLE_FILE: &str = "single.jsonl";

/// The name of the file with the cases on a plan.
pub const PLAN_FILE: &str = "plan.jsonl";

/// The environment variable that names another folder.
const VARIABLE: &str = "RATECELL_CONFORMANCE";

/// The folder that `RATECELL_CONFORMANCE` names, or this crate's own where it is not set.
///
/// # Errors
/// When the variable is set and names no folder. An empty value is such an error: a slip in a
/// script must not turn into a run of the built-in cases.
pub fn folder() -> Result<PathBuf, Failure> {
    named_or_own(env::var_os(VARIABLE))
}

fn named_or_own(named: Option<OsString>) -> Result<PathBuf, Failure> {
    let Some(named) = named else {
        return Ok(Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf());
    };
    let folder = PathBuf::from(named);
    if folder.is_dir() {
        return Ok(folder);
    }
    let found = format!("no folder at {folder:?}");
    let expected = format!("{VARIABLE} to name a folder with {SINGLE_FILE} and {PLAN_FILE}");
    Err(Place::file(folder).failure(expected, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_names_no_folder_is_an_error_that_names_it() {
        for wrong in ["", "no/such/folder", concat!(env!("CARGO_MANIFEST_DIR"), "/single.jsonl")] {
            let failure = named_or_own(Some(wrong.into())).unwrap_err().to_string();
            assert!(failure.contains("RATECELL_CONFORMANCE"), "{failure}");
            assert!(failure.contains(wrong), "{failure}");
        }
    }

    #[test]
    fn a_folder_that_is_named_is_taken_before_the_own_one() {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert_eq!(named_or_own(Some(src.clone().into())).unwrap(), src);
        assert!(named_or_own(None).unwrap().join(SINGLE_FILE).is_file());
    }
}
