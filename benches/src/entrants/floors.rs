//! The floors: the least work that could pass for a limiter, without any of its answers.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::FixedState;

use super::Answer;
use crate::harness::{Entrant, KeyView, MeasuredKey, Take, Who, now_ns};

/// Bytes a key of the table whose random access is the keyed floor: what the design allows.
const FOOTPRINT_BYTES: usize = 20;

/// The floor of a direct limiter.
pub fn direct(answer: Answer) -> Entrant<()> {
    match answer {
        Answer::Allowed => {
            Entrant::new(Who::Floor, "compare-exchange loop", ExchangeLoop::default())
        }
        Answer::Denied => Entrant::new(Who::Floor, "load and compare", LoadAndCompare::default()),
    }
}

/// The floor of a keyed limiter: the direct floor on a random word of a table of that footprint.
pub fn keyed<K: MeasuredKey>(answer: Answer, keys: usize) -> Entrant<K> {
    let count = (keys * FOOTPRINT_BYTES / size_of::<u64>()).max(1);
    match answer {
        Answer::Allowed => {
            let words = (0..count).map(|_| ExchangeLoop::default()).collect();
            Entrant::new(Who::Floor, "random compare-exchange", RandomWord { words })
        }
        Answer::Denied => {
            let words = (0..count).map(|_| LoadAndCompare::default()).collect();
            Entrant::new(Who::Floor, "random load and compare", RandomWord { words })
        }
    }
}

/// Moves a word forward by compare-exchange.
#[derive(Default)]
struct ExchangeLoop(AtomicU64);

/// Compares a word that lies in the future with the time.
struct LoadAndCompare(AtomicU64);

/// One of many words, chosen by the key.
struct RandomWord<W> {
    words: Box<[W]>,
}

impl Default for LoadAndCompare {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX >> 1))
    }
}

impl Take<()> for ExchangeLoop {
    #[inline(always)]
    fn take(&self, (): &()) -> bool {
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let next = seen.max(now_ns()) + 1_000;
            match self.0.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now_there) => seen = now_there,
            }
        }
    }
}

impl Take<()> for LoadAndCompare {
    #[inline(always)]
    fn take(&self, (): &()) -> bool {
        self.0.load(Ordering::Relaxed) <= now_ns()
    }
}

impl<K: MeasuredKey, W: Take<()>> Take<K> for RandomWord<W> {
    #[inline(always)]
    fn take(&self, key: &K) -> bool {
        let bits = match key.view() {
            // The numbers of the rings are already without order; a floor does not hash them.
            KeyView::Number(number) => number,
            KeyView::Text(text) => FixedState::default().hash_one(text),
        };
        let index = (u128::from(bits) * self.words.len() as u128) >> 64;
        self.words[index as usize].take(&())
    }
}
