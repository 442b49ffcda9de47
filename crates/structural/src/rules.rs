//! Rules in CEL (`x-kubernetes-validations`): what schemas declare ([`declare`]), what rules mean ([`Compiled`]), and
//! holding objects against them ([`Rules`]).
//!
//! Deliberately absent: what definitions may ask for, and how dear their rules may be; that is in `kinds`.

mod compile;
mod declare;
mod evaluate;
#[cfg(test)]
mod tests;

pub use compile::{Compiled, Expression, compile};
pub use declare::declare;
pub use evaluate::Rules;

use object::View;

/// One rule.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// What has to hold.
    pub rule: String,
    /// What is said where it does not.
    pub message: String,
    /// What is said instead, made from the value.
    pub message_expression: String,
    /// How the error is called.
    pub reason: Option<String>,
    /// Where the error is said to be, from here.
    pub field_path: String,
    /// Whether the rule counts where there is no old value.
    pub optional_old_self: Option<bool>,
}

impl Rule {
    pub(crate) fn read(rule: View<'_>) -> Rule {
        Rule {
            rule: rule.str("rule").to_owned(),
            message: rule.str("message").to_owned(),
            message_expression: rule.str("messageExpression").to_owned(),
            reason: rule.opt_str("reason").map(str::to_owned),
            field_path: rule.str("fieldPath").to_owned(),
            optional_old_self: rule.opt_bool("optionalOldSelf"),
        }
    }

    /// The rule as errors show it.
    fn shown(&self) -> &str {
        if self.message.is_empty() { self.rule.trim() } else { self.message.trim() }
    }

    fn message_or_default(&self) -> String {
        if self.message.is_empty() { format!("failed rule: {}", self.shown()) } else { self.message.trim().to_owned() }
    }
}
