//! The tree that html5ever's tree builder builds: nodes in one vector, so that depth costs no recursion anywhere.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::{Attribute, ExpandedName, LocalName, QualName, ns};

/// No node, where a node's number is expected.
pub(super) const NONE: usize = usize::MAX;
/// The document.
pub(super) const ROOT: usize = 0;
/// What no reader sees hangs here: contents of templates.
const UNSEEN: usize = 1;

/// A node and its place in the tree.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) parent: usize,
    pub(super) first: usize,
    last: usize,
    previous: usize,
    pub(super) next: usize,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Element {
        name: LocalName,
        language: Language,
        /// The start tag that it came from, where there is one: the number that `tokens` gave it.
        tag: Option<usize>,
    },
    Text(String),
    /// The document, a comment, the contents of a template.
    Other,
}

/// Which language an element belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Html,
    Svg,
    MathMl,
}

/// What the tree builder knows a node by.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    pub(super) id: usize,
    name: Rc<QualName>,
    /// MathML's `annotation-xml` with HTML in it.
    integration_point: bool,
}

/// The tree while it is built.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: RefCell<Vec<Node>>,
    no_name: Rc<QualName>,
    /// How many elements were made, clones included.
    pub(super) elements: Cell<usize>,
    /// The calls so far, and what they moved.
    pub(super) steps: Cell<u64>,
}

impl Tree {
    pub(super) fn new() -> Self {
        let no_name = Rc::new(QualName::new(None, ns!(), LocalName::from("")));
        let tree = Self { nodes: RefCell::default(), no_name, elements: Cell::new(0), steps: Cell::new(0) };
        tree.add(Kind::Other);
        tree.add(Kind::Other);
        tree
    }

    fn step(&self) {
        self.steps.set(self.steps.get() + 1);
    }

    fn add(&self, kind: Kind) -> usize {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { parent: NONE, first: NONE, last: NONE, previous: NONE, next: NONE, kind });
        nodes.len() - 1
    }

    fn handle(&self, id: usize) -> Handle {
        Handle { id, name: Rc::clone(&self.no_name), integration_point: false }
    }

    /// Puts `child` before `sibling`, or last where that is `NONE`.
    fn insert(&self, parent: usize, sibling: usize, child: NodeOrText<Handle>) {
        self.step();
        let previous = match sibling {
            NONE => self.nodes.borrow()[parent].last,
            sibling => self.nodes.borrow()[sibling].previous,
        };
        let child = match child {
            NodeOrText::AppendNode(handle) => {
                self.detach(handle.id);
                handle.id
            }
            NodeOrText::AppendText(text) => {
                if previous != NONE
                    && let Kind::Text(before) = &mut self.nodes.borrow_mut()[previous].kind
                {
                    return before.push_str(&text);
                }
                self.add(Kind::Text(text.to_string()))
            }
        };
        // What was before may have been the child itself.
        let mut nodes = self.nodes.borrow_mut();
        let previous = if sibling == NONE { nodes[parent].last } else { nodes[sibling].previous };
        nodes[child].parent = parent;
        nodes[child].previous = previous;
        nodes[child].next = sibling;
        match previous {
            NONE => nodes[parent].first = child,
            previous => nodes[previous].next = child,
        }
        match sibling {
            NONE => nodes[parent].last = child,
            sibling => nodes[sibling].previous = child,
        }
    }

    fn detach(&self, id: usize) {
        let mut nodes = self.nodes.borrow_mut();
        let Node { parent, previous, next, .. } = nodes[id];
        if parent == NONE {
            return;
        }
        match previous {
            NONE => nodes[parent].first = next,
            previous => nodes[previous].next = next,
        }
        match next {
            NONE => nodes[parent].last = previous,
            next => nodes[next].previous = previous,
        }
        let node = &mut nodes[id];
        (node.parent, node.previous, node.next) = (NONE, NONE, NONE);
    }
}

impl TreeSink for Tree {
    type Handle = Handle;
    type Output = (Vec<Node>, u64);
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Self::Output {
        (self.nodes.into_inner(), self.steps.get())
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        self.handle(ROOT)
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> ExpandedName<'a> {
        self.step();
        target.name.expanded()
    }

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, flags: ElementFlags) -> Handle {
        self.step();
        self.elements.set(self.elements.get() + 1);
        let tag = attrs.iter().find(|attr| &*attr.name.local == super::tokens::NUMBER);
        let language = match name.ns {
            ns!(svg) => Language::Svg,
            ns!(mathml) => Language::MathMl,
            _ => Language::Html,
        };
        let tag = tag.and_then(|attr| attr.value.parse().ok());
        let kind = Kind::Element { name: name.local.clone(), language, tag };
        let id = self.add(kind);
        Handle { id, name: Rc::new(name), integration_point: flags.mathml_annotation_xml_integration_point }
    }

    fn create_comment(&self, _: StrTendril) -> Handle {
        self.step();
        self.handle(self.add(Kind::Other))
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Handle {
        self.create_comment(StrTendril::new())
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.insert(parent.id, NONE, child);
    }

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        let parent = self.nodes.borrow()[sibling.id].parent;
        if parent != NONE {
            self.insert(parent, sibling.id, child);
        }
    }

    fn append_based_on_parent_node(&self, element: &Handle, previous: &Handle, child: NodeOrText<Handle>) {
        if self.nodes.borrow()[element.id].parent == NONE {
            self.append(previous, child);
        } else {
            self.append_before_sibling(element, child);
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    fn get_template_contents(&self, _: &Handle) -> Handle {
        self.handle(UNSEEN)
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        self.step();
        one.id == other.id
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn add_attrs_if_missing(&self, _: &Handle, _: Vec<Attribute>) {}

    fn remove_from_parent(&self, target: &Handle) {
        self.step();
        self.detach(target.id);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        loop {
            let child = self.nodes.borrow()[node.id].first;
            if child == NONE {
                return;
            }
            self.insert(new_parent.id, NONE, NodeOrText::AppendNode(self.handle(child)));
        }
    }

    fn is_mathml_annotation_xml_integration_point(&self, handle: &Handle) -> bool {
        handle.integration_point
    }
}
