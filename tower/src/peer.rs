//! Where a request comes from, as the server says.

use core::net::{IpAddr, SocketAddr};

use http::Extensions;

/// The address that a connection comes from, as an extension of its requests.
///
/// axum and tonic bring their own, which the layer reads: axum's `ConnectInfo<SocketAddr>` (serve
/// with `into_make_service_with_connect_info::<SocketAddr>()`), and what tonic knows of TCP and TLS
/// connections. Whoever serves with hyper alone inserts this one into each request. If both are
/// there, this one counts.
///
/// ```
/// use ratecell_tower::PeerAddr;
///
/// let mut request = http::Request::new(());
/// let accepted: std::net::SocketAddr = "192.0.2.1:5000".parse().unwrap();
/// request.extensions_mut().insert(PeerAddr::from(accepted));
/// ```
///
/// A request without any address is counted by its address rules in one bucket with all others
/// that have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub IpAddr);

impl From<IpAddr> for PeerAddr {
    fn from(address: IpAddr) -> Self {
        Self(address)
    }
}

impl From<SocketAddr> for PeerAddr {
    fn from(address: SocketAddr) -> Self {
        Self(address.ip())
    }
}

impl PeerAddr {
    /// The address in the extensions of a request; none if nobody put one there.
    pub(crate) fn of(extensions: &mut Extensions) -> Option<IpAddr> {
        let own = extensions.get::<Self>().map(|peer| peer.0);
        own.or_else(|| axum_peer(extensions)).or_else(|| tonic_peer(extensions))
    }
}

#[cfg(feature = "axum")]
fn axum_peer(extensions: &Extensions) -> Option<IpAddr> {
    let info = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>();
    info.map(|info| info.0.ip())
}

#[cfg(not(feature = "axum"))]
fn axum_peer(_extensions: &Extensions) -> Option<IpAddr> {
    None
}

/// Asks tonic, which alone knows the forms that its connections come in: plain and with TLS.
#[cfg(feature = "tonic")]
fn tonic_peer(extensions: &mut Extensions) -> Option<IpAddr> {
    let metadata = tonic::metadata::MetadataMap::new();
    let request = tonic::Request::from_parts(metadata, core::mem::take(extensions), ());
    let address = request.remote_addr();
    (_, *extensions, _) = request.into_parts();
    address.map(|address| address.ip())
}

#[cfg(not(feature = "tonic"))]
fn tonic_peer(_extensions: &mut Extensions) -> Option<IpAddr> {
    None
}

#[cfg(test)]
mod tests {
    use super::PeerAddr;
    use core::net::{IpAddr, SocketAddr};
    use http::Extensions;

    #[test]
    fn the_extension_of_this_crate_comes_before_that_of_a_framework() {
        let mut extensions = Extensions::new();
        assert_eq!(PeerAddr::of(&mut extensions), None);
        let address = |last| SocketAddr::from(([192, 0, 2, last], 80));
        #[cfg(feature = "axum")]
        {
            extensions.insert(axum::extract::ConnectInfo(address(1)));
            assert_eq!(PeerAddr::of(&mut extensions), Some(IpAddr::from([192, 0, 2, 1])));
        }
        extensions.insert(PeerAddr::from(address(2)));
        assert_eq!(PeerAddr::of(&mut extensions), Some(IpAddr::from([192, 0, 2, 2])));
    }

    #[cfg(feature = "tonic")]
    #[test]
    fn the_address_of_a_tonic_connection_is_read_and_the_extensions_stay() {
        use tonic::transport::server::TcpConnectInfo;
        let mut extensions = Extensions::new();
        let remote_addr = Some(SocketAddr::from(([192, 0, 2, 3], 80)));
        extensions.insert(TcpConnectInfo { local_addr: None, remote_addr });
        extensions.insert("kept");
        assert_eq!(PeerAddr::of(&mut extensions), Some(IpAddr::from([192, 0, 2, 3])));
        assert_eq!(extensions.get(), Some(&"kept"));
    }
}
