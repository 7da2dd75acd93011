//! What goes to Mailgun beyond what the recordings show.

use base64::{Engine, engine::general_purpose::STANDARD};
use connector_kit::{EmailTemplate, ErrorKind, Message, SendContext};
use connector_mailgun::CONNECTOR;
use connector_testkit::RecordedRequest;
use serde_json::{Value, json};

use crate::provider::{API_KEY, HOST, Mailgun, accepted, config, message, payload, with_delivery};

/// The request that `message` becomes under `config`.
async fn request(config: &Value, message: &Message) -> RecordedRequest {
    let mailgun = Mailgun::start(HOST, config, accepted()).await;
    mailgun.connector.send(message, &SendContext::new()).await.unwrap();
    mailgun.recorder.only_request()
}

/// Its form.
async fn form(config: &Value, message: &Message) -> Vec<(String, String)> {
    request(config, message).await.form()
}

fn get<'f>(form: &'f [(String, String)], wanted: &str) -> Option<&'f str> {
    form.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

fn names(form: &[(String, String)]) -> Vec<&str> {
    form.iter().map(|(name, _)| name.as_str()).collect()
}

fn localized(template: Value) -> Message {
    message().with_template(serde_json::from_value::<EmailTemplate>(template).unwrap().compile().unwrap())
}

fn problems(config: &Value) -> Vec<String> {
    CONNECTOR.validate(config).problems.into_iter().map(|problem| problem.pointer).collect()
}

#[tokio::test]
async fn the_key_goes_in_a_header_and_nowhere_else() {
    let request = request(&config(), &message()).await;
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v3/mg.sender.example/messages"));
    let credentials = STANDARD.encode(format!("api:{API_KEY}"));
    assert_eq!(request.header_values("authorization"), [format!("Basic {credentials}")]);
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert!(!request.text().contains(API_KEY));
}

#[tokio::test]
async fn each_region_has_a_host_of_its_own() {
    for (endpoint, host) in [
        (json!("https://api.eu.mailgun.net/"), "api.eu.mailgun.net"),
        (json!("https://API.EU.mailgun.net"), "api.eu.mailgun.net"),
        (json!("https://api.mailgun.net"), "api.mailgun.net"),
        (json!(""), "api.mailgun.net"),
    ] {
        let mut config = config();
        config["endpoint"] = endpoint;
        let mailgun = Mailgun::start(host, &config, accepted()).await;
        mailgun.connector.send(&message(), &SendContext::new()).await.unwrap();
        let request = mailgun.recorder.only_request();
        assert_eq!((request.host.as_str(), request.path.as_str()), (host, "/v3/mg.sender.example/messages"));
    }
}

/// Logto checks how the whole text ends, so that another host gets the key.
#[test]
fn the_key_goes_to_no_other_host() {
    for endpoint in [
        "http://api.mailgun.net",
        "https://mailgun.net.example",
        "https://evil.mailgun.net.example",
        "https://evilmailgun.net",
        "https://evil.example/.mailgun.net",
        "https://evil.example?.mailgun.net",
        "https://evil.example#.mailgun.net",
        "https://evil.example\\.mailgun.net",
        "https://user:pass@api.mailgun.net",
        "https://api.mailgun.net@evil.example",
        "https://api.mailgun.net:8443",
        "https://api.mailgun.net/v3",
        "https://api.mailgun.net./",
        "https://mailgun.net",
        "ftp://api.mailgun.net",
        "api.mailgun.net",
        " ",
    ] {
        let mut config = config();
        config["endpoint"] = json!(endpoint);
        assert_eq!(problems(&config), ["/endpoint"], "{endpoint}");
    }
}

/// Past the domain, the path would end elsewhere, and Mailgun would answer 200 there.
#[tokio::test]
async fn the_domain_is_a_domain_and_nothing_else() {
    for domain in [
        "mg.example.com/messages?",
        "mg.example.com/../other",
        "mg.example.com%2fmessages",
        "mg.example.com%2Fx",
        "mg%2eexample.com",
        "..",
        ".",
        "mg..example.com",
        "mg.example.com.",
        "mg.example.com?x",
        "mg.example.com#x",
        "mg.example.com:443",
        "user@example.com",
        "mg example.com",
        "mg.example.com\r\nX: y",
        "https://mg.example.com",
        "localhost",
        "203.0.113.1",
        " ",
    ] {
        let mut config = config();
        config["domain"] = json!(domain);
        assert_eq!(problems(&config), ["/domain"], "{domain}");
    }
    for (domain, path) in [
        ("MG.Example.com", "/v3/mg.example.com/messages"),
        ("mg_1.example.com", "/v3/mg_1.example.com/messages"),
        ("例え.jp", "/v3/xn--r8jz45g.jp/messages"),
    ] {
        let mut config = config();
        config["domain"] = json!(domain);
        assert_eq!(request(&config, &message()).await.path, path);
    }
}

#[tokio::test]
async fn fields_come_in_logtos_order() {
    let own = json!({ "replyTo": "help@example.com", "text": "t", "html": "<p>h</p>", "subject": "s" });
    let mut config = with_delivery(own);
    assert_eq!(names(&form(&config, &message()).await), ["from", "to", "subject", "h:Reply-To", "html", "text"]);
    config = with_delivery(json!({ "template": "code", "replyTo": "help@example.com", "subject": "s" }));
    let sent = form(&config, &message()).await;
    assert_eq!(names(&sent), ["from", "to", "subject", "h:Reply-To", "template", "h:X-Mailgun-Variables"]);
}

#[tokio::test]
async fn a_template_at_mailgun_gets_the_configured_variables_with_the_messages_over_them() {
    let delivery = json!({
        "template": "sign-in",
        "variables": { "brand": "Example", "code": "none", "nested": { "deep": [1, null] } },
        "subject": "{{code}} is your code",
    });
    let mut message = message();
    message.payload = payload(json!({ "code": "1\r\n2", "name": "李雷 🙂 \"x\"" }));
    let sent = form(&with_delivery(delivery), &message).await;
    assert_eq!(get(&sent, "template"), Some("sign-in"));
    assert_eq!(get(&sent, "subject"), Some("1 2 is your code"));
    assert_eq!((get(&sent, "html"), get(&sent, "text")), (None, None));
    let variables = get(&sent, "h:X-Mailgun-Variables").unwrap();
    assert!(variables.bytes().all(|byte| matches!(byte, b' '..=b'~')), "it travels as a header: {variables}");
    let expected = json!({
        "brand": "Example", "code": "1\r\n2", "nested": { "deep": [1, null] }, "name": "李雷 🙂 \"x\""
    });
    assert_eq!(serde_json::from_str::<Value>(variables).unwrap(), expected);
}

#[tokio::test]
async fn a_delivery_without_a_subject_leaves_it_to_mailgun() {
    for delivery in [json!({ "template": "sign-in" }), json!({ "html": "<p>{{code}}</p>" })] {
        assert_eq!(get(&form(&with_delivery(delivery), &message()).await, "subject"), None);
    }
}

#[tokio::test]
async fn a_localized_template_goes_before_a_template_at_mailgun() {
    let config = with_delivery(json!({ "template": "sign-in", "replyTo": "old@example.com" }));
    let template = json!({ "subject": "s {{code}}", "content": "<p>{{code}}</p>" });
    let sent = form(&config, &localized(template)).await;
    assert_eq!(names(&sent), ["from", "to", "subject", "html", "text"]);
    assert_eq!((get(&sent, "subject"), get(&sent, "text")), (Some("s 123456"), Some("123456")));
}

/// Logto's connector sends plain content as HTML too, and loses the address of a sender that is only a name.
#[tokio::test]
async fn a_localized_template_is_sent_as_it_says() {
    let template = json!({
        "subject": "s", "content": "<{{code}}>", "contentType": "text/plain",
        "sendFrom": "{{app}} Team", "replyTo": "\"Help, {{app}}\" <help@{{domain}}>"
    });
    let mut message = localized(template);
    message.payload = payload(json!({ "app": "Demo", "domain": "sender.example", "code": "1" }));
    let sent = form(&config(), &message).await;
    assert_eq!(names(&sent), ["from", "to", "subject", "h:Reply-To", "text"]);
    assert_eq!(get(&sent, "from"), Some("Demo Team <no-reply@mg.sender.example>"));
    assert_eq!(get(&sent, "h:Reply-To"), Some("\"Help, Demo\" <help@sender.example>"));
    assert_eq!(get(&sent, "text"), Some("<1>"));

    let template = json!({ "subject": "s", "content": "c", "sendFrom": "Other <other@sender.example>" });
    let sent = form(&config(), &localized(template)).await;
    assert_eq!(get(&sent, "from"), Some("Other <other@sender.example>"));
}

#[tokio::test]
async fn html_without_any_text_goes_alone() {
    let image = "<img src=\"https://example.com/code.png\">";
    let sent = form(&with_delivery(json!({ "html": image })), &message()).await;
    assert_eq!((get(&sent, "html"), get(&sent, "text")), (Some(image), None));
    let sent = form(&config(), &localized(json!({ "subject": "s", "content": image }))).await;
    assert_eq!((get(&sent, "html"), get(&sent, "text")), (Some(image), None));
}

#[tokio::test]
async fn values_are_escaped_in_html_and_not_in_a_text_of_its_own() {
    let config = with_delivery(json!({ "html": "<p>{{name}}</p>", "text": "{{name}}" }));
    let mut message = message();
    message.payload = payload(json!({ "name": "<b>&</b>" }));
    let sent = form(&config, &message).await;
    assert_eq!(get(&sent, "html"), Some("<p>&lt;b&gt;&amp;&lt;/b&gt;</p>"));
    assert_eq!(get(&sent, "text"), Some("<b>&</b>"));
}

#[tokio::test]
async fn reply_to_is_one_mailbox_whatever_its_values() {
    let config = with_delivery(json!({ "html": "h", "replyTo": "help+{{code}}@example.com" }));
    assert_eq!(get(&form(&config, &message()).await, "h:Reply-To"), Some("help+123456@example.com"));
    let mailgun = Mailgun::start(HOST, &config, accepted()).await;
    for code in ["1\r\nBcc: evil@example.net", "a@example.net, b"] {
        let mut message = message();
        message.payload = payload(json!({ "code": code }));
        let error = mailgun.connector.send(&message, &SendContext::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMessage, "{code}");
        assert_eq!(error.problems()[0].pointer, "/payload");
        assert!(!error.to_string().contains("example.net"), "{error}");
    }
    assert_eq!(mailgun.recorder.connections(), 0);
    // Nothing to render: known before anything is sent.
    assert_eq!(problems(&with_delivery(json!({ "html": "h", "replyTo": "nobody" }))), ["/deliveries/SignIn/replyTo"]);
    assert_eq!(get(&form(&with_delivery(json!({ "html": "h", "replyTo": "" })), &message()).await, "h:Reply-To"), None);
}

/// Of these, Mailgun makes a broken header (<https://github.com/anymail/django-anymail/issues/270>).
#[tokio::test]
async fn names_beyond_ascii_are_encoded() {
    let mut config = config();
    config["from"] = json!("\"Müller, GmbH (Köln)\" <no-reply@mg.sender.example>");
    let message = Message { to: "\"Jürgen \\\"J\\\" Ä\" <user@example.com>".to_owned(), ..message() };
    let sent = form(&config, &message).await;
    for field in ["from", "to"] {
        let text = get(&sent, field).unwrap();
        assert!(text.is_ascii() && text.contains("=?utf-8?b?") && !text.contains(['"', '(', ',']), "{text}");
    }
}

/// Mailgun writes such a sender into a header as it is (django-anymail refuses it for the same reason).
#[tokio::test]
async fn a_sender_whose_local_part_is_not_ascii_is_refused() {
    let mut config = config();
    config["from"] = json!("jürgen@mg.sender.example");
    assert_eq!(problems(&config), ["/from"]);
    let mailgun = Mailgun::usual().await;
    let template = json!({ "subject": "s", "content": "c", "sendFrom": "jürgen@mg.sender.example" });
    let error = mailgun.connector.send(&localized(template), &SendContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.problems()[0].pointer.as_str()), (ErrorKind::InvalidMessage, "/template/sendFrom"));
    assert_eq!(mailgun.recorder.connections(), 0);
}

#[tokio::test]
async fn values_stay_inside_their_field() {
    let attack = "1&bcc=evil@example.net&o:tag=x%26cc=y+z;\u{2028}";
    let mut message = message();
    message.payload = payload(json!({ "code": attack }));
    let sent = form(&config(), &message).await;
    assert_eq!(names(&sent), ["from", "to", "subject", "html", "text"]);
    assert_eq!(get(&sent, "text"), Some(attack));
}

#[tokio::test]
async fn test_mode_is_asked_for_only_where_it_is_configured() {
    let mut config = config();
    assert_eq!(get(&form(&config, &message()).await, "o:testmode"), None);
    config["testMode"] = json!(true);
    assert_eq!(form(&config, &message()).await.last().unwrap(), &("o:testmode".to_owned(), "yes".to_owned()));
}

/// As Logto does: the template kept at Mailgun is meant, and what stands beside it is not.
#[tokio::test]
async fn of_a_template_and_content_the_template_is_sent() {
    let delivery = json!({ "template": "codes", "html": "<p>{{code}}</p>", "text": "{{code}}", "subject": "{{code}}" });
    let sent = request(&with_delivery(delivery), &message()).await.form();
    let field = |name: &str| sent.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((field("template"), field("subject")), (Some("codes"), Some("123456")));
    assert_eq!((field("html"), field("text")), (None, None));
    assert!(field("h:X-Mailgun-Variables").is_some_and(|variables| variables.contains("123456")));
    // A name left blank is none.
    let sent = request(&with_delivery(json!({ "template": "", "html": "<p>{{code}}</p>" })), &message()).await.form();
    assert!(sent.iter().any(|(name, value)| name == "html" && value == "<p>123456</p>"));
    assert!(sent.iter().all(|(name, _)| name != "template"));
}

/// As Mailgun's examples have the key: in curl's `--user`, in a header.
#[test]
fn a_key_is_given_without_what_stands_before_it() {
    for prefix in ["api:", "Basic ", "Bearer "] {
        let mut config = config();
        config["apiKey"] = json!(format!("{prefix}{API_KEY}"));
        assert_eq!(problems(&config), ["/apiKey"], "{prefix}");
    }
}

#[test]
fn a_delivery_has_content_or_the_name_of_a_template() {
    for (delivery, pointer) in [
        (json!({}), "/deliveries/SignIn"),
        (json!({ "text": "t" }), "/deliveries/SignIn"),
        (json!({ "template": "" }), "/deliveries/SignIn/template"),
        (json!({ "html": 1 }), "/deliveries/SignIn/html"),
        (json!({ "template": "t", "variables": [] }), "/deliveries/SignIn/variables"),
        (json!("text"), "/deliveries/SignIn"),
    ] {
        assert_eq!(problems(&with_delivery(delivery.clone())), [pointer], "{delivery}");
    }
}

#[test]
fn what_looks_wrong_is_warned_of() {
    let mut config = config();
    config["domain"] = json!("sandbox0123456789.mailgun.org");
    config["apiKey"] = json!("pubkey-conformance");
    config["testMode"] = json!(true);
    config["deliveries"] = json!({
        "SignIn": { "html": "h", "template": "t", "htm": "x" },
        "Register": { "template": "t", "text": "x" },
        "Signin": { "html": "h" },
    });
    let report = CONNECTOR.validate(&config);
    assert!(report.is_valid(), "{:?}", report.problems);
    let pointers: Vec<&str> = report.warnings.iter().map(|warning| warning.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/domain",
            "/apiKey",
            "/testMode",
            "/deliveries/SignIn/htm",
            "/deliveries/SignIn/html",
            "/deliveries/Register/text",
            "/deliveries/Signin",
            "/deliveries",
        ]
    );
    assert!(!format!("{report:?}").contains("pubkey-conformance"));
}
