//! An axum service under the three limits of a published contract, and the HTTP connection that
//! its demo and its tests drive it with.
//!
//! Start reading at [`service`]: it is what a provider would write. `main.rs` is the demo, with
//! its `clients`, its `screen` and the `audit` of what they saw.

pub mod connection;
pub mod service;
