//! Paths into a schema: `.spec.a`, `['b']`.

use object::View;

/// How a path may name fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    /// By dots only.
    Dots,
    /// By dots, and by quoted names in brackets.
    DotsAndBrackets,
}

/// The names on the path, and the schema of what it points to.
pub(super) fn resolve<'a>(path: &str, schema: View<'a>, notation: Notation) -> Result<(Vec<String>, View<'a>), String> {
    const END: &str = "unexpected end of JSON path";
    let (mut names, mut schema) = (Vec::new(), schema);
    let mut tokens = tokens(path).into_iter();
    while let Some(token) = tokens.next() {
        let name = match token {
            "[" if notation == Notation::Dots => return Err("array notation is not allowed".to_owned()),
            "[" => {
                let name = tokens.next().ok_or(END)?;
                let inner = name.strip_prefix('\'').and_then(|name| name.strip_suffix('\''));
                inner.ok_or_else(|| format!("expected single quoted string but got {name}"))?.replace("\\'", "'")
            }
            "." => tokens.next().ok_or(END)?.to_owned(),
            other => return Err(format!("expected [ or . but got: {other}")),
        };
        schema = child(schema, &name).ok_or("does not refer to a valid field")?;
        names.push(name);
        if token == "[" {
            match tokens.next() {
                Some("]") => {}
                Some(other) => return Err(format!("expected ] but got {other}")),
                None => return Err(END.to_owned()),
            }
        }
    }
    Ok((names, schema))
}

fn child<'a>(schema: View<'a>, name: &str) -> Option<View<'a>> {
    let (properties, additional) = (schema.get("properties"), schema.get("additionalProperties"));
    let child = if properties.exists() { properties.get(name) } else { additional };
    child.as_map().map(|_| child)
}

/// Cuts at dots and brackets, which are tokens themselves, but not within quotes.
fn tokens(path: &str) -> Vec<&str> {
    let (mut found, mut rest) = (Vec::new(), path);
    while !rest.is_empty() {
        let end = match rest.strip_prefix('\'') {
            Some(quoted) => {
                let mut escaped = false;
                let close = quoted.char_indices().find(|&(_, c)| {
                    let closes = c == '\'' && !escaped;
                    escaped = c == '\\';
                    closes
                });
                close.map_or(rest.len(), |(place, _)| place + 2)
            }
            None => rest.find(['.', '[', ']']).map_or(rest.len(), |place| place.max(1)),
        };
        let (token, after) = rest.split_at(end);
        found.push(token);
        rest = after;
    }
    found
}
