//! What the layer tells of its decisions: counters, events, and the rules that only try.
//!
//! It has a process to itself: `tracing` keeps for the whole process whether anybody listens to an
//! event, so that threads of other tests could be the first to ask, just before this one listens.

use core::fmt::Write as _;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::HeaderMap;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use ratecell_tower::Caller;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};

use crate::api::Api;
use crate::loopback::request;

#[expect(dead_code, reason = "shared with the tests in `http`, which need more of it")]
#[path = "http/api.rs"]
mod api;
#[expect(dead_code, reason = "shared with the tests in `http`, which need more of it")]
#[path = "http/loopback.rs"]
mod loopback;

/// Counts by name and labels, as a line of text.
#[derive(Default)]
struct Counts(Mutex<BTreeMap<String, Arc<AtomicU64>>>);

impl Counts {
    /// Each counter with its labels and value.
    fn lines(&self) -> Vec<String> {
        let counts = self.0.lock().unwrap();
        counts.iter().map(|(key, it)| format!("{key} {}", it.load(Ordering::Relaxed))).collect()
    }
}

impl Recorder for Counts {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut line = key.name().to_owned();
        for label in key.labels() {
            write!(line, " {}={}", label.key(), label.value()).unwrap();
        }
        Counter::from_arc(Arc::clone(self.0.lock().unwrap().entry(line).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        panic!("the layer has no gauge");
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        panic!("the layer has no histogram");
    }
}

/// Keeps the events of the layer, each as a line of text.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    fn take(&self) -> Vec<String> {
        core::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Subscriber for Events {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "ratecell"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn core::fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

fn anybody(headers: &HeaderMap) -> Option<Caller> {
    let caller = Caller::new();
    Some(if headers.contains_key("wrong") { caller.cap("nothing", 1) } else { caller })
}

const CONTRACT: &str = r#"
    name = "told"
    [[rule]]
    name = "ip"
    limit = "fixed 4/min"
    by = "ip"
    stage = "before-auth"
    [[rule]]
    name = "key"
    limit = "fixed 2/min"
    by = "header:x-api-key"
    [[rule]]
    name = "stricter"
    limit = "fixed 1/min"
    by = "header:x-api-key"
    enforce = false
    [response]
    headers = ["ratelimit"]
"#;

// One thread serves, asks and counts, so what is set for this thread is seen by all.
#[tokio::test]
async fn each_decision_is_counted_and_refusals_are_events_without_keys() {
    let counts = Counts::default();
    let _counted = metrics::set_default_local_recorder(&counts);
    let events = Events::default();
    let _heard = tracing::subscriber::set_default(events.clone());

    let api = Api::serve_text(CONTRACT, anybody).await;
    let mut client = api.client().await;
    let mine = || request("GET", "/v1/items", &[("x-api-key", "secret")]);
    let first = client.send(mine()).await;
    assert_eq!(first.status, 200);
    assert!(events.take().is_empty());
    // A dry run is shown like any rule, and refuses nothing.
    let second = client.send(mine()).await;
    assert_eq!(second.status, 200);
    assert!(second.field("ratelimit").contains("\"stricter\";r=0"), "{second}");
    let stage = "contract=\"told\" stage=\"after-auth\"";
    let would = format!(
        "DEBUG message=request would be refused, were the rule enforced {stage} rule=\"stricter\""
    );
    assert_eq!(events.take(), [would]);
    assert_eq!(client.send(mine()).await.status, 429);
    let refused = format!(
        "DEBUG message=request refused {stage} rule=\"key\" status=429 \
         retry_after_ns=60000000000"
    );
    assert_eq!(events.take()[0], refused);
    let wrong = request("GET", "/v1/items", &[("x-api-key", "secret"), ("wrong", "1")]);
    assert_eq!(client.send(wrong).await.status, 500);
    assert!(events.take()[0].starts_with("ERROR message=the service gave a limit"));
    assert_eq!(client.send(mine()).await.status, 429);
    assert!(events.take()[0].contains("stage=\"before-auth\" rule=\"ip\""));

    let expected = [
        "ratecell_requests_total contract=told stage=after-auth rule= outcome=failed 1",
        "ratecell_requests_total contract=told stage=after-auth rule= outcome=passed 2",
        "ratecell_requests_total contract=told stage=after-auth rule=key outcome=refused 1",
        "ratecell_requests_total contract=told stage=before-auth rule= outcome=passed 4",
        "ratecell_requests_total contract=told stage=before-auth rule=ip outcome=refused 1",
        "ratecell_would_refuse_total contract=told stage=after-auth rule=stricter 1",
    ];
    assert_eq!(counts.lines(), expected);
}
