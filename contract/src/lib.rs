#![doc = include_str!("../README.md")]

mod client_address;
mod contract;
mod contract_error;
mod contract_rule;
mod fields;
mod file;
mod forwarded;
mod guard;
mod key_source;
mod outcome;
mod path_pattern;
mod promise;
mod request;
mod request_id;
mod response;
mod scope;
mod template;

pub use client_address::{ForwardedField, TrustedProxy, TrustedProxyError};
pub use contract::{Contract, LoadError, LoadProblem};
pub use contract_error::{ContractError, Fault};
pub use contract_rule::{ContractRule, Stage};
pub use fields::Fields;
pub use guard::{Guard, GuardBuilder, GuardError, RuleStats};
pub use ipnet::IpNet;
pub use key_source::{Absent, KeySource};
pub use outcome::{Outcome, Pass, Refusal};
pub use path_pattern::PathPattern;
pub use promise::Promise;
pub use request::{Headers, Limit, NoHeaders, Request, RequestError};
