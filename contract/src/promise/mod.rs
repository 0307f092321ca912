//! What a contract promises, in plain sentences, and what in it may surprise.
//!
//! The numbers are worked out from the quotas in `bounds`; `of_rule` speaks of one rule, `of_whole`
//! of what they leave open together.

mod bounds;
mod of_rule;
mod of_whole;
mod words;

use core::fmt;

use crate::contract::Contract;

/// A sentence about a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    rule: Option<Box<str>>,
    is_warning: bool,
    sentence: String,
}

impl Promise {
    fn new(rule: Option<&str>, sentence: impl Into<String>) -> Self {
        Self { rule: rule.map(Box::from), is_warning: false, sentence: sentence.into() }
    }

    fn warning(rule: Option<&str>, sentence: impl Into<String>) -> Self {
        Self { is_warning: true, ..Self::new(rule, sentence) }
    }

    /// The rule that it is about; none if it is about all of them.
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// Whether it says something that a reader of the file may not expect.
    pub const fn is_warning(&self) -> bool {
        self.is_warning
    }

    /// The sentence, or a few of them.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl Contract {
    /// What the contract promises, rule by rule in the order of the file and then as a whole:
    /// most in any span, most at once, sustained rate, who is never refused, and what may surprise.
    ///
    /// ```
    /// use ratecell_contract::Contract;
    ///
    /// let text = "name = \"shop\"\n[[rule]]\nname = \"key\"\nlimit = \"600/min\"\nby = \"bearer\"\n";
    /// let promises = Contract::parse(text)?.promises();
    /// let warning = promises.iter().find(|promise| promise.is_warning()).unwrap();
    /// assert_eq!(
    ///     warning.sentence(),
    ///     "Up to 1,199 pass within some minute, not 600: the burst of 600 comes on top of the \
    ///      rate. A `sliding` limit holds in every minute.",
    /// );
    /// # Ok::<(), ratecell_contract::ContractError>(())
    /// ```
    pub fn promises(&self) -> Vec<Promise> {
        let mut promises = Vec::new();
        for rule in &self.rules {
            of_rule::promise(self, rule, &mut promises);
        }
        of_whole::promise(self, &mut promises);
        promises
    }
}
