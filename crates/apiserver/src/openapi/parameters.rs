//! Parameters that operations take, by family.

use std::borrow::Cow;

/// What a parameter's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Flag,
    Number,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
}

/// One parameter of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) place: Place,
    pub(super) description: Cow<'static, str>,
}

impl Parameter {
    pub(super) fn query(name: &'static str, kind: Kind, description: &'static str) -> Parameter {
        Parameter { name, kind, place: Place::Query, description: Cow::Borrowed(description) }
    }

    pub(super) fn path(name: &'static str, description: impl Into<Cow<'static, str>>) -> Parameter {
        Parameter { name, kind: Kind::Text, place: Place::Path, description: description.into() }
    }

    /// The parameter `name` of a family, or one with a plain description.
    fn of(&(name, kind, description): &(&'static str, Kind, &'static str)) -> Parameter {
        Parameter::query(name, kind, description)
    }
}

/// Of every operation on objects.
pub(super) fn pretty() -> Parameter {
    Parameter::query("pretty", Kind::Text, "If 'true', the output is indented.")
}

/// Of operations on one object.
pub(super) fn name(kind: &str) -> Parameter {
    Parameter::path("name", format!("name of the {kind}"))
}

/// Of operations in a namespace.
pub(super) fn namespace() -> Parameter {
    Parameter::path("namespace", "namespace of the object")
}

const CONTINUE: (&str, Kind, &str) = ("continue", Kind::Text, "Where a list goes on, as the answer before told.");
const DRY_RUN: (&str, Kind, &str) = ("dryRun", Kind::Text, "With 'All', everything is done but nothing is stored.");
const FIELD_MANAGER: (&str, Kind, &str) =
    ("fieldManager", Kind::Text, "Name of the writer, for field ownership; at most 128 printable characters.");
const FIELD_VALIDATION: (&str, Kind, &str) = (
    "fieldValidation",
    Kind::Text,
    "What happens to unknown and duplicate fields: 'Ignore' drops them, 'Warn' (the default) drops them and warns, \
     'Strict' refuses the request.",
);
const FIELD_SELECTOR: (&str, Kind, &str) = ("fieldSelector", Kind::Text, "Selects objects by their fields.");
const LABEL_SELECTOR: (&str, Kind, &str) = ("labelSelector", Kind::Text, "Selects objects by their labels.");
const LIMIT: (&str, Kind, &str) = ("limit", Kind::Number, "How many objects an answer holds at most.");
const RESOURCE_VERSION: (&str, Kind, &str) =
    ("resourceVersion", Kind::Text, "Which state of the store the answer has to show.");
const RESOURCE_VERSION_MATCH: (&str, Kind, &str) =
    ("resourceVersionMatch", Kind::Text, "How resourceVersion is meant: 'Exact' or 'NotOlderThan'.");
const SEND_INITIAL_EVENTS: (&str, Kind, &str) =
    ("sendInitialEvents", Kind::Flag, "With watch=true, begin with an event for each object that exists.");
const SHARD_SELECTOR: (&str, Kind, &str) = ("shardSelector", Kind::Text, "Selects a part of the collection.");
const TIMEOUT_SECONDS: (&str, Kind, &str) = ("timeoutSeconds", Kind::Number, "How long a list or watch may take.");

const LIST: &[(&str, Kind, &str)] = &[
    ("allowWatchBookmarks", Kind::Flag, "The watch may send bookmarks."),
    CONTINUE,
    FIELD_SELECTOR,
    LABEL_SELECTOR,
    LIMIT,
    RESOURCE_VERSION,
    RESOURCE_VERSION_MATCH,
    SEND_INITIAL_EVENTS,
    SHARD_SELECTOR,
    TIMEOUT_SECONDS,
    ("watch", Kind::Flag, "Send changes as they happen instead of a list."),
];

const DELETE: &[(&str, Kind, &str)] = &[
    DRY_RUN,
    ("gracePeriodSeconds", Kind::Number, "Seconds until the object is gone; 0 is at once."),
    (
        "ignoreStoreReadErrorWithClusterBreakingPotential",
        Kind::Flag,
        "Delete an object even if it cannot be read from the store.",
    ),
    ("orphanDependents", Kind::Flag, "Deprecated: use propagationPolicy."),
    ("propagationPolicy", Kind::Text, "What becomes of dependents: 'Orphan', 'Background' or 'Foreground'."),
];

const DELETE_COLLECTION: &[(&str, Kind, &str)] = &[
    CONTINUE,
    FIELD_SELECTOR,
    LABEL_SELECTOR,
    LIMIT,
    RESOURCE_VERSION,
    RESOURCE_VERSION_MATCH,
    SEND_INITIAL_EVENTS,
    SHARD_SELECTOR,
    TIMEOUT_SECONDS,
];

const WRITE: &[(&str, Kind, &str)] = &[DRY_RUN, FIELD_MANAGER, FIELD_VALIDATION];

const FORCE: (&str, Kind, &str) = ("force", Kind::Flag, "An apply takes fields over that others own.");

const LOG: &[(&str, Kind, &str)] = &[
    ("container", Kind::Text, "Which container's log."),
    ("follow", Kind::Flag, "Go on as the log grows."),
    ("insecureSkipTLSVerifyBackend", Kind::Flag, "Do not check the certificate of the node."),
    ("limitBytes", Kind::Number, "How many bytes at most."),
    ("previous", Kind::Flag, "The log of the container before its last restart."),
    ("sinceSeconds", Kind::Number, "Only what was written in the last seconds."),
    ("stream", Kind::Text, "Which stream: 'All', 'Stdout' or 'Stderr'."),
    ("tailLines", Kind::Number, "Only the last lines."),
    ("timestamps", Kind::Flag, "Begin each line with its time."),
];

const STREAMS: &[(&str, Kind, &str)] = &[
    ("container", Kind::Text, "Which container."),
    ("stderr", Kind::Flag, "Pass standard error on."),
    ("stdin", Kind::Flag, "Pass standard input on."),
    ("stdout", Kind::Flag, "Pass standard output on."),
    ("tty", Kind::Flag, "With a terminal."),
];

fn all(families: &[&[(&'static str, Kind, &'static str)]]) -> Vec<Parameter> {
    families.iter().copied().flatten().map(Parameter::of).collect()
}

/// Of list and watch.
pub(super) fn list() -> Vec<Parameter> {
    all(&[LIST])
}

/// Of delete.
pub(super) fn delete() -> Vec<Parameter> {
    all(&[DELETE])
}

/// Of deletecollection.
pub(super) fn delete_collection() -> Vec<Parameter> {
    all(&[DELETE, DELETE_COLLECTION])
}

/// Of create and update.
pub(super) fn write() -> Vec<Parameter> {
    all(&[WRITE])
}

/// Of patch.
pub(super) fn patch() -> Vec<Parameter> {
    all(&[WRITE, &[FORCE]])
}

/// Of what a subresource is connected to or read with.
pub(super) fn connect(subresource: &str) -> Vec<Parameter> {
    match subresource {
        "log" => all(&[LOG]),
        "exec" => all(&[STREAMS, &[("command", Kind::Text, "The command, a parameter for each word.")]]),
        "attach" => all(&[STREAMS]),
        "portforward" => all(&[&[("ports", Kind::Number, "Ports to forward.")]]),
        "proxy" => all(&[&[("path", Kind::Text, "Path of the request.")]]),
        _ => Vec::new(),
    }
}
