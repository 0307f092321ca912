//! No text makes the reader panic, and no request an accepted contract's guard.

use core::net::IpAddr;

use proptest::prelude::*;
use ratecell::ManualClock;
use ratecell_contract::{Contract, Guard, Limit, Outcome, Request, Stage};

/// Contracts to start from: the published ones, and one with everything.
const SEEDS: [&str; 5] = [
    include_str!("../../contracts/peeker.toml"),
    include_str!("../../contracts/prefetch.toml"),
    include_str!("../../contracts/productlane.toml"),
    include_str!("../../contracts/prolifi.toml"),
    include_str!("../../cli/tests/files/surprising.toml"),
];

/// Pieces that mean something to the reader.
const PIECES: [&str; 40] = [
    "{",
    "}",
    "{limit}",
    "{request_id}",
    "{rule.message}",
    "\"",
    "'",
    "\"\"\"",
    "\\",
    "\\u00e9",
    "[",
    "]",
    "[[rule]]",
    "[response]",
    "[response.always]",
    "[rule.refused]",
    "=",
    "\n",
    ";",
    ":",
    "/",
    "**",
    "*",
    "600",
    "0",
    "99999999999",
    "/min",
    "/366d",
    "sliding ",
    "concurrency ",
    "burst 1",
    "segments 62",
    "by = \"ip\"",
    "show = false",
    "enforce = false",
    "absent = \"share\"",
    "\u{1F600}",
    "\u{0}",
    "http://",
    "%2e",
];

/// A seed with some spans replaced by pieces or removed.
fn mutated() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0..12_usize, prop::option::of(0..PIECES.len()));
    (0..SEEDS.len(), prop::collection::vec(edit, 0..6)).prop_map(|(seed, edits)| {
        let mut text: Vec<char> = SEEDS[seed].chars().collect();
        for (place, length, piece) in edits {
            let start = place.index(text.len() + 1);
            let end = (start + length).min(text.len());
            let piece = piece.map_or("", |piece| PIECES[piece]);
            text.splice(start..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

#[derive(Clone, Debug)]
struct Asked {
    method: String,
    path: String,
    peer: Option<IpAddr>,
    headers: Vec<(String, Vec<u8>)>,
    value: Vec<u8>,
    cap: Option<u32>,
    cost: u32,
    after_ns: u64,
}

fn asked() -> impl Strategy<Value = Asked> {
    let method = prop_oneof![Just("GET".to_owned()), Just("POST".to_owned()), ".{0,8}"];
    let path = prop_oneof![Just("/domains/import".to_owned()), "(/|[a-z.%0-9?]){0,12}", ".{0,12}"];
    let name = prop::sample::select(vec![
        "authorization",
        "x-api-key",
        "x-forwarded-for",
        "forwarded",
        "x-request-id",
    ]);
    let value = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "Bearer [a-c]{0,2}".prop_map(String::into_bytes),
        "((for=)?\"?\\[?[0-9a-f:.]{0,12}\\]?\"?(,|;)?){0,4}".prop_map(String::into_bytes),
    ];
    let headers = prop::collection::vec((name.prop_map(str::to_owned), value), 0..5);
    let peer = prop::option::of(any::<IpAddr>());
    let value = prop::collection::vec(any::<u8>(), 0..10);
    let cap = prop::option::of(any::<u32>());
    let cost = prop_oneof![Just(1), Just(0), any::<u32>()];
    (method, path, peer, headers, value, cap, cost, any::<u64>()).prop_map(
        |(method, path, peer, headers, value, cap, cost, after_ns)| Asked {
            method,
            path,
            peer,
            headers,
            value,
            cap,
            cost,
            after_ns,
        },
    )
}

/// Sends a request, and checks what must hold of any answer.
fn send(guard: &Guard<ManualClock>, asked: &Asked) -> Result<(), TestCaseError> {
    guard.clock().advance(asked.after_ns % 100_000_000_000);
    let rule = guard.contract().rules()[0].name();
    let limits: Vec<_> = asked.cap.map(|cap| (rule, Limit::Cap(cap))).into_iter().collect();
    let values = [("tenant", &*asked.value), ("request_id", &*asked.value)];
    let request = Request {
        peer: asked.peer,
        headers: &asked.headers,
        values: &values,
        limits: &limits,
        cost: asked.cost,
        ..Request::new(&asked.method, &asked.path)
    };
    for stage in [Stage::BeforeAuth, Stage::AfterAuth, Stage::Whole] {
        let Ok(outcome) = guard.admit(stage, &request) else {
            // Only a cap can make no sense.
            prop_assert!(asked.cap.is_some());
            continue;
        };
        for (name, value) in outcome.fields().iter() {
            let is_value = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
            prop_assert!(value.bytes().all(is_value), "{name}: {value:?}");
            prop_assert!(!name.is_empty());
        }
        if let Outcome::Refuse(refusal) = outcome {
            prop_assert!((400..600).contains(&refusal.status()));
            let media_type = refusal.content_type().split(';').next().unwrap_or_default();
            if media_type.trim_end().eq_ignore_ascii_case("application/json") {
                let parsed = serde_json::from_str::<serde_json::Value>(refusal.body());
                prop_assert!(parsed.is_ok(), "{}", refusal.body());
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_text_makes_the_reader_panic(text in mutated()) {
        match Contract::parse(&text) {
            Ok(contract) => drop(contract.promises()),
            Err(error) => {
                prop_assert!(!error.faults().is_empty());
                for fault in error.faults() {
                    prop_assert!(fault.offset() <= text.len() && fault.line() > 0);
                    let line = text.split('\n').nth(fault.line() - 1);
                    let columns = line.map_or(0, |line| line.chars().count());
                    prop_assert!(fault.column() <= columns + 1, "{fault}");
                }
            }
        }
    }

    #[test]
    fn no_request_makes_a_guard_panic_or_answer_what_cannot_be_sent(
        text in mutated(),
        requests in prop::collection::vec(asked(), 1..6),
    ) {
        // The seeds stand in for texts that are refused.
        let contract = Contract::parse(&text).unwrap_or_else(|_| Contract::parse(SEEDS[4]).unwrap());
        let proxies = ["0.0.0.0/1", "::/1", "unix:"].map(|proxy| proxy.parse().unwrap());
        let guard = Guard::builder(contract)
            .capacity(1)
            .clock(ManualClock::new(0))
            .trusted_proxies(&proxies)
            .build()
            .unwrap();
        for asked in &requests {
            send(&guard, asked)?;
        }
    }
}

/// Each would take minutes if every fault were looked for from the start of its text.
#[test]
fn a_text_of_many_placeholders_or_fields_is_read_in_one_go() {
    let faults = |value: &str| {
        let rule = "[[rule]]\nname = \"a\"\nlimit = \"5/s\"\nby = \"ip\"";
        let text = format!("name = \"a\"\n{rule}\n[response.always]\n{value}\n");
        let error = Contract::parse(&text).unwrap_err();
        error.faults().iter().map(|fault| (fault.line(), fault.column())).collect::<Vec<_>>()
    };
    let count = 40_000;
    let wrong = faults(&format!("x = \"{}\"", "\\u00417{limit}".repeat(count)));
    assert_eq!(wrong.len(), count);
    assert_eq!((wrong[0], wrong[1], wrong[count - 1]), ((7, 13), (7, 27), (7, 14 * count - 1)));

    let braces = faults(&format!("x = \"{}\\n\"", "{".repeat(20 * count)));
    assert_eq!(braces, [(7, 20 * count + 6)]);

    let named_twice: String =
        (0..count).map(|at| format!("x{at} = \"\"\nX{at} = \"\"\n")).collect();
    assert_eq!(faults(&named_twice).len(), count);
}
