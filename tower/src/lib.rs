#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod admission;
mod body;
mod caller;
mod grpc;
mod held;
mod layer;
mod meter;
mod passage;
mod peer;
mod request_path;
mod response_future;
mod service;

pub use body::GuardedBody;
pub use caller::Caller;
pub use held::Held;
pub use layer::GuardLayer;
pub use peer::PeerAddr;
pub use response_future::ResponseFuture;
pub use service::GuardService;
