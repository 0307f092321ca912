//! The laws of the reference, each checked from its definition by replaying calls on clones.
//!
//! Nothing here repeats a formula of the kinds: a wait is right when the replayed call says so, a
//! bound when a log of admissions does.

use ratecell_reference::{Answer, Cell, Plan, Quota, Refusal, Rule, Verdict};

const LAST_NS: u64 = (1 << 63) - 1;
const WALKS: u64 = 600;
const STEPS: usize = 60;

/// SplitMix64, as in the generator of the conformance cases.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    fn small(&mut self, low: u32, high: u32) -> u32 {
        u32::try_from(self.within(low.into(), high.into())).expect("within 32 bits")
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.within(0, choices.len() as u64 - 1) as usize]
    }

    fn quota(&mut self) -> Quota {
        let limit = self.pick(&[1, 2, 3, 7, 10, 60, 1_000, 99_991]);
        let period_ns =
            self.pick(&[1_000_000, 1_000_003, 1 << 20, 1_000_000_007, 31_622_400_000_000_000]);
        let quota = match self.within(0, 3) {
            0 => Quota::Gcra { limit, period_ns, burst: self.small(1, 2 * limit) },
            1 => Quota::Fixed { limit, period_ns },
            2 => Quota::Sliding { limit, period_ns, segments: self.pick(&[1, 2, 14, 61, 62]) },
            _ => Quota::Concurrency { limit },
        };
        if quota.check().is_ok() { quota } else { self.quota() }
    }

    fn cost(&mut self, quota: &Quota) -> u32 {
        let capacity = quota.capacity();
        let any = self.small(0, capacity);
        self.pick(&[0, 1, 1, 1, 2, any, any / 4, capacity, capacity + 1])
    }

    /// The next `now_ns`: on, on the edges of the last answer, and back.
    fn tick(&mut self, now_ns: u64, last: &Answer, quota: &Quota) -> u64 {
        let span = quota.period_ns().unwrap_or(1_000);
        let wait_ns = self.pick(&[last.retry_after_ns, last.reset_after_ns]).unwrap_or(1);
        let edge = now_ns.saturating_add(wait_ns);
        let on = now_ns + self.within(0, span / 4);
        let back = now_ns.saturating_sub(self.within(0, span));
        self.pick(&[now_ns, on, on, on, edge, edge, edge.saturating_sub(1), back]).min(LAST_NS)
    }
}

/// Walks many cells through random calls, and shows `law` the cell before each call.
fn walk(seed: u64, mut law: impl FnMut(&Cell, u64, u32)) {
    for index in 0..WALKS {
        let mut random = Random(seed ^ (index << 32));
        let quota = random.quota();
        let mut cell = Cell::new(quota).expect("checked");
        let mut now_ns = random.pick(&[0, 1_700_000_000_000_000_000, LAST_NS - (1 << 40)]);
        let mut last = cell.peek(now_ns, 0);
        for _ in 0..STEPS {
            now_ns = random.tick(now_ns, &last, &quota);
            let cost = random.cost(&quota);
            law(&cell, now_ns, cost);
            last = cell.acquire(now_ns, cost);
            if random.within(0, 3) == 0 {
                cell.release(random.small(0, quota.capacity()));
            }
        }
    }
}

fn allows(cell: &Cell, now_ns: u64, cost: u32) -> bool {
    cell.clone().acquire(now_ns, cost).verdict == Verdict::Allow
}

#[test]
fn r1_denied_call_passes_at_retry_after_and_not_one_ns_before() {
    let mut checked = 0;
    walk(1, |cell, now_ns, cost| {
        let answer = cell.peek(now_ns, cost);
        match (answer.verdict, answer.retry_after_ns) {
            (Verdict::Allow, wait_ns) => assert_eq!(wait_ns, Some(0)),
            (Verdict::Never, wait_ns) => {
                assert_eq!(wait_ns, None);
                assert!(!allows(cell, LAST_NS, cost));
            }
            (Verdict::Deny, None) => {
                assert!(matches!(cell.quota(), Quota::Concurrency { .. }));
                assert!(!allows(cell, LAST_NS, cost));
            }
            (Verdict::Deny, Some(wait_ns)) => {
                let then_ns = now_ns + wait_ns;
                if then_ns <= LAST_NS {
                    assert!(!allows(cell, then_ns - 1, cost), "{cell:?} at {now_ns}");
                    assert!(allows(cell, then_ns, cost), "{cell:?} at {now_ns}");
                    checked += 1;
                }
            }
        }
    });
    assert!(checked > 2_000, "only {checked} denials");
}

#[test]
fn r2_remaining_is_the_largest_cost_allowed() {
    walk(2, |cell, now_ns, cost| {
        let mut after = cell.clone();
        let taken = after.acquire(now_ns, cost).remaining;
        for (cell, remaining) in [(cell, cell.peek(now_ns, cost).remaining), (&after, taken)] {
            assert!(allows(cell, now_ns, remaining), "{cell:?} at {now_ns}");
            assert!(!allows(cell, now_ns, remaining + 1), "{cell:?} at {now_ns}");
        }
    });
}

#[test]
fn r3_cell_is_as_good_as_new_at_reset_after_and_not_one_ns_before() {
    let mut checked = 0;
    walk(3, |cell, now_ns, _| {
        let Some(wait_ns) = cell.peek(now_ns, 0).reset_after_ns else {
            assert!(matches!(cell.quota(), Quota::Concurrency { .. }));
            return;
        };
        let then_ns = now_ns + wait_ns;
        if then_ns > LAST_NS {
            return;
        }
        let mut random = Random(then_ns);
        let (mut waited, mut new) = (cell.clone(), Cell::new(*cell.quota()).expect("checked"));
        let mut later_ns = then_ns;
        for _ in 0..8 {
            let cost = random.cost(cell.quota());
            let answer = waited.acquire(later_ns, cost);
            assert_eq!(answer, new.acquire(later_ns, cost), "{cell:?} at {now_ns}");
            let span = cell.quota().period_ns().expect("only concurrency has none");
            later_ns = (later_ns + random.within(0, span / 2)).min(LAST_NS);
        }
        if wait_ns > 0 {
            assert_eq!(cell.peek(then_ns - 1, 0).reset_after_ns, Some(1));
            checked += 1;
        }
    });
    assert!(checked > 2_000, "only {checked} waits");
}

#[test]
fn r4_looking_denials_and_cost_zero_change_nothing() {
    walk(4, |cell, now_ns, cost| {
        let mut after = cell.clone();
        assert_eq!(after.acquire(now_ns, 0).verdict, Verdict::Allow);
        assert_eq!(after, *cell);
        let seen = after.peek(now_ns, cost);
        let answer = after.acquire(now_ns, cost);
        assert_eq!((seen.verdict, seen.retry_after_ns), (answer.verdict, answer.retry_after_ns));
        if answer.verdict == Verdict::Allow {
            assert_eq!(seen.remaining - answer.remaining, cost);
        } else {
            assert_eq!((seen, &after), (answer, cell));
        }
    });
}

#[test]
fn r5_clock_going_back_never_grants_more() {
    walk(5, |cell, now_ns, cost| {
        let mut random = Random(now_ns);
        let span = cell.quota().period_ns().unwrap_or(1_000);
        for back_ns in [1, random.within(1, span), random.within(1, 4 * span), now_ns] {
            let before_ns = now_ns.saturating_sub(back_ns);
            assert!(cell.peek(before_ns, 0).remaining <= cell.peek(now_ns, 0).remaining);
            assert!(allows(cell, now_ns, cost) || !allows(cell, before_ns, cost));
        }
    });
}

/// Charges a cell at random and returns the admissions: when, on a clock that the earlier
/// admissions keep from going back, and how many units.
fn log_of_admissions(quota: Quota, random: &mut Random) -> Vec<(u64, u32)> {
    let mut cell = Cell::new(quota).expect("checked");
    let (mut now_ns, mut last) = (random.within(0, 1 << 60), cell.peek(0, 0));
    let mut log: Vec<(u64, u32)> = Vec::new();
    for _ in 0..300 {
        now_ns = random.tick(now_ns, &last, &quota);
        let cost = random.cost(&quota);
        last = cell.acquire(now_ns, cost);
        if last.verdict == Verdict::Allow && cost > 0 {
            let floor_ns = log.last().map_or(0, |(at_ns, _)| *at_ns);
            log.push((now_ns.max(floor_ns), cost));
        }
    }
    log
}

/// The units admitted from the start of each admission through each later one, with that span.
fn spans(log: &[(u64, u32)]) -> impl Iterator<Item = (u64, u64)> + '_ {
    log.iter().enumerate().flat_map(move |(index, (start_ns, _))| {
        let mut units = 0;
        log[index..].iter().map(move |(at_ns, cost)| {
            units += u64::from(*cost);
            (at_ns - start_ns, units)
        })
    })
}

#[test]
fn r6_each_kind_keeps_its_bound() {
    let mut full = 0;
    for index in 0..WALKS {
        let mut random = Random(index);
        let quota = random.quota();
        let log = log_of_admissions(quota, &mut random);
        match quota {
            Quota::Gcra { limit, period_ns, burst } => {
                let interval_ns = period_ns.div_ceil(limit.into());
                for (span_ns, units) in spans(&log) {
                    assert!(units <= u64::from(burst) + span_ns / interval_ns, "{quota:?}");
                }
            }
            Quota::Fixed { limit, period_ns } => {
                for (start_ns, _) in &log {
                    let window = start_ns / period_ns;
                    let inside = log.iter().filter(|(at_ns, _)| at_ns / period_ns == window);
                    let units: u64 = inside.map(|(_, cost)| u64::from(*cost)).sum();
                    assert!(units <= limit.into(), "{quota:?}");
                }
            }
            Quota::Sliding { limit, period_ns, .. } => {
                for (span_ns, units) in spans(&log) {
                    if span_ns <= period_ns {
                        assert!(units <= limit.into(), "{quota:?}");
                        full += u32::from(units == limit.into());
                    }
                }
            }
            Quota::Concurrency { limit } => {
                let units: u64 = log.iter().map(|(_, cost)| u64::from(*cost)).sum();
                assert!(units <= limit.into(), "{quota:?}");
            }
        }
    }
    assert!(full > 1_000, "only {full} full spans");
}

#[test]
fn sliding_never_denies_who_keeps_to_the_limit_in_a_period_and_a_segment() {
    for index in 0..WALKS {
        let mut random = Random(index);
        let Quota::Sliding { limit, period_ns, segments } = random.quota() else { continue };
        let mut cell = Cell::new(Quota::Sliding { limit, period_ns, segments }).expect("checked");
        // Two ticks are at most a 512th of the period.
        let kept_ns = period_ns + period_ns.div_ceil(segments.into()) + period_ns.div_ceil(512) + 2;
        let mut log: Vec<(u64, u32)> = Vec::new();
        let mut now_ns = 0;
        for _ in 0..300 {
            now_ns += random.within(0, period_ns / 8);
            let recent = log.iter().filter(|(at_ns, _)| at_ns + kept_ns >= now_ns);
            let used: u32 = recent.map(|(_, cost)| *cost).sum();
            let cost = random.small(1, limit);
            if used + cost <= limit {
                assert_eq!(cell.acquire(now_ns, cost).verdict, Verdict::Allow);
                log.push((now_ns, cost));
            }
        }
    }
}

#[test]
fn a_refused_plan_charges_nothing() {
    let (mut refused, mut allowed) = (0, 0);
    for index in 0..WALKS {
        let mut random = Random(index);
        let rules = (0..random.within(1, 4)).map(|index| Rule {
            name: format!("r{index}"),
            quota: random.quota(),
            by: random.pick(&["ip", "key"]).to_owned(),
        });
        let mut plan = Plan::new(rules.collect()).expect("checked");
        let mut now_ns = 1 << 40;
        for _ in 0..STEPS {
            now_ns += random.within(0, 1_000_000);
            let cost = random.small(0, 8);
            let keys = [("ip", random.pick(&["a", "b"])), ("none", "a"), ("key", "a")];
            let keys = &keys[random.within(0, 2) as usize..];
            let before = plan.clone();
            let looked = plan.peek(keys, cost, now_ns);
            assert_eq!(plan, before);
            let answer = plan.acquire(keys, cost, now_ns);
            assert_eq!(looked.allowed, answer.allowed);
            assert_eq!(looked.retry_after_ns(), answer.retry_after_ns());
            let denied = |(_, answer): &(String, Answer)| answer.verdict != Verdict::Allow;
            assert_eq!(answer.allowed, !answer.rules.iter().any(denied));
            assert_eq!(answer.governing.is_none(), answer.rules.is_empty());
            if answer.allowed {
                allowed += 1;
                assert!(plan.release(keys, cost));
            } else {
                refused += 1;
                assert_eq!((&plan, &answer), (&before, &looked));
            }
        }
    }
    assert!(refused > 2_000 && allowed > 2_000, "{refused} refused, {allowed} allowed");
}

#[test]
fn a_stand_in_needs_the_same_kind_and_leaves_the_state_as_it_is() {
    let gcra = Quota::Gcra { limit: 10, period_ns: 1_000_000_000, burst: 10 };
    let faster = Quota::Gcra { limit: 20, period_ns: 1_000_000_000, burst: 1 };
    let mut cell = Cell::new(gcra).expect("valid");
    assert_eq!(cell.acquire(0, 10).remaining, 0);
    let answer = cell.acquire_with(&faster, 0, 1).expect("of the same kind");
    assert_eq!(answer.retry_after_ns, Some(1_000_000_000));
    let fixed = Quota::Fixed { limit: 4, period_ns: 1_000_000 };
    let mut cell = Cell::new(fixed).expect("valid");
    assert_eq!(cell.acquire(0, 4).remaining, 0);
    let more = Quota::Fixed { limit: 5, period_ns: 1_000_000 };
    assert_eq!(cell.acquire_with(&more, 0, 1).expect("of the same period").remaining, 0);
    let less = Quota::Fixed { limit: 3, period_ns: 1_000_000 };
    let answer = cell.peek_with(&less, 0, 0).expect("of the same period");
    assert_eq!((answer.verdict, answer.remaining), (Verdict::Allow, 0));
    let longer = Quota::Fixed { limit: 5, period_ns: 1_000_001 };
    assert_eq!(cell.acquire_with(&longer, 0, 1), Err(Refusal::StandIn));
    assert_eq!(cell.acquire_with(&gcra, 0, 1), Err(Refusal::StandIn));
}
