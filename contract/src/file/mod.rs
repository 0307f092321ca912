//! Reads a contract from its file: TOML in, a checked [`Contract`](crate::Contract) or every fault
//! with its place out.
//!
//! `section` knows TOML and nothing of contracts; the other files know what each table may hold.
//! Reading goes on after a fault, so that one run shows all of them.

mod read_contract;
mod read_response;
mod read_rule;
mod section;
mod text;

pub(crate) use read_contract::{read_bytes, read_contract};
