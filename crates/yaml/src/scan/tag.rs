//! Directives, anchors, aliases and tags.

use super::cursor::Mark;
use super::token::Kind;
use super::{Scan, Scanner};

impl Scanner<'_> {
    pub(super) fn directive(&mut self) -> Scan<()> {
        self.unroll(-1);
        self.drop_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        self.cursor.skip();
        let kind = self.directive_kind(start)?;
        let end = self.cursor.mark;
        self.cursor.skip_blanks();
        if self.cursor.at(0) == b'#' {
            self.comment();
        }
        if !self.cursor.is_break_or_end(0) {
            return self.problem(start, "did not find expected comment or line break");
        }
        self.cursor.skip_line();
        self.tokens.push_back(super::Token { kind, start, end });
        Ok(())
    }

    fn directive_kind(&mut self, start: Mark) -> Scan<Kind> {
        let name = self.word();
        if name.is_empty() {
            return self.problem(start, "could not find expected directive name");
        }
        if !self.cursor.is_blank_or_end(0) {
            return self.problem(start, "found unexpected non-alphabetical character");
        }
        self.cursor.skip_blanks();
        match name.as_str() {
            "YAML" => self.version(start),
            "TAG" => self.tag_directive(start),
            _ => self.problem(start, "found unknown directive name"),
        }
    }

    fn version(&mut self, start: Mark) -> Scan<Kind> {
        let major = self.version_number(start)?;
        if self.cursor.at(0) != b'.' {
            return self.problem(start, "did not find expected digit or '.' character");
        }
        self.cursor.skip();
        let minor = self.version_number(start)?;
        Ok(Kind::Version { major, minor })
    }

    fn version_number(&mut self, start: Mark) -> Scan<u8> {
        let (mut number, mut digits) = (0, 0);
        while self.cursor.at(0).is_ascii_digit() {
            digits += 1;
            if digits > 2 {
                return self.problem(start, "found extremely long version number");
            }
            number = number * 10 + (self.cursor.at(0) - b'0');
            self.cursor.skip();
        }
        if digits == 0 {
            return self.problem(start, "did not find expected version number");
        }
        Ok(number)
    }

    fn tag_directive(&mut self, start: Mark) -> Scan<Kind> {
        let handle = self.tag_handle(true, start)?;
        if !self.cursor.is_blank(0) {
            return self.problem(start, "did not find expected whitespace");
        }
        self.cursor.skip_blanks();
        let prefix = self.tag_uri("", start)?;
        if !self.cursor.is_blank_or_end(0) {
            return self.problem(start, "did not find expected whitespace or line break");
        }
        Ok(Kind::TagDirective { handle, prefix })
    }

    pub(super) fn anchor(&mut self, alias: bool) -> Scan<()> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        self.cursor.skip();
        let name = self.word();
        let ended = self.cursor.is_blank_or_end(0)
            || matches!(self.cursor.at(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ended {
            return self.problem(start, "did not find expected alphabetic or numeric character");
        }
        self.push(if alias { Kind::Alias(name) } else { Kind::Anchor(name) }, start);
        Ok(())
    }

    pub(super) fn tag(&mut self) -> Scan<()> {
        self.save_key()?;
        self.key_allowed = false;
        let start = self.cursor.mark;
        let (handle, suffix) = if self.cursor.at(1) == b'<' {
            self.cursor.skip();
            self.cursor.skip();
            let suffix = self.tag_uri("", start)?;
            if self.cursor.at(0) != b'>' {
                return self.problem(start, "did not find the expected '>'");
            }
            self.cursor.skip();
            (String::new(), suffix)
        } else {
            self.short_tag(start)?
        };
        if !self.cursor.is_blank_or_end(0) {
            return self.problem(start, "did not find expected whitespace or line break");
        }
        self.push(Kind::Tag { handle, suffix }, start);
        Ok(())
    }

    /// `!handle!suffix`, `!suffix` or `!`.
    fn short_tag(&mut self, start: Mark) -> Scan<(String, String)> {
        let handle = self.tag_handle(false, start)?;
        if handle.len() > 1 && handle.ends_with('!') {
            let suffix = self.tag_uri("", start)?;
            return Ok((handle, suffix));
        }
        let suffix = self.tag_uri(&handle, start)?;
        if suffix.is_empty() { Ok((String::new(), "!".to_owned())) } else { Ok(("!".to_owned(), suffix)) }
    }

    fn tag_handle(&mut self, directive: bool, start: Mark) -> Scan<String> {
        if self.cursor.at(0) != b'!' {
            return self.problem(start, "did not find expected '!'");
        }
        let mut handle = String::new();
        self.cursor.read(&mut handle);
        handle.push_str(&self.word());
        if self.cursor.at(0) == b'!' {
            self.cursor.read(&mut handle);
        } else if directive && handle != "!" {
            return self.problem(start, "did not find expected '!'");
        }
        Ok(handle)
    }

    /// `head` is a handle that was read as the beginning of the URI; its `!` is not part of it.
    fn tag_uri(&mut self, head: &str, start: Mark) -> Scan<String> {
        let mut uri: Vec<u8> = head.bytes().skip(1).collect();
        let mut found = !head.is_empty();
        while self.cursor.is_word() || b";/?:@&=+$,.!~*'()[]%".contains(&self.cursor.at(0)) {
            if self.cursor.at(0) == 0 {
                break;
            }
            if self.cursor.at(0) == b'%' {
                uri.push(self.uri_escape(start)?);
            } else {
                uri.push(self.cursor.at(0));
                self.cursor.skip();
            }
            found = true;
        }
        if !found {
            return self.problem(start, "did not find expected tag URI");
        }
        match String::from_utf8(uri) {
            Ok(uri) => Ok(uri),
            Err(_) => self.problem(start, "found an incorrect trailing UTF-8 octet"),
        }
    }

    fn uri_escape(&mut self, start: Mark) -> Scan<u8> {
        let digit = |c: u8| (c as char).to_digit(16);
        let (Some(high), Some(low)) = (digit(self.cursor.at(1)), digit(self.cursor.at(2))) else {
            return self.problem(start, "did not find URI escaped octet");
        };
        (0..3).for_each(|_| self.cursor.skip());
        Ok((high * 16 + low) as u8)
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while self.cursor.is_word() {
            self.cursor.read(&mut word);
        }
        word
    }
}
