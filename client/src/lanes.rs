//! The lanes and gates of a middleware, by caller; for as many callers as were set and no more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ratecell::Clock as _;
use ratecell::pacing::Pacer;
use reqwest::Request;

use crate::gate::Gate;
use crate::lane::Lane;
use crate::lane_key::LaneKey;
use crate::pacing_error::PacingError;
use crate::published::{Group, Published};
use crate::surroundings::Surroundings;

/// The lanes of a middleware.
pub(crate) struct Lanes {
    pub(crate) published: Published,
    pub(crate) sharers: Sharers,
    pub(crate) max_callers: usize,
    pub(crate) surroundings: Arc<Surroundings>,
    pub(crate) callers: Mutex<HashMap<LaneKey, Caller>>,
}

/// How many clients share a limit, this one included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sharers {
    /// What counts by a key of theirs.
    pub(crate) key: u32,
    /// What counts by the address that they send from.
    pub(crate) address: u32,
}

/// One caller's gates by group, and lanes by the groups that their requests are under.
#[derive(Default)]
pub(crate) struct Caller {
    gates: HashMap<usize, Arc<Gate>>,
    lanes: HashMap<Vec<usize>, Arc<Lane>>,
}

impl Lanes {
    /// The lane of a request of the caller `key`. If it needs room, callers who are at rest are
    /// forgotten.
    pub(crate) fn get(&self, key: &LaneKey, request: &Request) -> Result<Arc<Lane>, PacingError> {
        let groups = self.published.groups_of(request);
        // The map is whole after every statement.
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = callers.get(key).and_then(|caller| caller.lanes.get(&groups)) {
            return Ok(Arc::clone(lane));
        }
        let origin = LaneKey::of_origin(request);
        let mut gates = Vec::new();
        for &position in &groups {
            let group = &self.published.groups[position];
            let owner = if group.by_address { &origin } else { key };
            let caller = self.caller(&mut callers, owner)?;
            let gate = caller.gates.entry(position).or_insert_with(|| self.gate(group));
            gates.push(Arc::clone(gate));
        }
        let lane = Arc::new(Lane::new(key.label(), gates, Arc::clone(&self.surroundings)));
        self.caller(&mut callers, key)?.lanes.insert(groups, Arc::clone(&lane));
        Ok(lane)
    }

    fn caller<'c>(
        &self,
        callers: &'c mut HashMap<LaneKey, Caller>,
        key: &LaneKey,
    ) -> Result<&'c mut Caller, PacingError> {
        if !callers.contains_key(key) && callers.len() >= self.max_callers {
            // All of them at once, so that the next new callers need not look again.
            let now_ns = self.surroundings.time.now_ns();
            callers.retain(|_, caller| !caller.is_at_rest(now_ns));
            if callers.len() >= self.max_callers {
                let (caller, max_callers) = (key.label().to_owned(), self.max_callers);
                return Err(PacingError::TooManyCallers { caller, max_callers });
            }
        }
        Ok(callers.entry(key.clone()).or_default())
    }

    fn gate(&self, group: &Group) -> Arc<Gate> {
        let sharers = if group.by_address { self.sharers.address } else { self.sharers.key };
        let pacer = match &group.plan {
            None => Pacer::new(),
            Some(plan) => {
                let now_ns = self.surroundings.time.now_ns();
                let random = &mut || self.surroundings.draw();
                Pacer::told(plan, sharers, now_ns, random).expect("the builder refuses 0 sharers")
            }
        };
        Arc::new(Gate::new(pacer))
    }
}

impl Caller {
    /// Whether nothing is lost by forgetting it: nobody is in its lanes, and its gates have nothing
    /// to remember. A lane that is in use is held by its requests, and a gate by its lanes.
    fn is_at_rest(&self, now_ns: u64) -> bool {
        let lanes_rest = self.lanes.values().all(|lane| Arc::strong_count(lane) == 1);
        let gates_rest = self.gates.values().all(|gate| {
            let own = self.lanes.values().filter(|lane| lane.passes(gate)).count();
            Arc::strong_count(gate) == 1 + own && gate.is_at_rest(now_ns)
        });
        lanes_rest && gates_rest
    }
}
