//! Twenty clients share one key under each of four published contracts for ten minutes.
//!
//! Everything is simulated: a heap of events, a clock that jumps from one to the next, latencies
//! from a seeded generator. The server side is a `KeyedPlan` and the header writers; each client has
//! a pacer of its own and knows nothing of the others. "Allowed" is what a perfect central sender
//! gets through the same plan in the same time. `--nocapture` prints the table.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ratecell::http::{HeaderStyle, Report};
use ratecell::pacing::{Pacer, Reading, Sent};
use ratecell::{HeapMemory, Key, KeyedPlan, Plan, Rule, Seed};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MS;
const MINUTE: u64 = 60 * SECOND;
const CLIENTS: usize = 20;
/// A whole minute of 2026.
const WHOLE_MINUTE: u64 = 29_900_000 * MINUTE;
const SPAN: u64 = 10 * MINUTE;

struct Contract {
    name: &'static str,
    /// What the provider enforces.
    plan: &'static str,
    /// What a client is told of it: the rules that all clients share.
    told: &'static str,
    style: HeaderStyle,
    hidden: &'static str,
    body: fn(&Report<'_>) -> String,
}

const CONTRACTS: [Contract; 4] = [
    Contract {
        name: "peeker",
        plan: "sliding 600/min segments 62",
        told: "sliding 600/min segments 62",
        style: HeaderStyle::NONE,
        hidden: "",
        body: peeker_body,
    },
    Contract {
        name: "productlane",
        plan: "reads: fixed 1000/min; burst: sliding 333/10s segments 62",
        told: "reads: fixed 1000/min; burst: sliding 333/10s segments 62",
        style: HeaderStyle::from_bits(
            HeaderStyle::X_RATELIMIT.bits() | HeaderStyle::RETRY_AFTER.bits(),
        )
        .unwrap(),
        hidden: "burst",
        body: productlane_body,
    },
    Contract {
        name: "prefetch",
        plan: "ip: fixed 300/min by ip; key: sliding 600/min segments 62; inflight: concurrency 8",
        told: "key: sliding 600/min segments 62; inflight: concurrency 8",
        style: HeaderStyle::from_bits(
            HeaderStyle::X_CONCURRENCY.bits() | HeaderStyle::RETRY_AFTER.bits(),
        )
        .unwrap(),
        hidden: "",
        body: prefetch_body,
    },
    Contract {
        name: "prolifi",
        plan: "fixed 1000/min",
        told: "fixed 1000/min",
        style: HeaderStyle::from_bits(
            HeaderStyle::X_RATELIMIT_LIMIT.bits()
                | HeaderStyle::X_RATELIMIT_REMAINING.bits()
                | HeaderStyle::RETRY_AFTER.bits(),
        )
        .unwrap(),
        hidden: "",
        body: |_| String::from(r#"{"error":{"type":"rate_limit_error","message":"Too many"}}"#),
    },
];

fn peeker_body(report: &Report<'_>) -> String {
    let seconds = report.retry_after_seconds().unwrap();
    format!(
        r#"{{"error":{{"code":"rate_limited","details":{{"retry_after_seconds":{seconds}}}}}}}"#
    )
}

fn productlane_body(_: &Report<'_>) -> String {
    String::from(
        r#"{"error":{"code":"rate_limited","details":{"limit":1000,"window":"1m"},"request_id":"r"}}"#,
    )
}

fn prefetch_body(report: &Report<'_>) -> String {
    let what = match report.speaker().unwrap().rule().name() {
        "inflight" => "Concurrency",
        _ => "Rate",
    };
    format!(r#"{{"success":false,"error":"{what} limit exceeded for this API key","meta":{{}}}}"#)
}

/// SplitMix64.
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    /// One way through the network: now and then it takes long.
    fn network(&mut self) -> u64 {
        if self.next().is_multiple_of(100) {
            self.within(50, 200) * MS
        } else {
            self.within(5, 30) * MS
        }
    }

    /// What the server takes for a request that it serves.
    fn service(&mut self) -> u64 {
        self.within(20, 120) * MS
    }
}

/// How a client decides when to send.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// Told the plan and its share.
    Told,
    /// Told nothing.
    Learning,
    /// Sends at once, and again a second after a refusal.
    Naive,
    /// Sends at once, and waits Retry-After literally.
    Literal,
}

struct Client {
    pacer: Pacer,
    kind: Kind,
}

#[derive(Default, Debug, Clone, Copy, PartialEq)]
struct Tally {
    used: u64,
    refused: u64,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Wake(usize),
    Arrive(usize, u64),
    Done(usize),
    /// A response on its way: which one it is.
    Answer(usize, usize),
}

struct Answer {
    sent_ns: u64,
    ticket: Option<Sent>,
    reading_of: (u16, Vec<(&'static str, String)>, String),
}

/// Makes the closure's lifetimes those that a report asks for.
fn a_naming<'r, F: Fn(&'r Rule) -> Option<&'r str>>(naming: F) -> F {
    naming
}

fn address(client: usize) -> u32 {
    u32::try_from(client).unwrap()
}

fn server(contract: &Contract) -> KeyedPlan<HeapMemory> {
    let memory = |rule: &Rule| HeapMemory::for_keys(rule.quota(), 64);
    KeyedPlan::new(contract.plan.parse().unwrap(), Seed::from_bytes([7; 16]), memory).unwrap()
}

fn keys(client: usize) -> [(&'static str, Key<'static>); 2] {
    [("ip", address(client).into()), ("key", "shared".into())]
}

/// What a perfect central sender gets through: it always knows when the next one passes.
fn allowed(contract: &Contract, start: u64, seed: u64) -> u64 {
    let plan = server(contract);
    let has_permits = contract.plan.contains("concurrency");
    let mut random = Generator(seed);
    let (mut now, mut used) = (start, 0_u64);
    let mut ends = BinaryHeap::new();
    while now < start + SPAN {
        let turn = usize::try_from(used).unwrap() % CLIENTS;
        let decision = plan.acquire(now, &keys(turn), 1).unwrap();
        if decision.allowed() {
            used += 1;
            ends.push(Reverse((now + random.service(), turn)));
            continue;
        }
        let next_end = ends.peek().map(|Reverse((at, _))| *at).filter(|_| has_permits);
        let retry = decision.retry_after_ns().map(|wait| now + wait);
        now = retry.into_iter().chain(next_end).min().unwrap();
        while let Some(&Reverse((at, turn))) = ends.peek() {
            if at > now {
                break;
            }
            ends.pop();
            if has_permits {
                plan.release(&keys(turn), 1).unwrap();
            }
        }
    }
    used
}

fn play(contract: &Contract, kind: Kind, start: u64, seed: u64) -> Tally {
    play_apart(contract, kind, start, 0, seed)
}

/// The same with the server's clock `ahead` of the clients'.
fn play_apart(contract: &Contract, kind: Kind, start: u64, ahead: u64, seed: u64) -> Tally {
    let plan = server(contract);
    let told: Plan = contract.told.parse().unwrap();
    let mut random = Generator(seed);
    let mut heap = BinaryHeap::new();
    let mut answers: Vec<Option<Answer>> = Vec::new();
    let mut tickets: Vec<Option<Sent>> = vec![None; CLIENTS];
    let mut tally = Tally::default();
    let mut number = 0_u64;
    let sharers = u32::try_from(CLIENTS).unwrap();
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|_| Client {
            pacer: match kind {
                Kind::Told => Pacer::told(&told, sharers, start, &mut || random.next()).unwrap(),
                _ => Pacer::new().spread_over(SECOND, start, &mut || random.next()),
            },
            kind,
        })
        .collect();
    let mut push = |heap: &mut BinaryHeap<_>, at: u64, event: Event| {
        number += 1;
        heap.push(Reverse((at, number, event)));
    };
    for client in 0..CLIENTS {
        push(&mut heap, start + random.within(0, 50) * MS, Event::Wake(client));
    }
    while let Some(Reverse((now, _, event))) = heap.pop() {
        if now >= start + SPAN {
            break;
        }
        match event {
            Event::Wake(index) => {
                let client = &mut clients[index];
                if matches!(client.kind, Kind::Told | Kind::Learning) {
                    let wait = client.pacer.wait_ns(now);
                    if wait > 0 {
                        push(&mut heap, now + wait, Event::Wake(index));
                        continue;
                    }
                    tickets[index] = Some(client.pacer.sent(now, &mut || random.next()));
                }
                push(&mut heap, now + random.network(), Event::Arrive(index, now));
            }
            Event::Arrive(index, sent_ns) => {
                let decision = plan.acquire(now + ahead, &keys(index), 1).unwrap();
                let hidden = contract.hidden;
                let naming = a_naming(|rule| (rule.name() != hidden).then_some(rule.name()));
                let report = Report::new(&decision).naming(&naming);
                let fields = report.headers(contract.style, now + ahead);
                let fields = fields.map(|f| (f.name(), f.value().to_string())).collect();
                let (status, body, served) = if decision.allowed() {
                    tally.used += 1;
                    let served = random.service();
                    push(&mut heap, now + served, Event::Done(index));
                    (200, String::new(), served)
                } else {
                    tally.refused += 1;
                    (429, (contract.body)(&report), 0)
                };
                let reading_of = (status, fields, body);
                let ticket = tickets[index].take();
                answers.push(Some(Answer { sent_ns, ticket, reading_of }));
                let at = now + served + random.network();
                push(&mut heap, at, Event::Answer(index, answers.len() - 1));
            }
            Event::Done(index) => {
                if contract.plan.contains("concurrency") {
                    plan.release(&keys(index), 1).unwrap();
                }
            }
            Event::Answer(index, which) => {
                let Answer { sent_ns, ticket, reading_of } = answers[which].take().unwrap();
                assert!(sent_ns <= now);
                let (status, fields, body) = &reading_of;
                let headers = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
                let reading = Reading::of(now, *status, headers, body.as_bytes());
                let client = &mut clients[index];
                let pause = match client.kind {
                    Kind::Told | Kind::Learning => {
                        let draw = &mut || random.next();
                        client.pacer.finished(ticket.unwrap(), now, &reading, draw);
                        0
                    }
                    Kind::Naive if reading.refused() => SECOND,
                    Kind::Literal if reading.refused() => {
                        reading.retry_after_ns().unwrap_or(SECOND)
                    }
                    Kind::Naive | Kind::Literal => 0,
                };
                push(&mut heap, now + pause, Event::Wake(index));
            }
        }
    }
    tally
}

/// Runs: how far into a minute they start, and their seed.
const RUNS: [(u64, u64); 2] = [(0, 1), (23 * SECOND + 7, 2)];

#[test]
fn twenty_clients_on_one_key_use_what_the_contract_allows_and_are_not_refused() {
    println!("contract     client     start     used %  refused %");
    let mut missed = Vec::new();
    for contract in &CONTRACTS {
        for (run, &(offset, seed)) in RUNS.iter().enumerate() {
            let start = WHOLE_MINUTE + offset;
            let allowed = allowed(contract, start, seed);
            for kind in [Kind::Told, Kind::Learning, Kind::Literal, Kind::Naive] {
                let is_paced = matches!(kind, Kind::Told | Kind::Learning);
                if run > 0 && !is_paced {
                    continue;
                }
                let tally = play(contract, kind, start, seed);
                let used = tally.used as f64 * 100.0 / allowed as f64;
                let refused = tally.refused as f64 * 100.0 / (tally.used + tally.refused) as f64;
                println!(
                    "{:12} {:10} +{:>4.1} s  {used:8.2}  {refused:9.3}",
                    contract.name,
                    format!("{kind:?}").to_lowercase(),
                    offset as f64 / SECOND as f64,
                );
                // Ten minutes that start within a window have parts of eleven. The central sender
                // empties the last one at its start; who spreads it over the minute cannot know
                // that the clock stops.
                let least =
                    if offset > 0 && contract.plan.contains("fixed 1000") { 93.0 } else { 97.0 };
                if is_paced && (used < least || refused >= 0.5) {
                    missed.push((contract.name, kind, offset, used, refused));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}

/// One rule in the dialects that none of the four contracts speaks.
#[test]
fn clients_that_are_told_nothing_learn_from_any_dialect() {
    let with_wait = |style: HeaderStyle| style | HeaderStyle::RETRY_AFTER;
    let dialects = [
        ("draft-11", "fixed 600/min", with_wait(HeaderStyle::DRAFT_11)),
        ("draft-11", "gcra 600/min", with_wait(HeaderStyle::DRAFT_11)),
        ("draft-7", "fixed 600/min", with_wait(HeaderStyle::DRAFT_7)),
        ("draft-6", "gcra 600/min", with_wait(HeaderStyle::DRAFT_6)),
        ("x-seconds", "fixed 600/min", with_wait(HeaderStyle::X_RATELIMIT.with_reset_after())),
    ];
    for (name, plan, style) in dialects {
        let body = |_: &Report<'_>| String::new();
        let contract = Contract { name, plan, told: plan, style, hidden: "", body };
        let tally = play(&contract, Kind::Learning, WHOLE_MINUTE, 1);
        let used = tally.used as f64 * 100.0 / allowed(&contract, WHOLE_MINUTE, 1) as f64;
        let refused = tally.refused as f64 * 100.0 / (tally.used + tally.refused) as f64;
        println!("{name:12} {plan:14} {used:8.2}  {refused:9.3}");
        assert!(used >= 97.0 && refused < 0.5, "{name} {plan}: {used} % used, {refused} % refused");
    }
}

/// Windows that end beside the clock's minutes, with no reset shown.
#[test]
fn the_phase_of_a_window_is_learned_from_what_is_left() {
    // The server's clock is 37 s ahead of the clients', so its minutes are not theirs.
    let contract = &CONTRACTS[3];
    let tally = play_apart(contract, Kind::Learning, WHOLE_MINUTE, 37 * SECOND, 1);
    // Eleven windows are touched, of which the last is not used up.
    assert!(tally.used > 9_800 && tally.refused < tally.used / 200, "{tally:?}");
}
