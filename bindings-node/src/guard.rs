//! A guard as JavaScript gets it: how it is made, and the calls that are rare.

use std::rc::Rc;

use napi::bindgen_prelude::Object;
use napi::{Env, JsValue as _, Result, Unknown};
use napi_derive::napi;
use ratecell::{SystemClock, WhenFull};
use ratecell_contract::{Contract, Fields, ForwardedField, Guard, LoadProblem, TrustedProxy};

use crate::bound_guard::{BoundGuard, MAX_ARGUMENTS};
use crate::clock::NodeClock;
use crate::limiter::{NativeStats, invalid, range, stats_of};
use crate::raw_call;

/// A guard of one thread of JavaScript.
#[napi]
pub struct NativeGuard {
    bound: Rc<BoundGuard>,
}

/// What the outcomes of one shape have in common; see `shape.rs`.
#[napi(object)]
pub struct NativeShape {
    /// The status of a refusal; none of a request that passes, as of the next two.
    pub status: Option<u32>,
    /// The governing rule.
    pub rule: Option<String>,
    /// The body's media type.
    pub content_type: Option<String>,
    /// The names of the fields.
    pub names: Vec<String>,
}

/// What a rule of a contract has counted.
#[napi(object)]
pub struct NativeGuardStats {
    /// Requests that it was charged for.
    pub allowed: f64,
    /// Requests that it refused, as the governing rule.
    pub refused: f64,
    /// Requests that it would have refused, were it enforced.
    pub would_have_refused: f64,
    /// What its key table has counted.
    pub table: NativeStats,
}

#[napi]
impl NativeGuard {
    /// Makes a guard for the contract in `text` or, without one, in `file`. The package has checked the
    /// types and the capacity's range; `given` says that the clock is JavaScript's.
    #[napi(constructor)]
    pub fn new(
        text: Option<String>,
        file: Option<String>,
        capacity: f64,
        allow_when_full: bool,
        proxies: Vec<String>,
        field: String,
        given: bool,
    ) -> Result<Self> {
        let contract = match file {
            Some(path) => Contract::load(path).map_err(|error| match error.problem() {
                LoadProblem::Contract(_) => invalid(error.to_string()),
                _ => range(error.to_string()),
            }),
            // One fault a line, each with its own place.
            None => Contract::parse(&text.unwrap_or_default()).map_err(|error| {
                let faults = error.faults().iter().map(|fault| format!("contract:{fault}"));
                invalid(faults.collect::<Vec<_>>().join("\n"))
            }),
        };
        let proxies: Vec<TrustedProxy> =
            proxies.iter().map(|text| read_proxy(text)).collect::<Result<_>>()?;
        let field = match field.as_str() {
            "either" => ForwardedField::Either,
            "x-forwarded-for" => ForwardedField::XForwardedFor,
            "forwarded" => ForwardedField::Forwarded,
            other => {
                return Err(range(format!(
                    "options.forwardedField: found `{other}`, accepted are either, \
                     x-forwarded-for and forwarded"
                )));
            }
        };
        let clock = if given { NodeClock::Given } else { NodeClock::System(SystemClock::new()) };
        let when_full = if allow_when_full { WhenFull::Allow } else { WhenFull::Deny };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the package passes a whole number from 1 to 2^53 - 1; a cast saturates"
        )]
        let capacity = capacity as usize;
        let guard = Guard::builder(contract?)
            .capacity(capacity)
            .when_full(when_full)
            .trusted_proxies(&proxies)
            .forwarded_field(field)
            .clock(clock)
            .build()
            .map_err(|error| range(error.to_string()))?;
        Ok(Self { bound: Rc::new(BoundGuard::new(guard)) })
    }

    /// The name of the API.
    #[napi]
    pub fn contract_name(&self) -> String {
        self.bound.guard.contract().name().to_owned()
    }

    /// The names of the header fields that [`Self::bind`]'s function wants, in lower case.
    #[napi]
    pub fn header_names(&self) -> Vec<String> {
        self.bound.guard.header_names().into_iter().map(str::to_owned).collect()
    }

    /// Whether [`Self::bind`]'s function wants the address of the connection.
    #[napi]
    pub fn looks_at_peer(&self) -> bool {
        self.bound.looks_at_peer
    }

    /// The names of the values that [`Self::bind`]'s function wants.
    #[napi]
    pub fn value_names(&self) -> Vec<String> {
        self.bound.value_names.clone()
    }

    /// The names of the rules, for which it takes other limits.
    #[napi]
    pub fn rule_names(&self) -> Vec<String> {
        self.bound.rule_names.clone()
    }

    /// The function by which the package has requests decided.
    #[napi]
    pub fn bind<'e>(&self, env: &'e Env, words: Object<'e>) -> Result<Unknown<'e>> {
        let bound = Rc::clone(&self.bound);
        raw_call::bind::<_, MAX_ARGUMENTS>(env, bound, words.raw()).map_err(range)
    }

    /// The shape of a number that [`Self::bind`]'s function gave.
    #[napi]
    pub fn shape(&self, number: u32) -> Result<NativeShape> {
        let shapes = self.bound.shapes.borrow();
        let shape = shapes.get(number).ok_or_else(|| range("there is no such shape".to_owned()))?;
        let refusal = shape.refusal.as_ref();
        Ok(NativeShape {
            status: refusal.map(|refusal| refusal.status.into()),
            rule: refusal.map(|refusal| refusal.rule.clone()),
            content_type: refusal.map(|refusal| refusal.content_type.clone()),
            names: shape.names.clone(),
        })
    }

    /// What a response carries of several outcomes about its request, the outermost layer's first.
    /// Fields are name, value, name, value and so on.
    #[napi]
    pub fn merged_fields(outcomes: Vec<Vec<String>>) -> Vec<String> {
        let fields: Vec<Fields> = outcomes
            .iter()
            .map(|list| list.chunks_exact(2).map(|pair| (&*pair[0], &*pair[1])).collect())
            .collect();
        let merged = Fields::merged(&fields.iter().collect::<Vec<_>>());
        merged.iter().flat_map(|(name, value)| [name.to_owned(), value.to_owned()]).collect()
    }

    /// Gives back the permits of a request that passed.
    #[napi]
    pub fn give_back(&self, number: u32) {
        drop(self.bound.passes.borrow_mut().take(number));
    }

    /// What each rule has counted.
    #[napi]
    pub fn stats(&self) -> Vec<NativeGuardStats> {
        // Numbers are exact to 2^53, which no process counts to.
        let counted = |stats: ratecell_contract::RuleStats<'_>| NativeGuardStats {
            allowed: stats.allowed as f64,
            refused: stats.refused as f64,
            would_have_refused: stats.would_have_refused as f64,
            table: stats_of(stats.rule.name(), &stats.table),
        };
        self.bound.guard.stats().map(counted).collect()
    }
}

fn read_proxy(text: &str) -> Result<TrustedProxy> {
    let wrong = |error| range(format!("options.trustedProxies: found `{text}`, {error}"));
    text.parse().map_err(wrong)
}
