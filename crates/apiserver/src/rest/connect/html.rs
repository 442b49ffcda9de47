//! Links in HTML, rewritten while it passes. Pure.
//!
//! Only start tags are looked into, and of them only attributes that hold addresses; everything else passes byte for
//! byte. At most one tag is kept in memory.

use super::links::Links;

/// Longer tags pass as they are.
const MAX_TAG: usize = 64 * 1024;

/// Attributes that hold addresses, by element.
const ADDRESSES: [(&str, &[&str]); 24] = [
    ("a", &["href"]),
    ("applet", &["codebase"]),
    ("area", &["href"]),
    ("audio", &["src"]),
    ("base", &["href"]),
    ("blockquote", &["cite"]),
    ("body", &["background"]),
    ("button", &["formaction"]),
    ("command", &["icon"]),
    ("del", &["cite"]),
    ("embed", &["src"]),
    ("form", &["action"]),
    ("frame", &["longdesc", "src"]),
    ("head", &["profile"]),
    ("html", &["manifest"]),
    ("iframe", &["longdesc", "src"]),
    ("img", &["longdesc", "src", "usemap"]),
    ("input", &["src", "usemap", "formaction"]),
    ("ins", &["cite"]),
    ("link", &["href"]),
    ("object", &["classid", "codebase", "data", "usemap"]),
    ("q", &["cite"]),
    ("script", &["src"]),
    ("source", &["src"]),
];
const MEDIA: (&str, &[&str]) = ("video", &["poster", "src"]);

/// Elements whose content is no markup.
const RAW: [&str; 8] = ["iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp"];

/// Rewrites what is pushed through it.
pub(super) struct Rewriter {
    links: Links,
    state: State,
    /// The tag that is being read, or the last bytes of what is no markup.
    kept: Vec<u8>,
}

enum State {
    Text,
    Tag {
        /// The quote that is open.
        quote: Option<u8>,
        /// True right behind `=`, where a quote may open.
        may_quote: bool,
    },
    /// No markup until these bytes, in lower case.
    Until(Vec<u8>),
}

impl Rewriter {
    pub(super) fn new(links: Links) -> Rewriter {
        Rewriter { links, state: State::Text, kept: Vec::new() }
    }

    /// Takes a piece, and gives what can pass.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut passed = Vec::with_capacity(piece.len() + 256);
        for &byte in piece {
            self.take(byte, &mut passed);
        }
        passed
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        match std::mem::replace(&mut self.state, State::Text) {
            State::Tag { .. } => std::mem::take(&mut self.kept),
            State::Text | State::Until(_) => Vec::new(),
        }
    }

    fn take(&mut self, byte: u8, passed: &mut Vec<u8>) {
        match &mut self.state {
            State::Text if byte == b'<' => {
                self.kept = vec![byte];
                self.state = State::Tag { quote: None, may_quote: false };
            }
            State::Text => passed.push(byte),
            State::Until(end) => {
                passed.push(byte);
                self.kept.push(byte.to_ascii_lowercase());
                if self.kept.len() > end.len() {
                    self.kept.remove(0);
                }
                if self.kept == *end {
                    self.state = State::Text;
                }
            }
            State::Tag { quote, may_quote } => {
                self.kept.push(byte);
                let is_over = match quote {
                    Some(open) if byte == *open => {
                        *quote = None;
                        false
                    }
                    Some(_) => false,
                    None if *may_quote && matches!(byte, b'"' | b'\'') => {
                        *quote = Some(byte);
                        false
                    }
                    None => byte == b'>',
                };
                *may_quote = byte == b'=' || (*may_quote && byte.is_ascii_whitespace());
                self.look(is_over, passed);
            }
        }
    }

    /// Decides about the tag as far as it is read.
    fn look(&mut self, is_over: bool, passed: &mut Vec<u8>) {
        if self.kept == b"<!--" {
            passed.append(&mut self.kept);
            self.state = State::Until(b"-->".to_vec());
            return;
        }
        let is_start = self.kept[1].is_ascii_alphabetic();
        let may_be_comment = b"<!--".starts_with(&self.kept);
        if is_over && is_start {
            let tag = std::mem::take(&mut self.kept);
            let name = element(&tag);
            let is_raw = RAW.contains(&name.as_str());
            rewrite(&tag, &name, &self.links, passed);
            self.state = if is_raw { State::Until(format!("</{name}").into_bytes()) } else { State::Text };
        } else if (!is_start && !may_be_comment) || self.kept.len() > MAX_TAG {
            passed.append(&mut self.kept);
            self.state = State::Text;
        }
    }
}

fn element(tag: &[u8]) -> String {
    let name = tag[1..].iter().take_while(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'>'));
    name.map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// Writes a start tag with its links rewritten.
fn rewrite(tag: &[u8], name: &str, links: &Links, passed: &mut Vec<u8>) {
    let Some((_, attributes)) = ADDRESSES.iter().chain([&MEDIA]).find(|(element, _)| *element == name) else {
        passed.extend_from_slice(tag);
        return;
    };
    let mut written = 0;
    let mut at = 1 + name.len();
    while let Some(attribute) = Attribute::next(tag, at) {
        at = attribute.end;
        let key = String::from_utf8_lossy(&tag[attribute.name.clone()]).to_ascii_lowercase();
        let Ok(value) = std::str::from_utf8(&tag[attribute.value.clone()]) else { continue };
        if attributes.contains(&key.as_str())
            && let Some(link) = links.rewrite(value)
        {
            passed.extend_from_slice(&tag[written..attribute.value.start]);
            passed.extend_from_slice(link.as_bytes());
            written = attribute.value.end;
        }
    }
    passed.extend_from_slice(&tag[written..]);
}

/// Where an attribute stands in its tag.
struct Attribute {
    name: std::ops::Range<usize>,
    value: std::ops::Range<usize>,
    /// Where the next one begins.
    end: usize,
}

impl Attribute {
    fn next(tag: &[u8], from: usize) -> Option<Attribute> {
        let skip = |from: usize, is_skipped: &dyn Fn(u8) -> bool| {
            let rest = tag.get(from..).unwrap_or_default();
            from + rest.iter().take_while(|byte| is_skipped(**byte)).count()
        };
        let begins = skip(from, &|byte| byte.is_ascii_whitespace() || byte == b'/');
        let ends = skip(begins, &|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'=' | b'>' | b'/'));
        if begins == ends && tag.get(begins) != Some(&b'=') {
            return None;
        }
        let equals = skip(ends, &|byte| byte.is_ascii_whitespace());
        if tag.get(equals) != Some(&b'=') {
            return Some(Attribute { name: begins..ends, value: ends..ends, end: ends });
        }
        let value = skip(equals + 1, &|byte| byte.is_ascii_whitespace());
        let (value, end) = match tag.get(value) {
            Some(&quote @ (b'"' | b'\'')) => {
                let close = skip(value + 1, &|byte| byte != quote);
                (value + 1..close, close + 1)
            }
            _ => {
                let close = skip(value, &|byte| !byte.is_ascii_whitespace() && byte != b'>');
                (value..close, close)
            }
        };
        Some(Attribute { name: begins..ends, value, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(html: &str, step: usize) -> String {
        let links = Links { prefix: "/proxy".to_owned(), backend: "pod:80".to_owned(), asked: "api".to_owned() };
        let mut rewriter = Rewriter::new(links);
        let mut all: Vec<u8> = html.as_bytes().chunks(step).flat_map(|piece| rewriter.push(piece)).collect();
        all.extend(rewriter.finish());
        String::from_utf8(all).unwrap()
    }

    #[track_caller]
    fn check(html: &str, want: &str) {
        for step in [1, 2, 3, 7, html.len().max(1)] {
            assert_eq!(rewritten(html, step), want, "in pieces of {step}");
        }
    }

    #[test]
    fn links_in_start_tags_are_rewritten() {
        check("<a href=\"/x\">y</a>", "<a href=\"/proxy/x\">y</a>");
        check("<A class=b HREF = '/x' id=c>", "<A class=b HREF = '/proxy/x' id=c>");
        check("<img src=/x.png alt='a > b'/>", "<img src=/proxy/x.png alt='a > b'/>");
        check("<a href=\"http://pod:80/x?a=1&amp;b\">", "<a href=\"/proxy/x?a=1&amp;b\">");
        check("<script src=\"/x.js\"></script>", "<script src=\"/proxy/x.js\"></script>");
        check("<video src=/a poster=/b>", "<video src=/proxy/a poster=/proxy/b>");
    }

    #[test]
    fn everything_else_passes_as_it_is() {
        for same in [
            "",
            "plain < text > & <",
            "<!doctype html><p title=\"/x\">a</p>",
            "<!-- <a href=\"/x\"> -->",
            "<script>if (a<b) document.write('<a href=\"/x\">')</script>",
            "<style>a{}</style",
            "<a href=\"relative\"><a href=\"http://elsewhere/x\"><a href>",
            "<a href=\"/unfinished",
            "<a data-href=/x =y>",
            "< a href=/x>",
        ] {
            check(same, same);
        }
        let long = format!("<a href=\"/{}\">", "x".repeat(MAX_TAG));
        check(&long, &long);
    }
}
