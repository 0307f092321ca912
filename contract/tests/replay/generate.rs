//! Random contracts, and random requests to them: what can be said in every language, and is likely
//! to be said differently.
//!
//! Always the same ones, as the seed is. Few keys and small limits, so that requests meet.

use fastrand::Rng;
use serde_json::{Value, json};

const SEQUENCES: u64 = 40;
const STEPS: u64 = 14;
const SECOND_NS: u64 = 1_000_000_000;

const LIMITS: [&str; 10] = [
    "3/min",
    "5/s burst 2",
    "60/90 s burst 3",
    "fixed 2/min",
    "fixed 3/2h",
    "sliding 2/min",
    "sliding 4/10 s segments 3",
    "sliding 3/1500 ms",
    "concurrency 1",
    "concurrency 2",
];
const SOURCES: [&str; 6] =
    ["ip", "ip", "bearer", "header:x-api-key", "header:X-Forwarded-For", "value:user"];
const PATTERNS: [&str; 7] = ["/", "/**", "/v1/**", "/v1/*/items", "/V1/A", "/~user", "/v1/%C3%A9"];
const STYLES: [&str; 5] = ["x-ratelimit", "x-concurrency", "ratelimit", "draft-6", "retry-after"];
const BODIES: [(&str, &str); 3] = [
    ("application/json", r#"{"a":{rule.name},"b":"{rule.message}","c":{limit},"d":"{remaining}"}"#),
    ("application/x+json", r#"[{window},{window_seconds},{reset_seconds},{concurrency.running}]"#),
    ("text/plain; charset=utf-8", "{retry_after_seconds} {reset_unix} {request_id} \u{e9} {x"),
];
const METHODS: [&str; 6] = ["GET", "get", "HEAD", "POST", "OPTIONS", "X-ODD"];
const PATHS: [&str; 14] = [
    "/v1/a",
    "//v1//a/",
    "/v1/%61?x=/y",
    "/v1%2Fa",
    "/v1/../v1/a#f",
    "/V1/A",
    "/v1\\a",
    "/%7Euser",
    "http://host/v1/a",
    "*",
    "",
    "/v1/x/items",
    "/v1/\u{e9}",
    "/v1/%c3%a9",
];
const PEERS: [Option<&str>; 6] = [
    None,
    Some("192.0.2.1"),
    Some("::ffff:192.0.2.1"),
    Some("10.0.0.1"),
    Some("2001:db8::1"),
    Some("2001:db8::2"),
];
const ADDRESSES: [&str; 8] = [
    "192.0.2.1",
    "198.51.100.7:80",
    "\"[2001:db8::1]:80\"",
    "unknown",
    "\u{ff}",
    "",
    "10.0.0.9",
    "\"for=",
];
const KEYS: [&str; 8] = ["a", "b", "", " a ", "\u{ff}\u{fe}", "a,b", "\u{e9}", "\t a"];
const IDS: [&str; 4] = ["id-1", "bad id", "\u{e9}", "a/b=c"];

pub(crate) fn sequences() -> Vec<Value> {
    (0..SEQUENCES).map(|seed| sequence(&mut Rng::with_seed(seed))).collect()
}

fn sequence(rng: &mut Rng) -> Value {
    let rules = rng.usize(1..=4);
    let mut now_ns = pick(rng, &[0, 1_790_000_000 * SECOND_NS, (1 << 63) - 1]);
    let mut before = request(rng);
    let mut steps = Vec::new();
    for number in 0..STEPS {
        if rng.u8(..10) == 0 {
            steps.push(json!({ "release": rng.u64(0..=number) }));
            continue;
        }
        // The clock of a step may be behind that of the one before.
        let later = pick(rng, &[0, 0, 1, 300_000_000, SECOND_NS, 9 * SECOND_NS, 60 * SECOND_NS]);
        now_ns = (now_ns + later).min((1 << 63) - 1);
        now_ns -= if rng.u8(..8) == 0 { now_ns.min(SECOND_NS) } else { 0 };
        if rng.bool() {
            before = request(rng);
        }
        let mut step = before.clone();
        step["now_ns"] = now_ns.to_string().into();
        step["stage"] = pick(rng, &["whole", "whole", "before-auth", "after-auth"]).into();
        step["cost"] = pick(rng, &[1, 1, 1, 1, 0, 2, 3, u32::MAX]).into();
        step["limits"] = limits(rng, rules);
        steps.push(step);
    }
    json!({
        "contract": contract(rng, rules),
        "trusted_proxies": pick(rng, &[json!([]), json!(["10.0.0.0/8"]), json!(["::/0", "unix:"])]),
        "forwarded_field": pick(rng, &["either", "x-forwarded-for", "forwarded"]),
        "steps": steps,
    })
}

fn contract(rng: &mut Rng, rules: usize) -> String {
    let mut text = "name = \"\u{e9}\"\n".to_owned();
    for number in 0..rules {
        let (limit, by) = (pick(rng, &LIMITS), pick(rng, &SOURCES));
        text += &format!("[[rule]]\nname = \"r{number}\"\nlimit = \"{limit}\"\nby = \"{by}\"\n");
        text += "message = 'a \"quoted\" \\ word'\n";
        let method = pick(rng, &["GET", "HEAD", "POST", "X-ODD"]);
        let (path, except) = (pick(rng, &PATTERNS), pick(rng, &PATTERNS));
        let stage = pick(rng, &["before-auth", "after-auth"]);
        let mut maybe = |line: String| text += if rng.u8(..4) == 0 { &line } else { "" };
        maybe(format!("methods = [\"{method}\", \"PUT\"]\n"));
        maybe(format!("paths = [\"{path}\"]\n"));
        maybe(format!("except = [\"{except}\"]\n"));
        maybe(format!("stage = \"{stage}\"\n"));
        maybe("show = false\n".into());
        maybe("enforce = false\n".into());
        maybe(if by == "ip" { String::new() } else { "absent = \"share\"\n".into() });
        maybe("[rule.refused]\nstatus = 503\n".into());
    }
    let mut styles = STYLES;
    rng.shuffle(&mut styles);
    text += &format!("[response]\nheaders = {:?}\n", &styles[..rng.usize(1..=4)]);
    text += pick(rng, &["", "[response.always]\nServed-By = \"shop {request_id}\"\n"]);
    text += "[response.refused]\n";
    if let Some((kind, body)) = pick(rng, &[None, Some(0), Some(1), Some(2)]).map(|at| BODIES[at]) {
        text += &format!("content_type = \"{kind}\"\nbody = '''{body}'''\n");
    }
    text += pick(rng, &["", "headers = { X-Why = \"{rule.name} {reset_seconds}\" }\n"]);
    text += pick(rng, &["", "[clients]\nipv6_prefix = 128\n"]);
    text + "[request_id]\nheader = \"X-Request-Id\"\n"
}

fn request(rng: &mut Rng) -> Value {
    let mut headers = Vec::new();
    let mut add = |rng: &mut Rng, name: &str, most: usize, value: fn(&mut Rng) -> String| {
        for _ in 0..rng.usize(0..=most) {
            let name = if rng.bool() { name.to_uppercase() } else { name.to_owned() };
            headers.push(json!([name, value(rng)]));
        }
    };
    add(rng, "x-api-key", 3, |rng| pick(rng, &KEYS).into());
    add(rng, "authorization", 3, |rng| {
        pick(rng, &["Bearer ", "bearer  ", "Basic ", "Bearer"]).to_owned() + pick(rng, &KEYS)
    });
    add(rng, "x-forwarded-for", 2, |rng| {
        format!("{},{}", pick(rng, &ADDRESSES), pick(rng, &ADDRESSES))
    });
    add(rng, "forwarded", 2, |rng| {
        format!("for={}, by=x;For={}", pick(rng, &ADDRESSES), pick(rng, &ADDRESSES))
    });
    add(rng, "x-request-id", 2, |rng| pick(rng, &IDS).into());
    // The last one is good, so that no id is a new one, which differs each time.
    headers.push(json!(["X-Request-Id", "last"]));
    let user = pick(
        rng,
        &[json!({"text": "a"}), json!({"text": "\u{1f600}"}), json!({"integer": "7"}), json!(null)],
    );
    json!({
        "method": pick(rng, &METHODS),
        "path": pick(rng, &PATHS),
        "peer": pick(rng, &PEERS),
        "headers": headers,
        "values": if user.is_null() { json!([]) } else { json!([["user", user]]) },
    })
}

/// Limits of the caller's own, some of which are an error.
fn limits(rng: &mut Rng, rules: usize) -> Value {
    if rng.u8(..7) != 0 {
        return json!([]);
    }
    let rule = format!("r{}", rng.usize(0..=rules));
    let text = pick(rng, &LIMITS).to_uppercase();
    let limit = pick(rng, &[json!(1), json!(5), json!(u32::MAX), json!(text), json!("5")]);
    json!([[rule, limit]])
}

fn pick<T: Clone>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(..from.len())].clone()
}
