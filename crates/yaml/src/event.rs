//! Tokens to events: the grammar of YAML.
//!
//! A state machine with an explicit stack, so that no nesting can exhaust the thread's stack.

mod collection;

use crate::error::{Finder, Problem};
use crate::scan::Scanner;
use crate::scan::cursor::Mark;
use crate::scan::token::{Kind, Style};

type Parse<T> = Result<T, Problem>;

/// What the parser makes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(String),
    Scalar { properties: Properties, value: String, style: Style },
    SequenceStart { properties: Properties, flow: bool },
    SequenceEnd,
    MappingStart { properties: Properties, flow: bool },
    MappingEnd,
}

/// What may stand before a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Properties {
    pub(crate) anchor: Option<String>,
    /// With its handle resolved; `!` alone for "as if quoted".
    pub(crate) tag: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceFirst,
    BlockSequence,
    Indentless,
    BlockMappingFirst,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirst,
    FlowSequence,
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingFirst,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// In which places a node stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    block: bool,
    indentless: bool,
}

const FLOW: Place = Place { block: false, indentless: false };
const BLOCK: Place = Place { block: true, indentless: false };
const BLOCK_OR_INDENTLESS: Place = Place { block: true, indentless: true };

pub(crate) struct Parser<'a> {
    pub(crate) scanner: Scanner<'a>,
    state: State,
    states: Vec<State>,
    /// Where the open collections began.
    marks: Vec<Mark>,
    /// Where the last scalar or closing bracket ended.
    pub(crate) end: Mark,
    /// Handles and prefixes of the document at hand.
    tags: Vec<(String, String)>,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(scanner: Scanner<'a>) -> Self {
        Self {
            scanner,
            state: State::StreamStart,
            states: Vec::new(),
            marks: Vec::new(),
            end: Mark::default(),
            tags: Vec::new(),
        }
    }

    /// The next event and where it starts.
    pub(crate) fn next(&mut self) -> Parse<(Event, Mark)> {
        match self.state {
            State::StreamStart => {
                self.scanner.next()?;
                self.state = State::ImplicitDocumentStart;
                self.next()
            }
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(BLOCK),
            State::BlockSequenceFirst => self.block_sequence(true),
            State::BlockSequence => self.block_sequence(false),
            State::Indentless => self.indentless(),
            State::BlockMappingFirst => self.block_mapping_key(true),
            State::BlockMappingKey => self.block_mapping_key(false),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirst => self.flow_sequence(true),
            State::FlowSequence => self.flow_sequence(false),
            State::FlowPairKey => self.flow_pair_key(),
            State::FlowPairValue => self.flow_pair_value(),
            State::FlowPairEnd => self.flow_pair_end(),
            State::FlowMappingFirst => self.flow_mapping_key(true),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(false),
            State::FlowMappingEmptyValue => self.flow_mapping_value(true),
            State::End => Ok((Event::StreamEnd, Mark::default())),
        }
    }

    fn pop(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    fn problem<T>(&self, context: Option<Mark>, text: &str, at: Mark) -> Parse<T> {
        let context_line = context.map_or(0, |mark| mark.line);
        Err(Problem { finder: Finder::Parser, context_line, problem_line: at.line, text: text.to_owned() })
    }

    /// A node that is not there.
    fn empty(&mut self, mark: Mark) -> Parse<(Event, Mark)> {
        self.end = mark;
        let event = Event::Scalar { properties: Properties::default(), value: String::new(), style: Style::Plain };
        Ok((event, mark))
    }

    fn document_start(&mut self, implicit: bool) -> Parse<(Event, Mark)> {
        if !implicit {
            while self.scanner.peek()?.kind == Kind::DocumentEnd {
                self.scanner.next()?;
            }
        }
        let token = self.scanner.peek()?.clone();
        if token.kind == Kind::StreamEnd {
            self.state = State::End;
            return Ok((Event::StreamEnd, token.start));
        }
        let explicit = matches!(token.kind, Kind::Version { .. } | Kind::TagDirective { .. } | Kind::DocumentStart);
        self.directives()?;
        self.states.push(State::DocumentEnd);
        if implicit && !explicit {
            self.state = State::BlockNode;
            return Ok((Event::DocumentStart, token.start));
        }
        let next = self.scanner.peek()?.clone();
        if next.kind != Kind::DocumentStart {
            return self.problem(None, "did not find expected <document start>", next.start);
        }
        self.scanner.next()?;
        self.state = State::DocumentContent;
        Ok((Event::DocumentStart, token.start))
    }

    fn directives(&mut self) -> Parse<()> {
        let mut versioned = false;
        loop {
            let token = self.scanner.peek()?.clone();
            match token.kind {
                Kind::Version { major, minor } => {
                    if std::mem::replace(&mut versioned, true) {
                        return self.problem(None, "found duplicate %YAML directive", token.start);
                    }
                    if (major, minor) != (1, 1) {
                        return self.problem(None, "found incompatible YAML document", token.start);
                    }
                }
                Kind::TagDirective { handle, prefix } => {
                    if self.tags.iter().any(|(known, _)| *known == handle) {
                        return self.problem(None, "found duplicate %TAG directive", token.start);
                    }
                    self.tags.push((handle, prefix));
                }
                _ => break,
            }
            self.scanner.next()?;
        }
        for (handle, prefix) in [("!", "!"), ("!!", crate::resolve::LONG_TAG)] {
            if !self.tags.iter().any(|(known, _)| known == handle) {
                self.tags.push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }

    fn document_content(&mut self) -> Parse<(Event, Mark)> {
        let token = self.scanner.peek()?;
        match token.kind {
            Kind::Version { .. }
            | Kind::TagDirective { .. }
            | Kind::DocumentStart
            | Kind::DocumentEnd
            | Kind::StreamEnd => {
                let start = token.start;
                self.pop();
                self.empty(start)
            }
            _ => self.node(BLOCK),
        }
    }

    fn document_end(&mut self) -> Parse<(Event, Mark)> {
        let token = self.scanner.peek()?;
        let start = token.start;
        if token.kind == Kind::DocumentEnd {
            self.scanner.next()?;
        }
        self.tags.clear();
        self.state = State::DocumentStart;
        Ok((Event::DocumentEnd, start))
    }

    fn node(&mut self, place: Place) -> Parse<(Event, Mark)> {
        let token = self.scanner.peek()?;
        let mut start = token.start;
        if let Kind::Alias(name) = &token.kind {
            let event = Event::Alias(name.clone());
            self.pop();
            self.scanner.next()?;
            return Ok((event, start));
        }
        let properties = self.properties(&mut start)?;
        let token = self.scanner.peek()?;
        let at = token.start;
        let event = match &token.kind {
            Kind::BlockEntry if place.indentless => {
                self.state = State::Indentless;
                Event::SequenceStart { properties, flow: false }
            }
            Kind::Scalar { .. } => {
                self.pop();
                let token = self.scanner.next()?;
                self.end = token.end;
                let Kind::Scalar { value, style } = token.kind else { return self.empty(at) };
                Event::Scalar { properties, value, style }
            }
            Kind::FlowSequenceStart => {
                self.state = State::FlowSequenceFirst;
                Event::SequenceStart { properties, flow: true }
            }
            Kind::FlowMappingStart => {
                self.state = State::FlowMappingFirst;
                Event::MappingStart { properties, flow: true }
            }
            Kind::BlockSequenceStart if place.block => {
                self.state = State::BlockSequenceFirst;
                Event::SequenceStart { properties, flow: false }
            }
            Kind::BlockMappingStart if place.block => {
                self.state = State::BlockMappingFirst;
                Event::MappingStart { properties, flow: false }
            }
            _ if properties != Properties::default() => {
                self.pop();
                self.end = start;
                Event::Scalar { properties, value: String::new(), style: Style::Plain }
            }
            _ => return self.problem(Some(start), "did not find expected node content", at),
        };
        Ok((event, start))
    }

    /// Anchor and tag, in either order, each at most once.
    fn properties(&mut self, start: &mut Mark) -> Parse<Properties> {
        let mut properties = Properties::default();
        loop {
            let token = self.scanner.peek()?;
            let at = token.start;
            if properties == Properties::default() {
                *start = at;
            }
            match &token.kind {
                Kind::Anchor(name) if properties.anchor.is_none() => properties.anchor = Some(name.clone()),
                Kind::Tag { handle, suffix } if properties.tag.is_none() => {
                    let (handle, suffix) = (handle.clone(), suffix.clone());
                    properties.tag = Some(self.resolve_tag(handle, suffix, *start, at)?);
                }
                _ => return Ok(properties),
            }
            self.scanner.next()?;
        }
    }

    fn resolve_tag(&self, handle: String, suffix: String, start: Mark, at: Mark) -> Parse<String> {
        if handle.is_empty() {
            return Ok(suffix);
        }
        match self.tags.iter().find(|(known, _)| *known == handle) {
            Some((_, prefix)) => Ok(format!("{prefix}{suffix}")),
            None => self.problem(Some(start), "found undefined tag handle", at),
        }
    }
}
