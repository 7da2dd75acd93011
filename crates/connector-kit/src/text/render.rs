//! From the tree to text, node by node: what is shown, in which blocks, and where links lead.

use std::collections::HashMap;

use html5ever::LocalName;

use super::element;
use super::link;
use super::sheet::{Sheet, media_holds};
use super::style::{Clip, Display, Look, Rank, WhiteSpace};
use super::tokens::{Document, Tag};
use super::tree::{Kind, Language, NONE, ROOT};
use super::writer::{Edge, Writer};

/// What an element passes on to what is in it.
#[derive(Debug, Clone, Copy)]
struct Inherited {
    is_visible: bool,
    has_no_font_size: bool,
    white_space: WhiteSpace,
    /// Its children are blocks.
    is_flex: bool,
    /// Text shows here: not in a picture outside its texts, for example.
    shows_text: bool,
}

/// An element that is open.
struct Open {
    node: usize,
    inherited: Inherited,
    /// The line breaks after it.
    lines: usize,
    /// Where it began, if it is a box among text.
    edge: Option<Edge>,
    link: Option<Link>,
    /// Only the first child of this name is shown.
    only: Option<&'static str>,
}

/// A link whose text is being written.
struct Link {
    tag: usize,
    from: usize,
    images: usize,
}

struct Renderer<'d> {
    document: &'d Document,
    sheet: Sheet,
    /// By tag.
    looks: Vec<Look>,
    /// By name, of elements without a tag of their own or without attributes.
    plain: HashMap<LocalName, Look>,
    /// By tag: the targets that are still to be written. The tree may hold a link more than once.
    targets: Vec<Option<String>>,
    images: usize,
    writer: Writer,
}

/// The text of a document, and the steps of parsing and rendering.
pub(super) fn render(document: &Document) -> (String, u64) {
    let sheet = sheet(document);
    let looks = document.tags.iter().map(|tag| look(&sheet, tag)).collect();
    let targets = document.tags.iter().map(target).collect();
    let mut renderer =
        Renderer { document, sheet, looks, plain: HashMap::new(), targets, images: 0, writer: Writer::new() };
    renderer.walk();
    let (text, steps) = renderer.writer.finish();
    let attributes: usize = document.tags.iter().map(Tag::len).sum();
    (text, document.steps + renderer.sheet.steps + (document.nodes.len() + attributes) as u64 + steps)
}

/// The style sheets in a document.
fn sheet(document: &Document) -> Sheet {
    let mut sheet = Sheet::default();
    for node in &document.nodes {
        let Kind::Element { name, tag, .. } = &node.kind else { continue };
        let media = tag.and_then(|tag| document.tags[tag].attribute("media")).unwrap_or_default();
        if &**name == "style"
            && media_holds(media)
            && let Some(Kind::Text(css)) = document.nodes.get(node.first).map(|child| &child.kind)
        {
            sheet.read(css);
        }
    }
    sheet
}

fn look(sheet: &Sheet, tag: &Tag) -> Look {
    let mut style = sheet.style(&tag.name, tag.attribute("class"), tag.attribute("id"));
    style.read(tag.attribute("style").unwrap_or_default(), Rank::INLINE);
    style.look()
}

fn target(tag: &Tag) -> Option<String> {
    let href = match tag.name.as_str() {
        "a" => tag.attribute("href").or_else(|| tag.attribute("xlink:href")),
        "area" => tag.attribute("href"),
        _ => None,
    };
    link::target(href?)
}

impl Renderer<'_> {
    fn walk(&mut self) {
        let mut inherited = Inherited {
            is_visible: true,
            has_no_font_size: false,
            white_space: WhiteSpace::Collapse,
            is_flex: false,
            shows_text: true,
        };
        let mut open: Vec<Open> = Vec::new();
        let mut node = self.document.nodes[ROOT].first;
        loop {
            if node == NONE {
                let Some(element) = open.pop() else { return };
                inherited = element.inherited;
                node = self.document.nodes[element.node].next;
                self.leave(element);
                continue;
            }
            match self.enter(node, inherited, open.last_mut()) {
                Some((inside, element)) => {
                    open.push(element);
                    inherited = inside;
                    node = self.document.nodes[node].first;
                }
                None => node = self.document.nodes[node].next,
            }
        }
    }

    /// Begins an element and says what holds inside, or writes what has no contents.
    fn enter(&mut self, node: usize, inherited: Inherited, outer: Option<&mut Open>) -> Option<(Inherited, Open)> {
        let document = self.document;
        let (name, language, tag) = match &document.nodes[node].kind {
            Kind::Element { name, language, tag } => (name, *language, *tag),
            Kind::Text(text) => {
                let is_shown = inherited.is_visible && !inherited.has_no_font_size && inherited.shows_text;
                let is_closed = outer.is_some_and(|outer| outer.only.is_some());
                if is_shown && !is_closed {
                    self.writer.text(text, inherited.white_space);
                }
                return None;
            }
            Kind::Other => return None,
        };
        if let Some(outer) = outer
            && let Some(only) = outer.only
        {
            if &**name != only {
                return None;
            }
            // There is a first one only once.
            outer.only = Some("");
        }
        let attributes = tag.map(|tag| &document.tags[tag]);
        let look = self.look(name, tag);
        let display = display(language, name, look, attributes, inherited)?;
        if &**name == "wbr" {
            return None;
        }
        let is_page = is_page(name);
        let is_visible = is_page || look.is_visible.unwrap_or(inherited.is_visible);
        let lines = match display {
            // Whatever its style says (HTML, 3.2.7).
            _ if &**name == "p" => 2,
            display if display.breaks_lines() => 1,
            _ => 0,
        };
        self.writer.block(lines);
        if display == Display::Cell {
            self.writer.tab();
        }
        match &**name {
            "br" => self.writer.line_break(),
            "img" | "area" if is_visible => self.image(attributes, tag),
            _ => {}
        }
        let is_link = &**name == "a" && tag.is_some_and(|tag| self.targets[tag].is_some());
        let is_closed = &**name == "details" && attributes.is_none_or(|tag| tag.attribute("open").is_none());
        let element = Open {
            node,
            inherited,
            lines,
            edge: display.is_box_in_line().then(|| self.writer.begin_box()),
            link: tag.filter(|_| is_link).map(|tag| Link {
                tag,
                from: self.writer.written().len(),
                images: self.images,
            }),
            only: is_closed.then_some("summary"),
        };
        let inside = Inherited {
            is_visible,
            has_no_font_size: look.has_no_font_size && !is_page,
            white_space: look.white_space.or_else(|| element::white_space(name)).unwrap_or(inherited.white_space),
            is_flex: matches!(display, Display::Flex | Display::InlineFlex),
            shows_text: element::shows_text(language, name).unwrap_or(inherited.shows_text),
        };
        Some((inside, element))
    }

    fn leave(&mut self, element: Open) {
        if let Some(link) = element.link {
            self.end_link(&link);
        }
        if let Some(edge) = element.edge {
            self.writer.end_box(edge);
        }
        self.writer.block(element.lines);
    }

    /// Writes where a link leads, the first time that it has a text.
    fn end_link(&mut self, link: &Link) {
        let text = self.writer.written()[link.from..].trim();
        if text.is_empty() && self.images == link.images {
            return;
        }
        let Some(target) = self.targets[link.tag].take() else { return };
        if text.is_empty() {
            self.writer.text(&target, WhiteSpace::Collapse);
        // Comparing costs no more than the target is long.
        } else if text.len() > target.len() + 32 || !link::says(text, &target) {
            self.writer.behind(&target);
        }
    }

    /// A picture reads as its description.
    fn image(&mut self, attributes: Option<&Tag>, tag: Option<usize>) {
        let attribute = |name| attributes.and_then(|tag| tag.attribute(name)).unwrap_or_default();
        // What counts who reads.
        if ["height", "width"].map(attribute).iter().any(|size| matches!(size.trim(), "0" | "1")) {
            return;
        }
        self.images += 1;
        let alt = attribute("alt").trim();
        if !alt.is_empty() {
            self.writer.space();
            self.writer.text(alt, WhiteSpace::Collapse);
        }
        if let Some(target) = tag.and_then(|tag| self.targets[tag].take()) {
            self.writer.behind(&target);
        }
        if !alt.is_empty() {
            self.writer.space();
        }
    }

    fn look(&mut self, name: &LocalName, tag: Option<usize>) -> Look {
        match tag {
            Some(tag) => self.looks[tag],
            None => {
                let sheet = &self.sheet;
                *self.plain.entry(name.clone()).or_insert_with(|| sheet.style(name, None, None).look())
            }
        }
    }
}

/// How an element is shown, if it is.
fn display(
    language: Language,
    name: &str,
    look: Look,
    attributes: Option<&Tag>,
    inherited: Inherited,
) -> Option<Display> {
    let has = |name| attributes.is_some_and(|tag| tag.attribute(name).is_some());
    let is_hidden = (language == Language::Html && has("hidden")) || (name == "dialog" && !has("open"));
    let usual = if is_hidden { Display::None } else { element::display_in(language, name) };
    let is_page = is_page(name);
    let display = match look.display.unwrap_or(usual) {
        Display::None if is_page => usual,
        display => display,
    };
    let display = if inherited.is_flex || look.is_out_of_flow { display.as_block() } else { display };
    let can_be_clipped = (display.can_be_clipped() && !element::is_as_large_as_its_contents(name)) || name == "img";
    let is_clipped = match look.clip {
        Clip::No => false,
        Clip::OutsideFlex => can_be_clipped && !inherited.is_flex,
        Clip::Always => can_be_clipped,
    };
    let is_shown = is_page || (display != Display::None && !is_clipped && !element::is_never_shown(name));
    is_shown.then_some(display)
}

/// Whether it is the page itself. One that is hidden as a whole is shown: a mail says something.
fn is_page(name: &str) -> bool {
    matches!(name, "body" | "html")
}
