//! Rules with awkward numbers: the smallest, the largest, primes, and both sides of powers of two.
//!
//! A limit of a fixed rule stays below what a word of 64 bits can hold beside the number of the
//! last window that a clock can reach, because the core refuses more.

use ratecell_conformance::{Rule, RuleKind, reference};

use crate::random::Random;

const MIN_PERIOD_NS: u64 = 1_000_000;
const MAX_PERIOD_NS: u64 = 366 * 86_400 * 1_000_000_000;
const MAX_SLIDING_LIMIT: u64 = 8_388_607;

/// Round ones, primes, both sides of powers of two, and the ends of the range.
const PERIODS_NS: [u64; 28] = [
    MIN_PERIOD_NS,
    MIN_PERIOD_NS,
    1_000_001,
    1_000_003,
    (1 << 20) - 1,
    1 << 20,
    7_000_000,
    10_000_019,
    100_000_000,
    100_000_007,
    999_999_937,
    1_000_000_000,
    1_000_000_000,
    1_000_000_007,
    10_000_000_000,
    10_000_000_019,
    60_000_000_000,
    60_000_000_000,
    (1 << 36) - 1,
    1 << 36,
    100_000_000_003,
    1_000_000_000_039,
    3_600_000_000_000,
    86_400_000_000_000,
    1 << 53,
    MAX_PERIOD_NS - 1,
    MAX_PERIOD_NS,
    MAX_PERIOD_NS,
];

/// A rule that every implementation builds.
pub(crate) fn draw(random: &mut Random) -> Rule {
    loop {
        let rule = match random.within(0, 19) {
            0..=7 => gcra(random),
            8..=12 => sliding(random),
            13..=16 => fixed(random),
            _ => Rule { limit: limit(random, u64::from(u32::MAX)), kind: RuleKind::Concurrency },
        };
        if reference::quota(&rule).check().is_ok() {
            return rule;
        }
    }
}

/// A cost around the numbers that matter to a rule with this capacity and this many units left.
pub(crate) fn cost(capacity: u32, remaining: u32, random: &mut Random) -> u32 {
    match random.within(0, 15) {
        0 => 0,
        1..=6 => 1,
        7 => 2,
        8 => remaining,
        9 => remaining.saturating_add(1),
        10 => capacity,
        11 => capacity.saturating_add(1),
        12 => capacity / 2,
        13 if random.one_in(3) => u32::MAX,
        _ => narrow(random.spread(1, u64::from(capacity))),
    }
}

/// A number that was drawn below 2^32.
pub(crate) fn narrow(number: u64) -> u32 {
    u32::try_from(number).expect("drawn below 2^32")
}

fn gcra(random: &mut Random) -> Rule {
    let period_ns = period_ns(random);
    let limit = limit(random, u64::from(u32::MAX));
    let interval_ns = period_ns.div_ceil(u64::from(limit));
    // The largest burst whose whole refill stays within 2^62 ns.
    let most = ((1 << 62) / interval_ns).min(u64::from(u32::MAX));
    let burst = match random.within(0, 9) {
        0..=3 => u64::from(limit),
        4 => 1,
        5 => random.within(1, 5),
        6 => u64::from(limit).div_ceil(2),
        7 => u64::from(limit) * 2,
        8 => most,
        _ => random.spread(1, most),
    };
    Rule { limit, kind: RuleKind::Gcra { period_ns, burst: narrow(burst.min(most)) } }
}

fn fixed(random: &mut Random) -> Rule {
    let period_ns = period_ns(random);
    let last_window: u64 = ((1 << 63) - 1) / period_ns;
    let count_bits = last_window.leading_zeros();
    let most = ((1 << count_bits) - 1).min(u64::from(u32::MAX));
    Rule { limit: limit(random, most), kind: RuleKind::Fixed { period_ns } }
}

fn sliding(random: &mut Random) -> Rule {
    let segments = match random.within(0, 4) {
        0 => random.pick(&[1, 2, 61, 62]),
        1..=2 => 14,
        _ => narrow(random.within(1, 62)),
    };
    let period_ns = period_ns(random);
    Rule {
        limit: limit(random, MAX_SLIDING_LIMIT),
        kind: RuleKind::Sliding { period_ns, segments },
    }
}

fn period_ns(random: &mut Random) -> u64 {
    match random.within(0, 3) {
        0 => random.spread(MIN_PERIOD_NS, MAX_PERIOD_NS) | 1,
        _ => random.pick(&PERIODS_NS),
    }
}

fn limit(random: &mut Random, most: u64) -> u32 {
    let limit = match random.within(0, 9) {
        0..=4 => random.pick(&[1, 1, 2, 3, 7, 8, 10, 60, 100, 600, 1_000, 5_000, 100_000]),
        5 => random.within(1, 1_000),
        6 => random.within(1, 100_000),
        7 => random.pick(&[most, most, most - 1]),
        _ => random.spread(1, most),
    };
    narrow(limit.min(most))
}
