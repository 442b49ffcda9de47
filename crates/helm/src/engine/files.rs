//! `.Files`: the files of a chart that are no templates.

use std::any::Any;
use std::rc::Rc;

use base64::Engine as _;
use gotemplate::{Args, Bytes, Entries, Kind, Member, Object, Signature, Str, Ty, Value};
use regex::Regex;

use crate::chart::File;

/// `engine.files`
struct Files(Vec<(Rc<str>, Rc<[u8]>)>);

static TEXT: Signature = Signature { fixed: &[Ty::Str], variadic: None };
static NONE: Signature = Signature { fixed: &[], variadic: None };

/// The files as templates see them.
pub(super) fn files(files: &[File]) -> Value {
    let mut files: Vec<(Rc<str>, Rc<[u8]>)> =
        files.iter().map(|file| (file.name.as_str().into(), file.data.as_slice().into())).collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Value::object(Files(files))
}

impl Files {
    fn get(&self, name: &str) -> Option<&Rc<[u8]>> {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    fn text(&self, name: &str) -> Str {
        Str::from_bytes(self.get(name).map_or_else(Vec::new, |data| data.to_vec()))
    }

    fn glob(&self, pattern: &str) -> Value {
        let regex = glob(pattern).or_else(|| glob("**"));
        let fits = |(name, _): &&(Rc<str>, Rc<[u8]>)| regex.as_ref().is_some_and(|regex| regex.is_match(name));
        Value::object(Self(self.0.iter().filter(fits).cloned().collect()))
    }

    fn lines(&self, name: &str) -> Value {
        let text = self.text(name);
        if text.is_empty() {
            return Value::strings(Vec::<Str>::new());
        }
        let bytes = text.as_bytes();
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Value::strings(bytes.split(|byte| *byte == b'\n').map(|line| Str::from_bytes(line.to_vec())))
    }

    /// A YAML map of base names and contents.
    fn config(&self, content: impl Fn(&[u8]) -> String) -> Value {
        let base = |name: &str| -> Rc<str> { name.rsplit('/').next().unwrap_or(name).into() };
        let entries = self.0.iter().map(|(name, data)| (base(name), content(data).into()));
        super::functions::to_yaml_or_nothing(&Value::map(entries.collect())).into()
    }
}

impl Object for Files {
    fn type_name(&self) -> String {
        "engine.files".to_owned()
    }

    fn kind(&self) -> Kind {
        Kind::Map
    }

    fn member(&self, name: &str) -> Option<Member> {
        Some(Member::Method(match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => &TEXT,
            "AsConfig" | "AsSecrets" => &NONE,
            _ => return None,
        }))
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        let argument = args.text(0);
        Ok(match name {
            "Get" => self.text(&argument).into(),
            "GetBytes" => {
                Value::object(Bytes(Some(self.get(&argument).cloned().unwrap_or_else(|| Rc::from(&b""[..])))))
            }
            "Glob" => self.glob(&argument),
            "Lines" => self.lines(&argument),
            "AsConfig" => self.config(|data| String::from_utf8_lossy(data).into_owned()),
            "AsSecrets" => self.config(|data| base64::engine::general_purpose::STANDARD.encode(data)),
            name => return Err(format!("no method {name}")),
        })
    }

    fn plain(&self) -> Option<Value> {
        let entries = self.0.iter().map(|(name, data)| (Rc::clone(name), Value::object(Bytes(Some(Rc::clone(data))))));
        Some(Value::map(entries.collect::<Entries>()))
    }

    fn zero(&self) -> Value {
        Value::object(Bytes(None))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A pattern where `*` stays within a directory and `**` does not, with `?`, `[…]`, `{a,b}` and `\`.
fn glob(pattern: &str) -> Option<Regex> {
    let mut regex = String::from("^(?s:");
    let mut chars = pattern.chars().peekable();
    let mut depth = 0;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                while chars.next_if_eq(&'*').is_some() {}
                regex.push_str(".*");
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '{' => {
                depth += 1;
                regex.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                regex.push(')');
            }
            ',' if depth > 0 => regex.push('|'),
            '\\' => regex.push_str(&regex::escape(&chars.next()?.to_string())),
            '[' => {
                regex.push('[');
                if chars.next_if_eq(&'!').is_some() {
                    regex.push('^');
                }
                loop {
                    match chars.next()? {
                        ']' => break,
                        '-' => regex.push('-'),
                        c => regex.push_str(&regex::escape(&c.to_string())),
                    }
                }
                regex.push(']');
            }
            c => regex.push_str(&regex::escape(&c.to_string())),
        }
    }
    regex.push_str(")$");
    Regex::new(&regex).ok().filter(|_| depth == 0)
}
