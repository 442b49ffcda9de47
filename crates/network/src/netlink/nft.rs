//! nftables: tables, chains, sets, maps, elements and rules, as messages of nfnetlink.
//!
//! A [`Batch`] is one transaction: the kernel does all of it or nothing. What rules do stands in [`super::expr`].
//! Large lists of elements are cut into messages, since an attribute holds at most 64 KiB.

use super::expr::Rule;
use super::{APPEND, Attributes, CREATE, DUMP, NetlinkError, Requests, Socket, text_of};
use std::time::Duration;

const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
/// Elements in one message; with the longest keys and values this stays well below 64 KiB.
const CHUNK: usize = 400;

const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const DELETE_CHAIN: u16 = 5;
const NEW_RULE: u16 = 6;
const NEW_SET: u16 = 9;
const NEW_ELEMENT: u16 = 12;
const GET_ELEMENT: u16 = 13;
const DELETE_ELEMENT: u16 = 14;
const GET_TABLE: u16 = 1;
const GET_CHAIN: u16 = 4;

/// Families of tables.
pub(crate) const INET: u8 = 1;
pub(crate) const IPV4: u8 = 2;
pub(crate) const IPV6: u8 = 10;

/// Types of keys and values as the `nft` program numbers them, so that it can show our sets.
pub(crate) mod datatype {
    pub(crate) const IPV4_ADDRESS: u32 = 7;
    pub(crate) const IPV6_ADDRESS: u32 = 8;
    pub(crate) const PROTOCOL: u32 = 12;
    pub(crate) const PORT: u32 = 13;
    /// 32 bits as the machine holds them.
    pub(crate) const MARK: u32 = 19;
    pub(crate) const VERDICT: u32 = 0xffff_ff00;

    /// A tuple of types.
    pub(crate) fn tuple(parts: &[u32]) -> u32 {
        parts.iter().fold(0, |whole, part| whole << 6 | part)
    }
}

/// What a set or map looks like.
#[derive(Clone, Debug)]
pub(crate) struct Set<'a> {
    pub(crate) name: &'a str,
    pub(crate) key: u32,
    pub(crate) key_length: u32,
    /// Type and length of the values, when it is a map.
    pub(crate) value: Option<(u32, u32)>,
    /// Rules may add elements, which go away after a while; at most this many.
    pub(crate) dynamic: Option<u32>,
    /// Elements are beginnings and ends of ranges.
    pub(crate) interval: bool,
}

/// A hook of the kernel that a chain hangs on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hook {
    pub(crate) kind: &'static str,
    pub(crate) number: u32,
    pub(crate) priority: i32,
}

pub(crate) const PREROUTING: u32 = 0;
pub(crate) const INPUT: u32 = 1;
pub(crate) const FORWARD: u32 = 2;
pub(crate) const OUTPUT: u32 = 3;
pub(crate) const POSTROUTING: u32 = 4;

/// The value that a map gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Value {
    /// Plain bytes.
    Bytes(Vec<u8>),
    /// Go on in this chain, and do not come back.
    Goto(String),
    /// Go through this chain and come back, if it lets the packet pass.
    Jump(String),
    /// Throw the packet away.
    Drop,
}

/// An element of a set or map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Option<Value>,
    /// How long it lives, and how much of that is left.
    pub(crate) timeout: Option<(Duration, Duration)>,
    /// Of a set of ranges: the first that is not in the range any more.
    pub(crate) end: bool,
}

impl Element {
    pub(crate) fn member(key: Vec<u8>) -> Self {
        Self { key, value: None, timeout: None, end: false }
    }

    pub(crate) fn pair(key: Vec<u8>, value: Value) -> Self {
        Self { value: Some(value), ..Self::member(key) }
    }
}

/// One transaction on tables of one family.
pub(crate) struct Batch {
    family: u8,
    requests: Requests,
    empty: bool,
}

impl Batch {
    pub(crate) fn new(family: u8) -> Self {
        let mut requests = Requests::default();
        requests.message("begin a transaction", BATCH_BEGIN, 0, |out| out.raw(&[0, 0, 0, SUBSYSTEM as u8]));
        Self { family, requests, empty: true }
    }

    fn message(&mut self, doing: &'static str, kind: u16, flags: u16, body: impl FnOnce(&mut Requests)) {
        let family = self.family;
        self.empty = false;
        self.requests.message(doing, SUBSYSTEM << 8 | kind, flags, |out| {
            out.raw(&[family, 0, 0, 0]);
            body(out);
        });
    }

    pub(crate) fn add_table(&mut self, table: &str) {
        self.message("make a table", NEW_TABLE, CREATE, |out| {
            out.text(1, table);
            out.big(2, 0);
        });
    }

    pub(crate) fn delete_table(&mut self, table: &str) {
        self.message("delete a table", DELETE_TABLE, 0, |out| out.text(1, table));
    }

    /// An empty table of this name, whatever was there before.
    pub(crate) fn fresh_table(&mut self, table: &str) {
        self.add_table(table);
        self.delete_table(table);
        self.add_table(table);
    }

    pub(crate) fn add_chain(&mut self, table: &str, chain: &str, hook: Option<Hook>) {
        self.message("make a chain", NEW_CHAIN, CREATE, |out| {
            out.text(1, table);
            out.text(3, chain);
            if let Some(hook) = hook {
                out.nest(4, |out| {
                    out.big(1, hook.number);
                    out.bytes(2, &hook.priority.to_be_bytes());
                });
                out.big(5, 1);
                out.text(7, hook.kind);
            }
        });
    }

    pub(crate) fn delete_chain(&mut self, table: &str, chain: &str) {
        self.message("delete a chain", DELETE_CHAIN, 0, |out| {
            out.text(1, table);
            out.text(3, chain);
        });
    }

    pub(crate) fn add_rule(&mut self, table: &str, chain: &str, rule: Rule) {
        self.message("add a rule", NEW_RULE, CREATE | APPEND, |out| {
            out.text(1, table);
            out.text(2, chain);
            out.nest(4, |out| rule.write(out));
        });
    }

    pub(crate) fn add_set(&mut self, table: &str, set: &Set<'_>) {
        const INTERVAL: u32 = 0x4;
        const MAP: u32 = 0x8;
        const TIMEOUT: u32 = 0x10;
        const EVALUATED: u32 = 0x20;
        let mut flags = if set.value.is_some() { MAP } else { 0 };
        if set.dynamic.is_some() {
            flags |= TIMEOUT | EVALUATED;
        }
        if set.interval {
            flags |= INTERVAL;
        }
        self.message("make a set", NEW_SET, CREATE, |out| {
            out.text(1, table);
            out.text(2, set.name);
            out.big(3, flags);
            out.big(4, set.key);
            out.big(5, set.key_length);
            if let Some((kind, length)) = set.value {
                out.big(6, kind);
                if kind != datatype::VERDICT {
                    out.big(7, length);
                }
            }
            if let Some(size) = set.dynamic {
                out.nest(9, |out| out.big(1, size));
            }
            out.big(10, 1);
        });
    }

    pub(crate) fn add_elements(&mut self, table: &str, set: &str, elements: &[Element]) {
        self.elements("add elements", NEW_ELEMENT, CREATE, table, set, elements);
    }

    pub(crate) fn delete_elements(&mut self, table: &str, set: &str, elements: &[Element]) {
        self.elements("delete elements", DELETE_ELEMENT, 0, table, set, elements);
    }

    fn elements(&mut self, doing: &'static str, kind: u16, flags: u16, table: &str, set: &str, elements: &[Element]) {
        for chunk in elements.chunks(CHUNK) {
            self.message(doing, kind, flags, |out| {
                out.text(1, table);
                out.text(2, set);
                out.nest(3, |out| {
                    for element in chunk {
                        out.nest(1, |out| write_element(out, element));
                    }
                });
            });
        }
    }
}

fn write_element(out: &mut Requests, element: &Element) {
    out.nest(1, |out| out.bytes(1, &element.key));
    if let Some(value) = &element.value {
        out.nest(2, |out| write_value(out, value));
    }
    if element.end {
        out.big(3, 1);
    }
    if let Some((timeout, left)) = element.timeout {
        out.bytes(4, &milliseconds(timeout).to_be_bytes());
        out.bytes(5, &milliseconds(left).to_be_bytes());
    }
}

pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Codes of verdicts.
pub(crate) const GOTO: i32 = -4;
pub(crate) const JUMP: i32 = -3;
pub(crate) const DROP: i32 = 0;
pub(crate) const RETURN: i32 = -5;

pub(crate) fn write_value(out: &mut Requests, value: &Value) {
    match value {
        Value::Bytes(bytes) => out.bytes(1, bytes),
        Value::Goto(chain) => write_verdict(out, GOTO, Some(chain)),
        Value::Jump(chain) => write_verdict(out, JUMP, Some(chain)),
        Value::Drop => write_verdict(out, DROP, None),
    }
}

pub(crate) fn write_verdict(out: &mut Requests, code: i32, chain: Option<&str>) {
    out.nest(2, |out| {
        out.bytes(1, &code.to_be_bytes());
        if let Some(chain) = chain {
            out.text(2, chain);
        }
    });
}

impl Socket {
    /// Does all of a batch, or nothing and says why.
    pub(crate) fn commit(&mut self, batch: Batch) -> Result<(), NetlinkError> {
        let Batch { mut requests, empty, .. } = batch;
        if empty {
            return Ok(());
        }
        requests.confirm_last();
        requests.message("commit a transaction", BATCH_END, 0, |out| out.raw(&[0, 0, 0, SUBSYSTEM as u8]));
        self.send(&requests)
    }

    /// The elements of a set with their values.
    pub(crate) fn elements(&mut self, family: u8, table: &str, set: &str) -> Result<Vec<Element>, NetlinkError> {
        let mut requests = Requests::default();
        requests.message("list elements", SUBSYSTEM << 8 | GET_ELEMENT, DUMP, |out| {
            out.raw(&[family, 0, 0, 0]);
            out.text(1, table);
            out.text(2, set);
        });
        let mut elements = Vec::new();
        self.ask(&requests, |_, payload| {
            let list = payload.get(4..).and_then(|payload| Attributes(payload).get(3));
            elements.extend(Attributes(list.unwrap_or_default()).filter_map(|(_, element)| element_of(element)));
        })?;
        Ok(elements)
    }

    /// Chains on a hook that drop whatever no rule lets through: their tables and names.
    pub(crate) fn dropping_chains(&mut self, family: u8, hook: u32) -> Result<Vec<(String, String)>, NetlinkError> {
        let mut requests = Requests::default();
        requests.message("list chains", SUBSYSTEM << 8 | GET_CHAIN, DUMP, |out| out.raw(&[family, 0, 0, 0]));
        let mut chains = Vec::new();
        self.ask(&requests, |_, payload| {
            let attributes = payload.get(4..).unwrap_or_default();
            let number = |bytes: &[u8]| Some(u32::from_be_bytes(bytes.try_into().ok()?));
            let at = Attributes(attributes).get(4).and_then(|hook| Attributes(hook).get(1)).and_then(number);
            let policy = Attributes(attributes).get(5).and_then(number);
            if let (true, Some(table), Some(name)) =
                (at == Some(hook) && policy == Some(0), Attributes(attributes).get(1), Attributes(attributes).get(3))
            {
                chains.push((text_of(table), text_of(name)));
            }
        })?;
        Ok(chains)
    }

    /// Names of all tables of a family.
    pub(crate) fn tables(&mut self, family: u8) -> Result<Vec<String>, NetlinkError> {
        let mut requests = Requests::default();
        requests.message("list tables", SUBSYSTEM << 8 | GET_TABLE, DUMP, |out| out.raw(&[family, 0, 0, 0]));
        let mut tables = Vec::new();
        self.ask(&requests, |_, payload| {
            tables.extend(payload.get(4..).and_then(|payload| Attributes(payload).get(1)).map(text_of));
        })?;
        Ok(tables)
    }
}

fn element_of(attributes: &[u8]) -> Option<Element> {
    let key = Attributes(Attributes(attributes).get(1)?).get(1)?.to_vec();
    let value = Attributes(attributes).get(2).and_then(|value| {
        let bytes = Attributes(value).get(1).map(|bytes| Value::Bytes(bytes.to_vec()));
        bytes.or_else(|| verdict_of(Attributes(value).get(2)?))
    });
    let time =
        |kind| Some(Duration::from_millis(u64::from_be_bytes(Attributes(attributes).get(kind)?.try_into().ok()?)));
    let timeout = time(4).map(|timeout| (timeout, time(5).unwrap_or(timeout)));
    let end = Attributes(attributes).get(3).is_some_and(|flags| flags.last().is_some_and(|last| last & 1 == 1));
    Some(Element { key, value, timeout, end })
}

fn verdict_of(attributes: &[u8]) -> Option<Value> {
    let code = i32::from_be_bytes(Attributes(attributes).get(1)?.try_into().ok()?);
    match code {
        GOTO => Some(Value::Goto(text_of(Attributes(attributes).get(2)?))),
        JUMP => Some(Value::Jump(text_of(Attributes(attributes).get(2)?))),
        DROP => Some(Value::Drop),
        _ => None,
    }
}
