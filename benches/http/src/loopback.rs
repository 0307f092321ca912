//! Requests over the loopback to a service that has a thread of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use cpu_time::ThreadTime;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::entrant::{Entrant, PATH};

/// How many connections send requests at once, each one after the other.
const CONNECTIONS: u32 = 8;

/// The CPU time of one request in the thread of the server, kernel included, in nanoseconds.
pub fn ns_per_request(entrant: &Entrant, requests: u32) -> f64 {
    let (tell_address, address) = oneshot::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = entrant.app.clone().into_make_service_with_connect_info::<SocketAddr>();
    let server = thread::spawn(move || {
        runtime().block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
            tell_address.send(listener.local_addr().expect("its address")).expect("a client");
            let start = ThreadTime::now();
            let serve = axum::serve(listener, app);
            serve.with_graceful_shutdown(async { drop(stopped.await) }).await.expect("served");
            start.elapsed()
        })
    });
    let each = requests / CONNECTIONS;
    runtime().block_on(async {
        let address = address.await.expect("the server runs");
        let mut clients = JoinSet::new();
        for _ in 0..CONNECTIONS {
            clients.spawn(client(address, each, entrant.status));
        }
        clients.join_all().await;
    });
    stop.send(()).expect("the server waits for it");
    let elapsed = server.join().expect("the server ran");
    elapsed.as_secs_f64() * 1e9 / f64::from(each * CONNECTIONS)
}

async fn client(address: SocketAddr, requests: u32, status: u16) {
    let stream = TcpStream::connect(address).await.expect("a connection");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
    let connection = tokio::spawn(connection);
    for sent in 0..requests {
        let request = Request::get(PATH).header("host", "bench").body(Empty::<bytes::Bytes>::new());
        let reply = sender.send_request(request.expect("a request")).await.expect("a reply");
        // An exhausted limiter has one unit, which the first request takes.
        assert!(sent == 0 || reply.status() == status, "{}", reply.status());
        reply.into_body().collect().await.expect("a body");
    }
    drop(sender);
    connection.await.expect("no panic").expect("a clean end");
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}
