//! Reads a path.

use crate::filter::{Filter, Operand, Operator};
use crate::{Path, Slice, Step};

/// Filters and unions may hold paths that hold filters; this deep and no deeper.
const MAX_DEPTH: usize = 16;

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// An array step does not end.
    #[error("unterminated array")]
    Unterminated,
    /// An array step that is neither index, slice, name, union nor filter.
    #[error("invalid array index {0}")]
    Index(String),
    /// A filter that does not end.
    #[error("unterminated filter")]
    Filter,
    /// Quotes that do not end.
    #[error("unterminated quoted string")]
    Quote,
    /// A character that begins no step.
    #[error("unrecognized character in action: {0:?}")]
    Character(char),
    /// Paths in filters in paths, too many of them.
    #[error("the path is nested too deep")]
    Depth,
}

impl Path {
    /// Reads a path such as `.spec.a[0]`, with or without a `$` or `@` in front.
    ///
    /// # Errors
    /// If the text is none.
    pub fn parse(text: &str) -> Result<Path, ParseError> {
        steps(text, 0).map(|steps| Path { steps })
    }
}

fn steps(text: &str, depth: usize) -> Result<Vec<Step>, ParseError> {
    if depth > MAX_DEPTH {
        return Err(ParseError::Depth);
    }
    let mut steps = Vec::new();
    let mut rest = text.trim();
    if let Some(after) = rest.strip_prefix(['$', '@']) {
        rest = after;
    }
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("..") {
            steps.push(Step::Descend);
            // A name may follow at once.
            rest = if after.starts_with(['[', '.']) || after.is_empty() { after } else { field(after, &mut steps) };
        } else if let Some(after) = rest.strip_prefix('.') {
            rest = field(after, &mut steps);
        } else if let Some(after) = rest.strip_prefix('[') {
            let end = end_of_array(after)?;
            steps.push(array(&after[..end], depth)?);
            rest = &after[end + 1..];
        } else if steps.is_empty() && (first.is_alphanumeric() || matches!(first, '_' | '-' | '*')) {
            rest = field(rest, &mut steps);
        } else {
            return Err(ParseError::Character(first));
        }
    }
    Ok(steps)
}

/// Reads a name up to what ends it; a backslash takes what ends names into the name.
fn field<'t>(text: &'t str, steps: &mut Vec<Step>) -> &'t str {
    let mut name = String::new();
    let mut chars = text.char_indices();
    let mut end = text.len();
    while let Some((place, c)) = chars.next() {
        match c {
            '\\' => name.extend(chars.next().map(|(_, escaped)| escaped)),
            '.' | '[' | ']' | '|' | ',' | ')' | '(' | '=' | '!' | '<' | '>' | '@' | ' ' => {
                end = place;
                break;
            }
            _ => name.push(c),
        }
    }
    match name.as_str() {
        "" => {}
        "*" => steps.push(Step::Every),
        _ => steps.push(Step::Field(name)),
    }
    &text[end..]
}

/// Where the array step that begins before `text` ends, quotes and inner brackets passed over.
fn end_of_array(text: &str) -> Result<usize, ParseError> {
    let (mut open, mut quote, mut escaped) = (0usize, None, false);
    for (place, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => open += 1,
            (None, ']') if open == 0 => return Ok(place),
            (None, ']') => open -= 1,
            _ => {}
        }
    }
    Err(ParseError::Unterminated)
}

fn array(text: &str, depth: usize) -> Result<Step, ParseError> {
    let text = text.trim();
    if text == "*" {
        return Ok(Step::Every);
    }
    if let Some(inner) = text.strip_prefix("?(") {
        let inner = inner.strip_suffix(')').ok_or(ParseError::Filter)?;
        return filter(inner, depth).map(|filter| Step::Filter(Box::new(filter)));
    }
    let parts = split_outside_quotes(text, ',');
    if parts.len() > 1 {
        let paths = parts.into_iter().map(|part| array(part, depth + 1).map(|step| Path { steps: vec![step] }));
        return paths.collect::<Result<_, _>>().map(Step::Union);
    }
    if let Some(name) = quoted(text) {
        return Ok(Step::Field(name));
    }
    slice(text)
}

fn slice(text: &str) -> Result<Step, ParseError> {
    let wrong = || ParseError::Index(text.to_owned());
    let number = |part: &str| match part.trim() {
        "" => Ok(None),
        part => part.parse::<i64>().map(Some).map_err(|_| wrong()),
    };
    let parts: Vec<&str> = text.split(':').collect();
    Ok(Step::Slice(match parts.as_slice() {
        [one] => Slice { from: Some(number(one)?.ok_or_else(wrong)?), to: None, step: None, single: true },
        [from, to] => Slice { from: number(from)?, to: number(to)?, step: None, single: false },
        [from, to, step] => Slice { from: number(from)?, to: number(to)?, step: number(step)?, single: false },
        _ => return Err(wrong()),
    }))
}

fn filter(text: &str, depth: usize) -> Result<Filter, ParseError> {
    const OPERATORS: [(&str, Operator); 6] = [
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("<", Operator::Less),
        (">", Operator::More),
    ];
    let mut quote = None;
    for (place, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            _ => {
                let found = OPERATORS.iter().find(|(sign, _)| text[place..].starts_with(sign));
                if let Some((sign, operator)) = found {
                    let left = operand(&text[..place], depth)?;
                    let right = operand(&text[place + sign.len()..], depth)?;
                    return Ok(Filter { left, right: Some((*operator, right)) });
                }
            }
        }
    }
    if quote.is_some() {
        return Err(ParseError::Quote);
    }
    Ok(Filter { left: operand(text, depth)?, right: None })
}

fn operand(text: &str, depth: usize) -> Result<Operand, ParseError> {
    let text = text.trim();
    if let Some(literal) = quoted(text) {
        return Ok(Operand::Literal(literal.into()));
    }
    match text {
        "true" => return Ok(Operand::Literal(true.into())),
        "false" => return Ok(Operand::Literal(false.into())),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        return Ok(Operand::Literal(number.into()));
    }
    if text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && let Ok(number) = text.parse::<f64>()
    {
        return Ok(Operand::Literal(number.into()));
    }
    steps(text, depth + 1).map(|steps| Operand::Path(Path { steps }))
}

/// What stands between quotes, escapes resolved.
fn quoted(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            _ => out.push(c),
        }
    }
    Some(out)
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut quote, mut escaped) = (Vec::new(), 0, None, false);
    for (place, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(q), _) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, _) if c == separator => {
                parts.push(&text[start..place]);
                start = place + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}
