//! The indicator characters: what each of them opens, closes or announces.

use super::token::Kind;
use super::{MAX_DEPTH, Scan, Scanner, SimpleKey};

impl Scanner<'_> {
    /// Anything but white space, directives and document marks.
    pub(super) fn content(&mut self) -> Scan<()> {
        let in_flow = self.flow_level > 0;
        let spaced = self.cursor.is_blank_or_end(1);
        match self.cursor.at(0) {
            b'[' => self.flow_start(Kind::FlowSequenceStart),
            b'{' => self.flow_start(Kind::FlowMappingStart),
            b']' => self.flow_end(Kind::FlowSequenceEnd),
            b'}' => self.flow_end(Kind::FlowMappingEnd),
            b',' => self.flow_entry(),
            b'-' if spaced => self.block_entry(),
            b'?' if in_flow || spaced => self.key(),
            b':' if in_flow || spaced => self.value(),
            b'*' => self.anchor(true),
            b'&' => self.anchor(false),
            b'!' => self.tag(),
            b'|' if !in_flow => self.block_scalar(true),
            b'>' if !in_flow => self.block_scalar(false),
            b'\'' => self.quoted(true),
            b'"' => self.quoted(false),
            _ if self.starts_plain() => self.plain(),
            _ => self.problem(self.cursor.mark, "found character that cannot start any token"),
        }
    }

    fn starts_plain(&self) -> bool {
        match self.cursor.at(0) {
            b'-' => !self.cursor.is_blank(1),
            b'?' | b':' => self.flow_level == 0 && !self.cursor.is_blank_or_end(1),
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@'
            | b'`' => false,
            _ => !self.cursor.is_blank_or_end(0),
        }
    }

    pub(super) fn stream_end(&mut self) -> Scan<()> {
        if self.cursor.mark.column != 0 {
            self.cursor.mark.column = 0;
            self.cursor.mark.line += 1;
        }
        self.unroll(-1);
        self.drop_key()?;
        self.key_allowed = false;
        self.ended = true;
        self.push(Kind::StreamEnd, self.cursor.mark);
        Ok(())
    }

    pub(super) fn document_mark(&mut self) -> Scan<()> {
        self.unroll(-1);
        self.drop_key()?;
        self.key_allowed = false;
        let kind = if self.cursor.at(0) == b'-' { Kind::DocumentStart } else { Kind::DocumentEnd };
        let start = self.cursor.mark;
        (0..3).for_each(|_| self.cursor.skip());
        self.push(kind, start);
        Ok(())
    }

    /// One indicator character as a token.
    fn single(&mut self, kind: Kind) {
        let start = self.cursor.mark;
        self.cursor.skip();
        self.push(kind, start);
    }

    fn flow_start(&mut self, kind: Kind) -> Scan<()> {
        self.save_key()?;
        let number = self.taken + self.tokens.len();
        let mark = self.cursor.mark;
        self.keys.push(SimpleKey { number, mark, ..SimpleKey::default() });
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return self.problem(mark, format!("exceeded max depth of {MAX_DEPTH}"));
        }
        self.key_allowed = true;
        self.single(kind);
        Ok(())
    }

    fn flow_end(&mut self, kind: Kind) -> Scan<()> {
        self.drop_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            self.keys.pop();
        }
        self.key_allowed = false;
        self.single(kind);
        Ok(())
    }

    fn flow_entry(&mut self) -> Scan<()> {
        self.drop_key()?;
        self.key_allowed = true;
        self.single(Kind::FlowEntry);
        Ok(())
    }

    fn block_entry(&mut self) -> Scan<()> {
        let mark = self.cursor.mark;
        // In flow context the parser reports it, since it knows what is open.
        if self.flow_level == 0 {
            if !self.key_allowed {
                return self.problem(mark, "block sequence entries are not allowed in this context");
            }
            self.roll(mark.column, None, Kind::BlockSequenceStart, mark)?;
        }
        self.drop_key()?;
        self.key_allowed = true;
        self.single(Kind::BlockEntry);
        Ok(())
    }

    fn key(&mut self) -> Scan<()> {
        let mark = self.cursor.mark;
        if self.flow_level == 0 {
            if !self.key_allowed {
                return self.problem(mark, "mapping keys are not allowed in this context");
            }
            self.roll(mark.column, None, Kind::BlockMappingStart, mark)?;
        }
        self.drop_key()?;
        self.key_allowed = self.flow_level == 0;
        self.single(Kind::Key);
        Ok(())
    }

    fn value(&mut self) -> Scan<()> {
        let slot = self.keys.len() - 1;
        if self.key_is_open(slot)? {
            self.value_of_simple_key(slot)?;
        } else {
            let mark = self.cursor.mark;
            if self.flow_level == 0 {
                if !self.key_allowed {
                    return self.problem(mark, "mapping values are not allowed in this context");
                }
                self.roll(mark.column, None, Kind::BlockMappingStart, mark)?;
            }
            self.key_allowed = self.flow_level == 0;
        }
        self.single(Kind::Value);
        Ok(())
    }

    /// The token that was noted as a possible key is one: its KEY goes before it.
    fn value_of_simple_key(&mut self, slot: usize) -> Scan<()> {
        let key = self.keys[slot];
        let token = super::Token { kind: Kind::Key, start: key.mark, end: key.mark };
        self.tokens.insert(key.number - self.taken, token);
        self.roll(key.mark.column, Some(key.number), Kind::BlockMappingStart, key.mark)?;
        self.keys[slot].possible = false;
        self.key_allowed = false;
        Ok(())
    }
}
