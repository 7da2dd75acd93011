//! Second opinions: what providers' own clients, emulators and reference libraries make of what the real binary sends.

mod aliyun;
mod aws_credentials;
mod aws_requests;
mod clients;
mod mailgun;
mod oidc;
mod postmark;
mod sendgrid;
mod ses;
mod webhooks;

use crate::every_usage;
use connector_testkit::{Answer, HttpRecorder, RecordedRequest, RecorderOptions, TestCa};
use e2e::{Desk, Ran};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What nobody's encoding may lose: blanks, what URLs, forms and signatures treat apart, other scripts.
const NASTY: &str = "a+b *~ !'() &=%25;/?#@ 中文 ü 🔐 \"<\\>";

/// A provider, played by a recorder over TLS under the provider's own name, and a desk with its root certificate.
struct Provider {
    host: &'static str,
    recorder: HttpRecorder,
    desk: Desk,
}

impl Provider {
    fn start(host: &'static str, answer: Answer) -> Self {
        let ca = TestCa::new();
        let options = RecorderOptions { tls: Some(ca.server_config(&[host])), answers: vec![answer] };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let recorder = runtime.block_on(HttpRecorder::start(options));
        let desk = Desk::new().unwrap();
        desk.write("ca.pem", &ca.root_pem()).unwrap();
        Self { host, recorder, desk }
    }

    fn ca_file(&self) -> PathBuf {
        self.desk.path().join("ca.pem")
    }

    /// What the real binary sends.
    fn request_of(
        &self,
        connector: &str,
        config: &Value,
        message: &Value,
        template: Option<&Value>,
    ) -> RecordedRequest {
        self.recorder.clear();
        let ran = Sending::new(connector, config, message)
            .template(template)
            .connect_to(self.host, self.recorder.port())
            .trusting(&self.ca_file())
            .run(&self.desk);
        assert_sent(&ran);
        self.recorder.only_request()
    }
}

/// A `send` by the real binary.
struct Sending<'a> {
    connector: &'a str,
    files: Vec<(&'static str, String)>,
    flags: Vec<String>,
    env: Vec<(&'a str, &'a str)>,
}

impl<'a> Sending<'a> {
    fn new(connector: &'a str, config: &Value, message: &Value) -> Self {
        let files = vec![("config", config.to_string()), ("message", message.to_string())];
        Self { connector, files, flags: Vec::new(), env: Vec::new() }
    }

    fn template(mut self, template: Option<&Value>) -> Self {
        self.files.extend(template.map(|template| ("template", template.to_string())));
        self
    }

    fn connect_to(mut self, host: &str, port: u16) -> Self {
        self.flags.extend(["--connect-to".to_owned(), format!("{host}:443:127.0.0.1:{port}")]);
        self
    }

    fn trusting(mut self, ca: &Path) -> Self {
        self.flags.extend(["--cacert".to_owned(), ca.to_str().unwrap().to_owned()]);
        self
    }

    fn env(mut self, env: &[(&'a str, &'a str)]) -> Self {
        self.env.extend(env);
        self
    }

    fn run(&self, desk: &Desk) -> Ran {
        let mut arguments = vec!["send".to_owned(), self.connector.to_owned(), "--json".to_owned()];
        for (name, content) in &self.files {
            let file = format!("{name}.json");
            desk.write(&file, content).unwrap();
            arguments.extend([format!("--{name}"), file]);
        }
        let arguments: Vec<&str> = arguments.iter().chain(&self.flags).map(String::as_str).collect();
        desk.run_alone(&self.env, &arguments).unwrap()
    }
}

/// Fails the test unless the message was sent; gives its id.
fn assert_sent(ran: &Ran) -> Value {
    let said = ran.json().unwrap();
    assert_eq!((ran.code, said["status"].as_str()), (0, Some("sent")), "{ran:?}");
    said["messageId"].clone()
}

/// `object` with the members of `changes` over its own.
fn with(mut object: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("no object: {changes}") };
    object.as_object_mut().unwrap().extend(changes);
    object
}

/// A message to sign in with these values.
fn message(to: &str, payload: &Value) -> Value {
    json!({ "to": to, "type": "SignIn", "payload": payload })
}

/// The same subject and HTML for every usage type, where nothing says that it is HTML.
fn html_templates(subject: &str, content: &str) -> Vec<Value> {
    every_usage(|usage| json!({ "usageType": usage, "subject": subject, "content": content }))
}
