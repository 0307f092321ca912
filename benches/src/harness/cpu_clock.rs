//! `CpuClock`: the processor time of the calling thread.
//!
//! Processor time, not wall time: a batch that loses its core to another process for a few
//! milliseconds would otherwise be counted as slow. Reading it is a system call, some 200 ns, so
//! it brackets batches of milliseconds and single insertions of which only the worst is wanted.

use cpu_time::ThreadTime;

/// A point in the calling thread's processor time. It must be read on the thread that made it.
pub struct CpuClock(ThreadTime);

impl CpuClock {
    /// Starts counting now.
    pub fn start() -> Self {
        Self(ThreadTime::now())
    }

    /// Nanoseconds of processor time since the start.
    pub fn elapsed_ns(&self) -> f64 {
        self.0.elapsed().as_secs_f64() * 1e9
    }
}
