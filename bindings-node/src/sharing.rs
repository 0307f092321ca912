//! How a limiter gets from one thread of the process to another: by a token.
//!
//! Threads of JavaScript share no objects, but they can send each other a text. The token keeps
//! nothing alive: it is good for as long as any thread has the limiter.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use ratecell::Limiter;

use crate::clock::NodeClock;

type Shared = HashMap<u64, Weak<Limiter<NodeClock>>>;

static SHARED: LazyLock<Mutex<Shared>> = LazyLock::new(Mutex::default);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A token for a limiter; the same limiter may have several.
pub(crate) fn share(limiter: &Arc<Limiter<NodeClock>>) -> String {
    // ORDERING: Relaxed. Only that no two calls get the same number matters.
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut shared = lock();
    shared.retain(|_, limiter| limiter.strong_count() > 0);
    shared.insert(number, Arc::downgrade(limiter));
    format!("ratecell:{}:{number}", std::process::id())
}

/// The limiter of a token; none if it is not of this process, or nobody has the limiter any more.
pub(crate) fn find(token: &str) -> Option<Arc<Limiter<NodeClock>>> {
    let (process, number) = token.strip_prefix("ratecell:")?.split_once(':')?;
    if process.parse() != Ok(std::process::id()) {
        return None;
    }
    lock().get(&number.parse().ok()?)?.upgrade()
}

/// The map is whole after any panic, as each change of it is one call.
fn lock() -> MutexGuard<'static, Shared> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}
