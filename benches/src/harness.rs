//! How a call of a few nanoseconds is measured here, whoever makes it.

mod claim;
mod counting_heap;
mod cpu_clock;
mod duel;
mod entrant;
mod flood;
mod free_clock;
mod key_ring;
mod options;
mod preemption;
mod session;
mod spread;
mod table_report;

pub use claim::Claim;
pub use counting_heap::live_bytes;
pub use cpu_clock::CpuClock;
pub use duel::{Contestant, Pace};
pub use entrant::{Entrant, Form, Take, Who, disturbed_batches};
pub use flood::Flood;
pub use free_clock::{now_ns, start as start_free_clock};
pub use key_ring::{KeyView, MeasuredKey, shuffled};
pub use options::Options;
pub use preemption::preemptions;
pub use session::Session;
pub use spread::Spread;
pub use table_report::{Row, TableReport, Unit};
