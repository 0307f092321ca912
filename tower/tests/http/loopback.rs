//! A server on a free port of the loopback, and a client that shows all that it is answered.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

/// Serves an app on a free port, with the addresses of its connections, for as long as the test
/// runs.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// A connection that is kept alive from request to request.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    connection: JoinHandle<()>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap()).await
    }

    /// Connects from another address of the loopback.
    #[cfg(target_os = "linux")]
    pub(crate) async fn connect_from(from: [u8; 4], address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        Self::over(socket.connect(address).await.unwrap()).await
    }

    async fn over(stream: TcpStream) -> Self {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        // The end of the connection is what some tests are after, so it is no error here.
        let connection = tokio::spawn(async move { drop(connection.with_upgrades().await) });
        Self { sender, connection }
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Reply {
        let (parts, body) = self.begin(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// Sends a request and reads the answer as far as its header fields.
    pub(crate) async fn begin(&mut self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        self.sender.ready().await.unwrap();
        self.sender.send_request(request).await.unwrap()
    }

    /// As [`Self::begin`]; an error if the connection breaks.
    pub(crate) async fn try_send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        self.sender.send_request(request).await
    }

    /// Sends a request, and waits for its answer in the background.
    pub(crate) fn in_background(mut self, request: Request<Full<Bytes>>) -> JoinHandle<Reply> {
        tokio::spawn(async move { self.send(request).await })
    }

    /// Closes the connection, in the middle of whatever it is at.
    pub(crate) fn close(self) {
        self.connection.abort();
    }

    /// Writes `head` on a connection of its own, and reads what comes back until the server is done
    /// with it.
    pub(crate) async fn raw(address: SocketAddr, head: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    /// Sends a request and hangs up without waiting for the answer, once `sent` has come true.
    pub(crate) async fn hang_up(
        mut self,
        request: Request<Full<Bytes>>,
        sent: impl Future<Output = ()>,
    ) {
        let answer = self.sender.send_request(request);
        tokio::select! {
            _ = answer => panic!("answered before the client hung up"),
            () = sent => {}
        }
        self.connection.abort();
    }
}

/// A request without a body.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path).header("host", "test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::default()).unwrap()
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    /// The value of a field that comes once.
    pub(crate) fn field(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().unwrap_or_else(|| panic!("no {name} in {self}"));
        assert!(values.next().is_none(), "{name} twice in {self}");
        value.to_str().unwrap()
    }
}

impl fmt::Display for Reply {
    /// The status, each header field by name, and the body, a line each; without the fields that
    /// every server writes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status.as_u16())?;
        let mut fields: Vec<_> = self.headers.iter().collect();
        fields.retain(|(name, _)| !["content-length", "date"].contains(&name.as_str()));
        fields.sort_by_key(|(name, _)| name.as_str());
        for (name, value) in fields {
            write!(f, "\n{name}: {}", value.to_str().unwrap_or("not a text"))?;
        }
        write!(f, "\n{}", self.body)
    }
}
