//! One kept-alive HTTP/1.1 connection, from a source address of choice.
//!
//! It deliberately has no pool, no retry and no redirect: a client here must know which address a
//! request comes from and that it was sent once. All of 127.0.0.0/8 is the loopback on Linux, so
//! several addresses are at hand there without any setup.

use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use axum::http::{HeaderMap, Request, StatusCode, Version, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use crate::service::API_KEY;

/// An error of the connection: nothing that the service said.
pub type ConnectionError = Box<dyn Error + Send + Sync>;

/// One kept-alive connection. Dropping it hangs up, also in the middle of a request.
#[derive(Debug)]
pub struct Connection {
    to: SocketAddr,
    sender: SendRequest<Empty<Bytes>>,
    driver: JoinHandle<()>,
}

impl Connection {
    /// Connects from `from` and a free port.
    ///
    /// # Errors
    /// What the system says; `from` must be an address of this machine.
    pub async fn open(from: Ipv4Addr, to: SocketAddr) -> Result<Self, ConnectionError> {
        let socket = TcpSocket::new_v4()?;
        socket
            .bind((from, 0).into())
            .map_err(|error| format!("no source address {from}: {error}"))?;
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // How the connection ends, the request in flight is told as well.
        let driver = tokio::spawn(async { drop(connection.await) });
        Ok(Self { to, sender, driver })
    }

    /// Sends a GET and reads the whole answer.
    ///
    /// # Errors
    /// What hyper says if the connection ends before the answer does.
    pub async fn get(
        &mut self,
        path: &str,
        api_key: Option<&str>,
    ) -> Result<Reply, ConnectionError> {
        let mut request = Request::get(path).header(header::HOST, self.to.to_string());
        if let Some(api_key) = api_key {
            request = request.header(API_KEY, api_key);
        }
        self.sender.ready().await?;
        let response = self.sender.send_request(request.body(Empty::new())?).await?;
        let (head, body) = response.into_parts();
        let body = String::from_utf8(body.collect().await?.to_bytes().into())?;
        Ok(Reply { version: head.version, status: head.status, headers: head.headers, body })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A whole answer. `Display` writes it as it came.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The protocol.
    pub version: Version,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, all of it.
    pub body: String,
}

impl Reply {
    /// A header as text; none if it is missing or no text.
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A header as a number; none if it is missing or none.
    pub fn number(&self, name: impl header::AsHeaderName) -> Option<u32> {
        self.header(name)?.parse().ok()
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} {}", self.version, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        writeln!(f)?;
        f.write_str(&self.body)
    }
}
