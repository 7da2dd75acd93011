//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use connector_kit::{Delivery, ErrorKind};
use connector_mailgun::CONNECTOR;
use connector_testkit::{
    recordings,
    replay::{
        Expectations,
        Expected::{self, Failed, Refused},
        Replay,
        reference::{
            Difference::{self, Form as InForm},
            Form, Reference, without_tags,
        },
    },
};

use crate::provider::accepted;

fn value<'f>(form: &'f mut Form, wanted: &str) -> &'f mut String {
    &mut form.iter_mut().find(|(name, _)| name == wanted).unwrap().1
}

fn set(form: &mut Form, name: &str, from: &str, to: &str) {
    let value = value(form, name);
    assert_eq!(value, from);
    to.clone_into(value);
}

/// HTML goes with a text alternative behind it.
fn text_alternative_added(form: &mut Form) {
    assert!(form.iter().all(|(name, _)| name != "text"));
    let text = without_tags(value(form, "html"));
    form.push(("text".to_owned(), text));
}

/// Values in HTML are text to whoever reads it.
fn values_escaped(form: &mut Form) {
    let html = value(form, "html");
    for (value, escaped) in [
        (
            "<script>alert(\"x\")</script> & 'quotes' \"double\" <b>",
            "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;quotes&#39; &quot;double&quot; &lt;b&gt;",
        ),
        ("$& $1 $$ $` $'", "$&amp; $1 $$ $` $&#39;"),
    ] {
        *html = html.replace(value, escaped);
    }
}

/// A recipient is one mailbox: its domain is in ASCII, and so is its name as a header has it.
fn recipient_parsed(form: &mut Form) {
    set(form, "to", "李雷 <user@例え.jp>", "=?utf-8?b?5p2O6Zu3?= <user@xn--r8jz45g.jp>");
}

/// A delivery's `replyTo` is rendered as well.
fn reply_to_rendered(form: &mut Form) {
    set(form, "h:Reply-To", "reply+{{code}}@example.com", "reply+123456@example.com");
}

/// A subject is one line.
fn subject_on_one_line(form: &mut Form) {
    let broken = "Code 1\r\nBcc: evil@example.net\r\n\r\nowned";
    set(form, "subject", broken, "Code 1 Bcc: evil@example.net owned");
}

/// Every failure has a kind.
const NOT_SENT: &[(&str, Expected)] = {
    use {Delivery::*, ErrorKind::*};
    &[
        ("mailgun/answer-200-html", Failed(InvalidResponse, Unknown)),
        ("mailgun/answer-201-json", Failed(InvalidResponse, Unknown)),
        ("mailgun/answer-400", Failed(Rejected, NotSent)),
        ("mailgun/answer-502-html", Failed(Unavailable, Unknown)),
        ("mailgun/config-empty", Refused(&["/domain", "/apiKey", "/from", "/deliveries"])),
        ("mailgun/config-no-deliveries", Failed(TemplateNotFound, NotSent)),
        ("mailgun/config-without-domain", Refused(&["/domain"])),
        ("mailgun/config-wrong-domain", Refused(&["/domain"])),
        ("mailgun/config-wrong-endpoint", Refused(&["/endpoint"])),
        ("mailgun/endpoint-http", Refused(&["/endpoint"])),
        ("mailgun/endpoint-with-path", Refused(&["/endpoint"])),
        ("mailgun/from-with-crlf", Refused(&["/from"])),
        ("mailgun/i18n-injection-in-send-from", Failed(InvalidMessage, NotSent)),
        ("mailgun/network-untrusted-certificate", Failed(Unavailable, NotSent)),
        ("mailgun/to-crlf", Failed(InvalidMessage, NotSent)),
        ("mailgun/to-empty", Failed(InvalidMessage, NotSent)),
        ("mailgun/to-list", Failed(InvalidMessage, NotSent)),
    ]
};

/// For messages with a text of their own.
const NONE: &[Difference] = &[];

fn reference() -> Reference {
    let expectations = Expectations {
        recordings: recordings("mailgun"),
        not_sent: NOT_SENT,
        // It takes any 2xx for success, any endpoint whose end is right, and passes line breaks and lists on.
        sent_by_logto_alone: &[
            "mailgun/answer-200-html",
            "mailgun/answer-201-json",
            "mailgun/endpoint-http",
            "mailgun/endpoint-with-path",
            "mailgun/from-with-crlf",
            "mailgun/i18n-injection-in-send-from",
            "mailgun/to-crlf",
            "mailgun/to-empty",
            "mailgun/to-list",
        ],
        sent_by_us_alone: &["mailgun/endpoint-trailing-slash"],
        // The endpoint's check, and a sender that is no mailbox.
        refused_by_us_alone: &["mailgun/endpoint-http", "mailgun/endpoint-with-path", "mailgun/from-with-crlf"],
        accepted_by_us_alone: &["mailgun/endpoint-trailing-slash"],
    };
    Reference {
        headers: &["authorization", "content-type"],
        usual: &[InForm(text_alternative_added)],
        differences: &[
            ("mailgun/raw-all-fields", &[InForm(reply_to_rendered)]),
            ("mailgun/render-empty-texts", NONE),
            ("mailgun/render-html-in-value", &[InForm(values_escaped)]),
            ("mailgun/render-injection-in-subject", &[InForm(subject_on_one_line)]),
            ("mailgun/render-missing-nested-variable", NONE),
            ("mailgun/render-missing-root-variable", NONE),
            ("mailgun/render-odd-handlebars", NONE),
            ("mailgun/render-value-looks-like-template", &[InForm(values_escaped)]),
            ("mailgun/render-whitespace-in-handlebars", NONE),
            // Mailgun's own templates.
            ("mailgun/template-plain", NONE),
            ("mailgun/to-display-name-unicode", &[InForm(recipient_parsed), InForm(text_alternative_added)]),
        ],
        compared: 25,
        ..Reference::new(Replay::new(&CONNECTOR, accepted()), expectations)
    }
}

connector_testkit::reference!(reference);

/// Logto refuses it; ours sends to the host it names.
#[tokio::test]
async fn a_slash_behind_the_endpoint_means_nothing() {
    let Reference { replay, expectations, .. } = reference();
    let recording = expectations.recordings.iter().find(|one| one.id() == "mailgun/endpoint-trailing-slash").unwrap();
    let sent = replay.run(recording).await.only_request(&[]);
    assert_eq!((sent.host.as_str(), sent.path.as_str()), ("api.eu.mailgun.net", "/v3/mg.example.com/messages"));
}
