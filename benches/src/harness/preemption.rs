//! How often the system took the processor away from a thread.
//!
//! Two threads that are meant to contend must run at the same time. On a machine with other work
//! they often do not; a batch in which a thread was preempted is then measured again. A thread that
//! sleeps because a lock is taken gives the processor up by itself and is not counted.

/// Preemptions of the calling thread so far. Linux only; elsewhere it is always 0, so that every
/// batch passes.
pub fn preemptions() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}
