//! What one client has seen so far: how many of its requests met which outcome.
//!
//! It is read off the answers alone, as any client could, and each answer is held against the
//! contract while it is read.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use guarded_service::connection::{ConnectionError, Reply};
use guarded_service::service::{CONCURRENCY_LIMIT, CONCURRENCY_RUNNING};

/// What a client has seen so far. Its clients' tasks and the screen share it.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Who.
    pub(crate) name: &'static str,
    /// What the client is up to, in a few words.
    pub(crate) does: &'static str,
    sent: AtomicU32,
    outcomes: [AtomicU32; Outcome::ALL.len()],
    most_running: AtomicU32,
    /// The last answer of each outcome.
    last: Mutex<[Option<Reply>; Outcome::ALL.len()]>,
    /// What was wrong with the first answer that was not as published.
    wrong: Mutex<Option<String>>,
}

impl Tally {
    pub(crate) fn new(name: &'static str, does: &'static str) -> Self {
        Self {
            name,
            does,
            sent: AtomicU32::default(),
            outcomes: Default::default(),
            most_running: AtomicU32::default(),
            last: Mutex::default(),
            wrong: Mutex::default(),
        }
    }

    /// Counts a request as it is sent.
    pub(crate) fn count_sent(&self) {
        // ORDERING: Relaxed here and below. The screen may show a count a little late, and the
        // audit reads after every client's task was joined.
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an answer.
    pub(crate) fn count(&self, answer: Result<Reply, ConnectionError>) {
        let read = answer.map_err(|error| format!("no answer: {error}"));
        match read.and_then(|reply| Ok((Outcome::of(&reply)?, reply))) {
            Ok((outcome, reply)) => {
                self.outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
                let running = reply.number(CONCURRENCY_RUNNING).unwrap_or(0);
                self.most_running.fetch_max(running, Ordering::Relaxed);
                locked(&self.last)[outcome as usize] = Some(reply);
            }
            Err(wrong) => drop(locked(&self.wrong).get_or_insert(wrong)),
        }
    }

    /// How many requests were sent.
    pub(crate) fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many requests met `outcome`.
    pub(crate) fn outcome(&self, outcome: Outcome) -> u32 {
        self.outcomes[outcome as usize].load(Ordering::Relaxed)
    }

    /// The most requests in flight that an answer told of.
    pub(crate) fn most_running(&self) -> u32 {
        self.most_running.load(Ordering::Relaxed)
    }

    /// The last answer of an outcome.
    pub(crate) fn last(&self, outcome: Outcome) -> Option<Reply> {
        locked(&self.last)[outcome as usize].clone()
    }

    /// What was wrong with the first answer that was not as published.
    pub(crate) fn wrong(&self) -> Option<String> {
        locked(&self.wrong).clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Admitted,
    RefusedByIp,
    RefusedByKey,
    RefusedByInflight,
    Unauthorized,
}

impl Outcome {
    pub(crate) const ALL: [Self; 5] = [
        Self::Admitted,
        Self::RefusedByIp,
        Self::RefusedByKey,
        Self::RefusedByInflight,
        Self::Unauthorized,
    ];

    /// Tells what an answer says, or what about it is not as published.
    fn of(reply: &Reply) -> Result<Self, String> {
        let outcome = match reply.status {
            StatusCode::OK => Self::Admitted,
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            StatusCode::TOO_MANY_REQUESTS => Self::of_refusal(&reply.body)?,
            other => return Err(format!("an answer is {other}")),
        };
        let authenticated = !matches!(outcome, Self::RefusedByIp | Self::Unauthorized);
        let timed = matches!(outcome, Self::RefusedByIp | Self::RefusedByKey);
        let is_json = reply.header(CONTENT_TYPE) == Some("application/json");
        let shows = [CONCURRENCY_LIMIT, CONCURRENCY_RUNNING].map(|name| reply.number(name));
        let [limit, running] = shows;
        // A sliding window gives back within a second after its 60 are over.
        let wait = reply.number(RETRY_AFTER);
        let is_as_published = is_json
            && shows.map(|shown| shown.is_some()) == [authenticated; 2]
            && running <= limit
            && wait.is_some() == timed
            && wait.is_none_or(|wait| (1..=61).contains(&wait));
        if is_as_published { Ok(outcome) } else { Err(format!("an answer is\n{reply}")) }
    }

    fn of_refusal(body: &str) -> Result<Self, String> {
        let starts = |error: &str| {
            body.starts_with(&format!(r#"{{"success":false,"error":"{error}","meta":{{"#))
        };
        if starts("Rate limit exceeded for this IP address") {
            Ok(Self::RefusedByIp)
        } else if starts("Rate limit exceeded for this API key") {
            Ok(Self::RefusedByKey)
        } else if starts("Concurrency limit exceeded for this API key") {
            Ok(Self::RefusedByInflight)
        } else {
            Err(format!("a refusal says {body}"))
        }
    }
}
