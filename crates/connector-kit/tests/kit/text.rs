//! The text alternative of HTML.

use connector_kit::{CompiledTemplate, ContentType, text_from_html};
use serde_json::json;

mod mails;

/// Where the mails are, from this package.
const MAILS: &str = "tests/mails";

/// Asserts what the text of each HTML is.
fn read(expected: &[(&str, &str)]) {
    for (html, text) in expected {
        assert_eq!(text_from_html(html), *text, "{html}");
    }
}

#[test]
fn mails_read_as_a_browser_shows_them_and_the_code_stands_alone() {
    let (mails, recorded) = (mails::mails(), mails::recorded());
    assert!(mails.len() >= 40, "{}", mails.len());
    let faults: Vec<String> = mails
        .iter()
        .flat_map(|(name, mail)| {
            let shown = &recorded["mails"][name];
            [mails::difference(name, &mail.text, shown), mails::lacks_code(name, &mail.text)]
        })
        .flatten()
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn blocks_cells_and_preformatted_lines_do_not_run_into_each_other() {
    read(&[
        (
            "<p>Your code:</p><pre style=\"font-size:24px\"><strong>{{code}}</strong> &amp; more</pre>",
            "Your code:\n\n{{code}} & more",
        ),
        ("<center>It expires in 10</center><center>{{code}}</center>", "It expires in 10\n{{code}}"),
        ("<div>10</div>{{code}}<div>11</div>", "10\n{{code}}\n11"),
        ("<table><tr><td>10<td>{{code}}<tr><td>11</table>", "10\t{{code}}\n11"),
        ("<ul><li>10<li>{{code}}</ul>", "10\n{{code}}"),
        ("10<br>{{code}}<hr>11", "10\n{{code}}\n11"),
        ("10<span style='display:block'>{{code}}</span>11", "10\n{{code}}\n11"),
        ("<div style=display:flex><b>10</b><b>{{code}}</b></div>", "10\n{{code}}"),
        ("<span>{{a}}</span><span>{{b}}</span>", "{{a}}{{b}}"),
        ("<pre>\n  a\n\n\n\n    b</pre>", "  a\n\n\n\n    b"),
        ("<p style='white-space:pre-line'>a   b\nc</p>", "a b\nc"),
        ("<p>a</p><p>&nbsp;</p><br><br><br><p>b</p>", "a\n\nb"),
    ]);
}

#[test]
fn a_page_needs_no_end_tags_and_its_head_is_not_read() {
    read(&[
        (
            "<!doctype html><html><head><meta charset=\"utf-8\"><title>Code</title><body><p>Your code: {{code}}</p></body></html>",
            "Your code: {{code}}",
        ),
        ("<title>{{code}}</title>{{code}}", "{{code}}"),
        ("<head><style>p{}</style><script>x</script>{{code}}", "{{code}}"),
        ("<p>a<p>b<ul><li>c<li>d", "a\n\nb\n\nc\nd"),
        ("<P>A</P ><B\n>B</b>", "A\n\nB"),
        ("<x-a>1;2</x-b>3;</x-a><pre>\n\n 4;</pre><svg><text>5\0;", "1;23;\n 4;\n5\u{fffd};"),
        (
            "<!-- {{code}} -->a<!--[if mso]>b<![endif]-->c<![if !mso]>d<![endif]><!--[if !mso]><!-->e<!--<![endif]-->",
            "acde",
        ),
    ]);
}

#[test]
fn links_keep_their_targets_however_they_are_written() {
    read(&[
        ("<p><a href={{ link }}>Sign in</a></p>", "Sign in ({{ link }})"),
        ("<a\nclass = 'x'\nHREF = '{{link}}' target=_blank>Sign in</a>.", "Sign in ({{link}})."),
        ("<a href=\"\n {{link}}\t\">Sign in</a>", "Sign in ({{link}})"),
        (
            "<a href=\"https://x.example/?a=1&amp;b={{code}}&lang=de\">a</a>",
            "a (https://x.example/?a=1&b={{code}}&lang=de)",
        ),
        ("<a href=\"{{link}}\">{{ link }}</a>", "{{link}}"),
        ("<a href=https://x.example/>x.example</a>", "x.example"),
        ("<a href=mailto:a@x.example?subject=b>write</a>", "write (a@x.example)"),
        ("<a href=tel:+1-202-555>+1 202 555</a>", "+1 202 555"),
        ("<a href=#a>a</a><a href=/b>b</a> <a href=' JavaScript:c'>c</a> <a href=data:d>d</a> <a>e</a>", "ab c d e"),
        ("<a href={{link}}><table><tr><td>Sign in</table></a>{{code}}", "Sign in ({{link}})\n{{code}}"),
        ("<a href={{a}}>1</a><a href={{b}}>2</a>{{code}}", "1 ({{a}}) 2 ({{b}}) {{code}}"),
        ("<a href={{link}}><img src=x></a>", "{{link}}"),
        ("<a href={{link}}><img src=x alt='Sign in'></a>", "Sign in ({{link}})"),
        // One link, though the standard repeats it in each paragraph.
        ("<p><a href={{link}}>a</p><p>b</p><p>c", "a ({{link}})\n\nb\n\nc"),
    ]);
}

#[test]
fn what_no_reader_sees_is_left_out_and_what_one_sees_is_not() {
    for hidden in [
        "hidden",
        "style=display:none",
        "style='color:red; DISPLAY : None ! important'",
        "style='background:url(a;b);display:none'",
        "style='/* x */display:none'",
        "style='visibility:hidden'",
        "style='max-height:0px;overflow:hidden'",
        "style='font-size:0'",
        "class='a x'",
        "id=y",
    ] {
        let html = format!("<style>.x,#y{{display:none}}</style>a<div {hidden}>b</div>");
        assert_eq!(text_from_html(&html), "a", "{hidden}");
    }
    for shown in
        ["style=mso-hide:all", "style='display:none;display:block'", "style='content:\"display:none\"'", "class=z"]
    {
        let html = format!("<style>@media print{{.z{{display:none}}}}</style>a<div {shown}>b</div>");
        assert_eq!(text_from_html(&html), "a\nb", "{shown}");
    }
    read(&[
        ("<div style=font-size:0>a<b style=font-size:14px>b</b><i>c</i></div>", "bc"),
        ("Preview&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp; <p>a", "Preview\n\na"),
        ("co&shy;de, می&zwnj;خواهم", "code, می\u{200c}خواهم"),
        ("<style>body{display:none}</style><body style=visibility:hidden>a", "a"),
        ("<template>a</template><dialog>b</dialog><noscript>c</noscript>", "c"),
    ]);
}

/// What a size of nothing does not hide: inline boxes and tables have no such size (CSS 2.2, 10 and 17.5), and others are
/// made larger. In doubt, text is shown.
#[test]
fn a_code_in_a_box_that_only_seems_to_have_no_size_is_kept() {
    let clipped = "overflow:hidden";
    for (element, style) in [
        ("td", "max-width:0"),
        ("td", "width:0"),
        ("td", "height:0"),
        ("td", "max-height:0"),
        ("th", "height:0;max-width:0"),
        ("tr", "height:0"),
        ("tr", "max-height:0"),
        ("tbody", "height:0"),
        ("table", "height:0"),
        ("table", "width:0"),
        ("div", "display:table;height:0"),
        ("div", "display:table-cell;max-width:0"),
        ("div", "display:inline-table;height:0"),
        ("span", "width:0"),
        ("span", "height:0"),
        ("b", "max-height:0"),
        ("a", "max-width:0"),
        ("fieldset", "width:0"),
        ("legend", "width:0"),
        ("button", "width:0"),
        ("div", "display:inline;height:0"),
        ("div", "display:contents;height:0"),
        ("div", "width:0;min-width:100%"),
        ("div", "max-width:0;min-width:100%"),
        ("div", "height:0;min-height:20px"),
        ("div", "max-height:0;min-height:1em"),
        ("div", "width:0;min-width:max-content"),
        ("div", "height:0;padding-bottom:56%"),
        ("div", "max-height:0;padding:20px 0"),
        ("div", "width:0;padding:0 0 0 9em"),
        ("div", "height:0%"),
        ("div", "max-height:0%"),
        ("div", "height:0 px"),
        ("div", "max-height:0foo bar"),
        ("div", "max-height:0;max-height:none"),
        ("div", "max-height:calc(0px + 2em)"),
    ] {
        let part = match element {
            "td" | "th" => format!("<table><tr><{element} style='{style};{clipped}'>{{{{code}}}}</table>"),
            "tr" | "tbody" => format!("<table><{element} style='{style};{clipped}'><td>{{{{code}}}}</table>"),
            "table" => format!("<table style='{style};{clipped}'><td>{{{{code}}}}</table>"),
            _ => format!("<{element} style='{style};{clipped}'>{{{{code}}}}</{element}>"),
        };
        assert_eq!(text_from_html(&part), "{{code}}", "{part}");
    }
    read(&[
        ("<div style=display:flex><div style='width:0;flex:1;overflow:hidden'>{{code}}</div></div>", "{{code}}"),
        ("<div style=display:grid><div style='height:0;overflow:hidden'>{{code}}</div></div>", "{{code}}"),
    ]);
    for hidden in [
        "<div style='height:0;overflow:hidden'>b</div>",
        "<div style='max-width:0;overflow:hidden;padding:2em 0'>b</div>",
        "<div style='max-height:0;min-height:0;padding:0 2em;overflow:hidden'>b</div>",
        "<div style='padding:1em;padding:0;max-height:.0em;overflow:hidden'>b</div>",
        "<span style='display:inline-block;width:0px;overflow:hidden'>b</span>",
        "<span style='display:block;max-height:0;overflow:hidden'>b</span>",
        "<span style='float:left;max-height:0;overflow:hidden'>b</span>",
        "<div style=display:flex><span style='max-height:0;overflow:hidden'>b</span></div>",
        "<table><caption style='max-height:0;overflow:hidden'>b</caption></table>",
        "<img alt=b style='width:0;overflow:hidden'>",
    ] {
        assert_eq!(text_from_html(&format!("a{hidden}")), "a", "{hidden}");
    }
}

/// Characters that stand for variables while HTML is read mean nothing when a template has them, however they are written.
#[test]
fn noncharacters_in_a_template_leave_its_variables_alone() {
    for char in ['\u{fdd0}', '\u{fdd1}'] {
        let number = u32::from(char);
        for written in [
            format!("{char}"),
            format!("&#x{number:x};"),
            format!("&#X00{number:X};"),
            format!("&#{number};"),
            format!("&#0{number}"),
        ] {
            let html = format!("<p>Code{written}: {{{{code}}}} <a href='{{{{a}}}}?{written}'>0{written}</a> {{{{b}}}}");
            let expected = format!("Code{char}: {{{{code}}}} 0{char} ({{{{a}}}}?{char}) {{{{b}}}}");
            let text = text_from_html(&html);
            assert_eq!(text, expected, "{written}");
        }
    }
    read(&[
        ("&#xFDD0;0&#xFDD1;{{a}}", "\u{fdd0}0\u{fdd1}{{a}}"),
        ("&#xFDD{{a}}&#xFDD0", "\u{fdd}{{a}}\u{fdd0}"),
        ("&#xFDD00; &#{{a}} &# &#x; &#x{{b}} &amp;#xFDD0; &", "\u{fdd00} &#{{a}} &# &#x; &#x{{b}} &#xFDD0; &"),
        ("<a href='mailto:%EF%B7%900%EF%B7%91@x.example'>a</a> {{b}}", "a {{b}}"),
        ("<a href='mailto:{{a}}%40x.example'>a</a>", "a ({{a}}@x.example)"),
    ]);
}

#[test]
fn no_control_character_is_in_the_text() {
    read(&[
        ("a\u{1}b\u{7f}c\u{85}d\u{b}e", "abcde"),
        ("<pre>a\u{1b}[0m\r\nb&#13;\tc</pre>", "a[0m\nb\tc"),
        (
            "<a href='https://x.example/\u{1}y'>a</a> <a href=mailto:b%0D%0Ac%07@x.example>d</a>",
            "a (https://x.example/y) d (bc@x.example)",
        ),
        ("<img alt='a\u{8}\nb'>", "a b"),
    ]);
}

#[test]
fn variables_survive_wherever_they_stand() {
    read(&[
        ("<table>{{a}}<tr>{{b}}<td>{{c}}</table>", "{{a}}{{b}}\n{{c}}"),
        ("<p {{a}} class={{b}} title=\"{{c}}\">{{d}}", "{{d}}"),
        ("<!-- {{a}} --><style>{{b}}</style><img alt={{c}}>", "{{c}}"),
        ("<pre>{{ a.b }}</pre><textarea>{{c}}</textarea>", "{{ a.b }}"),
        ("a\u{fdd0}0\u{fdd0}{{b}}", "a\u{fdd0}0\u{fdd0}{{b}}"),
        ("a\u{fdd1}{{b}}\u{fdd0}0\u{fdd1}{{c}}", "a\u{fdd1}{{b}}\u{fdd0}0\u{fdd1}{{c}}"),
        ("{{{a}}} {{ b", "{{{a}}} {{ b"),
        ("{{\n      a\n      }}{{ a }}", "{{a}}{{a}}"),
        ("<p style=text-transform:uppercase>code {{code}}", "code {{code}}"),
    ]);
    let mail = CompiledTemplate::new("", "<b>{{a}}</b> &amp; <a href={{b}}>c</a>", ContentType::Html)
        .render(json!({ "a": "<i>{{b}}</i>", "b": "https://x.example/?a&b" }).as_object().unwrap());
    assert_eq!(mail.unwrap().text, "<i>{{b}}</i> & c (https://x.example/?a&b)");
}
