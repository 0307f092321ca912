//! `Flood`: a stream of keys never seen before, into a limiter that starts empty.
//!
//! The mean is over undisturbed passes. The worst is from other passes over fresh limiters, each
//! insertion bracketed by the thread's processor time, which leaves out preemption. Interrupts and
//! a hypervisor's pauses remain and hit insertions at random, while a limiter whose hash is fixed
//! does the same work at the same insertion every time: so the least over the passes is taken
//! insertion by insertion, and the worst of those is the limiter's own. Where each limiter draws a
//! hash of its own, the work moves, and the least of the passes' worsts is taken. The clock's own
//! 200 ns are inside the worst, far below what it is about.

use std::hint::black_box;

use super::{CpuClock, Entrant};

/// What some passes of one limiter found.
#[derive(Clone, Debug, Default)]
pub struct Flood {
    /// Nanoseconds an insertion on average, pass by pass.
    pub means_ns: Vec<f64>,
    /// Nanoseconds of the longest insertion, pass by pass.
    pub worsts_ns: Vec<f64>,
    /// The least that each insertion took in any pass.
    least_ns: Vec<f32>,
}

impl Flood {
    /// One more pass of each sort, over a fresh limiter each.
    pub fn pass<K: Send + Sync + 'static>(&mut self, keys: &[K], build: &dyn Fn() -> Entrant<K>) {
        let limiter = build();
        let clock = CpuClock::start();
        black_box(limiter.fill(keys));
        self.means_ns.push(clock.elapsed_ns() / keys.len() as f64);
        drop(limiter);

        let limiter = build();
        self.least_ns.resize(keys.len(), f32::INFINITY);
        let clock = CpuClock::start();
        let (mut worst_ns, mut before_ns) = (0.0_f64, clock.elapsed_ns());
        for (key, least_ns) in keys.iter().zip(&mut self.least_ns) {
            black_box(limiter.call(key));
            let after_ns = clock.elapsed_ns();
            let taken_ns = after_ns - before_ns;
            worst_ns = worst_ns.max(taken_ns);
            *least_ns = least_ns.min(taken_ns as f32);
            before_ns = after_ns;
        }
        self.worsts_ns.push(worst_ns);
    }

    /// The longest insertion with the machine's noise taken off as far as can be.
    pub fn worst_ns(&self, fixed_hash: bool) -> f64 {
        if fixed_hash {
            self.least_ns.iter().copied().fold(0.0, f32::max).into()
        } else {
            self.worsts_ns.iter().copied().fold(f64::INFINITY, f64::min)
        }
    }
}
