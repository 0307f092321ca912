//! ratecell: the only file here that knows its calls.
//!
//! Best form: time passed in and a hash that the caller made with foldhash, or a cell of its own
//! without a key. As it comes: a `Limiter` with its own clock and its keyed SipHash.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use ratecell::{AtomicTat, GcraQuota, HeapMemory, KeyHash, Seed, Table};

use super::Answer;
use crate::harness::{Entrant, KeyView, MeasuredKey, Take, Who, now_ns};

/// One cell, time passed in.
pub fn direct(answer: Answer) -> Entrant<()> {
    let cell = Direct { quota: quota(answer), cell: AtomicTat::new() };
    Entrant::new(Who::Ratecell, "ratecell cell", cell)
}

/// One cell, and a refusal's wait is read.
pub fn direct_with_wait(answer: Answer) -> Entrant<()> {
    let cell = DirectWithWait(Direct { quota: quota(answer), cell: AtomicTat::new() });
    Entrant::new(Who::Ratecell, "ratecell cell", cell)
}

/// A table made for that many keys, time passed in, foldhash.
pub fn keyed<K: MeasuredKey>(answer: Answer, keys: usize) -> Entrant<K> {
    Entrant::new(Who::Ratecell, "ratecell table", Keyed { table: table(answer, keys) })
}

/// The same with the table's own SipHash-1-3.
pub fn keyed_siphash<K: MeasuredKey>(answer: Answer, keys: usize) -> Entrant<K> {
    let limiter = KeyedSipHash { table: table(answer, keys) };
    Entrant::new(Who::Ratecell, "ratecell table, SipHash", limiter)
}

struct Direct {
    quota: GcraQuota,
    cell: AtomicTat,
}

struct DirectWithWait(Direct);

struct Keyed {
    table: Table<HeapMemory>,
}

struct KeyedSipHash {
    table: Table<HeapMemory>,
}

impl Take<()> for Direct {
    #[inline(always)]
    fn take(&self, (): &()) -> bool {
        self.cell.acquire(&self.quota, now_ns(), 1).allowed()
    }
}

impl Take<()> for DirectWithWait {
    #[inline(always)]
    fn take(&self, (): &()) -> bool {
        let decision = self.0.cell.acquire(&self.0.quota, now_ns(), 1);
        std::hint::black_box(decision.retry_after());
        decision.allowed()
    }
}

impl<K: MeasuredKey> Take<K> for Keyed {
    #[inline(always)]
    fn take(&self, key: &K) -> bool {
        let hash = KeyHash::from_u64(FixedState::default().hash_one(key));
        self.table.acquire(hash, now_ns(), 1).allowed()
    }
}

impl<K: MeasuredKey> Take<K> for KeyedSipHash {
    #[inline(always)]
    fn take(&self, key: &K) -> bool {
        let hash = match key.view() {
            KeyView::Number(number) => self.table.hash(number),
            KeyView::Text(text) => self.table.hash(text),
        };
        self.table.acquire(hash, now_ns(), 1).allowed()
    }
}

fn quota(answer: Answer) -> GcraQuota {
    GcraQuota::new(answer.limit(), answer.period_ns(), answer.burst()).expect("the quota is valid")
}

fn table(answer: Answer, keys: usize) -> Table<HeapMemory> {
    let quota = quota(answer).into();
    Table::new(HeapMemory::for_keys(&quota, keys), quota, Seed::random()).expect("memory fits")
}

#[cfg(feature = "limiter")]
pub use as_it_comes::{keyed_default, plan};

#[cfg(feature = "limiter")]
mod as_it_comes {
    use ratecell::Limiter;

    use super::*;

    /// A limiter built from text, with everything left as it comes but the capacity.
    pub fn keyed_default<K: MeasuredKey>(answer: Answer, keys: usize) -> Entrant<K> {
        // A unit every microsecond as in `quota`; days keep the burst within the text form.
        let text = match answer {
            Answer::Allowed => "1000000/s burst 4294967295",
            Answer::Denied => "1/h",
        };
        let limiter = Limiter::builder(text).capacity(keys).build().expect("the text is valid");
        Entrant::new(Who::Ratecell, "ratecell default", Default(limiter))
    }

    /// Three rules over two dimensions, of three kinds.
    pub fn plan(keys: usize) -> Entrant<(String, String)> {
        let text = "ip: gcra 1000000/s burst 4294967295 by ip; \
                    key: gcra 1000000/s burst 4294967295 by key; \
                    daily: gcra 4294967295/d by key";
        let limiter = Limiter::builder(text).capacity(keys).build().expect("the text is valid");
        Entrant::new(Who::Ratecell, "ratecell plan of 3", Plan(limiter))
    }

    struct Default(Limiter);

    struct Plan(Limiter);

    impl<K: MeasuredKey> Take<K> for Default {
        #[inline(always)]
        fn take(&self, key: &K) -> bool {
            match key.view() {
                KeyView::Number(number) => self.0.acquire(number, 1),
                KeyView::Text(text) => self.0.acquire(text, 1),
            }
            .is_ok_and(|decision| decision.allowed())
        }
    }

    impl Take<(String, String)> for Plan {
        #[inline(always)]
        fn take(&self, (ip, key): &(String, String)) -> bool {
            let keys = [("ip", ip.as_str().into()), ("key", key.as_str().into())];
            self.0.acquire_keys(&keys, 1).is_ok_and(|decision| decision.allowed())
        }
    }
}
