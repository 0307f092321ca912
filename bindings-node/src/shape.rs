//! What the outcomes of a guard have in common: the names of their fields, and what a refusal by one
//! rule always says.
//!
//! JavaScript is told a shape once and its number from then on. So each call hands over values only,
//! and the names are the same strings every time, by which an engine finds a property faster.

use ratecell_contract::{Fields, Refusal};

/// What some outcomes have in common.
pub(crate) struct Shape {
    /// None of a request that passes.
    pub(crate) refusal: Option<Refused>,
    /// The names of the fields, in order.
    pub(crate) names: Vec<String>,
}

/// What every refusal by one rule says.
pub(crate) struct Refused {
    pub(crate) rule: String,
    pub(crate) status: u16,
    pub(crate) content_type: String,
}

/// The shapes that have been seen, by number.
///
/// INVARIANT: they are as many as a contract's rules and their states can make, whatever requests
/// come, as every name is the contract's own or known beforehand.
#[derive(Default)]
pub(crate) struct Shapes(Vec<Shape>);

impl Shapes {
    pub(crate) fn get(&self, number: u32) -> Option<&Shape> {
        self.0.get(number as usize)
    }

    /// The number of an outcome's shape; a new one if there was none like it.
    pub(crate) fn number_of(&mut self, fields: &Fields, refusal: Option<&Refusal>) -> u32 {
        let is_same = |shape: &Shape| {
            shape.refusal.as_ref().map(|known| &*known.rule) == refusal.map(Refusal::rule)
                && shape.names.iter().map(String::as_str).eq(fields.iter().map(|(name, _)| name))
        };
        let index = self.0.iter().position(is_same).unwrap_or_else(|| {
            self.0.push(Shape {
                refusal: refusal.map(|refusal| Refused {
                    rule: refusal.rule().to_owned(),
                    status: refusal.status(),
                    content_type: refusal.content_type().to_owned(),
                }),
                names: fields.iter().map(|(name, _)| name.to_owned()).collect(),
            });
            self.0.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }
}
