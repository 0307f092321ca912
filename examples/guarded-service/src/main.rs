//! The demo, in two parts: a service behind three limits on a free port of the loopback, five
//! clients at it, what is admitted and what refused and by which rule; then four published contracts
//! and three kinds of clients under each. It ends by itself within a minute.
//!
//! Its exit status says whether what the clients saw is what the services publish. Where nobody reads
//! its output any more, it ends at once and well.

mod audit;
mod clients;
mod four_contracts;
mod screen;
mod tally;

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use guarded_service::connection::Reply;
use guarded_service::service::{self, Gate, PUBLISHED};
use ratecell::{Clock as _, SystemClock};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::audit::{Audit, MINUTE_NS};
use crate::clients::{ALICE, BOB, CAROL, DAVE, DAVES_RPM, Tallies};
use crate::screen::{Failure, Screen, Unread, say};
use crate::tally::Outcome;

/// When a first part that has hung is given up. It takes 4 s where nothing is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// When the minute ends sooner than this, the demo starts in the next one.
const ROOM_NS: u64 = 5_000_000_000;

#[tokio::main]
async fn main() -> ExitCode {
    match both().await {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            for finding in findings {
                eprintln!("NOT AS PUBLISHED: {finding}");
            }
            ExitCode::FAILURE
        }
        Err(error) if error.is::<Unread>() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the demo could not run: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs both parts; says what is not as published.
async fn both() -> Result<Vec<String>, Failure> {
    let mut findings = three_limits().await?;
    findings.extend(four_contracts::play().await?);
    Ok(findings)
}

/// Runs the first part.
async fn three_limits() -> Result<Vec<String>, Failure> {
    let gate = Gate::new(SystemClock::new())?.customer(ALICE).customer(BOB).customer(CAROL);
    let gate = Arc::new(gate.customer_with(DAVE, DAVES_RPM, 8)?);
    let (open_warehouse, warehouse) = watch::channel(false);
    let app = service::guarded(service::routes(warehouse), Arc::clone(&gate));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(service::serve(listener, app));
    say(format_args!("http://{address} enforces {PUBLISHED}\n"))?;

    let tallies = Tallies::new();
    let all = tallies.all();
    let now_ns = || gate.limiter().clock().now_ns();
    // So that whoever watches sees one fixed window; the audit does not rely on it.
    let minute_left_ns = MINUTE_NS - now_ns() % MINUTE_NS;
    if minute_left_ns < ROOM_NS {
        say("A new minute is about to begin; starting with it.\n")?;
        sleep(Duration::from_nanos(minute_left_ns)).await;
    }
    let mut screen = Screen::new();
    let start_ns = now_ns();
    let ended = tokio::select! {
        ended = timeout(PATIENCE, clients::run(address, &tallies, open_warehouse)) => ended,
        failed = screen.follow(&all) => match failed? {},
    };
    let end_ns = now_ns();
    screen.finish(&all)?;
    show("GET /domains/example.com as alice, the last one", tallies.alice.last(Outcome::Admitted))?;
    show("GET /domains/example.com as bob, the last one", tallies.bob.last(Outcome::RefusedByKey))?;
    let audit = Audit::new(start_ns, end_ns);
    let mut findings = audit.findings(&tallies);
    match ended {
        Ok(ended) => ended?,
        Err(_) => findings.push(format!("the clients were not done after {PATIENCE:?}")),
    }
    if findings.is_empty() {
        let took = Duration::from_nanos(end_ns - start_ns);
        say(format_args!("\n{}", audit.summary(&tallies, took)))?;
    }
    Ok(findings)
}

fn show(request: &str, reply: Option<Reply>) -> Result<(), Failure> {
    match reply {
        Some(reply) => say(format_args!("\n{request}:\n\n{reply}")),
        None => say(format_args!("\n{request}: never answered so")),
    }
}
