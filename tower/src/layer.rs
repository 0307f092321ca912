//! The layers that hold requests to a contract, one for each stage.

use core::fmt;
use std::sync::Arc;

use http::request::Parts;
use ratecell::{Clock, SystemClock};
use ratecell_contract::{ContractRule, Guard, Stage};
use tower_layer::Layer;

use crate::meter::Meter;
use crate::service::GuardService;

/// What a request costs, in units.
pub(crate) type Cost = dyn Fn(&Parts) -> u32 + Send + Sync;

/// Holds the requests of a service to a contract.
///
/// A service that authenticates takes two layers of one guard: [`Self::before_auth`] outside of
/// what authenticates, and [`Self::after_auth`] inside. One that authenticates elsewhere, or not at
/// all, takes [`Self::whole`]. Clones share everything.
///
/// ```
/// use std::sync::Arc;
///
/// use ratecell_contract::{Contract, Guard};
/// use ratecell_tower::GuardLayer;
/// use tower::ServiceBuilder;
///
/// let contract = Contract::parse(
///     r#"
///     name = "shop"
///     [[rule]]
///     name = "key"
///     limit = "600/min"
///     by = "bearer"
///     "#,
/// )?;
/// let guard = Arc::new(Guard::builder(contract).build()?);
/// let layers = ServiceBuilder::new()
///     .layer(GuardLayer::before_auth(&guard))
///     // .layer(what authenticates)
///     .layer(GuardLayer::after_auth(&guard));
/// # let _ = layers;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct GuardLayer<C = SystemClock> {
    pub(crate) watch: Arc<Watch<C>>,
}

/// What all clones of a layer and its services share.
pub(crate) struct Watch<C> {
    pub(crate) guard: Arc<Guard<C>>,
    pub(crate) stage: Stage,
    pub(crate) cost: Option<Box<Cost>>,
    pub(crate) meter: Meter,
}

impl<C: Clock> Watch<C> {
    /// What a refusal by a rule says to a caller that reads no body.
    pub(crate) fn message_of(&self, name: &str) -> &str {
        let mut rules = self.guard.contract().rules().iter();
        let message = rules.find(|rule| rule.name() == name).and_then(ContractRule::message);
        message.unwrap_or("rate limit exceeded")
    }
}

impl<C: Clock> GuardLayer<C> {
    /// The rules of the stage `before-auth`: what is counted before anybody knows who asks.
    pub fn before_auth(guard: &Arc<Guard<C>>) -> Self {
        Self::of_stage(guard, Stage::BeforeAuth)
    }

    /// The rules of the stage `after-auth`.
    pub fn after_auth(guard: &Arc<Guard<C>>) -> Self {
        Self::of_stage(guard, Stage::AfterAuth)
    }

    /// All rules: those before authentication, then those after it.
    pub fn whole(guard: &Arc<Guard<C>>) -> Self {
        Self::of_stage(guard, Stage::Whole)
    }

    fn of_stage(guard: &Arc<Guard<C>>, stage: Stage) -> Self {
        Self::with_cost(guard, stage, None)
    }

    fn with_cost(guard: &Arc<Guard<C>>, stage: Stage, cost: Option<Box<Cost>>) -> Self {
        let meter = Meter::new(guard, stage);
        Self { watch: Arc::new(Watch { guard: Arc::clone(guard), stage, cost, meter }) }
    }

    /// What requests cost if no [`Caller`](crate::Caller) says so: units of every rule that applies.
    /// Without it 1.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use ratecell_contract::Guard;
    /// # use ratecell_tower::GuardLayer;
    /// # fn layer(guard: &Arc<Guard>) -> GuardLayer {
    /// GuardLayer::after_auth(guard)
    ///     .cost(|request| if request.uri.path() == "/v1/search" { 5 } else { 1 })
    /// # }
    /// ```
    #[must_use]
    pub fn cost(self, cost: impl Fn(&Parts) -> u32 + Send + Sync + 'static) -> Self {
        Self::with_cost(&self.watch.guard, self.watch.stage, Some(Box::new(cost)))
    }
}

impl<C, S> Layer<S> for GuardLayer<C> {
    type Service = GuardService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        GuardService::new(inner, Arc::clone(&self.watch))
    }
}

impl<C> Clone for GuardLayer<C> {
    fn clone(&self) -> Self {
        Self { watch: Arc::clone(&self.watch) }
    }
}

impl<C> fmt::Debug for GuardLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardLayer").field("stage", &self.watch.stage).finish_non_exhaustive()
    }
}
