//! The work of deriving text grows as the HTML does: counted in steps, on HTML made to defeat that.

use super::derive;
use crate::Template;

/// `part` again and again, up to `length` bytes.
fn repeat(part: &str, length: usize) -> String {
    part.repeat(length / part.len() + 1)
}

/// `part` with a number in place of each `#`, again and again, up to `length` bytes.
fn count(part: &str, length: usize) -> String {
    let mut out = String::with_capacity(length + part.len());
    let mut number = 100_000;
    while out.len() < length {
        out.push_str(&part.replace('#', &number.to_string()));
        number += 1;
    }
    out
}

/// Parts of HTML that are repeated.
const REPEATED: &[&str] = &[
    "<a",
    "<style",
    "<",
    "&",
    "&amp",
    "&CounterClockwiseContourIntegral",
    "<!--",
    "<![CDATA[",
    "<!doctype ",
    "{{",
    "{{a}}",
    "\u{fdd0}",
    "&#xFDD0;",
    "&#64977",
    "\0",
    " ",
    "&nbsp;",
    "&zwnj;&nbsp;",
    "<div>",
    "<b>",
    "<p>",
    "</p>",
    "</br>",
    "<b><p>",
    "<a><div>",
    "<b><i><u><div>x</b></i></u>",
    "<b><div></b>",
    "<nobr>",
    "<li><ul>",
    "<dd><div>",
    "<h1><h2>",
    "<button>",
    "<form><p>",
    "<ruby><rt>",
    "<select><option>",
    "<object><b>",
    "<marquee></b>",
    "<template>",
    "<frameset>",
    "<html id=1><body class=2>",
    "<table>",
    "<table><td>",
    "<table><tr><td>x",
    "<table><caption>",
    "<table><colgroup>",
    "<table><b>x<tr>",
    "<table>x\0 ",
    "<table></table></td>",
    "<svg>",
    "<svg><desc><b></b>",
    "<math><mi><p>",
    "<math><annotation-xml encoding=text/html>",
    "<a href=https://x.example/y>z",
    "<a href=https://x.example/>x<table><td>",
    "<img alt=x>",
    "<title>",
    "<textarea></textarea>",
    "<pre>\n\n ",
    "<pre>\n\n\n\n</pre>\n\n",
    "<xmp>\n \n",
    "<details><summary>x",
    "<div style=display:flex><span>",
    "<span style=display:inline-block> x ",
    "<style>@media print{",
];

/// Parts with a number, each different.
const COUNTED: &[&str] = &[
    "{{a#}}",
    "<x#>",
    "<x#></x#>",
    "<font color=#>",
    "<b class=c#>",
    "<p><i class=c#>x",
    "<div><i class=c#>x</div>",
    "<a href=https://x.example/#>x</a>",
    "<style>.a#{display:none}</style>",
];

/// A beginning, a part that is repeated (and counted), and one that follows.
const NESTED: &[(&str, &str, &str)] = &[
    ("<p x=\"", "a", ""),
    ("<pre>", "\n", "</pre>x"),
    ("<pre>x", " \n\t\n", "</pre>x"),
    ("<pre>", "&nbsp;\n\n", "</pre>x"),
    ("<pre>", "<b>\n\n</b>", "</pre>x"),
    ("<p>&#", "0", ";x"),
    ("<p style='", "padding:1px 0;", "'>x"),
    ("<p ", "a# ", ">x"),
    ("<p ", "a=b ", ">x"),
    ("<p style='", "display:none;", "'>x"),
    ("<p style='", "(", "'>x"),
    ("<style>.x{display:none}</style><p class='", "c# ", "'>x"),
    ("<style>", ".a#{display:none}", "</style>x"),
    ("<style>", "a,", "{display:none}</style>x"),
    ("<style>", "{", "</style>x"),
    ("<style>", "@media{", "</style>x"),
    ("<style>", "@x{", "</style>x"),
    ("<style>", "/*", "</style>x"),
    ("<a href=\"", "{{a}}", "\">x"),
    ("<svg>", "<![CDATA[", ""),
    ("<script>", "<!--<script>", ""),
    ("<plaintext>", "<", ""),
    ("<table>", "x<tr>", ""),
    ("<b class=a><b class=b><b class=c><b class=d>", "<hr>", ""),
];

/// Two parts, each repeated for half of the length.
const HALVES: &[(&str, &str)] = &[
    ("<i>", "</x>"),
    ("<b><p>", "</b>"),
    ("<div>", "</span>"),
    ("<font color=#>", "<p>x</p>"),
    ("<p><b class=#>", "</p><p>x"),
    ("<b class=#>", "<hr>"),
    ("<div>", "<p>"),
];

fn shapes(length: usize) -> Vec<(String, String)> {
    let repeated = REPEATED.iter().map(|part| ((*part).to_owned(), repeat(part, length)));
    let counted = COUNTED.iter().map(|part| ((*part).to_owned(), count(part, length)));
    let nested = NESTED
        .iter()
        .map(|(begin, part, end)| (format!("{begin}{part}…"), format!("{begin}{}{end}", count(part, length))));
    let halves = HALVES
        .iter()
        .map(|(first, second)| (format!("{first}…{second}…"), count(first, length / 2) + &count(second, length / 2)));
    // A long target of a link that is left open, and so repeated in each paragraph.
    let link = format!("<p><a href=https://x.example/{}>{}", repeat("y", length / 2), repeat("</p><p>x", length / 2));
    let name = format!("<style>.x{{}}</style><p{} class='{}'>", repeat("q", length / 2), repeat("c ", length / 2));
    let odd = [("a long link", link), ("a long name", name)].map(|(name, html)| (name.to_owned(), html));
    repeated.chain(counted).chain(nested).chain(halves).chain(odd).collect()
}

#[test]
fn twice_the_html_takes_about_twice_the_work() {
    const LENGTH: usize = 24 * 1024;
    let faults: Vec<String> = shapes(LENGTH)
        .into_iter()
        .zip(shapes(2 * LENGTH))
        .filter_map(|((name, once), (_, twice))| {
            let measure = |html: &str| derive(&Template::compile(html));
            let ((_, less), (text, more)) = (measure(&once), measure(&twice));
            // Two steps a byte are allowed besides: the first elements, before they are as deep as they may be, cost less.
            let too_much = more > less * 9 / 4 + 2 * twice.len() as u64
                || more > 300 * twice.len() as u64
                || text.len() > 2 * twice.len();
            too_much.then(|| format!("{name}: {less} steps, then {more}, for {} bytes of text", text.len()))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn elements_as_deep_as_one_likes_lose_no_text() {
    for part in ["<div>", "<b>", "<table><tr><td>", "<ul><li>", "<font color=red>", "<span class=x>"] {
        let html = part.repeat(10_000) + "{{code}}";
        assert_eq!(derive(&Template::compile(html)).0, "{{code}}", "{part}");
    }
    let unclosed = format!("<p>{}</p>{}<p>{{{{code}}}}", count("<b class=c#>", 100_000), "<p>x</p>".repeat(20_000));
    assert!(derive(&Template::compile(unclosed)).0.ends_with("\n{{code}}"));
}
