//! From tokens to the tree: html5gum reads, html5ever's tree builder builds, and a guard between them bounds the work.

use std::cell::Cell;
use std::convert::Infallible;

use html5ever::interface::TreeSink as _;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{Tag as HtmlTag, TagKind, Token, TokenSink as _, TokenSinkResult};
use html5ever::tree_builder::{Tracer, TreeBuilder, TreeBuilderOpts};
use html5ever::{Attribute, LocalName, QualName, local_name, ns};
use html5gum::emitters::callback::{Callback, CallbackEmitter, CallbackEvent};
use html5gum::{Emitter, ForwardingEmitter, Span, State, Tokenizer};

use super::element;
use super::stand_ins::StandIns;
use super::tree::{Handle, Kind, Node, Tree};

/// The attribute that tells the tree builder's elements which start tag they are from. No other attribute of that name
/// reaches it.
pub(super) const NUMBER: &str = "number";

/// How many elements may be open and formatting elements remembered at once: beyond it, start tags are passed over and
/// their contents belong to what is open. Chromium nests no deeper. Each token then costs the tree builder a bounded number
/// of steps.
const DEEPEST: usize = 512;

/// How many start tags are passed over before the depth is looked at again.
const PATIENCE: usize = 16;

/// How many elements there may be for each token, and besides: the standard repeats formatting elements that were left
/// open in each paragraph after, so that their number can grow with the square of the length.
const ELEMENTS_PER_TOKEN: usize = 4;
const ELEMENTS_BESIDES: usize = 4096;

/// The attributes that the text depends on.
const KEPT: [&str; 11] =
    ["alt", "class", "height", "hidden", "href", "id", "media", "open", "style", "width", "xlink:href"];
/// The attributes that the tree builder asks for, and the values that it knows of them: of others it asks only whether
/// they are there.
const BUILDERS: [&str; 5] = ["color", "encoding", "face", "size", "type"];
const BUILDERS_VALUES: [&str; 3] = ["application/xhtml+xml", "hidden", "text/html"];

/// A start tag with what its attributes say.
#[derive(Debug, Default)]
pub(super) struct Tag {
    pub(super) name: String,
    attributes: Vec<(&'static str, String)>,
}

impl Tag {
    /// The value of an attribute, entities read. Of two with one name, the first counts.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// How long its name and values are.
    pub(super) fn len(&self) -> usize {
        self.name.len() + self.attributes.iter().map(|(_, value)| value.len()).sum::<usize>()
    }
}

/// HTML, parsed.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) nodes: Vec<Node>,
    pub(super) tags: Vec<Tag>,
    pub(super) steps: u64,
}

/// Parses a document, or any part of one, as a browser without scripting does.
pub(super) fn parse(html: &str) -> Document {
    let options = TreeBuilderOpts { scripting_enabled: false, drop_doctype: true, ..TreeBuilderOpts::default() };
    let mut guard = Guard {
        builder: TreeBuilder::new(Tree::new(), options),
        tags: Vec::new(),
        tokens: 0,
        open: 0,
        elements_then: 0,
        passing_over: 0,
        flat: false,
        stand_ins: StandIns::default(),
        steps: 0,
    };
    let reader = Reader { guard: &mut guard, tag: None, current: None, next: None };
    // Reading a string does not fail.
    let Ok(()) = Tokenizer::new_with_emitter(html, TagReader(CallbackEmitter::new(reader))).finish();
    guard.pass(Token::EOFToken);
    guard.builder.end();
    let (mut nodes, steps) = guard.builder.sink.finish();
    for node in &mut nodes {
        if let Kind::Text(text) = &mut node.kind {
            *text = guard.stand_ins.take(text);
        }
    }
    Document { nodes, tags: guard.tags, steps: steps + guard.steps + guard.tokens as u64 }
}

/// The tree builder, and what keeps its work linear.
struct Guard {
    builder: TreeBuilder<Handle, Tree>,
    tags: Vec<Tag>,
    tokens: usize,
    /// What was open when last looked at, and how many elements there were.
    open: usize,
    elements_then: usize,
    /// How many more start tags to pass over without looking.
    passing_over: usize,
    /// There are too many elements: no more are opened or closed.
    flat: bool,
    stand_ins: StandIns,
    steps: u64,
}

/// Counts what the tree builder holds on to.
struct Count(Cell<usize>);

impl Tracer for Count {
    type Handle = Handle;

    fn trace_handle(&self, _: &Handle) {
        self.0.set(self.0.get() + 1);
    }
}

impl Guard {
    fn pass(&mut self, token: Token) -> Option<State> {
        self.tokens += 1;
        match self.builder.process_token(token, 1) {
            TokenSinkResult::RawData(RawKind::Rcdata) => Some(State::RcData),
            TokenSinkResult::RawData(RawKind::Rawtext) => Some(State::RawText),
            TokenSinkResult::RawData(_) => Some(State::ScriptData),
            TokenSinkResult::Plaintext => Some(State::PlainText),
            TokenSinkResult::Continue | TokenSinkResult::Script(_) | TokenSinkResult::EncodingIndicator(_) => None,
        }
    }

    fn tag(&mut self, kind: TagKind, tag: Tag, mut attrs: Vec<Attribute>, self_closing: bool) -> Option<State> {
        let is_start = kind == TagKind::StartTag;
        let stays_open = !element::is_void(&tag.name) && !element::is_raw(&tag.name);
        if stays_open && self.is_flat() {
            let breaks = element::display(&tag.name).breaks_lines();
            return if breaks { self.pass_tag(TagKind::StartTag, local_name!("br"), Vec::new(), false) } else { None };
        }
        if is_start && stays_open && !self.has_room() {
            self.tokens += 1;
            return None;
        }
        let (name, is_known) = self.stand_ins.name(&tag.name);
        for attribute in &mut attrs {
            let known = BUILDERS_VALUES.into_iter().find(|known| attribute.value.eq_ignore_ascii_case(known));
            attribute.value = known.unwrap_or_default().into();
        }
        if is_start && !(tag.attributes.is_empty() && is_known) {
            attrs.push(attribute(NUMBER, &self.tags.len().to_string()));
            self.tags.push(tag);
        }
        self.pass_tag(kind, name, attrs, self_closing)
    }

    fn pass_tag(&mut self, kind: TagKind, name: LocalName, attrs: Vec<Attribute>, closed: bool) -> Option<State> {
        self.pass(Token::TagToken(HtmlTag { kind, name, self_closing: closed, attrs, had_duplicate_attributes: false }))
    }

    fn text(&mut self, text: &str) {
        let text = StrTendril::from(self.stand_ins.text(text));
        self.pass(Token::CharacterTokens(text));
    }

    fn has_room(&mut self) -> bool {
        let elements = self.builder.sink.elements.get();
        if self.open + (elements - self.elements_then) < DEEPEST {
            return true;
        }
        if self.passing_over > 0 {
            self.passing_over -= 1;
            return false;
        }
        let count = Count(Cell::new(0));
        self.builder.trace_handles(&count);
        (self.open, self.elements_then) = (count.0.get(), elements);
        self.steps += self.open as u64;
        let room = self.open < DEEPEST;
        if !room {
            self.passing_over = PATIENCE;
        }
        room
    }

    fn is_flat(&mut self) -> bool {
        self.flat = self.flat || self.builder.sink.elements.get() > ELEMENTS_PER_TOKEN * self.tokens + ELEMENTS_BESIDES;
        self.flat
    }
}

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute { name: QualName::new(None, ns!(), LocalName::from(name)), value: value.into() }
}

/// Puts tags together from the tokenizer's events.
struct Reader<'g> {
    guard: &'g mut Guard,
    /// The start tag that is being read, with the attributes that the tree builder is to see.
    tag: Option<(Tag, Vec<Attribute>)>,
    /// The name of the attribute that is being read, if its value matters.
    current: Option<&'static str>,
    /// How to read on after a tag.
    next: Option<State>,
}

impl Callback<Infallible, ()> for Reader<'_> {
    fn handle_event(&mut self, event: CallbackEvent<'_>, _: Span<()>) -> Option<Infallible> {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.tag = Some((Tag { name: lossy(name), attributes: Vec::new() }, Vec::new()));
                self.current = None;
            }
            CallbackEvent::AttributeName { name } => self.attribute(name),
            CallbackEvent::AttributeValue { value } => {
                if let (Some((tag, builders)), Some(current)) = (&mut self.tag, self.current) {
                    if let Some((_, text)) = tag.attributes.last_mut().filter(|(name, _)| *name == current) {
                        text.push_str(&String::from_utf8_lossy(value));
                    } else if let Some(last) = builders.last_mut() {
                        last.value.push_slice(&String::from_utf8_lossy(value));
                    }
                }
            }
            CallbackEvent::CloseStartTag { self_closing } => {
                if let Some((tag, builders)) = self.tag.take() {
                    self.next = self.guard.tag(TagKind::StartTag, tag, builders, self_closing);
                }
            }
            CallbackEvent::EndTag { name } => {
                let tag = Tag { name: lossy(name), attributes: Vec::new() };
                self.next = self.guard.tag(TagKind::EndTag, tag, Vec::new(), false);
            }
            CallbackEvent::String { value } => {
                for (index, part) in value.split(|byte| *byte == 0).enumerate() {
                    if index > 0 {
                        self.guard.pass(Token::NullCharacterToken);
                    }
                    if !part.is_empty() {
                        self.guard.text(&String::from_utf8_lossy(part));
                    }
                }
            }
            CallbackEvent::Doctype { name, public_identifier, system_identifier, force_quirks } => {
                let text = |bytes: &[u8]| StrTendril::from_slice(&String::from_utf8_lossy(bytes));
                self.guard.pass(Token::DoctypeToken(html5ever::tokenizer::Doctype {
                    name: Some(name).filter(|name| !name.is_empty()).map(text),
                    public_id: public_identifier.map(text),
                    system_id: system_identifier.map(text),
                    force_quirks,
                }));
            }
            // A comment changes nothing of what is shown.
            CallbackEvent::Comment { .. } | CallbackEvent::Error(_) => {}
        }
        None
    }
}

impl Reader<'_> {
    fn attribute(&mut self, name: &[u8]) {
        let known = |names: &[&'static str]| names.iter().copied().find(|known| known.as_bytes() == name);
        self.current = None;
        let Some((tag, builders)) = &mut self.tag else { return };
        if let Some(name) = known(&KEPT) {
            if tag.attribute(name).is_none() {
                tag.attributes.push((name, String::new()));
                self.current = Some(name);
            }
        } else if let Some(name) = known(&BUILDERS)
            && builders.iter().all(|known| &*known.name.local != name)
        {
            builders.push(attribute(name, ""));
            self.current = Some(name);
        }
    }
}

fn lossy(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// html5gum's emitter of events, which follows the tree builder into raw text and foreign content.
struct TagReader<'g>(CallbackEmitter<Reader<'g>>);

impl ForwardingEmitter for TagReader<'_> {
    type Token = Infallible;

    fn inner(&mut self) -> &mut impl Emitter<Token = Infallible> {
        &mut self.0
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        // The tree builder says what comes next, in `tag`.
        let _ = self.0.emit_current_tag();
        self.0.callback_mut().next.take()
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.0.callback_mut().guard.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}
