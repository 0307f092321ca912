//! A source of numbers that gives the same ones for the same seed, everywhere and forever.
//!
//! Source: SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
//! 2014. It is kept here so that no update of a dependency can change what a seed means.

/// SplitMix64.
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The numbers of one case, whatever the cases before it drew.
    pub(crate) fn new(seed: u64, file: &str, index: u64) -> Self {
        let mut random = Self { state: seed };
        for word in file.bytes().map(u64::from).chain([index]) {
            random.state = random.next() ^ word;
        }
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included. The bias of the modulus is of no account here.
    pub(crate) fn within(&mut self, low: u64, high: u64) -> u64 {
        match (high - low).checked_add(1) {
            Some(width) => low + self.next() % width,
            None => self.next(),
        }
    }

    /// A number from `low` to `high` whose length in binary is spread evenly: small ones are as
    /// likely as large ones.
    pub(crate) fn spread(&mut self, low: u64, high: u64) -> u64 {
        let span = high - low;
        let bits = self.within(0, u64::from(u64::BITS - span.leading_zeros()));
        let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
        low + (self.next() & mask).min(span)
    }

    /// True one time in `times`.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.within(1, times) == 1
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        let last = choices.len() as u64 - 1;
        choices[self.within(0, last) as usize]
    }
}
