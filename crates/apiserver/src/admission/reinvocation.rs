//! Asking again: a mutating webhook or policy that wants to is asked once more if somebody changed the object after it.

use object::Value;
use std::collections::HashSet;

/// The rounds of one request.
#[derive(Default)]
pub(super) struct Rounds {
    pub(super) policies: Reinvocation,
    pub(super) webhooks: Reinvocation,
}

impl Rounds {
    /// True if plug-ins, policies and webhooks have to be gone through once more; there are two rounds at most.
    pub(super) fn next_round(&mut self) -> bool {
        let next = (self.policies.wanted || self.webhooks.wanted) && !self.policies.again;
        (self.policies.again, self.webhooks.again) = (next || self.policies.again, next || self.webhooks.again);
        next
    }
}

/// The rounds as policies or webhooks see them.
#[derive(Default)]
pub(crate) struct Reinvocation {
    again: bool,
    wanted: bool,
    /// What the last round left.
    output: Option<Value>,
    /// Asked before the last change, and willing to be asked again.
    willing: HashSet<String>,
    /// To be asked again.
    due: HashSet<String>,
}

impl Reinvocation {
    pub(super) fn round(&self) -> u8 {
        u8::from(self.again)
    }

    /// Begins a round with the object as plug-ins left it.
    pub(super) fn begin(&mut self, object: &Value) {
        if self.again && self.output.as_ref() != Some(object) {
            self.due.extend(self.willing.drain());
        }
    }

    pub(super) fn end(&mut self, object: &Value) {
        self.output = Some(object.clone());
    }

    /// True if a webhook is not asked in this round.
    pub(super) fn skips(&self, id: &str) -> bool {
        self.again && !self.due.contains(id)
    }

    /// A webhook changed the object: those that were asked before it may want to see that.
    pub(super) fn changed(&mut self) {
        self.due.extend(self.willing.drain());
        self.wanted = true;
    }

    pub(super) fn may_ask_again(&mut self, id: &str) {
        self.willing.insert(id.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn who_came_before_a_change_is_asked_again_once() {
        let mut rounds = Rounds::default();
        rounds.webhooks.begin(&json!({}));
        rounds.webhooks.may_ask_again("a");
        rounds.webhooks.changed();
        rounds.webhooks.may_ask_again("b");
        rounds.webhooks.end(&json!({"x": 1}));
        assert!(rounds.next_round());
        rounds.webhooks.begin(&json!({"x": 1}));
        assert!(!rounds.webhooks.skips("a") && rounds.webhooks.skips("b"));
        rounds.webhooks.changed();
        rounds.webhooks.end(&json!({"x": 2}));
        assert!(!rounds.next_round());
    }

    #[test]
    fn plug_ins_that_change_it_in_between_make_all_due() {
        let mut rounds = Rounds::default();
        rounds.policies.begin(&json!({}));
        rounds.policies.changed();
        rounds.policies.may_ask_again("b");
        rounds.policies.end(&json!({"x": 1}));
        assert!(rounds.next_round());
        rounds.policies.begin(&json!({"x": 1, "plug-in": true}));
        assert!(!rounds.policies.skips("b"));
    }
}
