//! The insides of sequences and mappings.

use super::{BLOCK, BLOCK_OR_INDENTLESS, Event, FLOW, Parse, Parser, Properties, State};
use crate::scan::cursor::Mark;
use crate::scan::token::Kind;

impl Parser<'_> {
    /// Takes the token that opens a collection and remembers where that was.
    fn open(&mut self, first: bool) -> Parse<()> {
        if first {
            let token = self.scanner.next()?;
            self.marks.push(token.start);
        }
        Ok(())
    }

    fn close(&mut self, event: Event, at: Mark) -> Parse<(Event, Mark)> {
        self.end = self.scanner.next()?.end;
        self.pop();
        self.marks.pop();
        Ok((event, at))
    }

    fn unexpected<T>(&mut self, text: &str, at: Mark) -> Parse<T> {
        let context = self.marks.pop();
        self.problem(context, text, at)
    }

    pub(super) fn block_sequence(&mut self, first: bool) -> Parse<(Event, Mark)> {
        self.open(first)?;
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            Kind::BlockEntry => {
                self.scanner.next()?;
                if matches!(self.scanner.peek()?.kind, Kind::BlockEntry | Kind::BlockEnd) {
                    self.state = State::BlockSequence;
                    return self.empty(end);
                }
                self.states.push(State::BlockSequence);
                self.node(BLOCK)
            }
            Kind::BlockEnd => self.close(Event::SequenceEnd, start),
            _ => self.unexpected("did not find expected '-' indicator", start),
        }
    }

    pub(super) fn indentless(&mut self) -> Parse<(Event, Mark)> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        if token.kind != Kind::BlockEntry {
            self.pop();
            return Ok((Event::SequenceEnd, start));
        }
        self.scanner.next()?;
        if matches!(self.scanner.peek()?.kind, Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd) {
            self.state = State::Indentless;
            return self.empty(end);
        }
        self.states.push(State::Indentless);
        self.node(BLOCK)
    }

    pub(super) fn block_mapping_key(&mut self, first: bool) -> Parse<(Event, Mark)> {
        self.open(first)?;
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            Kind::Key => {
                self.scanner.next()?;
                if matches!(self.scanner.peek()?.kind, Kind::Key | Kind::Value | Kind::BlockEnd) {
                    self.state = State::BlockMappingValue;
                    return self.empty(end);
                }
                self.states.push(State::BlockMappingValue);
                self.node(BLOCK_OR_INDENTLESS)
            }
            Kind::BlockEnd => self.close(Event::MappingEnd, start),
            _ => self.unexpected("did not find expected key", start),
        }
    }

    pub(super) fn block_mapping_value(&mut self) -> Parse<(Event, Mark)> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        if token.kind != Kind::Value {
            self.state = State::BlockMappingKey;
            return self.empty(start);
        }
        self.scanner.next()?;
        if matches!(self.scanner.peek()?.kind, Kind::Key | Kind::Value | Kind::BlockEnd) {
            self.state = State::BlockMappingKey;
            return self.empty(end);
        }
        self.states.push(State::BlockMappingKey);
        self.node(BLOCK_OR_INDENTLESS)
    }

    /// Steps over the comma between two entries of a flow collection.
    fn comma(&mut self, first: bool, text: &str) -> Parse<()> {
        if first {
            return Ok(());
        }
        let token = self.scanner.peek()?;
        let start = token.start;
        if token.kind != Kind::FlowEntry {
            return self.unexpected(text, start);
        }
        self.scanner.next()?;
        Ok(())
    }

    pub(super) fn flow_sequence(&mut self, first: bool) -> Parse<(Event, Mark)> {
        self.open(first)?;
        if self.scanner.peek()?.kind != Kind::FlowSequenceEnd {
            self.comma(first, "did not find expected ',' or ']'")?;
            let token = self.scanner.peek()?;
            let start = token.start;
            if token.kind == Kind::Key {
                self.scanner.next()?;
                self.state = State::FlowPairKey;
                return Ok((Event::MappingStart { properties: Properties::default(), flow: true }, start));
            }
            if token.kind != Kind::FlowSequenceEnd {
                self.states.push(State::FlowSequence);
                return self.node(FLOW);
            }
        }
        let start = self.scanner.peek()?.start;
        self.close(Event::SequenceEnd, start)
    }

    pub(super) fn flow_pair_key(&mut self) -> Parse<(Event, Mark)> {
        let token = self.scanner.peek()?;
        let end = token.end;
        if matches!(token.kind, Kind::Value | Kind::FlowEntry | Kind::FlowSequenceEnd) {
            self.scanner.next()?;
            self.state = State::FlowPairValue;
            return self.empty(end);
        }
        self.states.push(State::FlowPairValue);
        self.node(FLOW)
    }

    pub(super) fn flow_pair_value(&mut self) -> Parse<(Event, Mark)> {
        if self.scanner.peek()?.kind == Kind::Value {
            self.scanner.next()?;
            if !matches!(self.scanner.peek()?.kind, Kind::FlowEntry | Kind::FlowSequenceEnd) {
                self.states.push(State::FlowPairEnd);
                return self.node(FLOW);
            }
        }
        let start = self.scanner.peek()?.start;
        self.state = State::FlowPairEnd;
        self.empty(start)
    }

    pub(super) fn flow_pair_end(&mut self) -> Parse<(Event, Mark)> {
        let start = self.scanner.peek()?.start;
        self.state = State::FlowSequence;
        Ok((Event::MappingEnd, start))
    }

    pub(super) fn flow_mapping_key(&mut self, first: bool) -> Parse<(Event, Mark)> {
        self.open(first)?;
        if self.scanner.peek()?.kind != Kind::FlowMappingEnd {
            self.comma(first, "did not find expected ',' or '}'")?;
            let token = self.scanner.peek()?;
            if token.kind == Kind::Key {
                self.scanner.next()?;
                let token = self.scanner.peek()?;
                let start = token.start;
                if matches!(token.kind, Kind::Value | Kind::FlowEntry | Kind::FlowMappingEnd) {
                    self.state = State::FlowMappingValue;
                    return self.empty(start);
                }
                self.states.push(State::FlowMappingValue);
                return self.node(FLOW);
            }
            if token.kind != Kind::FlowMappingEnd {
                self.states.push(State::FlowMappingEmptyValue);
                return self.node(FLOW);
            }
        }
        let start = self.scanner.peek()?.start;
        self.close(Event::MappingEnd, start)
    }

    pub(super) fn flow_mapping_value(&mut self, empty: bool) -> Parse<(Event, Mark)> {
        if !empty && self.scanner.peek()?.kind == Kind::Value {
            self.scanner.next()?;
            if !matches!(self.scanner.peek()?.kind, Kind::FlowEntry | Kind::FlowMappingEnd) {
                self.states.push(State::FlowMappingKey);
                return self.node(FLOW);
            }
        }
        let start = self.scanner.peek()?.start;
        self.state = State::FlowMappingKey;
        self.empty(start)
    }
}
