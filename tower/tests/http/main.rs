//! The layer over real HTTP on the loopback. Time is a clock that the tests move; they wait for
//! channels and never for time.

mod api;
mod callers;
mod documented_clients;
mod fields;
mod frameworks;
mod in_process;
mod loopback;
mod peeker;
mod permits;
mod prefetch;
mod productlane;
mod prolifi;
mod stress;
