//! Replays reference recordings: the same input through our connector, as a host would give it.

mod expectations;
pub mod reference;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use connector_kit::{
    ConnectTo, ConnectorFactory, Context, Egress, EmailConnector, EmailTemplate, Error, Message, Receipt, Report,
    SendContext,
};
use serde_json::Value;
use url::{Host, Url, form_urlencoded};

pub use expectations::{Expectations, Expected};

use crate::{
    Answer, HttpRecorder, RecordedRequest, RecorderOptions, Recording, RefusedPort, RequestBody, RequestRecord, TestCa,
};

/// How to replay recordings of a connector that speaks HTTP.
pub struct Replay {
    factory: &'static ConnectorFactory,
    accepts: Answer,
    aside: fn(&RecordedRequest) -> Option<Answer>,
}

/// What our connector did with a recording's input.
#[derive(Debug)]
pub struct Replayed {
    /// What validation says of the configuration.
    pub report: Report,
    /// What the caller gets: a connector without retry and deadline, one attempt.
    pub outcome: Result<Receipt, Error>,
    /// The requests that came, those answered aside left out.
    pub requests: Vec<RecordedRequest>,
    /// How many connections were opened.
    pub connections: usize,
}

impl Replay {
    /// Replays recordings through `factory`, for a provider whose usual success is `accepts`.
    #[must_use]
    pub fn new(factory: &'static ConnectorFactory, accepts: Answer) -> Self {
        Self { factory, accepts, aside: |_| None }
    }

    /// Answers requests that the recordings know nothing of, such as those for an access token, apart from the
    /// recording's script.
    #[must_use]
    pub fn answering_aside(mut self, aside: fn(&RecordedRequest) -> Option<Answer>) -> Self {
        self.aside = aside;
        self
    }

    /// Replays one recording. Whatever host the connector turns to, it finds the recorder there.
    ///
    /// # Panics
    ///
    /// When the recording's message or template cannot be read.
    pub async fn run(&self, recording: &Recording) -> Replayed {
        let given = &recording.given;
        let config = given.effective_config();
        let report = self.factory.validate(config);
        let message = message_of(recording);

        let network = given.network.unwrap_or_default();
        let (authority, stranger, nobody) = (TestCa::new(), TestCa::new(), RefusedPort::new());
        let certified = if network.untrusted { &stranger } else { &authority };
        let hosts = hosts_of(recording);
        let names: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let tls = start(Some(certified.server_config(&names))).await;
        let plain = start(None).await;
        let script = Arc::new(Mutex::new(Script::new(given.answers.clone(), &self.accepts)));
        for recorder in [&tls, &plain] {
            let (script, aside) = (Arc::clone(&script), self.aside);
            recorder.respond_with(move |request| aside(request).unwrap_or_else(|| script.lock().unwrap().next()));
        }

        let port = |tls_wanted: bool| match (network.refuse, tls_wanted) {
            (true, _) => nobody.port(),
            (false, true) => tls.port(),
            (false, false) => plain.port(),
        };
        let recorded = recording.recorded.connections.iter();
        let known = recorded.map(|one| ConnectTo::new(&one.host, one.port, "127.0.0.1", port(one.tls)));
        let http: ConnectTo = format!(":80:127.0.0.1:{}", port(false)).parse().unwrap();
        let rest: ConnectTo = format!("::127.0.0.1:{}", port(true)).parse().unwrap();
        let egress = Egress {
            connect_to: known.chain([http, rest]).collect(),
            extra_roots: vec![authority.root_der()],
            ..Egress::default()
        };
        let outcome = match self.factory.build(config, &Context::new(egress).unwrap()) {
            Ok(connector) => connector.send(&message, &SendContext::new()).await,
            Err(error) => Err(error),
        };
        let requests = [tls.requests(), plain.requests()].concat();
        Replayed {
            report,
            outcome,
            requests: requests.into_iter().filter(|request| (self.aside)(request).is_none()).collect(),
            connections: tls.connections() + plain.connections(),
        }
    }
}

impl Replayed {
    /// The one request that came, as the recordings write requests, with these of its headers.
    ///
    /// # Panics
    ///
    /// When none came, or several.
    #[must_use]
    pub fn only_request(&self, headers: &[&str]) -> RequestRecord {
        assert_eq!(self.requests.len(), 1, "one request expected, these came: {:#?}", self.requests);
        RequestRecord::of(&self.requests[0], headers)
    }
}

impl RequestRecord {
    /// A request as the recordings write it, with these of its headers.
    #[must_use]
    pub fn of(request: &RecordedRequest, headers: &[&str]) -> Self {
        let header = |name: &&str| request.header(name).map(|value| (name.to_ascii_lowercase(), Value::from(value)));
        let host = request.host.rsplit_once(':').map_or(request.host.as_str(), |(host, _)| host);
        Self {
            method: request.method.clone(),
            scheme: request.scheme.clone(),
            host: host.to_owned(),
            path: request.path.clone(),
            query: request.query_pairs(),
            headers: headers.iter().filter_map(header).collect(),
            body: (!request.body.is_empty()).then(|| body_of(request)),
        }
    }
}

fn body_of(request: &RecordedRequest) -> RequestBody {
    let text = request.text();
    let media_type = request.header("content-type").unwrap_or_default();
    if media_type.starts_with("application/x-www-form-urlencoded") {
        let form = form_urlencoded::parse(&request.body).into_owned().collect();
        return RequestBody { form: Some(form), raw: Some(text.to_owned()), ..RequestBody::default() };
    }
    match serde_json::from_str(text) {
        Ok(json) => RequestBody { json: Some(json), ..RequestBody::default() },
        Err(_) => RequestBody { text: Some(text.to_owned()), ..RequestBody::default() },
    }
}

/// The answers to come: the recording's, else the usual success, the last one repeated.
struct Script(Vec<Answer>);

impl Script {
    fn new(answers: Option<Vec<Answer>>, accepts: &Answer) -> Self {
        let mut answers = answers.filter(|answers| !answers.is_empty()).unwrap_or_else(|| vec![accepts.clone()]);
        answers.reverse();
        Self(answers)
    }

    fn next(&mut self) -> Answer {
        if self.0.len() > 1 { self.0.pop().unwrap_or_default() } else { self.0[0].clone() }
    }
}

async fn start(tls: Option<rustls::ServerConfig>) -> HttpRecorder {
    HttpRecorder::start(RecorderOptions { tls, answers: Vec::new() }).await
}

/// The recording's message, with the localized template that the host found. One that could not be looked up is none.
fn message_of(recording: &Recording) -> Message {
    let id = recording.id();
    let mut message: Message =
        serde_json::from_value(recording.given.data.clone()).unwrap_or_else(|error| panic!("{id}: data: {error}"));
    message.template = recording.given.template().map(|template| {
        let template: EmailTemplate =
            serde_json::from_value(template.clone()).unwrap_or_else(|error| panic!("{id}: template: {error}"));
        Arc::new(template.compile().unwrap_or_else(|error| panic!("{id}: {error}")))
    });
    message
}

/// Every host that a connector of this recording may have to be sure of.
fn hosts_of(recording: &Recording) -> BTreeSet<String> {
    let recorded = &recording.recorded;
    let mut hosts: BTreeSet<String> = recorded.connections.iter().map(|one| one.host.clone()).collect();
    hosts.extend(recorded.requests.iter().map(|request| request.host.clone()));
    configured(recording.given.effective_config(), &mut hosts);
    // A server without a certificate cannot be started, and one that nobody knows is never asked.
    hosts.insert("nobody.example".to_owned());
    hosts
}

/// The hosts of all URLs in a configuration.
fn configured(config: &Value, hosts: &mut BTreeSet<String>) {
    match config {
        Value::String(text) => {
            if let Some(Host::Domain(host)) = Url::parse(text).ok().as_ref().and_then(Url::host) {
                hosts.insert(host.to_owned());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| configured(item, hosts)),
        Value::Object(members) => members.values().for_each(|member| configured(member, hosts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
