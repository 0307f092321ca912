//! The owner word of a slot: whose it is and in which stage.
//!
//! ```text
//! fingerprint:48 | nonce:14 | tag:2
//! free -> claimed -> owned -> leaving -> claimed (by another key) ...
//! claimed -> free (voided)          leaving -> owned (the key came back)
//! ```
//! INVARIANT: the nonce grows whenever a slot is claimed, voided or marked, so that an exchange
//! made on an old look fails. It returns after 16,384 such changes of one slot: a thread would have to
//! stall through a multiple of exactly that many, and the same key be in the same stage again.

const TAG_MASK: u64 = 0b11;
const OWNED_BIT: u64 = 0b10;
const NONCE_MASK: u64 = 0x3fff << 2;
const FINGERPRINT_MASK: u64 = !0xffff;

/// The stage of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Free,
    /// Asked for by a key that may yet find it has a slot elsewhere.
    Claimed,
    Owned,
    /// Owned, but marked: as good as new, so another key may take it.
    Leaving,
}

/// A slot's owner word. All zero is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner(pub(super) u64);

impl Owner {
    /// Only the fingerprint of a key's hash counts.
    #[inline]
    pub(super) const fn is_of(self, identity: u64) -> bool {
        (self.0 ^ identity) & FINGERPRINT_MASK == 0
    }

    #[inline]
    pub(super) const fn tag(self) -> Tag {
        match self.0 & TAG_MASK {
            0 => Tag::Free,
            1 => Tag::Claimed,
            2 => Tag::Owned,
            _ => Tag::Leaving,
        }
    }

    /// Whether the slot is the key's: owned or leaving.
    #[inline]
    pub(super) const fn is_home_of(self, identity: u64) -> bool {
        self.differs_from_owned_by(identity) & (FINGERPRINT_MASK | OWNED_BIT) == 0
    }

    /// Whether the slot is the key's and not marked.
    #[inline]
    pub(super) const fn is_owned_by(self, identity: u64) -> bool {
        self.differs_from_owned_by(identity) & (FINGERPRINT_MASK | TAG_MASK) == 0
    }

    /// In which bits it differs from a slot that is the key's; those of the nonce say nothing.
    #[inline]
    const fn differs_from_owned_by(self, identity: u64) -> u64 {
        self.0 ^ (identity & FINGERPRINT_MASK | OWNED_BIT)
    }

    #[inline]
    pub(super) const fn is_claim_of(self, identity: u64) -> bool {
        self.is_of(identity) && matches!(self.tag(), Tag::Claimed)
    }

    /// The slot claimed for a key.
    pub(super) const fn claimed_for(self, identity: u64) -> Self {
        Self(identity & FINGERPRINT_MASK | self.next_nonce() | 1)
    }

    /// The slot without its claim.
    pub(super) const fn voided(self) -> Self {
        Self(self.next_nonce())
    }

    /// The slot marked as one that another key may take.
    pub(super) const fn leaving(self) -> Self {
        Self(self.0 & FINGERPRINT_MASK | self.next_nonce() | 3)
    }

    /// The claim confirmed, or the mark taken off; the nonce stays.
    pub(super) const fn owned(self) -> Self {
        Self(self.0 & !TAG_MASK | OWNED_BIT)
    }

    const fn next_nonce(self) -> u64 {
        self.0.wrapping_add(TAG_MASK + 1) & NONCE_MASK
    }
}
