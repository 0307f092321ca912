//! The second part of the demo: four published contracts on one port, each played against a
//! documented client, a naive one and one with ratecell's pacer.
//!
//! Clocks and waits are real. So that it fits into half a minute, the contracts are served with
//! windows and amounts a tenth as large, and the screen says so.

mod api;
mod callers;
mod chart;
mod provider;
mod report;
mod shortened;
mod timeline;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ratecell::{Clock as _, SystemClock};
use ratecell_contract::Contract;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use self::api::APIS;
use self::callers::{Callers, KINDS};
use self::report::Report;
use self::shortened::{FACTOR, shortened};
use self::timeline::{CELL, CELLS, Timeline};
use crate::screen::{Failure, say, seen};

/// How long a minute of a contract takes here.
const MINUTE: Duration = Duration::from_secs(60 / FACTOR as u64);

/// How long all call.
const SPAN: Duration = Duration::from_millis(CELL.as_millis() as u64 * CELLS as u64);

/// Plays all; says what is not as published.
pub(crate) async fn play() -> Result<Vec<String>, Failure> {
    say(format_args!(
        "\nFour published contracts on one port. A minute is shortened to {} s: windows and\n\
         amounts are a tenth of what is published. All else is as it stands, and every\n\
         wait is real.\n",
        MINUTE.as_secs()
    ))?;
    let mut contracts = Vec::new();
    for api in &APIS {
        contracts.push((api.name, Contract::parse(&shortened(api.contract)?)?));
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let service = listener.local_addr()?;
    let mut callers = Vec::new();
    for (api, (_, contract)) in APIS.iter().zip(&contracts) {
        callers.push(Callers::new(api, contract, service).await?);
    }

    // With the next window, so that whoever watches sees whole ones.
    let minute_ns = MINUTE.as_nanos() as u64;
    let left_ns = minute_ns - SystemClock::new().now_ns() % minute_ns;
    let start = Instant::now() + Duration::from_nanos(left_ns);
    let names = APIS.iter().flat_map(|api| KINDS.map(|kind| (api.name, kind)));
    let timelines = names.map(|name| (name, Arc::new(Timeline::new(start)))).collect();
    let timelines = Arc::new(timelines);
    let app = provider::four_apis(contracts, &timelines)?;
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let notes = callers.iter().filter_map(Callers::note).collect();
    let mut report = Report::new(service, Arc::clone(&timelines), notes);

    sleep_until(start.into()).await;
    let mut calling = JoinSet::new();
    for caller in callers {
        caller.start(&mut calling)?;
    }
    report.follow(SPAN.saturating_sub(start.elapsed())).await?;
    calling.shutdown().await;
    server.abort();
    seen(report.finish())?;
    Ok(report.findings())
}
