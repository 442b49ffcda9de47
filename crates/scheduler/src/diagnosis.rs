//! Why no node will do, as it is told to people.

use crate::plugins::{Plugin, Reason};
use std::collections::{BTreeMap, HashSet};

/// Why no node will do.
#[derive(Clone, Debug)]
pub(crate) struct Diagnosis {
    nodes: usize,
    /// Why none of them, if there is one reason for all.
    overall: Option<Reason>,
    refused: Vec<(Box<str>, Vec<Reason>)>,
    /// What came of making room.
    pub(crate) preemption: Option<String>,
}

impl Diagnosis {
    pub(crate) fn new(nodes: usize) -> Diagnosis {
        Diagnosis { nodes, overall: None, refused: Vec::new(), preemption: None }
    }

    /// One reason for all nodes.
    pub(crate) fn of_all(nodes: usize, reason: Reason) -> Diagnosis {
        Diagnosis { overall: Some(reason), ..Diagnosis::new(nodes) }
    }

    pub(crate) fn refuse(&mut self, node: Box<str>, reasons: Vec<Reason>) {
        self.refused.push((node, reasons));
    }

    /// Nodes that might do if pods went away.
    pub(crate) fn resolvable(&self) -> impl Iterator<Item = &str> {
        let resolvable = |reasons: &[Reason]| reasons.iter().all(|reason| reason.is_resolvable);
        self.refused.iter().filter(move |(_, reasons)| resolvable(reasons)).map(|(node, _)| &**node)
    }

    /// Whether a node might do if pods went away; `None` if it was not looked at.
    pub(crate) fn is_resolvable(&self, node: &str) -> Option<bool> {
        let (_, reasons) = self.refused.iter().find(|(name, _)| **name == *node)?;
        Some(reasons.iter().all(|reason| reason.is_resolvable))
    }

    /// What refused nodes.
    pub(crate) fn plugins(&self) -> HashSet<Plugin> {
        let reasons = self.refused.iter().flat_map(|(_, reasons)| reasons).chain(&self.overall);
        reasons.map(|reason| reason.plugin).collect()
    }

    /// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` and what came of making room.
    pub(crate) fn message(&self) -> String {
        if self.nodes == 0 {
            return "no nodes available to schedule pods".to_owned();
        }
        let mut message = match &self.overall {
            Some(reason) => format!("0/{} nodes are available: {}.", self.nodes, reason.text),
            None => {
                let texts = self.refused.iter().flat_map(|(_, reasons)| reasons).map(|reason| &*reason.text);
                histogram(self.nodes, texts)
            }
        };
        if let Some(preemption) = &self.preemption {
            message = format!("{message} {preemption}");
        }
        message
    }
}

/// `0/3 nodes are available: 1 this, 2 that.`
pub(crate) fn histogram<'t>(nodes: usize, texts: impl Iterator<Item = &'t str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    let mut parts: Vec<String> = counts.into_iter().map(|(text, count)| format!("{count} {text}")).collect();
    parts.sort();
    let mut message = format!("0/{nodes} nodes are available:");
    if !parts.is_empty() {
        message = format!("{message} {}.", parts.join(", "));
    }
    message
}
