//! The client's side as JavaScript gets it: the core's pacer and backoff, told the time.

use napi::Result;
use napi::bindgen_prelude::{BigInt, Uint8Array};
use napi_derive::napi;
use ratecell::Plan;
use ratecell::pacing::{Backoff, BackoffSettings, Pacer, Reading, Retries, Sent};

use crate::limiter::{invalid, range};
use crate::permits::Permits;

/// What a response has said.
#[napi(object)]
pub struct NativeReading {
    /// Whether it was a refusal.
    pub refused: bool,
    /// The wait it asked for, in nanoseconds.
    pub retry_after_ns: Option<BigInt>,
}

/// One client's pacing.
#[napi]
pub struct NativePacer {
    pacer: Pacer,
    sent: Permits<Sent>,
}

#[napi]
impl NativePacer {
    /// A pacer that is one of `sharers` on the rules of `plan`, or that learns from responses.
    #[napi(constructor)]
    pub fn new(plan: Option<String>, sharers: u32, now: BigInt) -> Result<Self> {
        let pacer = match plan {
            Some(plan) => {
                let plan: Plan =
                    plan.parse().map_err(|error| invalid(format!("options.rules: {error}")))?;
                Pacer::told(&plan, sharers, ns(&now), &mut random)
                    .map_err(|error| range(format!("options.sharers: {error}")))?
            }
            None => Pacer::new(),
        };
        Ok(Self { pacer, sent: Permits::default() })
    }

    /// How long to wait before the next request, in nanoseconds.
    #[napi]
    pub fn wait_ns(&self, now: BigInt) -> BigInt {
        BigInt::from(self.pacer.wait_ns(ns(&now)))
    }

    /// Whether it may be forgotten.
    #[napi]
    pub fn is_at_rest(&self, now: BigInt) -> bool {
        self.pacer.is_at_rest(ns(&now))
    }

    /// Takes note that a request is sent; gives its number.
    #[napi]
    pub fn sent(&mut self, now: BigInt) -> u32 {
        let sent = self.pacer.sent(ns(&now), &mut random);
        self.sent.keep(sent)
    }

    /// Takes note of the answer to a request, which stays in flight until [`Self::ended`]. `headers`
    /// are name, value, name, value and so on.
    #[napi]
    pub fn answered(
        &mut self,
        number: u32,
        now: BigInt,
        status: u16,
        headers: Vec<String>,
        body: Uint8Array,
    ) -> NativeReading {
        let pairs = headers.chunks_exact(2).map(|pair| (pair[0].as_str(), pair[1].as_bytes()));
        let now_ns = ns(&now);
        let reading = Reading::of(now_ns, status, pairs, &body);
        if let Some(sent) = self.sent.get(number) {
            self.pacer.answered(sent, now_ns, &reading, &mut random);
        }
        NativeReading {
            refused: reading.refused(),
            retry_after_ns: reading.retry_after_ns().map(BigInt::from),
        }
    }

    /// Takes note that a request is no longer in flight, whether or not it was answered.
    #[napi]
    pub fn ended(&mut self, number: u32) {
        if let Some(sent) = self.sent.take(number) {
            self.pacer.ended(sent);
        }
    }
}

/// The retries of one call.
#[napi]
pub struct NativeRetries {
    retries: Retries,
}

#[napi]
impl NativeRetries {
    /// Those of a call that is first tried at `now`.
    #[napi(constructor)]
    pub fn new(
        retries: u32,
        base: BigInt,
        cap: BigInt,
        budget: BigInt,
        now: BigInt,
    ) -> Result<Self> {
        let backoff = Backoff::new(BackoffSettings {
            retries,
            base_ns: ns(&base),
            cap_ns: ns(&cap),
            budget_ns: ns(&budget),
            ..BackoffSettings::DEFAULT
        });
        let backoff = backoff.map_err(|error| range(format!("options: {error}")))?;
        Ok(Self { retries: backoff.start(ns(&now)) })
    }

    /// How long to wait before the next one, in nanoseconds; none to give up.
    #[napi]
    pub fn wait_ns(&mut self, now: BigInt, retry_after: Option<BigInt>) -> Option<BigInt> {
        let asked = retry_after.as_ref().map(ns);
        self.retries.wait_ns(ns(&now), asked, &mut random).ok().map(BigInt::from)
    }
}

/// The package passes times from 0 to 2^63 - 1.
fn ns(time: &BigInt) -> u64 {
    time.get_u64().1
}

/// It spreads clients and keeps no secret.
fn random() -> u64 {
    fastrand::u64(..)
}
