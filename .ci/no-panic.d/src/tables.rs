//! Key tables in memory that may hold anything.

use ratecell::{
    AtomicU64, Decision, Key, KeyHash, Quota, ReleaseError, Seed, Table, TableError, TableStats,
    WhenFull, table_words, words_from_raw,
};

/// A table in words that another language may have given.
type Borrowed = Table<&'static [AtomicU64]>;

export! {
    fn memory_words(quota: &Quota, keys: usize) -> usize {
        table_words(quota, keys)
    }

    fn memory_from_raw(start: *mut u8, len: usize) -> Result<&'static [AtomicU64], TableError> {
        // SAFETY: this is linked and never run.
        unsafe { words_from_raw(start, len) }
    }

    fn table_new(
        words: &'static [AtomicU64],
        quota: Quota,
        seed: Seed,
        when_full: WhenFull,
    ) -> Result<Borrowed, TableError> {
        Ok(Table::new(words, quota, seed)?.when_full(when_full))
    }

    fn table_attach(words: &'static [AtomicU64], quota: Quota) -> Result<Borrowed, TableError> {
        Table::attach(words, quota)
    }

    fn seed_from_bytes(bytes: [u8; 16]) -> Seed {
        Seed::from_bytes(bytes)
    }

    fn hash_from_u64(hash: u64) -> KeyHash {
        KeyHash::from_u64(hash)
    }

    fn table_hash(table: &Borrowed, key: Key<'_>) -> KeyHash {
        table.hash(key)
    }

    fn table_acquire(table: &Borrowed, hash: KeyHash, now_ns: u64, cost: u32) -> Decision {
        table.acquire(hash, now_ns, cost)
    }

    fn table_acquire_with(
        table: &Borrowed,
        quota: &Quota,
        hash: KeyHash,
        now_ns: u64,
        cost: u32,
    ) -> Option<Decision> {
        table.acquire_with(quota, hash, now_ns, cost)
    }

    fn table_peek(table: &Borrowed, hash: KeyHash, now_ns: u64, cost: u32) -> Decision {
        table.peek(hash, now_ns, cost)
    }

    fn table_release(table: &Borrowed, hash: KeyHash, cost: u32) -> Result<(), ReleaseError> {
        table.release(hash, cost)
    }

    fn table_reset(table: &Borrowed, hash: KeyHash) {
        table.reset(hash);
    }

    fn table_stats(table: &Borrowed) -> TableStats {
        table.stats()
    }
}
