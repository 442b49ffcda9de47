//! Values: texts, numbers, dates, lists, tables on one line.

use gotemplate::format::quote;

use super::keys::Node;
use super::{END, MAX_DEPTH, Read, Reader, is_break, is_space, shown};

fn named(c: char) -> String {
    if c == END { "end of file".to_owned() } else { format!("'{c}'") }
}

impl Reader {
    pub(super) fn value(&mut self, depth: usize) -> Read<Node> {
        if depth > MAX_DEPTH {
            return self.fail("values nest too deep");
        }
        self.skip(is_space);
        let c = self.peek();
        match c {
            '[' => {
                self.next()?;
                self.array(depth)?;
            }
            '{' => {
                self.next()?;
                return self.inline_table(depth);
            }
            '"' | '\'' => self.any_string(c)?,
            '.' => {
                self.next()?;
                return self.fail("floats must start with a digit, not '.'");
            }
            '+' | '-' => self.signed()?,
            c if c.is_ascii_digit() => self.number()?,
            c if c.is_alphabetic() => self.word()?,
            END if self.at >= self.text.len() => return self.fail("unexpected EOF; expected value"),
            _ => {
                let c = self.next()?;
                return self.fail_on(c, format!("expected value but found {} instead", shown(c)));
            }
        }
        Ok(Node::Leaf)
    }

    fn word(&mut self) -> Read {
        let word: String = self.text[self.at..].iter().take_while(|c| c.is_alphabetic()).collect();
        for float in ["inf", "nan"] {
            if word.starts_with(float) {
                self.at += float.len();
                return Ok(());
            }
        }
        self.at += word.chars().count();
        match word.as_str() {
            "true" | "false" => Ok(()),
            word => self.fail(format!("expected value but found {} instead", quote(&word.into()))),
        }
    }

    fn any_string(&mut self, mark: char) -> Read {
        let three = self.text.get(self.at..self.at + 3).is_some_and(|next| next.iter().all(|c| *c == mark));
        self.at += if three { 3 } else { 1 };
        match (three, mark) {
            (true, mark) => self.long_string(mark),
            (false, '"') => self.string().map(drop),
            (false, _) => self.raw_string().map(drop),
        }
    }

    /// A line break in a text that has to stand on one line.
    fn broken<T>(&self, c: char) -> Read<T> {
        self.fail_at(self.line - usize::from(c == '\n'), "strings cannot contain newlines")
    }

    /// The rest of a text in double quotes.
    pub(super) fn string(&mut self) -> Read<String> {
        let mut out = String::new();
        loop {
            let ended = self.at >= self.text.len();
            match self.next()? {
                END if ended => return self.fail("unexpected EOF; expected '\"'"),
                c if is_break(c) => return self.broken(c),
                '"' => return Ok(out),
                '\\' => out.extend(self.escape()?),
                c => out.push(c),
            }
        }
    }

    /// The rest of a text in single quotes.
    pub(super) fn raw_string(&mut self) -> Read<String> {
        let mut out = String::new();
        loop {
            let ended = self.at >= self.text.len();
            match self.next()? {
                END if ended => return self.fail("unexpected EOF; expected \"'\""),
                c if is_break(c) => return self.broken(c),
                '\'' => return Ok(out),
                c => out.push(c),
            }
        }
    }

    fn long_string(&mut self, mark: char) -> Read {
        let marks: String = std::iter::repeat_n(mark, 3).collect();
        let outer = if mark == '"' { '\'' } else { '"' };
        let mut run = 0;
        loop {
            let ended = self.at >= self.text.len();
            let c = self.next()?;
            if c == mark {
                run += 1;
                if run >= 3 && self.peek() != mark {
                    return Ok(());
                }
                if run == 5 {
                    return self.fail(format!("unexpected {outer}{marks}{marks}{outer}"));
                }
                continue;
            }
            run = 0;
            match c {
                END if ended => return self.fail(format!("unexpected EOF; expected {outer}{marks}{outer}")),
                '\\' if mark == '"' && !is_break(self.peek()) => drop(self.escape()?),
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Read<Option<char>> {
        let c = self.next()?;
        let (count, digits) = match c {
            'e' | 'b' | 't' | 'n' | 'f' | 'r' | '"' | ' ' | '\t' | '\\' => return Ok(Some(c)),
            'x' => (2, "two"),
            'u' => (4, "four"),
            'U' => (8, "eight"),
            END | '\r' | '\n' => return self.fail("unexpected end of line after '\\'"),
            c => return self.fail(format!("invalid escape in string '\\{c}'")),
        };
        let from = self.at.saturating_sub(2);
        for _ in 0..count {
            if !self.next()?.is_ascii_hexdigit() {
                let found: String = self.text[from..self.at].iter().collect();
                let what = format!("expected {digits} hexadecimal digits after '\\{c}', but got");
                return self.fail(format!("{what} {} instead", quote(&found.into())));
            }
        }
        Ok(None)
    }

    fn signed(&mut self) -> Read {
        let from = self.at;
        self.next()?;
        let c = self.next()?;
        let current = |reader: &Self| reader.text[from..reader.at].iter().collect::<String>();
        match c {
            'i' | 'n' => {
                for wanted in if c == 'i' { ['n', 'f'] } else { ['a', 'n'] } {
                    if self.peek() != wanted {
                        return self.fail(format!("invalid float: '{}'", current(self)));
                    }
                    self.next()?;
                }
                Ok(())
            }
            '.' => self.fail("floats must start with a digit, not '.'"),
            '0' if matches!(self.peek(), 'b' | 'o' | 'x') => {
                let (current, base) = (current(self), self.peek());
                self.fail(format!("cannot use sign with non-decimal numbers: '{current}{base}'"))
            }
            c if c.is_ascii_digit() => {
                self.skip(|c| c.is_ascii_digit() || c == '_');
                self.rest_of_number(from)
            }
            c => self.fail_on(c, format!("expected a digit but got {}", shown(c))),
        }
    }

    fn number(&mut self) -> Read {
        let from = self.at;
        if self.peek() == '0' {
            let base = self.text.get(self.at + 1).copied().unwrap_or(END);
            let radix = match base {
                'b' => Some((2, "a binary")),
                'o' => Some((8, "an octal")),
                'x' => Some((16, "a hexadecimal")),
                _ => None,
            };
            if let Some((radix, what)) = radix {
                self.at += 2;
                let c = self.peek();
                if !c.is_digit(radix) {
                    return self.fail(format!("not {what} number: '0{base}{c}'"));
                }
                self.skip(|c| c.is_digit(radix) || c == '_');
                return self.integer(from);
            }
        }
        self.skip(|c| c.is_ascii_digit());
        if matches!(self.peek(), '-' | ':') {
            self.skip(|c| c.is_ascii_digit() || "-:Tt .Zz+".contains(c));
            let text: String = self.text[from..self.at].iter().collect();
            return self.date(text.trim());
        }
        self.skip(|c| c.is_ascii_digit() || c == '_');
        self.rest_of_number(from)
    }

    fn rest_of_number(&mut self, from: usize) -> Read {
        match self.peek() {
            '.' | 'e' | 'E' => {
                self.skip(|c| c.is_ascii_digit() || "_.-+eE".contains(c));
                self.float(from)
            }
            _ => self.integer(from),
        }
    }

    fn integer(&self, from: usize) -> Read {
        let text: String = self.text[from..self.at].iter().collect();
        let shown = quote(&text.as_str().into());
        if !underscores_fit(&text) {
            return self.fail(format!("Invalid integer {shown}: underscores must be surrounded by digits"));
        }
        if has_leading_zero(&text) {
            return self.fail(format!("Invalid integer {shown}: cannot have leading zeroes"));
        }
        let plain = text.replace('_', "");
        let parsed = match plain.get(..2) {
            Some("0x") => i64::from_str_radix(&plain[2..], 16),
            Some("0o") => i64::from_str_radix(&plain[2..], 8),
            Some("0b") => i64::from_str_radix(&plain[2..], 2),
            _ => plain.parse(),
        };
        match parsed {
            Ok(_) => Ok(()),
            Err(_) => self.fail(format!("{text} is out of range for int64")),
        }
    }

    fn float(&self, from: usize) -> Read {
        let text: String = self.text[from..self.at].iter().collect();
        let shown = quote(&text.as_str().into());
        let parts: Vec<&str> = text.split(['.', 'e', 'E']).filter(|part| !part.is_empty()).collect();
        if parts.iter().any(|part| !underscores_fit(part)) {
            return self.fail(format!("Invalid float {shown}: underscores must be surrounded by digits"));
        }
        if parts.first().is_some_and(|part| has_leading_zero(part)) {
            return self.fail(format!("Invalid float {shown}: cannot have leading zeroes"));
        }
        if text.split('.').skip(1).any(|after| !after.starts_with(|c: char| c.is_ascii_digit())) {
            return self.fail(format!("Invalid float {shown}: '.' must be followed by one or more digits"));
        }
        match text.replace('_', "").parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(()),
            Ok(_) => self.fail(format!("{text} is out of range for float64")),
            Err(_) => self.fail(format!("Invalid float value: {shown}")),
        }
    }

    fn date(&self, text: &str) -> Read {
        let written = text.replace('z', "Z").replace(['t', ' '], "T");
        match format!("a = {text}").parse::<toml::Table>() {
            Ok(_) => Ok(()),
            Err(_) => self.fail(format!("invalid datetime: {}", quote(&written.into()))),
        }
    }

    fn array(&mut self, depth: usize) -> Read {
        loop {
            self.blank()?;
            match self.peek() {
                ',' => {
                    self.next()?;
                    return self.fail("unexpected comma");
                }
                ']' => return self.next().map(drop),
                _ => drop(self.value(depth + 1)?),
            }
            self.blank()?;
            match self.next()? {
                ',' => {}
                ']' => return Ok(()),
                c => {
                    let what = "expected a comma (',') or array terminator (']'), but got";
                    return self.fail(format!("{what} {}", named(c)));
                }
            }
        }
    }

    fn inline_table(&mut self, depth: usize) -> Read<Node> {
        if depth > MAX_DEPTH {
            return self.fail("values nest too deep");
        }
        let outer = (self.context.clone(), self.key.clone());
        let mut path = self.context.clone();
        path.push(std::mem::take(&mut self.key));
        self.implicit.insert(path.clone());
        self.add_context(path.clone(), depth > 0)?;
        loop {
            self.blank()?;
            match self.peek() {
                ',' => {
                    self.next()?;
                    return self.fail("unexpected comma");
                }
                '}' => {
                    self.next()?;
                    break;
                }
                _ => {
                    self.pair(depth + 1)?;
                    self.context.clone_from(&path);
                }
            }
            self.blank()?;
            match self.next()? {
                ',' => {}
                '}' => break,
                c => {
                    let what = "expected a comma or an inline table terminator '}', but got";
                    return self.fail(format!("{what} {} instead", named(c)));
                }
            }
        }
        (self.context, self.key) = outer;
        // The table is there already when its key is set.
        self.implicit.insert(path);
        Ok(Node::default())
    }

    /// Spaces, line breaks and comments.
    fn blank(&mut self) -> Read {
        loop {
            self.skip(|c| is_space(c) || is_break(c));
            if self.peek() != '#' {
                return Ok(());
            }
            self.comment()?;
        }
    }
}

/// Each underscore stands between digits.
fn underscores_fit(text: &str) -> bool {
    let mut fits = false;
    for c in text.chars() {
        if c == '_' && !fits {
            return false;
        }
        fits = c.is_ascii_hexdigit();
    }
    fits
}

fn has_leading_zero(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = bytes.len() > 1 && bytes[0] == b'0' && !matches!(bytes[1], b'b' | b'o' | b'x');
    plain || bytes.len() > 2 && matches!(bytes[0], b'+' | b'-') && bytes[1] == b'0'
}
