//! Writes text as it reads: blanks collapse, breaks between blocks do not add up, lines begin and end without blanks.

use super::marks::Marks;
use super::style::WhiteSpace;

/// At most one blank line where the text is not preformatted.
const MOST_BREAKS: usize = 2;

/// What separates the next word from the last one, if they are on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Tab,
}

/// Where a box among text began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    written: usize,
    gap: Gap,
}

#[derive(Debug)]
pub(super) struct Writer {
    out: String,
    gap: Gap,
    /// How many line breaks the blocks between ask for at least.
    required: usize,
    /// How many line breaks were written by hand, and whether they are preformatted.
    breaks: usize,
    preformatted: bool,
    /// Blanks that were not to collapse, at the beginning of a line: they count only if a word follows.
    lead: String,
    /// A link's target was written last: no word touches it, only punctuation does.
    is_behind_target: bool,
    /// A box among text began: blanks at its edge are not shown.
    is_at_edge: bool,
    pub(super) steps: u64,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            out: String::new(),
            gap: Gap::None,
            required: 0,
            breaks: 0,
            preformatted: false,
            lead: String::new(),
            is_behind_target: false,
            is_at_edge: false,
            steps: 0,
        }
    }

    pub(super) fn finish(mut self) -> (String, u64) {
        self.out.truncate(self.out.trim_end().len());
        (self.out, self.steps)
    }

    /// What is written so far.
    pub(super) fn written(&self) -> &str {
        &self.out
    }

    /// A blank.
    pub(super) fn space(&mut self) {
        if !self.is_at_edge {
            self.gap = self.gap.max(Gap::Space);
        }
    }

    /// Begins a box among text.
    pub(super) fn begin_box(&mut self) -> Edge {
        self.is_at_edge = true;
        Edge { written: self.out.len(), gap: self.gap }
    }

    pub(super) fn end_box(&mut self, begin: Edge) {
        self.is_at_edge = false;
        self.gap = if self.out.len() == begin.written { begin.gap } else { Gap::None };
    }

    /// The space between two cells of a table.
    pub(super) fn tab(&mut self) {
        self.gap = Gap::Tab;
    }

    /// What follows begins after `lines` line breaks at least.
    pub(super) fn block(&mut self, lines: usize) {
        self.required = self.required.max(lines);
        self.lead.clear();
    }

    /// A line break by hand.
    pub(super) fn line_break(&mut self) {
        self.breaks += 1;
        self.lead.clear();
    }

    /// Writes a link's target behind its text: on the same line, whatever blocks ended there.
    pub(super) fn behind(&mut self, target: &str) {
        self.steps += target.len() as u64;
        self.out.push_str(" (");
        self.out.push_str(target);
        self.out.push(')');
        self.is_behind_target = true;
    }

    /// Writes text.
    pub(super) fn text(&mut self, text: &str, white_space: WhiteSpace) {
        self.steps += text.len() as u64;
        if white_space == WhiteSpace::Collapse {
            return self.collapsed(text);
        }
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.line_break();
                self.preformatted = true;
            }
            if white_space == WhiteSpace::Lines {
                self.collapsed(line);
            } else {
                self.preserved(line);
            }
        }
    }

    fn collapsed(&mut self, text: &str) {
        let is_blank = |char: char| matches!(char, ' ' | '\t' | '\n' | '\r' | '\u{c}');
        let mut words = text.split(is_blank);
        if let Some(first) = words.next() {
            self.word(first);
        }
        for word in words {
            self.space();
            self.word(word);
        }
    }

    fn preserved(&mut self, line: &str) {
        let end = line.len() - line.trim_start_matches([' ', '\t']).len();
        self.blanks(&line[..end]);
        self.visible(&strip_padding(&line[end..]));
    }

    /// A word, or part of one: no blank in it collapses.
    fn word(&mut self, mut word: &str) {
        while !word.is_empty() {
            let kept = word.len() - word.trim_start_matches(is_filler).len();
            let (filler, rest) = word.split_at(kept);
            let visible = rest.find(is_filler).unwrap_or(rest.len());
            // Within a word, joiners belong to it: `می‌خواهم`, or a family of emoji.
            self.filler(filler);
            self.visible(&rest[..visible]);
            word = &rest[visible..];
        }
    }

    /// Blanks that do not collapse, and characters without width.
    fn filler(&mut self, filler: &str) {
        if filler.is_empty() {
            return;
        }
        match (filler.contains(is_blank_that_stays), filler.contains(is_invisible)) {
            // What pads a preheader.
            (true, true) => self.space(),
            (true, false) => self.blanks(filler),
            _ if self.is_amid_word() => self.out.push_str(&strip_padding(filler)),
            _ => {}
        }
    }

    fn blanks(&mut self, blanks: &str) {
        if blanks.is_empty() {
            return;
        }
        if self.is_at_line_start() {
            self.lead.push_str(blanks);
        } else {
            self.visible(blanks);
        }
    }

    fn visible(&mut self, text: &str) {
        if let Some(first) = text.chars().next() {
            self.begin(first);
            self.out.push_str(text);
        }
    }

    fn is_at_line_start(&self) -> bool {
        self.out.is_empty() || self.required > 0 || self.breaks > 0
    }

    fn is_amid_word(&self) -> bool {
        !self.is_at_line_start() && self.gap == Gap::None
    }

    /// Writes what stands before the next word, which begins with `first`.
    fn begin(&mut self, first: char) {
        self.is_at_edge = false;
        let is_word = first.is_alphanumeric() || Marks::begins_with(first);
        let touches = std::mem::replace(&mut self.is_behind_target, false) && is_word;
        let gap = std::mem::replace(&mut self.gap, Gap::None);
        if self.is_at_line_start() {
            if !self.out.is_empty() {
                let most = if self.preformatted { usize::MAX } else { MOST_BREAKS };
                let lines = self.required.max(self.breaks).min(most);
                self.out.extend(std::iter::repeat_n('\n', lines));
            }
            (self.required, self.breaks, self.preformatted) = (0, 0, false);
            self.out.push_str(&self.lead);
            self.lead.clear();
        } else {
            self.out.push_str(match gap {
                Gap::None if touches => " ",
                Gap::None => "",
                Gap::Space => " ",
                Gap::Tab => "\t",
            });
        }
    }
}

/// A blank that does not collapse: no-break and figure spaces, and spaces of a set width.
fn is_blank_that_stays(char: char) -> bool {
    matches!(char, '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// A character without width: mails are padded with them, and they join and part letters. Control characters have no place
/// in a mail.
fn is_invisible(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{34f}' | '\u{180e}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
        || is_control(char)
}

fn is_control(char: char) -> bool {
    char.is_control() && !matches!(char, '\t' | '\n')
}

fn is_filler(char: char) -> bool {
    is_blank_that_stays(char) || is_invisible(char)
}

/// Text without control characters, and without those that only say where a line may break.
fn strip_padding(text: &str) -> String {
    let says_nothing = |char: char| matches!(char, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}') || is_control(char);
    text.chars().filter(|char| !says_nothing(*char)).collect()
}
