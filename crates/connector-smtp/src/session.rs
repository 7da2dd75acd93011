//! One SMTP session: from the connection to the accepted message.

use std::{fmt::Display, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use connector_kit::{Redactor, Secret, SendContext};
use lettre::transport::smtp::{
    client::AsyncSmtpConnection,
    commands::{Data, Ehlo, Mail as MailCommand, Rcpt, Rset, Starttls},
    extension::{ClientId, MailParameter},
    response::{Response, Severity},
};
use tokio::{
    runtime::{self, Handle},
    time::Instant,
};

use crate::{
    mail::Mail,
    replies::{Cause, Failure, Stage},
    wire::Wire,
};

/// How long a session that has served before may take for its first reply to the next message. It may have lost its server
/// without a word (a firewall forgets, a machine fails): a new connection is then quicker than to wait.
const FIRST_REPLY_MOST: Duration = Duration::from_secs(3);

/// How long a session may last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lasting {
    /// Messages at most, refused ones included.
    pub(crate) messages: u64,
    /// Since it was opened.
    pub(crate) age: Duration,
    /// Since it was last used.
    pub(crate) idle: Duration,
}

/// An open session with a server.
pub(crate) struct Session {
    connection: AsyncSmtpConnection,
    wire: Wire,
    offers: Offers,
    reply_timeout: Duration,
    /// How long to wait for each reply; no limit of its own where the send's deadline ends before it would.
    reply_limit: Option<Duration>,
    /// Every command has its reply. A session dropped otherwise, as by a deadline, must neither serve again nor talk.
    at_rest: bool,
    /// The server keeps the envelope of a message that it then refused.
    has_envelope: bool,
    /// What it was signed in with, in every form that the server has seen.
    shown: Vec<Secret>,
    /// How many messages it was used for, refused ones included.
    messages: u64,
    opened: Instant,
    last_used: Instant,
    /// The runtime that opened it.
    runtime: Option<runtime::Id>,
}

/// What a server offers in its reply to EHLO (RFC 5321, 4.1.1.1). lettre keeps of it only what it speaks itself.
struct Offers(Vec<String>);

impl Offers {
    fn read(reply: &[String]) -> Self {
        Self(reply.iter().skip(1).filter_map(|line| line.get(4..)).map(str::to_ascii_uppercase).collect())
    }

    fn has(&self, keyword: &str) -> bool {
        self.0.iter().any(|line| line.split_ascii_whitespace().next() == Some(keyword))
    }

    /// Servers of old write `AUTH=LOGIN`, some of them beside the form of today.
    fn has_mechanism(&self, name: &str) -> bool {
        let mut offers = self.0.iter().filter_map(|line| line.strip_prefix("AUTH"));
        offers.any(|rest| rest.starts_with([' ', '=']) && rest.split([' ', '=']).any(|word| word == name))
    }
}

impl Session {
    /// Reads the greeting and says EHLO.
    pub(crate) async fn open(
        wire: Wire,
        client: &ClientId,
        greeting_timeout: Duration,
        reply_timeout: Duration,
    ) -> Result<Self, Failure> {
        let opening = AsyncSmtpConnection::connect_with_transport(Box::new(wire.clone()), client);
        let connection = tokio::time::timeout(greeting_timeout, opening)
            .await
            .map_err(|_| Failure::silent(Stage::Greeting, greeting_timeout))?
            .map_err(|error| Failure::of(Stage::Greeting, &error))?;
        let offers = Offers::read(&wire.last_reply());
        Ok(Self {
            connection,
            wire,
            offers,
            reply_timeout,
            reply_limit: Some(reply_timeout),
            at_rest: true,
            has_envelope: false,
            shown: Vec::new(),
            messages: 0,
            opened: Instant::now(),
            last_used: Instant::now(),
            runtime: current_runtime(),
        })
    }

    pub(crate) fn offers_starttls(&self) -> bool {
        self.offers.has("STARTTLS")
    }

    pub(crate) fn offers_smtputf8(&self) -> bool {
        self.offers.has("SMTPUTF8")
    }

    pub(crate) fn offers_mechanism(&self, name: &str) -> bool {
        self.offers.has_mechanism(name)
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.wire.is_encrypted()
    }

    /// Asks for STARTTLS; afterwards the wire's connection is the caller's to encrypt.
    pub(crate) async fn ask_for_tls(&mut self) -> Result<&Wire, Failure> {
        self.command(Stage::StartTls, Starttls).await?;
        Ok(&self.wire)
    }

    /// Says EHLO again: what was offered in clear does not count.
    pub(crate) async fn say_hello(&mut self, client: &ClientId) -> Result<(), Failure> {
        self.command(Stage::StartTls, Ehlo::new(client.clone())).await?;
        self.offers = Offers::read(&self.wire.last_reply());
        Ok(())
    }

    /// Sends one message.
    pub(crate) async fn send(&mut self, mail: &Mail, context: &SendContext) -> Result<(), Failure> {
        let deadline_is_first = |deadline| deadline < Instant::now() + self.reply_timeout;
        self.reply_limit = (!context.deadline().is_some_and(deadline_is_first)).then_some(self.reply_timeout);
        let usual = self.reply_limit;
        if self.messages > 0 {
            self.reply_limit = Some(self.reply_timeout.min(FIRST_REPLY_MOST));
        }
        self.messages += 1;
        if self.has_envelope {
            self.command(Stage::Reset, Rset).await?;
            self.has_envelope = false;
            self.reply_limit = usual;
        }
        let parameters = if mail.needs_utf8 { vec![MailParameter::SmtpUtfEight] } else { Vec::new() };
        self.command(Stage::Mail, MailCommand::new(Some(mail.from.clone()), parameters)).await?;
        self.reply_limit = usual;
        self.has_envelope = true;
        self.command(Stage::Rcpt, Rcpt::new(mail.to.clone(), Vec::new())).await?;
        self.ask(Stage::Data, Data).await?;
        context.mark_written().map_err(|given_up| Failure::given_up(&given_up))?;
        self.at_rest = false;
        let awaiting = Awaiting::new(&self.wire);
        let content = self.connection.message(&mail.content);
        let reply = awaiting.reply(Stage::Content, self.reply_limit, content).await;
        self.took(&reply);
        // Whatever the reply to the final dot, the server is done with the envelope.
        self.has_envelope = false;
        if matches!(reply, Err(Failure { cause: Cause::Reply { .. }, .. })) {
            context.mark_not_sent();
        }
        expect(Stage::Content, Severity::PositiveCompletion, reply?).map(drop)
    }

    /// Sends a command that the server is to carry out.
    pub(crate) async fn command(&mut self, stage: Stage, command: impl Display) -> Result<Response, Failure> {
        let response = self.exchange(stage, command).await?;
        expect(stage, Severity::PositiveCompletion, response)
    }

    /// Sends a command that the server is to ask more about.
    pub(crate) async fn ask(&mut self, stage: Stage, command: impl Display) -> Result<Response, Failure> {
        let response = self.exchange(stage, command).await?;
        expect(stage, Severity::PositiveIntermediate, response)
    }

    pub(crate) async fn exchange(&mut self, stage: Stage, command: impl Display) -> Result<Response, Failure> {
        self.at_rest = false;
        let awaiting = Awaiting::new(&self.wire);
        let reply = awaiting.reply(stage, self.reply_limit, self.connection.command(command)).await;
        self.took(&reply);
        reply
    }

    fn took(&mut self, reply: &Result<Response, Failure>) {
        self.last_used = Instant::now();
        self.at_rest = match reply {
            Ok(response) => response.code().severity == Severity::PositiveCompletion,
            Err(failure) => failure.leaves_connection(),
        };
    }

    /// Hides also what the session was signed in with: a server may echo it any time.
    pub(crate) fn hide(&self, redactor: Redactor) -> Redactor {
        self.shown.iter().fold(redactor, Redactor::and_secret)
    }

    /// Notes what the server is about to see: a secret, and the line that it goes in.
    pub(crate) fn has_shown(&mut self, secret: &str, line: &str) {
        self.shown.extend([Secret::new(secret), Secret::new(STANDARD.encode(secret)), Secret::new(line)]);
    }

    /// Whether the session has lasted as long as it may.
    pub(crate) fn is_over(&self, lasting: &Lasting) -> bool {
        self.messages >= lasting.messages
            || self.opened.elapsed() >= lasting.age
            || self.last_used.elapsed() >= lasting.idle
    }

    /// Whether the session is fit for another message, as far as can be told without a round trip.
    pub(crate) fn is_fit(&self) -> bool {
        // A connection belongs to the runtime that opened it: another one may end, or not be driven.
        self.at_rest && self.runtime == current_runtime() && self.wire.is_quiet()
    }
}

/// The runtime that this is called in.
fn current_runtime() -> Option<runtime::Id> {
    Handle::try_current().ok().map(|runtime| runtime.id())
}

impl Drop for Session {
    /// Says goodbye where the server is not in the middle of something.
    fn drop(&mut self) {
        if self.at_rest {
            self.wire.say_quit();
        }
    }
}

/// A command under way. Unless its reply comes, the connection is closed at once: no other message may go over it, and
/// the server is not left waiting.
struct Awaiting<'w> {
    wire: &'w Wire,
    came: bool,
}

impl<'w> Awaiting<'w> {
    fn new(wire: &'w Wire) -> Self {
        Self { wire, came: false }
    }

    async fn reply(
        mut self,
        stage: Stage,
        limit: Option<Duration>,
        reply: impl Future<Output = Result<Response, lettre::transport::smtp::Error>>,
    ) -> Result<Response, Failure> {
        let reply = match limit {
            None => reply.await,
            Some(limit) => tokio::time::timeout(limit, reply).await.map_err(|_| Failure::silent(stage, limit))?,
        };
        let reply = reply.map_err(|error| Failure::of(stage, &error));
        self.came = reply.as_ref().map_or_else(Failure::leaves_connection, |_| true);
        reply
    }
}

impl Drop for Awaiting<'_> {
    fn drop(&mut self) {
        if !self.came {
            self.wire.hang_up();
        }
    }
}

/// lettre takes "go on" for "done" and the other way round.
pub(crate) fn expect(stage: Stage, wanted: Severity, response: Response) -> Result<Response, Failure> {
    match response.code().severity == wanted {
        true => Ok(response),
        false => Err(Failure { stage, cause: Cause::Garbled(None) }),
    }
}
