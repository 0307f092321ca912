//! The clients that readers of the contracts would write, run as they stand against a server under
//! the contract. Only their runtime's sleep is the test's: it moves the clock of the server.

use core::time::Duration;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use ratecell::Clock as _;
use ratecell_tower::Caller;
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::api::{Api, SECOND, START_S, TestClock};
use crate::loopback::{self, request};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// A server that moves a clock by what clients sleep.
struct Sleeper {
    url: String,
    state: Arc<Sleeps>,
}

struct Sleeps {
    clock: TestClock,
    slept: Mutex<Vec<f64>>,
    /// Lets go what a sleeping client waits for; each sleep lasts until it is done.
    meanwhile: mpsc::Sender<mpsc::Sender<()>>,
}

impl Sleeper {
    /// What the test does while a client sleeps comes through the receiver; it says when it is done.
    async fn serve(clock: &TestClock) -> (Self, mpsc::Receiver<mpsc::Sender<()>>) {
        let (meanwhile, asleep) = mpsc::channel(1);
        let clock = Arc::clone(clock);
        let state = Arc::new(Sleeps { clock, slept: Mutex::default(), meanwhile });
        let app = Router::new().route("/sleep/{seconds}", get(sleep)).with_state(state.clone());
        let url = format!("http://{}", loopback::serve(app).await);
        (Self { url, state }, asleep)
    }

    fn slept(&self) -> Vec<f64> {
        self.state.slept.lock().unwrap().clone()
    }
}

async fn sleep(State(state): State<Arc<Sleeps>>, Path(seconds): Path<f64>) -> String {
    state.slept.lock().unwrap().push(seconds);
    let (done, mut is_done) = mpsc::channel(1);
    if state.meanwhile.send(done).await.is_ok() {
        is_done.recv().await;
    }
    let span = Duration::from_secs_f64(seconds);
    state.clock.advance(u64::try_from(span.as_nanos()).unwrap());
    format!("{}", state.clock.now_ns() / 1_000_000)
}

/// Runs a client against `api`: its standard output and error.
async fn run(api: &Api, sleeper: &Sleeper, mut client: Command) -> (String, String) {
    let path = std::env::var("PATH").unwrap_or_default();
    let url = format!("http://{}", api.address);
    client
        .env("PATH", format!("{FOLDER}/tests/shims:{path}"))
        .env("PYTHONPATH", format!("{FOLDER}/tests/shims"))
        .env("TEST_CLOCK", &sleeper.url)
        .env("TEST_NOW_MS", (api.clock.now_ns() / 1_000_000).to_string());
    for name in ["PEEKER_URL", "PRODUCTLANE_URL", "PREFETCH_URL"] {
        client.env(name, &url);
    }
    let output = client.stdin(Stdio::null()).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{client:?}: {}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

fn example(name: &str) -> PathBuf {
    PathBuf::from(FOLDER).join("../examples/clients").join(name)
}

/// Whether each program is there; says aloud what is skipped if not.
async fn can_run(what: &str, programs: &[&[&str]]) -> bool {
    for program in programs {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).stdin(Stdio::null());
        let works = command.output().await.is_ok_and(|output| output.status.success());
        if !works {
            skip(what, &format!("`{}` does not run here", program.join(" ")));
            return false;
        }
    }
    true
}

/// Past the test runner, which shows the output of failed tests only.
fn skip(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "*** SKIPPED {what}: {why} ***");
}

fn bearer(headers: &http::HeaderMap) -> Option<Caller> {
    headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ").map(|_| Caller::new())
}

fn small_key(headers: &http::HeaderMap) -> Option<Caller> {
    headers.get("x-api-key").map(|_| Caller::new().cap("key", 100))
}

const CURL_AND_JQ: &[&[&str]] =
    &[&["bash", "--version"], &["curl", "--version"], &["jq", "--version"]];

/// Fetch came with Node 18.
const NODE: &[&[&str]] = &[&["node", "--eval", "fetch"]];

fn peeker_script(method: &str, paths: &[&str]) -> Command {
    let mut client = Command::new("bash");
    client.arg(example("peeker.sh")).arg(method).args(paths).env("PEEKER_API_KEY", "pk_live_1");
    client
}

#[tokio::test]
async fn curl_and_jq_wait_as_long_as_the_body_says() {
    if !can_run("peeker.sh", CURL_AND_JQ).await {
        return;
    }
    let api = Api::serve("peeker", bearer).await;
    let mut other = api.client().await;
    for _ in 0..598 {
        let lookup = request("GET", "/domains/x", &[("authorization", "Bearer pk_live_1")]);
        assert_eq!(other.send(lookup).await.status, 200);
    }
    api.at(15);
    let (sleeper, _) = Sleeper::serve(&api.clock).await;
    let paths = ["/domains/a", "/domains/b", "/domains/c", "/domains/d"];
    let (answers, waits) = run(&api, &sleeper, peeker_script("GET", &paths)).await;
    assert_eq!(answers, "a\nb\nc\nd\n");
    assert_eq!(waits, "rate limited, waiting 46 s\n");
    let slept = sleeper.slept();
    assert!(matches!(slept[..], [it] if (46.0..47.0).contains(&it)), "{slept:?}");
}

#[tokio::test]
async fn curl_and_jq_wait_five_seconds_where_the_body_does_not_say() {
    if !can_run("peeker.sh for imports", CURL_AND_JQ).await {
        return;
    }
    let api = Api::serve("peeker", bearer).await;
    for _ in 0..4 {
        let import = request("POST", "/domains/import", &[("authorization", "Bearer pk_live_1")]);
        let import = api.client().await.in_background(import);
        api.works.begun().await;
        drop(import);
    }
    let (sleeper, mut asleep) = Sleeper::serve(&api.clock).await;
    let script = run(&api, &sleeper, peeker_script("POST", &["/domains/import"]));
    // While the script sleeps, one of the four imports ends; then its own begins, and ends, too.
    let world = async {
        let done = asleep.recv().await.unwrap();
        api.works.go_on();
        api.works.dropped().await;
        done.send(()).await.unwrap();
        api.works.begun().await;
        for _ in 0..4 {
            api.works.go_on();
        }
    };
    let ((answer, waits), ()) = tokio::join!(script, world);
    assert_eq!(answer, "{\"success\":true}\n");
    assert_eq!(waits, "rate limited, waiting 5 s\n");
    let slept = sleeper.slept();
    assert!(matches!(slept[..], [it] if (5.0..6.0).contains(&it)), "{slept:?}");
}

#[tokio::test]
async fn fetch_paces_itself_by_the_two_header_fields() {
    if !can_run("productlane.mjs", NODE).await {
        return;
    }
    let api = Api::serve("productlane", bearer).await;
    api.at(5);
    let (sleeper, _) = Sleeper::serve(&api.clock).await;
    let mut client = Command::new("node");
    client.arg("--require").arg(PathBuf::from(FOLDER).join("tests/shims/timers.cjs"));
    client.arg(example("productlane.mjs")).args(["1010", "70"]).env("PRODUCTLANE_API_KEY", "pl_1");
    let (report, _) = run(&api, &sleeper, client).await;
    // The burst limits, of which no header field tells, refuse it twice each: after 333 and 666
    // reads, and after 20 and 40 writes. The minute's never does.
    assert_eq!(report, "1010 reads and 70 writes answered, 4 refused on the way\n");
    let slept = sleeper.slept();
    let burst = slept.iter().filter(|it| (11.0..11.5).contains(*it)).count();
    assert_eq!((burst, slept.len()), (4, 6), "{slept:?}");
    // It has waited for the resets of two minutes, and not a minute more.
    let now_s = api.clock.now_ns() / SECOND;
    assert_eq!(now_s, START_S + 120, "{slept:?}");
}

/// Runs a client that backs off exponentially, after its key was exhausted 55 seconds ago.
async fn backs_off(client: Command) {
    let api = Api::serve("prefetch", small_key).await;
    let mut other = api.client().await;
    for _ in 0..100 {
        let prefetch = request("GET", "/v1/prefetch", &[("x-api-key", "k")]);
        assert_eq!(other.send(prefetch).await.status, 200);
    }
    api.at(55);
    let (sleeper, _) = Sleeper::serve(&api.clock).await;
    let (report, _) = run(&api, &sleeper, client).await;
    // Its first request comes through at the fourth attempt, when the minute is over. Two after the
    // next hundred do not come through in 7 seconds.
    assert_eq!(report, "100 answered, 2 given up, 11 refused on the way\n");
    assert_eq!(sleeper.slept(), [1.0, 2.0, 4.0].repeat(3));
}

#[tokio::test]
async fn fetch_backs_off_exponentially_and_gives_up() {
    if !can_run("prefetch.mjs", NODE).await {
        return;
    }
    let mut client = Command::new("node");
    client.arg("--require").arg(PathBuf::from(FOLDER).join("tests/shims/timers.cjs"));
    client.arg(example("prefetch.mjs")).arg("102").env("PREFETCH_API_KEY", "k");
    backs_off(client).await;
}

#[tokio::test]
async fn requests_backs_off_exponentially_and_gives_up() {
    let Some(python) = python_with_requests().await else { return };
    let mut client = Command::new(python);
    client.arg(example("prefetch.py")).arg("102").env("PREFETCH_API_KEY", "k");
    backs_off(client).await;
}

/// A Python that has the package requests: the system's, or one of a virtual environment among what
/// cargo builds.
async fn python_with_requests() -> Option<PathBuf> {
    let imports = |python: PathBuf| async move {
        let mut command = Command::new(&python);
        command.args(["-c", "import requests"]).stdin(Stdio::null());
        let works = command.output().await.is_ok_and(|output| output.status.success());
        works.then_some(python)
    };
    if let Some(python) = imports("python3".into()).await {
        return Some(python);
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("documented-clients");
    let python = folder.join("bin/python");
    let make = Command::new("python3").args(["-m", "venv"]).arg(&folder).output().await;
    let install = ["-m", "pip", "install", "--quiet", "requests"];
    let install = Command::new(&python).args(install).output().await;
    let found = imports(python).await;
    if found.is_none() {
        skip("prefetch.py", &format!("no package requests: venv {make:?}, pip {install:?}"));
    }
    found
}
