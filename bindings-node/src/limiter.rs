//! The limiter as JavaScript gets it: how it is made, and the calls that are rare.

use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::Object;
use napi::{Env, Error, JsValue as _, Result, Status, Unknown};
use napi_derive::napi;
use ratecell::{Limiter, Plan, SystemClock, WhenFull};

use crate::bound::{Bound, MAX_DIMENSIONS};
use crate::clock::NodeClock;
use crate::words;
use crate::{raw_call, sharing};

/// A rule of a limiter's plan.
#[napi(object)]
pub struct NativeRule {
    /// Its name.
    pub name: String,
    /// The dimension whose keys it counts.
    pub dimension: String,
    /// `gcra`, `fixed`, `sliding` or `concurrency`.
    pub kind: String,
    /// Its canonical text.
    pub text: String,
}

/// What a rule's table has counted.
#[napi(object)]
pub struct NativeStats {
    /// The rule's name.
    pub rule: String,
    /// Slots in all.
    pub slots: f64,
    /// Slots that have a key.
    pub keys: f64,
    /// Keys that were given a slot so far.
    pub inserted: f64,
    /// Calls refused because no slot was in reach.
    pub full_denied: f64,
    /// Calls allowed uncharged because no slot was in reach.
    pub full_allowed: f64,
    /// Charges that had to stay although their call was refused.
    pub stranded: f64,
}

/// A limiter of one thread of JavaScript.
#[napi]
pub struct NativeLimiter {
    bound: Rc<Bound>,
}

#[napi]
impl NativeLimiter {
    /// The layout of the shared words that this addon speaks, and how many there are.
    #[napi]
    pub fn words_layout() -> Vec<u32> {
        vec![words::LAYOUT, u32::try_from(words::LEN).unwrap_or(u32::MAX)]
    }

    /// Makes a limiter of the text of a plan. The package has checked the types and the capacity's
    /// range; `given` says that the clock is JavaScript's.
    #[napi(constructor)]
    pub fn new(plan: String, capacity: f64, allow_when_full: bool, given: bool) -> Result<Self> {
        let plan: Plan = plan.parse().map_err(|error| invalid(format!("rules: {error}")))?;
        let clock = if given { NodeClock::Given } else { NodeClock::System(SystemClock::new()) };
        let when_full = if allow_when_full { WhenFull::Allow } else { WhenFull::Deny };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the package passes a whole number from 1 to 2^53 - 1; a cast saturates"
        )]
        let capacity = capacity as usize;
        let limiter = Limiter::builder_for(plan)
            .capacity(capacity)
            .when_full(when_full)
            .clock(clock)
            .build()
            .map_err(|error| range(error.to_string()))?;
        Ok(Self { bound: Rc::new(Bound::new(Arc::new(limiter))) })
    }

    /// The limiter of a token that another thread's [`Self::share`] gave.
    #[napi(factory)]
    pub fn from_token(token: String) -> Result<Self> {
        let limiter = sharing::find(&token).ok_or_else(|| {
            range(format!(
                "token: found `{token}`, of which this process has no limiter; accepted is what \
                 share() gave, while any thread still has that limiter"
            ))
        })?;
        Ok(Self { bound: Rc::new(Bound::new(limiter)) })
    }

    /// A token by which another thread of this process gets the same limiter.
    #[napi]
    pub fn share(&self) -> String {
        sharing::share(&self.bound.limiter)
    }

    /// Whether the clock is JavaScript's.
    #[napi]
    pub fn clock_is_given(&self) -> bool {
        self.bound.limiter.clock().is_given()
    }

    /// The rules of the plan.
    #[napi]
    pub fn rules(&self) -> Vec<NativeRule> {
        let rules = self.bound.limiter.plan().rules().iter();
        let rule = |rule: &ratecell::Rule| NativeRule {
            name: rule.name().to_owned(),
            dimension: rule.dimension().to_owned(),
            kind: rule.quota().kind().as_str().to_owned(),
            text: rule.to_string(),
        };
        rules.map(rule).collect()
    }

    /// The plan's dimensions, in the order of the places for their keys.
    #[napi]
    pub fn dimensions(&self) -> Vec<String> {
        self.bound.dimensions.clone()
    }

    /// What each rule's table has counted.
    #[napi]
    pub fn stats(&self) -> Vec<NativeStats> {
        let stats = self.bound.limiter.stats();
        stats.map(|(rule, stats)| stats_of(rule.name(), &stats)).collect()
    }

    /// Keeps other rules for calls to come, and gives their number.
    #[napi]
    pub fn add_rules(&self, rules: String) -> Result<u32> {
        let plan: Plan = rules.parse().map_err(|error| invalid(format!("rules: {error}")))?;
        self.bound.add_rules(plan).map_err(|error| range(error.to_string()))
    }

    /// Forgets all other rules.
    #[napi]
    pub fn forget_rules(&self) {
        self.bound.forget_rules();
    }

    /// The function by which the package makes every other call.
    #[napi]
    pub fn bind<'e>(&self, env: &'e Env, words: Object<'e>) -> Result<Unknown<'e>> {
        let bound = Rc::clone(&self.bound);
        let made = if bound.dimensions.len() == 1 {
            raw_call::bind::<_, 1>(env, bound, words.raw())
        } else {
            raw_call::bind::<_, MAX_DIMENSIONS>(env, bound, words.raw())
        };
        made.map_err(range)
    }
}

impl NativeLimiter {
    pub(crate) fn plan(&self) -> &Plan {
        self.bound.limiter.plan()
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact to 2^53, which no process counts to")]
pub(crate) fn stats_of(rule: &str, stats: &ratecell::TableStats) -> NativeStats {
    NativeStats {
        rule: rule.to_owned(),
        slots: stats.slots as f64,
        keys: stats.keys as f64,
        inserted: stats.inserted as f64,
        full_denied: stats.full_denied as f64,
        full_allowed: stats.full_allowed as f64,
        stranded: stats.stranded as f64,
    }
}

/// The package turns these into a `SyntaxError` and a `RangeError`.
pub(crate) fn invalid(message: String) -> Error {
    Error::new(Status::InvalidArg, message)
}

pub(crate) fn range(message: String) -> Error {
    Error::new(Status::GenericFailure, message)
}
