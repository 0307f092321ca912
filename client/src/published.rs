//! What a middleware was told about the limits, sorted into groups that one pacer each keeps to.
//!
//! The rules of a contract that are for the same requests and count by the same key are a group.
//! Told a plan or nothing, there is one group, of all requests.

use ratecell::Plan;
use ratecell_contract::{Contract, ContractRule, KeySource};
use reqwest::Request;
use reqwest::header::HeaderName;

/// What was told.
pub(crate) struct Published {
    pub(crate) groups: Vec<Group>,
    /// The fields of a request that keys stand in, beside the usual ones.
    pub(crate) key_fields: Vec<HeaderName>,
    /// What paths begin with before the part that the contract speaks of.
    base_path: Box<str>,
}

/// Rules for the same requests and of the same key.
pub(crate) struct Group {
    /// None if nothing was told.
    pub(crate) plan: Option<Plan>,
    /// Whether it counts by the address that requests come from, whoever sends them.
    pub(crate) by_address: bool,
    /// A rule that is for the same requests; none if all requests are.
    like: Option<ContractRule>,
}

impl Published {
    /// All requests under this plan, or under limits that nobody told.
    pub(crate) fn everywhere(plan: Option<Plan>) -> Self {
        let group = Group { plan, by_address: false, like: None };
        Self { groups: vec![group], key_fields: Vec::new(), base_path: Box::default() }
    }

    /// The rules of a contract that refuse; dry runs are left out.
    pub(crate) fn of(contract: &Contract, base_path: &str) -> Self {
        let mut published = Self {
            groups: Vec::new(),
            key_fields: Vec::new(),
            base_path: base_path.trim_end_matches('/').into(),
        };
        for rule in contract.rules().iter().filter(|rule| rule.is_enforced()) {
            published.add(rule);
        }
        published
    }

    fn add(&mut self, rule: &ContractRule) {
        if let KeySource::Header(name) = rule.source() {
            self.key_fields.extend(HeaderName::from_bytes(name.as_bytes()));
        }
        for group in &mut self.groups {
            if group.like.as_ref().is_some_and(|like| alike(like, rule)) {
                let known = group.plan.iter().flat_map(Plan::rules);
                // A plan may be full; then the rule becomes the first of another group.
                if let Ok(plan) = Plan::new(known.chain([rule.rule()]).cloned()) {
                    group.plan = Some(plan);
                    return;
                }
            }
        }
        self.groups.push(Group {
            plan: Plan::new([rule.rule().clone()]).ok(),
            by_address: matches!(rule.source(), KeySource::Ip),
            like: Some(rule.clone()),
        });
    }

    /// The positions of the groups that a request is under, in order.
    pub(crate) fn groups_of(&self, request: &Request) -> Vec<usize> {
        let whole = request.url().path();
        let path = match whole.strip_prefix(&*self.base_path) {
            Some("") => "/",
            Some(rest) if rest.starts_with('/') => rest,
            _ => whole,
        };
        let method = request.method().as_str();
        let covers = |group: &Group| group.like.as_ref().is_none_or(|it| it.covers(method, path));
        (0..self.groups.len()).filter(|&position| covers(&self.groups[position])).collect()
    }
}

/// Whether two rules are for the same requests and count by the same key.
fn alike(one: &ContractRule, other: &ContractRule) -> bool {
    one.methods().eq(other.methods())
        && one.paths() == other.paths()
        && one.except() == other.except()
        && one.source() == other.source()
}

#[cfg(test)]
mod tests {
    use super::Published;
    use ratecell_contract::Contract;
    use reqwest::{Method, Request};

    fn groups(contract: &str, method: Method, path: &str) -> Vec<Vec<String>> {
        let contract: Contract = contract.parse().unwrap();
        let published = Published::of(&contract, "/api/");
        let url = format!("http://localhost/api{path}").parse().unwrap();
        let groups = published.groups_of(&Request::new(method, url));
        let names = groups.into_iter().map(|position| {
            let rules = published.groups[position].plan.iter().flat_map(|plan| plan.rules());
            rules.map(|rule| rule.name().to_owned()).collect()
        });
        names.collect()
    }

    #[test]
    fn the_base_path_by_itself_is_the_root_of_what_the_contract_speaks_of() {
        let rule = |name: &str, path: &str| {
            format!(
                "[[rule]]\nname = \"{name}\"\nlimit = \"5/s\"\nby = \"ip\"\npaths = [\"{path}\"]\n"
            )
        };
        let contract = format!("name = \"shop\"\n{}{}", rule("root", "/"), rule("under", "/apis"));
        assert_eq!(groups(&contract, Method::GET, ""), [["root"]]);
        assert_eq!(groups(&contract, Method::GET, "/"), [["root"]]);
        assert_eq!(groups(&contract, Method::GET, "/apis"), [["under"]]);
        assert_eq!(groups(&contract, Method::GET, "s"), [["under"]]);
    }

    #[test]
    fn rules_for_the_same_requests_and_key_are_one_group() {
        let productlane = include_str!("../../contracts/productlane.toml");
        assert_eq!(groups(productlane, Method::GET, "/v1/a"), [["reads", "reads-burst"]]);
        assert_eq!(groups(productlane, Method::POST, "/v1/a"), [["writes", "writes-burst"]]);

        let peeker = include_str!("../../contracts/peeker.toml");
        assert_eq!(groups(peeker, Method::POST, "/domains"), [["key"]]);
        assert_eq!(groups(peeker, Method::POST, "/domains/import"), [["key"], ["imports"]]);

        let prefetch = include_str!("../../contracts/prefetch.toml");
        let expected = [vec!["ip"], vec!["key", "inflight"]];
        assert_eq!(groups(prefetch, Method::GET, "/"), expected);
    }
}
