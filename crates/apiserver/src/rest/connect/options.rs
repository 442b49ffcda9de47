//! What a request wants of a node: the query of the API, as the options that admission sees and as the query that a
//! node understands.

use crate::request::Query;
use form_urlencoded::Serializer;
use object::quote::quote;
use object::{Status, Value, View, json};

/// The options of `exec`, `attach` and `portforward`, as an object.
///
/// # Errors
/// 400 if a port is no number.
pub(super) fn of_stream(subresource: &str, query: &Query) -> Result<Value, Status> {
    let mut options = match subresource {
        "exec" => json!({"kind": "PodExecOptions", "apiVersion": "v1"}),
        "attach" => json!({"kind": "PodAttachOptions", "apiVersion": "v1"}),
        _ => {
            let ports: Result<Vec<i64>, Status> = query.all("ports").map(port).collect();
            return Ok(json!({"kind": "PodPortForwardOptions", "apiVersion": "v1", "ports": ports?}));
        }
    };
    for name in ["stdin", "stdout", "stderr", "tty"] {
        if query.flag(name) {
            options[name] = true.into();
        }
    }
    if let Some(container) = query.get("container").filter(|container| !container.is_empty()) {
        options["container"] = container.into();
    }
    if subresource == "exec" {
        options["command"] = query.all("command").collect();
    }
    Ok(options)
}

fn port(text: &str) -> Result<i64, Status> {
    let number = text.parse::<i32>().map(i64::from);
    number.map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing {}: invalid syntax", quote(text))))
}

/// The query of a node for these options. Keys are in order, as Go writes them.
pub(super) fn to_node(options: View<'_>) -> String {
    let mut query = Serializer::new(String::new());
    for word in options.strings("command") {
        query.append_pair("command", word);
    }
    for (name, of_node) in [("stderr", "error"), ("stdin", "input"), ("stdout", "output")] {
        if options.bool(name) {
            query.append_pair(of_node, "1");
        }
    }
    let ports: Vec<String> = options.list("ports").map(|port| port.as_int().to_string()).collect();
    if !ports.is_empty() {
        query.append_pair("port", &ports.join(","));
    }
    if options.bool("tty") {
        query.append_pair("tty", "1");
    }
    query.finish()
}

/// The options of `log`, as an object.
///
/// # Errors
/// 400 if a number or time is none.
pub(super) fn of_log(query: &Query) -> Result<Value, Status> {
    let mut options = json!({"kind": "PodLogOptions", "apiVersion": "v1"});
    for name in ["follow", "previous", "timestamps", "insecureSkipTLSVerifyBackend"] {
        if query.flag(name) {
            options[name] = true.into();
        }
    }
    for name in ["sinceSeconds", "tailLines", "limitBytes"] {
        if let Some(number) = query.int(name)? {
            options[name] = number.into();
        }
    }
    for name in ["container", "stream"] {
        if let Some(text) = query.get(name).filter(|text| !text.is_empty()) {
            options[name] = text.into();
        }
    }
    if let Some(text) = query.get("sinceTime").filter(|text| !matches!(*text, "" | "null")) {
        let seconds = object::time::parse_seconds(text).ok_or_else(|| no_time(text))?;
        options["sinceTime"] = object::time::format_seconds(seconds).into();
    }
    Ok(options)
}

fn no_time(text: &str) -> Status {
    let text = quote(text);
    let format = "\"2006-01-02T15:04:05Z07:00\"";
    Status::bad_request(format!("parsing time {text} as {format}: cannot parse {text} as {format}"))
}

/// The query of a node for these options of a log.
pub(super) fn log_to_node(options: View<'_>) -> String {
    let mut query = Serializer::new(String::new());
    let flag = |name| options.bool(name).then(|| "true".to_owned());
    let number = |name| options.opt_int(name).map(|number| number.to_string());
    let pairs = [
        ("follow", flag("follow")),
        ("limitBytes", number("limitBytes")),
        ("previous", flag("previous")),
        ("sinceSeconds", number("sinceSeconds")),
        ("sinceTime", options.opt_str("sinceTime").map(str::to_owned)),
        ("tailLines", number("tailLines")),
        ("timestamps", flag("timestamps")),
    ];
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, &value);
        }
    }
    query.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(subresource: &str, query: &str, want: &str) {
        let query = Query::parse(Some(query));
        let got = match subresource {
            "log" => of_log(&query).map(|options| log_to_node(View::from(&options))),
            _ => of_stream(subresource, &query).map(|options| to_node(View::from(&options))),
        };
        assert_eq!(got.unwrap_or_else(|status| status.message), want);
    }

    #[test]
    fn queries_are_those_of_a_node() {
        check(
            "exec",
            "container=c&command=sh&command=-c&command=echo+%26&stdin=true&stdout=1&stderr=true&tty=false",
            "command=sh&command=-c&command=echo+%26&error=1&input=1&output=1",
        );
        check("attach", "stdin=true&tty=true&stdout=true", "input=1&output=1&tty=1");
        check("portforward", "ports=80&ports=81", "port=80%2C81");
        check("portforward", "", "");
        check("portforward", "ports=x", "strconv.ParseInt: parsing \"x\": invalid syntax");
        check(
            "log",
            "follow=true&previous=true&sinceTime=2026-01-02T03:04:05%2B01:00&tailLines=0&timestamps=true&limitBytes=9",
            "follow=true&limitBytes=9&previous=true&sinceTime=2026-01-02T02%3A04%3A05Z&tailLines=0&timestamps=true",
        );
        check(
            "log",
            "sinceTime=x",
            "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006-01-02T15:04:05Z07:00\"",
        );
    }
}
