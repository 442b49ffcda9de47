//! `--set-literal`: a path, an equals sign, and text that is taken as it stands.

use serde_json::Value;

use super::Values;

/// How deep names may nest, and the largest index of a list.
const MAX_NESTED: usize = 30;
const MAX_INDEX: usize = 65_536;

/// A step of a path.
enum Step {
    Name(String),
    Index(usize),
}

/// Sets one text.
///
/// # Errors
/// Where the path does not follow the form.
pub fn set_literal(line: &str, into: &mut Values) -> Result<(), String> {
    let Some((path, text)) = line.split_once('=') else {
        return match line {
            "" => Ok(()),
            key => Err(format!("key {} has no value", gotemplate::format::quote(&key.into()))),
        };
    };
    let steps = steps(path)?;
    let mut root = Value::Object(std::mem::take(into));
    let done = put(&mut root, &steps, text);
    if let Value::Object(map) = root {
        *into = map;
    }
    done
}

fn steps(path: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    for part in path.split('.') {
        let (name, mut rest) = part.find('[').map_or((part, ""), |at| part.split_at(at));
        steps.push(Step::Name(name.to_owned()));
        while let Some(after) = rest.strip_prefix('[') {
            let (index, next) = after.split_once(']').ok_or("error parsing index: EOF")?;
            let quoted = gotemplate::format::quote(&index.into());
            let number: i64 = index
                .parse()
                .map_err(|_| format!("error parsing index: strconv.Atoi: parsing {quoted}: invalid syntax"))?;
            let place = usize::try_from(number).map_err(|_| format!("negative {number} index not allowed"))?;
            if place > MAX_INDEX {
                return Err(format!("index of {number} is greater than maximum supported index of {MAX_INDEX}"));
            }
            steps.push(Step::Index(place));
            rest = next;
        }
        if !rest.is_empty() {
            return Err(format!("unexpected data at end of array index: {}", super::set::runes(rest)));
        }
    }
    if steps.len() > MAX_NESTED {
        return Err(format!("value name nested level is greater than maximum supported nested level of {MAX_NESTED}"));
    }
    Ok(steps)
}

fn put(value: &mut Value, steps: &[Step], text: &str) -> Result<(), String> {
    let Some((first, rest)) = steps.split_first() else {
        *value = text.into();
        return Ok(());
    };
    match first {
        Step::Name(name) => {
            let map = value.as_object_mut().ok_or("unable to parse key: the value is not a map")?;
            if name.is_empty() {
                return Ok(());
            }
            match map.get_mut(name) {
                Some(known) => {
                    check(known, rest)?;
                    put(known, rest, text)
                }
                None => {
                    let mut new = empty(rest);
                    put(&mut new, rest, text)?;
                    map.insert(name.clone(), new);
                    Ok(())
                }
            }
        }
        Step::Index(place) => {
            let list = value.as_array_mut().ok_or("unable to parse key: the value is not a list")?;
            if list.len() <= *place {
                list.resize(place + 1, Value::Null);
            }
            let item = &mut list[*place];
            if item.is_null() {
                *item = empty(rest);
            }
            check(item, rest)?;
            put(item, rest, text)
        }
    }
}

/// What the next step goes into, where nothing is yet.
fn empty(rest: &[Step]) -> Value {
    match rest.first() {
        None => Value::Null,
        Some(Step::Name(_)) => Value::Object(Values::new()),
        Some(Step::Index(_)) => Value::Array(Vec::new()),
    }
}

/// Refuses to step into what is neither a map nor a list.
fn check(value: &Value, rest: &[Step]) -> Result<(), String> {
    let wanted = match rest.first() {
        Some(Step::Name(_)) if !value.is_object() => "map[string]interface {}",
        Some(Step::Index(_)) if !value.is_array() => "[]interface {}",
        _ => return Ok(()),
    };
    let is = if value.is_null() { "nil".to_owned() } else { gotemplate::Value::from_values(value).type_name() };
    Err(format!("unable to parse key: interface conversion: interface {{}} is {is}, not {wanted}"))
}
