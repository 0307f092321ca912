//! C1 and C2.

use proptest::prelude::*;
use ratecell::{AtomicHeld, ConcurrencyQuota, ReleaseError};

use crate::config;
use crate::quotas::concurrency;

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn c1_never_more_than_limit_permits_are_held(
        quota in concurrency(), costs in prop::collection::vec((any::<bool>(), any::<u32>()), 40),
    ) {
        let limit = quota.capacity();
        let (cell, own) = (AtomicHeld::new(), ConcurrencyQuota::new(limit).unwrap());
        let mut held = 0_u64;
        for (take, word) in costs {
            let cost = word % limit.saturating_add(1);
            if take && cell.acquire(&own, cost).allowed() {
                held += u64::from(cost);
            } else if !take && cell.release(cost).is_ok() {
                held -= u64::from(cost);
            }
            prop_assert!(held <= u64::from(limit));
            prop_assert_eq!(cell.load().0, held);
        }
    }

    #[test]
    fn c2_releasing_more_than_are_held_changes_nothing(
        quota in concurrency(), part in any::<u32>(), more in 1_u32..9,
    ) {
        let limit = quota.capacity();
        let (cell, own) = (AtomicHeld::new(), ConcurrencyQuota::new(limit).unwrap());
        let cost = part % limit;
        prop_assert!(cell.acquire(&own, cost).allowed());
        let before = cell.load();
        let held = u64::from(cost);
        let over = cost.saturating_add(more);
        prop_assert_eq!(cell.release(over), Err(ReleaseError { cost: over, held }));
        prop_assert_eq!(cell.load(), before);
        prop_assert_eq!(cell.peek(&own, limit - cost).allowed(), true);
        prop_assert_eq!(cell.release(cost), Ok(()));
        prop_assert_eq!(cell.load().0, 0);
    }
}
