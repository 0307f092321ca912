//! The address that a request comes from, and the key that stands for it.
//!
//! Only a trusted proxy is believed. What it cannot say for sure is not guessed: the request is
//! then counted on the address of the proxy, together with all others like it.
//!
//! - A1: what a client that is not a trusted proxy writes into any header field changes nothing.
//! - A2: whatever a client behind a trusted proxy writes, its address is the one that the proxy
//!   wrote, or that of a trusted proxy.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::str::FromStr;

use ipnet::IpNet;
use ratecell::Key;

use crate::forwarded::{self, Hop};
use crate::request::Request;

/// In which header field the trusted proxies write the address of their client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedField {
    /// In whichever is there. If both are and they do not agree, one of them is not the proxies'
    /// and nobody can say which: the request is counted on the address of the connection. Name the
    /// field if the proxies let the other through.
    #[default]
    Either,
    /// In `X-Forwarded-For`; `Forwarded` is passed over.
    XForwardedFor,
    /// In `Forwarded`; `X-Forwarded-For` is passed over.
    Forwarded,
}

/// A proxy that is believed about where its requests come from.
///
/// As text it is a network, an address, or `unix:`.
///
/// ```
/// use ratecell_contract::TrustedProxy;
///
/// let network: TrustedProxy = "10.0.0.0/8".parse()?;
/// assert_eq!("unix:".parse(), Ok(TrustedProxy::UnixSocket));
/// let error = "unix:/run/app.sock".parse::<TrustedProxy>().unwrap_err();
/// assert!(error.to_string().contains("accepted are networks and addresses"));
/// # Ok::<(), ratecell_contract::TrustedProxyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrustedProxy {
    /// Whoever connects from an address of this network.
    Network(IpNet),
    /// Whoever connects without an address, as through a Unix socket. So does whoever the service
    /// gives no peer for: name this only where all connections come from the proxy.
    UnixSocket,
}

impl From<IpNet> for TrustedProxy {
    fn from(network: IpNet) -> Self {
        Self::Network(network)
    }
}

impl From<IpAddr> for TrustedProxy {
    fn from(address: IpAddr) -> Self {
        Self::Network(address.into())
    }
}

impl FromStr for TrustedProxy {
    type Err = TrustedProxyError;

    fn from_str(text: &str) -> Result<Self, TrustedProxyError> {
        if text == "unix:" {
            return Ok(Self::UnixSocket);
        }
        let address = |_| text.parse::<IpAddr>().map(Self::from);
        text.parse::<IpNet>().map(Self::from).or_else(address).map_err(|_| TrustedProxyError)
    }
}

/// A text that is no [`TrustedProxy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedProxyError;

impl fmt::Display for TrustedProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("accepted are networks and addresses such as 10.0.0.0/8, and unix:")
    }
}

impl core::error::Error for TrustedProxyError {}

/// Which proxies are believed, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustedProxies {
    networks: Box<[IpNet]>,
    unix_sockets: bool,
    pub(crate) field: ForwardedField,
}

impl TrustedProxies {
    /// Believes these proxies and no others.
    pub(crate) fn trust(&mut self, proxies: &[TrustedProxy]) {
        let network = |proxy: &TrustedProxy| match *proxy {
            TrustedProxy::Network(network) => Some(canonical(network)),
            TrustedProxy::UnixSocket => None,
        };
        self.networks = proxies.iter().filter_map(network).collect();
        self.unix_sockets = proxies.contains(&TrustedProxy::UnixSocket);
    }

    /// Whether it is believed who is behind a connection without an address.
    pub(crate) const fn trusts_unix_sockets(&self) -> bool {
        self.unix_sockets
    }

    /// The address of the client; none if the connection has none and nobody says.
    pub(crate) fn client(&self, request: &Request<'_>) -> Option<IpAddr> {
        let peer = request.peer.map(|peer| peer.to_canonical());
        if !peer.map_or(self.unix_sockets, |peer| self.trusts(peer)) {
            return peer;
        }
        let older = || self.said_in("x-forwarded-for", request, forwarded::read_x_forwarded_for);
        let newer = || self.said_in("forwarded", request, forwarded::read_forwarded);
        let said = match self.field {
            ForwardedField::XForwardedFor => older(),
            ForwardedField::Forwarded => newer(),
            ForwardedField::Either => match (older(), newer()) {
                // A field that is there and says nothing is no reason to believe the other.
                (Some(older), Some(newer)) => older.filter(|_| older == newer).map(Some),
                (older, newer) => older.or(newer),
            },
        };
        said.flatten().or(peer)
    }

    /// The fields that [`Self::client`] may look at.
    pub(crate) fn header_names(&self) -> &'static [&'static str] {
        match self.field {
            _ if self.networks.is_empty() && !self.unix_sockets => &[],
            ForwardedField::Either => &["x-forwarded-for", "forwarded"],
            ForwardedField::XForwardedFor => &["x-forwarded-for"],
            ForwardedField::Forwarded => &["forwarded"],
        }
    }

    /// The rightmost address in the lines of a field that is no trusted proxy's. If a hop before it
    /// is obscure, or all are trusted, the last trusted one before that, if there is one. None if
    /// the field is not there.
    fn said_in(
        &self,
        name: &str,
        request: &Request<'_>,
        read: fn(&[u8], &mut Vec<Hop>),
    ) -> Option<Option<IpAddr>> {
        let mut hops = Vec::new();
        request.headers.each(name, &mut |line| read(line, &mut hops));
        if hops.is_empty() {
            return None;
        }
        let mut client = None;
        for hop in hops.iter().rev() {
            let Hop::Address(address) = *hop else { break };
            client = Some(address);
            if !self.trusts(address) {
                break;
            }
        }
        Some(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// A network of IPv6 addresses that carry IPv4 ones as that of the IPv4 ones, since addresses are
/// held to networks as what they carry.
fn canonical(network: IpNet) -> IpNet {
    let carried = || {
        let IpNet::V6(v6) = network else { return None };
        let prefix = v6.prefix_len().checked_sub(96)?;
        IpNet::new(v6.addr().to_ipv4_mapped()?.into(), prefix).ok()
    };
    carried().unwrap_or(network)
}

/// The key of an address: IPv6 by its first `ipv6_prefix` bits, an IPv4 address whole.
pub(crate) fn address_key(address: IpAddr, ipv6_prefix: u8) -> Key<'static> {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => {
            let host_bits = 128_u32.saturating_sub(u32::from(ipv6_prefix));
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ForwardedField, TrustedProxies, address_key};
    use crate::request::Request;

    fn client(field: ForwardedField, peer: &str, headers: &[(&str, &str)]) -> String {
        let networks = ["10.0.0.0/8", "2001:db8:ffff::/48", "::ffff:172.16.0.0/108"];
        let networks = networks.map(|network| network.parse().unwrap());
        let mut proxies = TrustedProxies { field, ..TrustedProxies::default() };
        proxies.trust(&networks);
        let peer = peer.parse().ok();
        let request = Request { peer, headers: &headers, ..Request::new("GET", "/") };
        proxies.client(&request).map_or("none".into(), |address| address.to_string())
    }

    fn either(peer: &str, headers: &[(&str, &str)]) -> String {
        client(ForwardedField::Either, peer, headers)
    }

    #[test]
    fn a_peer_that_is_no_proxy_is_the_client_whatever_it_writes() {
        let forged = [("X-Forwarded-For", "192.0.2.9"), ("Forwarded", "for=192.0.2.9")];
        assert_eq!(either("198.51.100.1", &forged), "198.51.100.1");
        assert_eq!(either("::ffff:198.51.100.1", &forged), "198.51.100.1");
        assert_eq!(either("none", &forged), "none");
    }

    #[test]
    fn a_connection_without_an_address_is_believed_if_unix_sockets_are() {
        let x = "x-forwarded-for";
        let said = |headers: &[(&str, &str)]| {
            let mut proxies = TrustedProxies::default();
            proxies.trust(&["unix:", "10.0.0.0/8"].map(|proxy| proxy.parse().unwrap()));
            let request = Request { headers: &headers, ..Request::new("GET", "/") };
            let by_address = Request { peer: "198.51.100.7".parse().ok(), ..request };
            assert_eq!(proxies.client(&by_address), by_address.peer);
            proxies.client(&request).map(|address| address.to_string())
        };
        assert_eq!(said(&[(x, "192.0.2.9, 198.51.100.1")]).as_deref(), Some("198.51.100.1"));
        assert_eq!(said(&[(x, "198.51.100.1, 10.1.1.1")]).as_deref(), Some("198.51.100.1"));
        assert_eq!(said(&[(x, "junk")]), None);
        assert_eq!(said(&[]), None);
    }

    #[test]
    fn proxies_are_read_from_text() {
        use super::TrustedProxy::{self, UnixSocket};
        let network = |text: &str| TrustedProxy::Network(text.parse().unwrap());
        for (text, expected) in [
            ("10.0.0.0/8", Some(network("10.0.0.0/8"))),
            ("2001:db8::/32", Some(network("2001:db8::/32"))),
            ("192.0.2.1", Some(network("192.0.2.1/32"))),
            ("::1", Some(network("::1/128"))),
            ("unix:", Some(UnixSocket)),
            ("unix", None),
            ("unix:/run/app.sock", None),
            ("10.0.0.0/33", None),
            ("localhost", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_network_of_carried_ipv4_addresses_is_the_ipv4_one() {
        let headers = [("x-forwarded-for", "198.51.100.1, 10.1.1.1")];
        for peer in ["172.16.0.1", "::ffff:172.31.255.255"] {
            assert_eq!(either(peer, &headers), "198.51.100.1", "{peer}");
        }
        assert_eq!(either("172.32.0.1", &headers), "172.32.0.1");
    }

    #[test]
    fn behind_trusted_proxies_the_rightmost_untrusted_address_is_the_client() {
        let x = "x-forwarded-for";
        for (headers, expected) in [
            (vec![(x, "192.0.2.9, 198.51.100.1")], "198.51.100.1"),
            (vec![(x, "192.0.2.9, 198.51.100.1, 10.1.1.1")], "198.51.100.1"),
            (vec![(x, "192.0.2.9"), (x, "198.51.100.1"), (x, "10.1.1.1")], "198.51.100.1"),
            (vec![(x, "10.9.9.9, 10.1.1.1")], "10.9.9.9"),
            (vec![(x, "192.0.2.9, junk")], "10.0.0.1"),
            (vec![(x, "192.0.2.9, junk, 10.1.1.1")], "10.1.1.1"),
            (vec![(x, "")], "10.0.0.1"),
            (vec![], "10.0.0.1"),
            (vec![("forwarded", "for=192.0.2.9, for=\"[2001:db8::1]:5\"")], "2001:db8::1"),
            (vec![("forwarded", "for=192.0.2.9, for=_hidden")], "10.0.0.1"),
            (vec![("forwarded", "for=\"192.0.2.9, for=198.51.100.1")], "10.0.0.1"),
            (vec![("forwarded", "for=\"x"), ("forwarded", "for=198.51.100.1")], "198.51.100.1"),
        ] {
            assert_eq!(either("10.0.0.1", &headers), expected, "{headers:?}");
        }
    }

    #[test]
    fn two_fields_that_disagree_say_nothing_unless_one_is_named() {
        let both = [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=192.0.2.9")];
        assert_eq!(either("10.0.0.1", &both), "10.0.0.1");
        assert_eq!(client(ForwardedField::XForwardedFor, "10.0.0.1", &both), "198.51.100.1");
        assert_eq!(client(ForwardedField::Forwarded, "10.0.0.1", &both), "192.0.2.9");
        let agreed =
            [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=\"198.51.100.1:80\"")];
        assert_eq!(either("10.0.0.1", &agreed), "198.51.100.1");
        // The proxy's own member cannot be read behind a quote that the client has left open.
        let swallowed =
            [("x-forwarded-for", "192.0.2.9"), ("forwarded", "for=\"x, for=198.51.100.1")];
        assert_eq!(either("10.0.0.1", &swallowed), "10.0.0.1");
    }

    #[test]
    fn ipv6_addresses_share_a_key_by_prefix() {
        let key =
            |text: &str, prefix| address_key(text.parse().unwrap(), prefix).as_bytes().to_vec();
        assert_eq!(key("2001:db8::1", 64), key("2001:db8::ffff:2", 64));
        assert_ne!(key("2001:db8::1", 64), key("2001:db8:0:1::1", 64));
        assert_ne!(key("2001:db8::1", 128), key("2001:db8::2", 128));
        assert_eq!(key("2001:db8::1", 1), key("3fff::1", 1));
        assert_eq!(key("::ffff:192.0.2.1", 64), [192, 0, 2, 1]);
        assert_ne!(key("192.0.2.1", 64), key("192.0.2.2", 64));
    }
}
