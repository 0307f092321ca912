//! A contract with shorter windows, so that a demo can show several of them.
//!
//! Amounts and periods shrink alike, so that rates stay as published, and the file's other lines
//! stay as they are. Nothing else is sped up: clocks and waits are real.

use std::error::Error;

use ratecell::{Plan, Quota};
use toml::{Table, Value};

/// How much shorter the windows of the demo are: a minute takes 6 seconds.
pub(crate) const FACTOR: u32 = 10;

/// The text of a contract file with the amount and the period of each rate divided by [`FACTOR`].
pub(crate) fn shortened(contract: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let mut file: Table = contract.parse()?;
    let rules = file.get_mut("rule").and_then(Value::as_array_mut).into_iter().flatten();
    for rule in rules.filter_map(Value::as_table_mut) {
        if let Some(Value::String(limit)) = rule.get_mut("limit") {
            let plan: Plan = limit.parse()?;
            *limit = plan.rules().iter().map(|rule| short_limit(rule.quota())).collect();
        }
    }
    Ok(toml::to_string(&file)?)
}

fn short_limit(quota: &Quota) -> String {
    let amount = |units: u32| (units / FACTOR).max(1);
    let period = |period_ns: u64| format!("{}ns", period_ns / u64::from(FACTOR));
    match quota {
        Quota::Gcra(quota) => format!(
            "gcra {}/{} burst {}",
            amount(quota.limit()),
            period(quota.period_ns()),
            amount(quota.burst())
        ),
        Quota::Fixed(quota) => {
            format!("fixed {}/{}", amount(quota.limit()), period(quota.period_ns()))
        }
        Quota::Sliding(quota) => format!(
            "sliding {}/{} segments {}",
            amount(quota.limit()),
            period(quota.period_ns()),
            quota.segments()
        ),
        Quota::Concurrency(quota) => format!("concurrency {}", quota.limit()),
    }
}

#[cfg(test)]
mod tests {
    use super::{FACTOR, shortened};
    use crate::four_contracts::api::APIS;
    use ratecell_contract::Contract;

    #[test]
    fn windows_and_amounts_shrink_alike_and_nothing_else_changes() {
        for api in &APIS {
            let (long, short) = (api.contract, shortened(api.contract).unwrap());
            let (long, short) = (Contract::parse(long).unwrap(), Contract::parse(&short).unwrap());
            for (long, short) in long.rules().iter().zip(short.rules()) {
                let (was, is) = (long.quota(), short.quota());
                assert_eq!(was.kind(), is.kind());
                assert_eq!(was.period_ns().map(|it| it / u64::from(FACTOR)), is.period_ns());
                let divisor = if was.period_ns().is_some() { FACTOR } else { 1 };
                assert_eq!(was.capacity() / divisor, is.capacity());
                assert_eq!((long.name(), long.source()), (short.name(), short.source()));
            }
            let first = long.rules()[0].quota().capacity();
            assert_eq!(api.per_minute, first);
        }
    }
}
