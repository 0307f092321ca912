//! Where a rule's key comes from, and what the key of a request is.
//!
//! The empty key stands for all requests that share one bucket: no request can bring it, since an
//! empty value counts as absent.

use core::net::IpAddr;

use ratecell::Key;

use crate::client_address::address_key;
use crate::request::Request;

/// Where a rule's key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// The token of `Authorization: Bearer TOKEN`; the scheme is read in any case.
    Bearer,
    /// The address of the client.
    Ip,
    /// The value of a header field; its name is in lower case.
    Header(Box<str>),
    /// A value of this name that the service works out.
    Value(Box<str>),
}

/// What happens to a request that brings no key for a rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Absent {
    /// The rule is skipped, so it never refuses such a request.
    #[default]
    Skip,
    /// All such requests share one bucket.
    Share,
}

/// The key that all requests of one bucket share.
const SHARED: &[u8] = b"";

impl KeySource {
    /// The request's key; none if it brings none.
    ///
    /// A field that comes twice with different values gives the shared key, whatever `absent` says:
    /// whoever reads the first and whoever reads the last would take the request for different
    /// callers, and neither must make it unlimited.
    pub(crate) fn key<'r>(
        &self,
        request: &Request<'r>,
        address: Option<IpAddr>,
        ipv6_prefix: u8,
    ) -> Option<Key<'r>> {
        let bytes = match self {
            Self::Ip => {
                return Some(address.map_or(SHARED.into(), |it| address_key(it, ipv6_prefix)));
            }
            Self::Bearer => single(request, "authorization", bearer_token),
            Self::Header(name) => single(request, name, Some),
            Self::Value(name) => request.value(name).filter(|value| !value.is_empty()),
        };
        bytes.map(Key::from)
    }

    /// The key of a request that brings none.
    pub(crate) fn key_of_absent(absent: Absent) -> Option<Key<'static>> {
        match absent {
            Absent::Skip => None,
            Absent::Share => Some(SHARED.into()),
        }
    }
}

/// The one value of a field that `read` finds something in; the shared key if they differ.
fn single<'r>(
    request: &Request<'r>,
    name: &str,
    read: impl Fn(&'r [u8]) -> Option<&'r [u8]>,
) -> Option<&'r [u8]> {
    let mut found: Option<&'r [u8]> = None;
    request.headers.each(name, &mut |value| {
        let Some(value) = read(value.trim_ascii()).filter(|value| !value.is_empty()) else {
            return;
        };
        found = match found {
            Some(before) if before != value => Some(SHARED),
            _ => Some(value),
        };
    });
    found
}

/// The token of credentials of the scheme `Bearer`. SOURCE: RFC 6750 section 2.1.
fn bearer_token(credentials: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = credentials.split_at_checked("bearer".len())?;
    let token = rest.trim_ascii_start();
    (scheme.eq_ignore_ascii_case(b"bearer") && token.len() < rest.len()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::KeySource;
    use crate::request::Request;

    fn key(source: &KeySource, headers: &[(&str, &[u8])]) -> Option<Vec<u8>> {
        let request = Request { headers: &headers, ..Request::new("GET", "/") };
        source.key(&request, None, 64).map(|key| key.as_bytes().to_vec())
    }

    fn bearer(values: &[&[u8]]) -> Option<Vec<u8>> {
        let headers: Vec<_> = values.iter().map(|value| ("Authorization", *value)).collect();
        key(&KeySource::Bearer, &headers)
    }

    #[test]
    fn a_bearer_token_is_read_in_any_case_and_spacing() {
        for credentials in ["Bearer abc", "bearer abc", "BEARER   abc ", " Bearer\tabc"] {
            assert_eq!(bearer(&[credentials.as_bytes()]), Some(b"abc".to_vec()), "{credentials}");
        }
        for credentials in ["", "Bearer", "Bearer ", "Bearerabc", "Basic abc", "abc"] {
            assert_eq!(bearer(&[credentials.as_bytes()]), None, "{credentials}");
        }
    }

    #[test]
    fn a_key_is_its_bytes_also_when_they_are_no_text_or_many() {
        assert_eq!(bearer(&[b"Bearer \xff\xfe"]), Some(b"\xff\xfe".to_vec()));
        let long = [b"Bearer ".as_slice(), &[b'k'; 1 << 20]].concat();
        assert_eq!(bearer(&[&long]).map(|key| key.len()), Some(1 << 20));
    }

    #[test]
    fn two_different_values_give_the_shared_key_and_two_equal_ones_that() {
        assert_eq!(bearer(&[b"Bearer a", b"Bearer b"]), Some(Vec::new()));
        assert_eq!(bearer(&[b"Bearer a", b"Bearer b", b"Bearer b"]), Some(Vec::new()));
        assert_eq!(bearer(&[b"Bearer a", b"bearer a"]), Some(b"a".to_vec()));
        assert_eq!(bearer(&[b"Basic x", b"Bearer a"]), Some(b"a".to_vec()));
    }

    #[test]
    fn an_empty_value_counts_as_absent_and_an_unknown_address_is_shared() {
        let header = KeySource::Header("x-api-key".into());
        assert_eq!(key(&header, &[("X-Api-Key", b" k ")]), Some(b"k".to_vec()));
        assert_eq!(key(&header, &[("X-Api-Key", b" ")]), None);
        assert_eq!(key(&header, &[]), None);
        assert_eq!(key(&KeySource::Ip, &[]), Some(Vec::new()));
    }
}
