//! The provider: a contract of the repository over real HTTP, on a simulated clock, and an account
//! of what it answered.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use axum::Router;
use axum::extract::Request;
use axum::http::header::DATE;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::routing::any;
use ratecell::Clock as _;
use ratecell_client::Time as _;
use ratecell_contract::{Contract, Guard};
use ratecell_tower::GuardLayer;
use tokio::net::TcpListener;

use crate::sim_time::SimTime;

/// How long the handler takes; the request is in flight for so long.
const WORK: Duration = Duration::from_millis(40);

/// What was answered until the end of the run.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) served: AtomicU32,
    pub(crate) refused: AtomicU32,
}

impl Account {
    fn count(&self, status: StatusCode) {
        let count = match status {
            StatusCode::OK => &self.served,
            StatusCode::TOO_MANY_REQUESTS => &self.refused,
            other => panic!("the provider answered {other}"),
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Serves `contract` on a free port, and counts the answers given before `end_ns`.
pub(crate) async fn serve(
    contract: Contract,
    time: &SimTime,
    end_ns: u64,
) -> (SocketAddr, Arc<Account>) {
    let guard =
        Arc::new(Guard::builder(contract).clock(time.clone()).capacity(64).build().unwrap());
    let account = Arc::new(Account::default());
    let handler = {
        let time = time.clone();
        any(async move || time.sleep(WORK).await)
    };
    let count = {
        let (account, time) = (Arc::clone(&account), time.clone());
        move |request: Request, next: Next| {
            let (account, time) = (Arc::clone(&account), time.clone());
            async move {
                let is_counted = time.now_ns() < end_ns;
                let mut response = next.run(request).await;
                // A Date is of the provider's clock, and clients go by it.
                let date = UNIX_EPOCH + Duration::from_nanos(time.now_ns());
                let date = HeaderValue::try_from(httpdate::fmt_http_date(date)).unwrap();
                response.headers_mut().insert(DATE, date);
                if is_counted {
                    account.count(response.status());
                }
                response
            }
        }
    };
    let app = Router::new()
        .fallback(handler)
        .layer(GuardLayer::whole(&guard))
        .layer(middleware::from_fn(count));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    (address, account)
}
