//! Key tables: what fits, what is reused, what is never forgotten, and what full means.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::Ordering;

use ratecell::{
    AtomicU64, ConcurrencyQuota, FixedQuota, GcraQuota, HeapMemory, Key, KeyHash, Memory, Quota,
    ReleaseError, Seed, SlidingQuota, StaticMemory, Table, TableError, TableStats, Verdict,
    WhenFull, table_words, words_from_raw,
};

const SECOND_NS: u64 = 1_000_000_000;

/// One unit a second and key, of every kind.
fn kinds() -> [Quota; 4] {
    [
        GcraQuota::new(1, SECOND_NS, 1).unwrap().into(),
        FixedQuota::new(1, SECOND_NS).unwrap().into(),
        SlidingQuota::new(1, SECOND_NS, 14).unwrap().into(),
        ConcurrencyQuota::new(1).unwrap().into(),
    ]
}

fn rates() -> [Quota; 3] {
    let [gcra, fixed, sliding, _] = kinds();
    [gcra, fixed, sliding]
}

fn seed(number: u64) -> Seed {
    let mut bytes = *b"table of numbers";
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Seed::from_bytes(bytes)
}

fn table_for(quota: Quota, keys: usize, number: u64) -> Table<HeapMemory> {
    Table::new(HeapMemory::for_keys(&quota, keys), quota, seed(number)).unwrap()
}

/// Has new keys owe a unit each until `want` of them have a slot or `tries` were made.
fn fill(table: &Table<impl Memory>, now_ns: u64, want: usize, tries: u64) -> Vec<u64> {
    let mut owing = Vec::new();
    for key in 0..tries {
        if owing.len() == want {
            break;
        }
        if table.acquire(table.hash(key), now_ns, 1).allowed() {
            owing.push(key);
        }
    }
    owing
}

#[test]
fn sixty_four_keys_fit_a_table_for_64_while_all_owe() {
    for quota in kinds() {
        for number in 0..25 {
            let table = table_for(quota, 64, number);
            let owing = fill(&table, 0, 64, 64);
            assert_eq!(owing.len(), 64, "{:?} with seed {number}", quota.kind());
            let denied = |key: &u64| !table.acquire(table.hash(*key), 0, 1).allowed();
            assert!(owing.iter().all(denied));
        }
    }
}

#[test]
fn at_four_fifths_load_fewer_than_one_new_key_in_10_000_finds_no_slot() {
    let quota = kinds()[0];
    let (mut full, mut asked) = (0, 0);
    for number in 0..4 {
        let table = table_for(quota, 6_250, number);
        assert_eq!(table.slots(), 12_504);
        assert_eq!(fill(&table, 0, 10_000, 10_010).len(), 10_000);
        for new in 1_000_000..1_025_000_u64 {
            asked += 1;
            full += u32::from(table.peek(table.hash(new), 0, 1).verdict() == Verdict::Full);
        }
    }
    assert!(full * 10_000 < asked, "{full} of {asked}");
}

#[test]
fn a_full_table_denies_or_allows_as_it_is_told_and_counts_it() {
    for quota in kinds() {
        let deny = table_for(quota, 1, 3);
        let owing = fill(&deny, 0, 8, 1_000).len() as u64;
        let refused = deny.acquire(deny.hash("new"), 0, 1);
        assert_eq!((refused.verdict(), refused.remaining()), (Verdict::Full, 1));
        let TableStats { keys, inserted, full_denied, full_allowed, .. } = deny.stats();
        assert_eq!((keys, inserted, full_allowed), (owing, owing, 0));
        assert!(full_denied >= 1);
        assert_eq!(deny.peek(deny.hash("new"), 0, 1), refused);
        assert_eq!(deny.stats().full_denied, full_denied, "a peek is not counted");
        let never = deny.acquire(deny.hash("new"), 0, 2);
        assert_eq!(never.verdict(), Verdict::Never, "a cost that is never allowed is told so");

        let allow = table_for(quota, 1, 3).when_full(WhenFull::Allow);
        assert_eq!(fill(&allow, 0, 50, 50).len(), 50, "nobody is refused");
        for _ in 0..2 {
            let allowed = allow.acquire(allow.hash("new"), 0, 1);
            assert_eq!((allowed.verdict(), allowed.remaining()), (Verdict::Allow, 1));
        }
        let stats = allow.stats();
        assert_eq!((stats.inserted, stats.full_allowed, stats.full_denied), (8, 44, 0));
    }
}

#[test]
fn when_full_a_new_key_gets_in_at_retry_after_and_not_one_ns_before() {
    for quota in rates() {
        let table = table_for(quota, 3, 5);
        for key in 0..200_u64 {
            // Spread over time, so that the slots in reach come free at different times.
            let _ = table.acquire(table.hash(key), key * 999_983, 1);
        }
        for new in 1_000..1_040_u64 {
            let (hash, now_ns) = (table.hash(new), 200_000_000);
            let refused = table.acquire(hash, now_ns, 1);
            assert_eq!(refused.verdict(), Verdict::Full);
            let at_ns = now_ns + refused.retry_after_ns().unwrap();
            let early = table.acquire(hash, at_ns - 1, 1);
            assert_eq!((early.verdict(), early.retry_after_ns()), (Verdict::Full, Some(1)));
            assert!(table.peek(hash, at_ns, 1).allowed());
        }
    }
    let permits = table_for(kinds()[3], 1, 5);
    fill(&permits, 0, 8, 1_000);
    assert_eq!(permits.acquire(permits.hash("new"), 0, 1).retry_after_ns(), None);
}

#[test]
fn slots_as_good_as_new_go_to_other_keys() {
    for quota in kinds() {
        let table = table_for(quota, 64, 1);
        let slots = table.slots();
        let mut first = fill(&table, 0, slots, 5_000);
        assert_eq!(first.len(), slots, "every slot is in somebody's reach");
        let later_ns = 3 * SECOND_NS;
        if let Quota::Concurrency(_) = quota {
            first.iter().for_each(|&key| table.release(table.hash(key), 1).unwrap());
        }
        first.clear();
        for new in 10_000..10_064_u64 {
            let decision = table.acquire(table.hash(new), later_ns, 1);
            assert_eq!(decision.verdict(), Verdict::Allow, "{:?}", quota.kind());
            assert_eq!(decision.remaining(), 0);
        }
        let stats = table.stats();
        assert_eq!((stats.keys, stats.inserted), (slots as u64, slots as u64 + 64));
    }
}

/// A slot is as good as new by the clock of the call that takes it. To a later call with an earlier
/// clock, on which the key still owes, the key is new: it gets what a new key gets, and no more.
#[test]
fn a_key_that_lost_its_slot_is_new_to_a_late_clock() {
    // Keys whose own slots are 0 to 7, in a table of one region; the key 11 would have slot 3.
    let key = |number: u64| KeyHash::from_words([(number + 1) << 16, number]);
    for quota in rates() {
        let table = table_for(quota, 1, 0);
        assert_eq!(table.slots(), 8);
        assert!(table.acquire(key(0), 0, 1).allowed());
        let then_ns = 2 * SECOND_NS;
        let taken = |number| table.acquire(key(number), then_ns, 1).allowed();
        assert!((1..8).all(taken), "{:?}", quota.kind());
        assert!(!taken(3), "3 owes at that time");
        assert!(
            table.acquire(key(11), 2 * then_ns, 1).allowed(),
            "its slot is as good as new later"
        );
        assert!(taken(3), "3 is new and takes the slot of 0, which owes no more");
        assert!(!taken(3), "and has what a new key has");
    }
}

#[test]
fn a_flood_of_new_keys_never_frees_one_that_owes() {
    for quota in rates() {
        let table = table_for(quota, 64, 2);
        let owing = fill(&table, 0, 40, 64);
        for now_ns in [0, SECOND_NS / 2, SECOND_NS - 1] {
            for new in 0..2_000_u64 {
                let _ = table.acquire(table.hash(1_000_000 + new), now_ns, 1);
            }
            let owes = |key: &u64| !table.peek(table.hash(*key), now_ns, 1).allowed();
            assert!(owing.iter().all(owes), "{:?} at {now_ns}", quota.kind());
        }
    }
}

#[test]
fn reset_forgets_a_key_and_only_that() {
    for quota in rates() {
        let table = table_for(quota, 16, 2);
        let (a, b) = (table.hash("a"), table.hash("b"));
        assert!(table.acquire(a, 5, 1).allowed() && table.acquire(b, 5, 1).allowed());
        table.reset(a);
        table.reset(table.hash("nobody"));
        let fresh = table.peek(a, 5, 1);
        assert_eq!((fresh.remaining(), fresh.reset_after_ns()), (1, Some(0)));
        assert!(!table.peek(b, 5, 1).allowed());
        assert!(table.acquire(a, 5, 1).allowed() && !table.acquire(a, 5, 1).allowed());
    }
}

#[test]
fn reset_leaves_permits_with_their_holders() {
    let table = table_for(kinds()[3], 16, 2);
    let a = table.hash("a");
    assert!(table.acquire(a, 0, 1).allowed());
    table.reset(a);
    assert!(!table.acquire(a, 0, 1).allowed());
    assert_eq!(table.release(a, 1), Ok(()));
}

#[test]
fn releasing_more_than_are_held_is_an_error_and_changes_nothing() {
    let table = table_for(ConcurrencyQuota::new(5).unwrap().into(), 16, 2);
    let a = table.hash("a");
    assert_eq!(table.release(a, 1), Err(ReleaseError { cost: 1, held: 0 }));
    assert_eq!(table.release(a, 0), Ok(()));
    assert!(table.acquire(a, 0, 3).allowed());
    assert_eq!(table.release(a, 4), Err(ReleaseError { cost: 4, held: 3 }));
    assert_eq!(table.peek(a, 0, 1).remaining(), 2);
    for quota in rates() {
        let table = table_for(quota, 16, 2);
        assert!(table.acquire(table.hash("a"), 0, 1).allowed());
        assert!(table.release(table.hash("a"), 1).is_err(), "a rate has no permits");
        assert!(!table.peek(table.hash("a"), 0, 1).allowed());
    }
}

#[test]
fn attaching_finds_the_same_keys_under_the_same_seed() {
    for quota in kinds() {
        let memory = HeapMemory::for_keys(&quota, 32);
        let words = &memory.words()[..table_words(&quota, 16)];
        let first = Table::new(words, quota, seed(9)).unwrap();
        assert!(first.acquire(first.hash("a"), 5, 1).allowed());
        let second = Table::attach(words, quota).unwrap();
        assert_eq!(second.hash("a"), first.hash("a"));
        assert!(!second.peek(second.hash("a"), 5, 1).allowed());
        assert_eq!((second.stats(), second.slots()), (first.stats(), first.slots()));
        // Longer memory holds the same table.
        let third = Table::attach(&memory, quota).unwrap();
        assert!(!third.peek(third.hash("a"), 5, 1).allowed());
    }
    // A gcra cell means the same at any rate.
    let [gcra, ..] = kinds();
    let memory = HeapMemory::for_keys(&gcra, 16);
    let first = Table::new(&memory, gcra, seed(9)).unwrap();
    assert!(first.acquire(first.hash("a"), 0, 1).allowed());
    let faster = Table::attach(&memory, GcraQuota::new(2, 60 * SECOND_NS, 1).unwrap().into());
    let faster = faster.unwrap();
    assert_eq!(faster.acquire(faster.hash("a"), 0, 1).retry_after_ns(), Some(SECOND_NS));
}

#[test]
fn attaching_to_anything_else_is_an_error() {
    let [gcra, fixed, sliding, permits] = kinds();
    for quota in kinds() {
        let memory = HeapMemory::for_keys(&quota, 16);
        let words = memory.words();
        let attach = |quota| Table::attach(words, quota).err();
        assert_eq!(attach(quota), Some(TableError::NotATable), "zeros");
        Table::new(words, quota, seed(1)).unwrap();
        assert_eq!(attach(quota), None);
        for other in [gcra, fixed, permits] {
            let same = other.kind() == quota.kind();
            assert_eq!(attach(other), (!same).then_some(TableError::OtherLayout));
        }
        let needed_words = table_words(&quota, 1);
        let short = &words[..needed_words - 1];
        let too_small = TableError::TooSmall { found_words: needed_words - 1, needed_words };
        assert_eq!(Table::attach(short, quota).err(), Some(too_small));
        assert_eq!(Table::new(short, quota, seed(1)).err(), Some(too_small));
        // A header that says more regions than there are words.
        assert_eq!(
            Table::attach(&words[..needed_words], quota).err(),
            (words.len() >= needed_words + needed_words - 16).then_some(TableError::OtherLayout)
        );
    }
    let memory = HeapMemory::for_keys(&sliding, 64);
    Table::new(&memory, sliding, seed(1)).unwrap();
    for (period_ns, segments) in [(SECOND_NS + 1, 14), (SECOND_NS, 13), (SECOND_NS, 15)] {
        let other = SlidingQuota::new(1, period_ns, segments).unwrap().into();
        assert_eq!(Table::attach(&memory, other).err(), Some(TableError::OtherLayout));
    }
    let other = SlidingQuota::new(7, SECOND_NS, 14).unwrap().into();
    assert!(Table::attach(&memory, other).is_ok(), "the limit may differ");
}

#[test]
fn raw_bytes_are_a_table_if_they_are_aligned() {
    let quota = kinds()[0];
    let mut bytes = vec![0xa5_u64; table_words(&quota, 16)];
    let (start, len) = (bytes.as_mut_ptr().cast::<u8>(), bytes.len() * 8);
    // SAFETY: a pointer one byte into the vector's own bytes, valid for reads and writes of the
    // rest of them while `bytes` lives; nothing else touches them.
    let misaligned = unsafe { words_from_raw(start.wrapping_add(1), len - 1) };
    let found = start.addr() + 1;
    assert_eq!(misaligned.err(), Some(TableError::Misaligned { found }));
    // SAFETY: the vector's own bytes, initialized, valid for reads and writes of `len` bytes while
    // `bytes` lives, which is longer than `words`; nothing else touches them meanwhile.
    let words = unsafe { words_from_raw(start, len - 3) }.unwrap();
    assert_eq!(words.len(), bytes.len() - 1, "a part of a word is left alone");
    let table = Table::new(words, quota, seed(1)).unwrap();
    assert!(table.acquire(table.hash("a"), 0, 1).allowed());
    assert_eq!(bytes.last(), Some(&0xa5));
}

#[test]
fn dirty_memory_is_cleaned() {
    for quota in kinds() {
        for dirt in [u64::MAX, 0xa5a5_a5a5_a5a5_a5a5, 2, 3] {
            let words: Vec<_> =
                (0..table_words(&quota, 16)).map(|_| AtomicU64::new(dirt)).collect();
            let table = Table::new(words.as_slice(), quota, seed(1)).unwrap();
            let stats = table.stats();
            assert_eq!((stats.slots, stats.keys, stats.inserted), (table.slots(), 0, 0));
            assert_eq!((stats.full_denied, stats.full_allowed, stats.stranded), (0, 0, 0));
            assert_eq!(fill(&table, 0, 16, 16).len(), 16);
        }
    }
}

#[test]
fn memory_in_a_static_is_aligned_and_needs_no_heap() {
    const QUOTA: GcraQuota = match GcraQuota::new(1, SECOND_NS, 1) {
        Ok(quota) => quota,
        Err(_) => panic!("not a quota"),
    };
    static MEMORY: StaticMemory<{ table_words(&Quota::Gcra(QUOTA), 64) }> = StaticMemory::new();
    let table = Table::new(&MEMORY, QUOTA.into(), seed(1)).unwrap();
    assert_eq!(fill(&table, 0, 64, 64).len(), 64);
    assert_eq!(MEMORY.words().as_ptr().addr() % 128, 0);
    assert_ne!(MEMORY.words()[0].load(Ordering::SeqCst), 0, "the table is in it");
}

#[test]
fn heap_memory_that_cannot_be_had_is_an_error() {
    let error = HeapMemory::try_for_keys(&kinds()[0], usize::MAX / 32).unwrap_err();
    assert!(matches!(error, TableError::OutOfMemory { .. }), "{error}");
}

#[test]
fn every_type_of_key_has_one_form_as_bytes() {
    let seed = seed(1);
    let same = |one: Key<'_>, other: Key<'_>| seed.hash(one) == seed.hash(other);
    assert!(same("alice".into(), b"alice".into()));
    assert!(same("é".into(), [0xc3_u8, 0xa9].as_slice().into()));
    assert!(same(7_u32.into(), 7_u64.into()));
    assert!(same(7_u64.into(), [7_u8, 0, 0, 0, 0, 0, 0, 0].as_slice().into()));
    assert!(!same(7_u64.into(), 7_u128.into()));
    assert!(!same(7_u64.into(), "7".into()));
    let (v4, v6) = (Ipv4Addr::new(192, 0, 2, 1), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    assert!(same(v4.into(), [192_u8, 0, 2, 1].as_slice().into()));
    assert!(same(v4.into(), IpAddr::V4(v4).into()));
    assert!(same(v4.into(), v4.to_ipv6_mapped().into()));
    assert!(same(v4.into(), IpAddr::V6(v4.to_ipv6_mapped()).into()));
    assert!(!same(v4.into(), v4.to_ipv6_compatible().into()));
    assert!(same(v6.into(), v6.octets().as_slice().into()));
    assert!(same(IpAddr::V6(v6).into(), v6.into()));
    assert!(!same("".into(), "\0".into()));
}

#[test]
fn every_bit_of_the_seed_and_of_the_key_plays_a_part_in_the_hash() {
    let flipped = |bit: usize| {
        let mut bytes = *b"sixteen bytes of";
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    let plain = *b"sixteen bytes of";
    let hash = Seed::from_bytes(plain).hash(&plain);
    let [identity, place] = hash.to_words();
    for bit in 0..128 {
        let [other_identity, other_place] = Seed::from_bytes(flipped(bit)).hash(&plain).to_words();
        assert!(identity != other_identity && place != other_place, "bit {bit} of the seed");
        assert_ne!(Seed::from_bytes(plain).hash(&flipped(bit)), hash, "bit {bit} of the key");
    }
    assert_ne!(Seed::from_bytes(flipped(1)).hash(7_u64), Seed::from_bytes(plain).hash(7_u64));
    assert_eq!(Key::from("alice").as_bytes(), b"alice");
}

#[test]
fn a_hash_made_elsewhere_is_a_key() {
    let table = table_for(kinds()[0], 64, 1);
    // SplitMix64, as good a hash as any for this.
    let hash = |key: u64| {
        let word = (key ^ key >> 30).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = word.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        KeyHash::from_u64((word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb))
    };
    let admitted = (0..64).filter(|&key| table.acquire(hash(key), 0, 1).allowed()).count();
    assert_eq!(admitted, 64);
    assert!((0..64).all(|key| !table.acquire(hash(key), 0, 1).allowed()));
}
