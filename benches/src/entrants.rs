//! Who is measured: the floors, the peers and ratecell itself.
//!
//! All answer the same question under the same two quotas, so that allowed rows never deny and
//! denied rows never allow after a key's first unit.

pub mod floors;
pub mod governor_peer;
pub mod rate_net_peer;
#[cfg(feature = "subject")]
pub mod ratecell_subject;

/// Which way every measured call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A unit every microsecond and a burst of 2^32-1: a run cannot use it up.
    Allowed,
    /// One unit an hour, taken before the measurement.
    Denied,
}

impl Answer {
    /// Both, in the order of the table.
    pub const BOTH: [Self; 2] = [Self::Allowed, Self::Denied];

    /// The word in a row's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
        }
    }

    /// Units a period.
    pub fn limit(self) -> u32 {
        match self {
            Self::Allowed => 1_000_000,
            Self::Denied => 1,
        }
    }

    /// The period in nanoseconds.
    pub fn period_ns(self) -> u64 {
        match self {
            Self::Allowed => 1_000_000_000,
            Self::Denied => 3_600_000_000_000,
        }
    }

    /// Units at once.
    pub fn burst(self) -> u32 {
        match self {
            Self::Allowed => u32::MAX,
            Self::Denied => 1,
        }
    }
}
