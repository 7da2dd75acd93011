//! The provider's side of a check: a recorder with the provider's manners.

use connector_kit::{ConnectTo, Context, Egress, EmailConnector};
use rustls::ServerConfig;
use serde_json::Value;

use super::subject::{Arrived, HttpProvider, Provider, SmtpProvider, Subject, mailbox};
use crate::{
    Answer, HttpRecorder, RecordedMail, RecordedRequest, RecorderOptions, RefusedPort, SmtpRecorder,
    SmtpRecorderOptions, SmtpScript, TestCa, answers::Given, parse_mail,
};

/// What the provider does with messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Accepts them.
    Accepts,
    /// Refuses them for good, saying this.
    Refuses(String),
}

/// The provider, on loopback. Connections to the subject's hosts come here; connections to any other host are refused.
pub struct Peer {
    server: Server,
    authority: TestCa,
    hosts: &'static [(&'static str, u16)],
    nowhere: RefusedPort,
}

/// What stands in for the provider.
pub(super) enum Server {
    Http(HttpRecorder, HttpProvider),
    Smtp(SmtpRecorder, SmtpProvider),
}

impl Peer {
    /// Starts the subject's provider.
    pub async fn start(subject: &Subject, behaviour: Behaviour) -> Self {
        let peer = Self::with_certificate(subject, TestCa::server_config).await;
        peer.behave(behaviour);
        peer
    }

    /// Starts the subject's provider, which accepts messages, with what `certificate` makes for the subject's hosts.
    pub(super) async fn with_certificate(
        subject: &Subject,
        certificate: impl FnOnce(&TestCa, &[&str]) -> ServerConfig,
    ) -> Self {
        let authority = TestCa::new();
        let names: Vec<&str> = subject.hosts.iter().map(|(host, _)| *host).collect();
        let tls = Some(certificate(&authority, &names));
        let server = match subject.provider {
            Provider::Http(provider) => {
                Server::Http(HttpRecorder::start(RecorderOptions { tls, answers: Vec::new() }).await, provider)
            }
            Provider::Smtp(provider) => {
                // Whether TLS comes first is read when a connection comes: it must be right from the beginning.
                let script = script_of(provider);
                Server::Smtp(SmtpRecorder::start(SmtpRecorderOptions { tls, script }).await, provider)
            }
        };
        let peer = Self { server, authority, hosts: subject.hosts, nowhere: RefusedPort::new() };
        peer.behave(Behaviour::Accepts);
        peer
    }

    /// Behaves like this from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        match (&self.server, behaviour) {
            (Server::Http(recorder, provider), Behaviour::Accepts) => recorder.respond_with(provider.accepts),
            (Server::Http(_, provider), Behaviour::Refuses(says)) => {
                let refusal = (provider.refuses)(&says);
                self.answer_messages(move |_| refusal.clone());
            }
            (Server::Smtp(recorder, provider), Behaviour::Accepts) => recorder.set_script(script_of(*provider)),
            (Server::Smtp(recorder, provider), Behaviour::Refuses(says)) => {
                // A reply is one line.
                let refusal = format!("550 5.7.1 {}", says.replace(['\r', '\n'], " "));
                recorder.set_script(script_of(*provider).answer("END", &[&refusal]));
            }
        }
    }

    /// Answers the requests that carry a message with this from now on, and others as usual. HTTP only.
    pub(super) fn answer_messages(&self, answer: impl Fn(&RecordedRequest) -> Answer + Send + Sync + 'static) {
        if let Server::Http(recorder, HttpProvider { accepts, reads, .. }) = &self.server {
            let (accepts, reads) = (*accepts, *reads);
            recorder.respond_with(move |request| match reads(request) {
                Some(_) => answer(request),
                None => accepts(request),
            });
        }
    }

    /// What stands in for the provider.
    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// Who vouches for the provider.
    pub(super) fn authority(&self) -> &TestCa {
        &self.authority
    }

    /// Gives this answer from now on, and the usual success to whatever else is asked.
    pub(super) fn answer_with(&self, given: &Given) {
        match (&self.server, given.clone()) {
            (Server::Smtp(recorder, provider), Given::Reply { step, reply }) => {
                recorder.set_script(script_of(*provider).answer(&step, &[&reply]));
            }
            (Server::Http(recorder, provider), given @ (Given::ToMessage(_) | Given::ToToken(_))) => {
                let HttpProvider { accepts, reads, .. } = *provider;
                recorder.respond_with(move |request| match (&given, reads(request)) {
                    (Given::ToMessage(answer), Some(_)) | (Given::ToToken(answer), None) => answer.clone(),
                    _ => accepts(request),
                });
            }
            (_, given) => panic!("the provider speaks another protocol than {given:?}"),
        }
    }

    /// How connections get here. The provider's certificate is trusted.
    #[must_use]
    pub fn egress(&self) -> Egress {
        self.egress_trusting(&self.authority)
    }

    /// How connections get here, trusting this authority.
    pub(super) fn egress_trusting(&self, authority: &TestCa) -> Egress {
        let port = match &self.server {
            Server::Http(recorder, _) => recorder.port(),
            Server::Smtp(recorder, _) => recorder.port(),
        };
        let here = |(host, from): &(&str, u16)| ConnectTo::new(host, *from, "127.0.0.1", port);
        let elsewhere = format!("::127.0.0.1:{}", self.nowhere.port()).parse::<ConnectTo>().unwrap();
        Egress {
            connect_to: self.hosts.iter().map(here).chain([elsewhere]).collect(),
            extra_roots: vec![authority.root_der()],
            ..Egress::default()
        }
    }

    /// The subject's connector, on its way here.
    ///
    /// # Panics
    ///
    /// When it cannot be built.
    #[must_use]
    pub fn connector(&self, subject: &Subject) -> Box<dyn EmailConnector> {
        self.connector_of(subject, &subject.config)
    }

    /// The connector of another configuration, on its way here.
    ///
    /// # Panics
    ///
    /// When it cannot be built.
    #[must_use]
    pub fn connector_of(&self, subject: &Subject, config: &Value) -> Box<dyn EmailConnector> {
        connector_over(subject, config, self.egress())
    }

    /// How many connections came.
    #[must_use]
    pub fn connections(&self) -> usize {
        match &self.server {
            Server::Http(recorder, _) => recorder.connections(),
            Server::Smtp(recorder, _) => recorder.connections(),
        }
    }

    /// Closes the connections that wait for their client, as an idle timeout does.
    pub async fn close_connections(&self) {
        match &self.server {
            Server::Http(recorder, _) => recorder.close_connections().await,
            Server::Smtp(recorder, _) => recorder.close_connections(Some("421 4.4.2 idle too long")).await,
        }
    }

    /// The messages that came in whole, whatever became of them, as the provider understood them.
    #[must_use]
    pub fn arrived(&self) -> Vec<Arrived> {
        match &self.server {
            Server::Http(recorder, provider) => recorder.requests().iter().filter_map(provider.reads).collect(),
            Server::Smtp(recorder, _) => recorder.messages().iter().map(read_mail).collect(),
        }
    }

    /// The last message that came in whole.
    ///
    /// # Panics
    ///
    /// When none did.
    #[must_use]
    pub fn last(&self) -> Arrived {
        self.arrived().pop().expect("no message arrived")
    }

    /// The last message as it was on the wire.
    ///
    /// # Panics
    ///
    /// When none came.
    #[must_use]
    pub fn last_on_the_wire(&self) -> String {
        let bytes = match &self.server {
            Server::Http(recorder, provider) => {
                recorder.requests().into_iter().rfind(|request| (provider.reads)(request).is_some()).map(|one| one.body)
            }
            Server::Smtp(recorder, _) => recorder.messages().pop().map(|mail| mail.wire),
        };
        String::from_utf8_lossy(&bytes.expect("no message arrived")).into_owned()
    }
}

/// The connector of a configuration of the subject's, over these ways out.
pub(super) fn connector_over(subject: &Subject, config: &Value, egress: Egress) -> Box<dyn EmailConnector> {
    let context = Context::new(egress).unwrap();
    subject.factory.build(config, &context).unwrap_or_else(|error| panic!("the connector is not built: {error}"))
}

/// What the provider says to a client whom it likes.
pub(super) fn script_of(provider: SmtpProvider) -> SmtpScript {
    SmtpScript { implicit_tls: provider.implicit_tls, ..SmtpScript::offering(provider.capabilities) }
}

/// A mail as whoever gets it understands it.
fn read_mail(mail: &RecordedMail) -> Arrived {
    let parsed = parse_mail(&mail.source);
    let mut recipients = mail.rcpt_to.iter().map(|said| envelope_address(said));
    let to = recipients.next().expect("the message has no recipient");
    let header = parsed.to.first().cloned().unwrap_or_default();
    let further = parsed.to.iter().skip(1).chain(&parsed.cc).map(|mailbox| mailbox.address.clone());
    let blind = parsed.header_values("bcc");
    Arrived {
        others: recipients.chain(further).chain(blind).collect(),
        // Who is in the header is who is in the envelope, or it is somebody else's mail.
        to: if header.address == to { header } else { mailbox(&to) },
        from: parsed.from.first().cloned(),
        reply_to: parsed.reply_to.first().cloned(),
        subject: parsed.subject,
        html: parsed.html,
        text: parsed.text,
        ..Arrived::default()
    }
}

/// `user@example.com` of `<user@example.com> SIZE=1000`.
fn envelope_address(said: &str) -> String {
    let inside = said.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    inside.map_or(said, |(address, _)| address).to_owned()
}
