//! Aliyun Direct Mail: our requests' signatures, against Alibaba Cloud's own Python SDK.

use super::{NASTY, Provider, html_templates, message};
use connector_testkit::Answer;
use serde_json::{Map, Value, json};

const SECRET: &str = "aliyun+secret/with=nasty&bytes~";

fn config(from_alias: &str, subject: &str, content: &str) -> Value {
    json!({
        "accessKeyId": "LTAI5tSecondOpinion", "accessKeySecret": SECRET, "accountName": "no-reply@mail.example.test",
        "fromAlias": from_alias, "templates": html_templates(subject, content),
    })
}

/// Requests with what the SDK is to sign of them, and the signatures they have.
struct Signed {
    provider: Provider,
    requests: Vec<Value>,
    signatures: Vec<Value>,
}

impl Signed {
    fn by(host: &'static str) -> Self {
        let answer = Answer::status(200).json(json!({ "EnvId": "600000000000000001", "RequestId": "r-1" }));
        Self { provider: Provider::start(host, answer), requests: Vec::new(), signatures: Vec::new() }
    }

    /// Sends; gives the parameters without Signature.
    fn send(&mut self, config: &Value, message: &Value, template: Option<&Value>) -> Map<String, Value> {
        let request = self.provider.request_of("aliyun-dm", config, message, template);
        let form = request.form();
        let mut parameters: Map<String, Value> =
            form.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        assert_eq!(parameters.len(), form.len(), "no parameter comes twice: {form:?}");
        self.signatures.push(parameters.remove("Signature").unwrap());
        self.requests.push(json!({ "method": request.method, "parameters": parameters }));
        parameters
    }

    fn assert_same(&self) {
        let order = json!({ "secret": SECRET, "requests": self.requests });
        let theirs = e2e::python("aliyun_signature.py", &order).unwrap();
        assert_eq!(theirs, json!(self.signatures), "{:#?}", self.requests);
    }
}

#[test]
fn the_sdk_signs_our_parameters_as_we_do() {
    let mut signed = Signed::by("dm.aliyuncs.com");
    let plain = config("Example", "Your code", "<p>{{code}}</p>");
    signed.send(&plain, &message("user@example.test", &json!({ "code": "902417" })), None);

    // Every value that encodings differ on.
    let content = "<p>Line one\r\nline two\n\ttab {{code}}</p>";
    let nasty = config("Müller & Söhne", &format!("{{{{code}}}} {NASTY}"), content);
    let sent = signed.send(&nasty, &message("u.s+e'r~*@example.test", &json!({ "code": NASTY })), None);
    assert_eq!(sent["Subject"], format!("{NASTY} {NASTY}"));
    assert_eq!(sent["ToAddress"], "u.s+e'r~*@example.test");
    assert!(sent["HtmlBody"].as_str().unwrap().contains("line two\n\ttab"));

    let template = json!({
        "subject": "%7E%20+%2B {{code}}", "content": "1\n2\n%0A {{code}} 🔐", "contentType": "text/plain",
        "sendFrom": "*~ 中文", "replyTo": "Help (us)* ~ <help+1@example.test>",
    });
    let sent = signed.send(&nasty, &message("user@例え.テスト", &json!({ "code": "🔐" })), Some(&template));
    assert_eq!((&sent["Subject"], &sent["TextBody"]), (&json!("%7E%20+%2B 🔐"), &json!("1\n2\n%0A 🔐 🔐")));
    signed.assert_same();
}

#[test]
fn whatever_a_code_may_be_and_wherever_it_is_sent() {
    let mut signed = Signed::by("dm.ap-southeast-1.aliyuncs.com");
    let mut config = config("Example", "{{code}}", "<p>{{code}}</p>");
    config["regionId"] = json!("ap-southeast-1");
    for code in ["", " ", "\u{0}", "\u{7f}", "é\u{301}", "a\u{2028}b", "&amp;", "=", "Signature=x"] {
        signed.send(&config, &message("user@example.test", &json!({ "code": code })), None);
    }
    signed.assert_same();
}
