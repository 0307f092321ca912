//! The clock of a case: it runs, stops, jumps to the edges of the last answers, and goes back.
//!
//! An edge is an instant at which an answer said that something changes. The nanosecond before it
//! is where a decision that rounds goes wrong, so it is drawn as often as the edge itself.

use ratecell_conformance::Answer;

use crate::random::Random;

/// The last instant that a clock may show: 2^63 - 1 ns.
const LAST_NS: u64 = (1 << 63) - 1;

/// Edges that are remembered.
const EDGES: usize = 8;

/// Draws one `now_ns` after the other.
pub(crate) struct Clock {
    now_ns: u64,
    /// The length of time in which the case's rule changes.
    scale_ns: u64,
    /// Whether the clock may jump to the ends of its range.
    wild: bool,
    edges: Vec<u64>,
}

impl Clock {
    pub(crate) fn new(scale_ns: u64, random: &mut Random) -> Self {
        let now_ns = match random.within(0, 7) {
            0 => 0,
            1 => random.spread(0, scale_ns),
            2 => LAST_NS - random.spread(0, scale_ns.saturating_mul(8).min(LAST_NS)),
            // An instant on the edge of a window.
            3 => random.within(1, LAST_NS / scale_ns) * scale_ns,
            _ => random.spread(0, LAST_NS),
        };
        Self { now_ns, scale_ns, wild: random.one_in(4), edges: Vec::new() }
    }

    /// Remembers the instants at which `answer`, just given, says that something changes.
    pub(crate) fn learn(&mut self, answer: &Answer) {
        for wait_ns in [answer.retry_after_ns, answer.reset_after_ns].into_iter().flatten() {
            let edge = self.now_ns.saturating_add(wait_ns);
            if wait_ns > 0 && edge <= LAST_NS {
                self.edges.retain(|known| *known != edge);
                self.edges.push(edge);
            }
        }
        let surplus = self.edges.len().saturating_sub(EDGES);
        self.edges.drain(..surplus);
    }

    pub(crate) fn next(&mut self, random: &mut Random) -> u64 {
        let scale = self.scale_ns;
        let now = match random.within(0, 19) {
            0..=2 => self.now_ns,
            3..=5 => self.now_ns.saturating_add(random.spread(1, scale)),
            6..=7 => self.now_ns.saturating_add(random.within(1, scale / 16 + 1)),
            8 => self.now_ns.saturating_add(random.within(1, scale * 3)),
            9..=15 if !self.edges.is_empty() => {
                let edge = random.pick(&self.edges);
                random.pick(&[edge, edge, edge - 1, edge - 1, edge.saturating_add(1)])
            }
            16..=17 => self.now_ns.saturating_sub(random.spread(1, scale)),
            18 => self.now_ns.saturating_sub(random.spread(1, scale * 8)),
            19 if self.wild => match random.within(0, 3) {
                0 => random.spread(0, scale),
                1 => LAST_NS - random.spread(0, scale),
                2 => LAST_NS,
                _ => random.spread(0, LAST_NS),
            },
            _ => self.now_ns.saturating_add(random.spread(1, 4)),
        };
        self.now_ns = now.min(LAST_NS);
        self.now_ns
    }
}
