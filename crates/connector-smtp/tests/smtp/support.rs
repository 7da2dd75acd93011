//! What the tests share: a recorder in place of smtp.example.com, and connectors that reach it.

use std::sync::Arc;

use connector_kit::{
    CompiledTemplate, Context, Delivery, Egress, EmailConnector, EmailTemplate, Error, ErrorKind, Message, Payload,
    Report, SendContext, UsageType, root_certificates,
};
use connector_smtp::CONNECTOR;
use connector_testkit::{ParsedMail, SmtpRecorder, SmtpRecorderOptions, SmtpScript, TestCa, parse_mail};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub const HOST: &str = "smtp.example.com";
pub const PASSWORD: &str = "smtp-password";
const USAGES: [&str; 4] = ["SignIn", "Register", "ForgotPassword", "Generic"];

/// A server that calls itself smtp.example.com and has a certificate that says so.
pub struct Relay {
    pub server: SmtpRecorder,
    pub ca: TestCa,
}

impl Relay {
    pub async fn start(script: SmtpScript) -> Self {
        Self::with_names(script, &[HOST]).await
    }

    /// With a certificate for other names.
    pub async fn with_names(script: SmtpScript, names: &[&str]) -> Self {
        let ca = TestCa::new();
        let server = SmtpRecorder::start(SmtpRecorderOptions { tls: Some(ca.server_config(names)), script }).await;
        Self { server, ca }
    }

    /// Offers what most servers do.
    pub async fn usual() -> Self {
        Self::start(usual()).await
    }

    pub fn context(&self) -> Context {
        context(self.server.port(), Some(&self.ca))
    }

    /// A connector with the usual configuration and these `changes`.
    pub fn connector(&self, changes: Value) -> Box<dyn EmailConnector> {
        build(&with(changes), &self.context())
    }

    /// Sends one message with a connector of its own, and says goodbye.
    pub async fn send(&self, changes: Value, message: &Message) -> Result<Option<String>, Error> {
        let connector = self.connector(changes);
        let sent = connector.send(message, &SendContext::new()).await.map(|receipt| receipt.message_id);
        drop(connector);
        sent
    }

    /// The client's lines of the only session, once it is over.
    pub async fn only_dialogue(&self) -> Vec<String> {
        self.server.wait_for_open_connections(0).await;
        let sessions = self.server.sessions();
        assert_eq!(sessions.len(), 1, "one session expected: {sessions:#?}");
        sessions[0].commands().into_iter().map(str::to_owned).collect()
    }

    /// The one message that came, parsed.
    pub fn only_mail(&self) -> ParsedMail {
        parse_mail(&self.server.only_message().source)
    }
}

/// What most servers offer once TLS is on; STARTTLS is not on the list.
pub fn usual() -> SmtpScript {
    SmtpScript::offering(&["PIPELINING", "SIZE 10485760", "8BITMIME", "AUTH PLAIN LOGIN"])
}

/// Connects whatever goes to example.com's hosts to `port` of this machine.
pub fn egress(port: u16, ca: Option<&TestCa>) -> Egress {
    Egress {
        connect_to: vec![format!("::127.0.0.1:{port}").parse().unwrap()],
        extra_roots: ca.map(|ca| root_certificates(ca.root_pem().as_bytes()).unwrap()).unwrap_or_default(),
        ..Egress::default()
    }
}

pub fn context(port: u16, ca: Option<&TestCa>) -> Context {
    Context::new(egress(port, ca)).unwrap()
}

pub fn build(config: &Value, context: &Context) -> Box<dyn EmailConnector> {
    CONNECTOR.build(config, context).unwrap()
}

/// The usual configuration with `changes` in place of its fields; null takes a field out.
pub fn with(changes: Value) -> Value {
    let template = |usage: &str| {
        json!({
            "usageType": usage,
            "contentType": "text/html",
            "subject": format!("{usage} subject {{{{code}}}}"),
            "content": format!("<p>{usage}: your code is <b>{{{{code}}}}</b>.</p>"),
        })
    };
    let mut config = json!({
        "host": HOST,
        "port": 587,
        "auth": { "user": "mailer", "pass": PASSWORD },
        "fromEmail": "Logto <noreply@example.com>",
        "templates": (USAGES.map(template)),
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(config.as_object_mut().unwrap().remove(name)),
            value => config[name] = value.clone(),
        }
    }
    config
}

/// The usual templates with this subject and content.
pub fn templates(content_type: &str, subject: &str, content: &str) -> Value {
    let template = |usage: &str| json!({ "usageType": usage, "contentType": content_type, "subject": subject, "content": content });
    json!(USAGES.map(template))
}

pub fn payload(value: Value) -> Payload {
    value.as_object().unwrap().clone()
}

pub fn to(address: &str) -> Message {
    Message::new(address, UsageType::SignIn, payload(json!({ "code": "123456" })))
}

pub fn message() -> Message {
    to("user@example.com")
}

pub fn localized(template: Value) -> Arc<CompiledTemplate> {
    Arc::new(serde_json::from_value::<EmailTemplate>(template).unwrap().compile().unwrap())
}

pub fn validate(changes: Value) -> Report {
    CONNECTOR.validate(&with(changes))
}

/// What a caller acts on.
pub fn outcome(error: &Error) -> (ErrorKind, Delivery) {
    (error.kind(), error.delivery())
}

/// A server of a few lines on 127.0.0.1; every connection is served by `serve`. Gives its port.
pub async fn raw_server<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    port
}

/// Says `reply` and reads the next line. Nothing when the client has gone.
pub async fn say(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), reply: &[u8]) -> Option<String> {
    stream.write_all(reply).await.ok()?;
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        line.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// Serves a client from here on as an ordinary server would, with `hello` for EHLO. Gives what the client said.
pub async fn serve_on(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), hello: &str) -> Vec<String> {
    let (mut said, mut in_message, mut reply) = (Vec::new(), false, String::new());
    while let Some(line) = say(stream, reply.as_bytes()).await {
        reply = match line.get(..4).unwrap_or(&line) {
            "." => "250 2.0.0 Ok\r\n",
            _ if in_message => "",
            "EHLO" => hello,
            "AUTH" => "235 2.7.0 Ok\r\n",
            "DATA" => "354 Go ahead\r\n",
            "QUIT" => "221 2.0.0 Bye\r\n",
            _ => "250 Ok\r\n",
        }
        .to_owned();
        in_message = line != "." && (in_message || line == "DATA");
        said.push(line);
    }
    said
}
