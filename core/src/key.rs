//! Keys and their keyed hashes.
//!
//! A key is bytes; what else can be a key has one fixed form as bytes, the same in every language.
//! A table never keeps a key, only 48 bits of its hash beside the region that the hash names.
//! SOURCE: SipHash-1-3 with 128 bits of output, Aumasson and Bernstein 2012.

use core::fmt;
use core::hash::Hasher as _;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use siphasher::sip128::{Hash128, Hasher128 as _, SipHasher13};

/// What a limit is counted by: a user, an API key, an address.
///
/// Made by `From`: `&str` and `&[u8]` are their bytes, an integer its little-endian bytes (8, or 16
/// for `u128`), an address its octets. An IPv6 address that carries an IPv4 one is the IPv4 one, so
/// that a client is the same key on a dual-stack socket.
///
/// ```
/// use ratecell::Key;
/// use std::net::IpAddr;
///
/// assert_eq!(Key::from("7").as_bytes(), b"7");
/// assert_eq!(Key::from(7_u64).as_bytes(), [7, 0, 0, 0, 0, 0, 0, 0]);
/// let mapped: IpAddr = "::ffff:192.0.2.1".parse()?;
/// assert_eq!(Key::from(mapped).as_bytes(), [192, 0, 2, 1]);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Key<'a>(Bytes<'a>);

#[derive(Clone, Copy)]
enum Bytes<'a> {
    Slice(&'a [u8]),
    Four(Whole<4>),
    Eight(Whole<8>),
    Sixteen(Whole<16>),
}

/// The bytes of a number, aligned as the words that they are copied in, so that a read after a copy
/// does not straddle two writes.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct Whole<const LEN: usize>([u8; LEN]);

impl Key<'_> {
    /// The bytes that are hashed.
    #[inline]
    pub const fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Slice(bytes) => bytes,
            Bytes::Four(Whole(bytes)) => bytes,
            Bytes::Eight(Whole(bytes)) => bytes,
            Bytes::Sixteen(Whole(bytes)) => bytes,
        }
    }
}

impl fmt::Debug for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.as_bytes()).finish()
    }
}

impl<'a> From<&'a [u8]> for Key<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Self {
        Self(Bytes::Slice(bytes))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Key<'a> {
    #[inline]
    fn from(bytes: &'a [u8; N]) -> Self {
        Self(Bytes::Slice(bytes))
    }
}

impl<'a> From<&'a str> for Key<'a> {
    #[inline]
    fn from(text: &'a str) -> Self {
        Self(Bytes::Slice(text.as_bytes()))
    }
}

impl From<u32> for Key<'_> {
    #[inline]
    fn from(number: u32) -> Self {
        Self::from(u64::from(number))
    }
}

impl From<u64> for Key<'_> {
    #[inline]
    fn from(number: u64) -> Self {
        Self(Bytes::Eight(Whole(number.to_le_bytes())))
    }
}

impl From<u128> for Key<'_> {
    #[inline]
    fn from(number: u128) -> Self {
        Self(Bytes::Sixteen(Whole(number.to_le_bytes())))
    }
}

impl From<Ipv4Addr> for Key<'_> {
    #[inline]
    fn from(address: Ipv4Addr) -> Self {
        Self(Bytes::Four(Whole(address.octets())))
    }
}

impl From<Ipv6Addr> for Key<'_> {
    #[inline]
    fn from(address: Ipv6Addr) -> Self {
        match address.to_ipv4_mapped() {
            Some(v4) => Self::from(v4),
            None => Self(Bytes::Sixteen(Whole(address.octets()))),
        }
    }
}

impl From<IpAddr> for Key<'_> {
    #[inline]
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::from(v4),
            IpAddr::V6(v6) => Self::from(v6),
        }
    }
}

/// The secret that keys are hashed with: nobody without it can aim for another key's slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub(crate) [u64; 2]);

impl Seed {
    /// A seed from 16 bytes that nobody outside can guess.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        let whole = u128::from_le_bytes(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves of it")]
        Self([whole as u64, (whole >> 64) as u64])
    }

    /// A seed from the operating system's random source.
    ///
    /// It is hashed from the keys that the standard library draws for its own tables.
    #[cfg(feature = "std")]
    pub fn random() -> Self {
        use core::hash::BuildHasher as _;

        let draw = || std::hash::RandomState::new().build_hasher().finish();
        Self([draw(), draw()])
    }

    /// The hash of a key under this seed.
    #[inline(always)]
    pub fn hash<'a>(&self, key: impl Into<Key<'a>>) -> KeyHash {
        // Where the type of the key is known, no branch and no loop is left of a number.
        match key.into().0 {
            Bytes::Slice(bytes) => self.hash_slice(bytes),
            Bytes::Four(Whole(bytes)) => {
                self.hash_number(|hasher| hasher.write_u32(u32::from_ne_bytes(bytes)))
            }
            Bytes::Eight(Whole(bytes)) => {
                self.hash_number(|hasher| hasher.write_u64(u64::from_ne_bytes(bytes)))
            }
            Bytes::Sixteen(Whole(bytes)) => self.hash_number(|hasher| {
                for word in bytes.as_chunks().0 {
                    hasher.write_u64(u64::from_ne_bytes(*word));
                }
            }),
        }
    }

    #[inline(never)]
    fn hash_slice(&self, bytes: &[u8]) -> KeyHash {
        KeyHash::of(self.hasher().hash(bytes))
    }

    /// The hash of what `write` writes: the number's bytes as they lie in memory.
    #[inline]
    fn hash_number(&self, write: impl FnOnce(&mut SipHasher13)) -> KeyHash {
        let mut hasher = self.hasher();
        write(&mut hasher);
        KeyHash::of(hasher.finish128())
    }

    #[inline]
    fn hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0[0], self.0[1])
    }
}

impl fmt::Debug for Seed {
    /// Shows nothing of the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// The hash of a key: 48 bits that stand for it in its slot, and 64 that say where it may live.
///
/// Two keys share a slot, and so a limit, if the 48 bits agree and one lives in a region of the
/// other: with SipHash the odds for a given pair are `4 * 2^-48` over the number of regions. That
/// any two of 10 million live keys share happens once in 3 million tables; of 1 million, once in
/// 30 million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash {
    pub(crate) identity: u64,
    pub(crate) place: u64,
}

impl KeyHash {
    #[inline]
    const fn of(hash: Hash128) -> Self {
        // The half that is ready first says where to look; what is looked for follows.
        Self { identity: hash.h2, place: hash.h1 }
    }

    /// A hash made elsewhere: for a caller who has a good 64-bit hash of the key at hand.
    ///
    /// Use a keyed hash of good quality over all 64 bits. If keys come from outside and the hash
    /// has no secret, whoever knows it can aim for another key's slot. Two keys with the same
    /// `hash` share a limit.
    #[inline]
    pub const fn from_u64(hash: u64) -> Self {
        // An odd factor: a bijection, so nothing of the hash is lost to the 48 bits kept.
        let identity = hash.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self { identity, place: hash }
    }

    /// The hash as two words, for [`Self::from_words`]: how a binding hands it to its language.
    pub const fn to_words(self) -> [u64; 2] {
        [self.identity, self.place]
    }

    /// The hash of which [`Self::to_words`] gave these words, under the same seed.
    pub const fn from_words([identity, place]: [u64; 2]) -> Self {
        Self { identity, place }
    }
}
