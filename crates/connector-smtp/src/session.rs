//! One SMTP session: from the connection to the accepted message.

use std::{fmt::Display, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use connector_kit::{Redactor, Secret, SendContext};
use hmac::{Hmac, Mac};
use lettre::transport::smtp::{
    client::AsyncSmtpConnection,
    commands::{Data, Ehlo, Mail as MailCommand, Rcpt, Rset, Starttls},
    extension::{ClientId, MailParameter},
    response::{Response, Severity},
};
use md5::Md5;
use tokio::time::Instant;

use crate::{
    mail::Mail,
    replies::{Cause, Failure, Stage},
    wire::Wire,
};

/// How long taking a refused envelope back may hold up the next message; after that a new session is quicker.
const RESET_MOST: Duration = Duration::from_secs(2);

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
    last_used: Instant,
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
            last_used: Instant::now(),
        })
    }

    pub(crate) fn offers_starttls(&self) -> bool {
        self.offers.has("STARTTLS")
    }

    pub(crate) fn offers_smtputf8(&self) -> bool {
        self.offers.has("SMTPUTF8")
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

    /// Signs in with a password, by the first way that the server offers of PLAIN, LOGIN and CRAM-MD5.
    pub(crate) async fn log_in(&mut self, user: &str, password: &Secret) -> Result<(), Failure> {
        // RFC 4616.
        let plain = STANDARD.encode(format!("\0{user}\0{}", password.expose()));
        self.shown = forms_of(password, &plain);
        if self.offers.has_mechanism("PLAIN") {
            self.authenticate(&format!("AUTH PLAIN {plain}")).await
        } else if self.offers.has_mechanism("LOGIN") {
            self.ask(Stage::Auth, "AUTH LOGIN\r\n").await?;
            self.ask(Stage::Auth, format!("{}\r\n", STANDARD.encode(user))).await?;
            self.authenticate(&STANDARD.encode(password.expose())).await
        } else if self.offers.has_mechanism("CRAM-MD5") {
            self.cram_md5(user, password).await
        } else {
            Err(not_offered("a way to sign in with a password (PLAIN, LOGIN or CRAM-MD5)"))
        }
    }

    /// Signs in with an access token.
    pub(crate) async fn log_in_by_token(&mut self, user: &str, token: &Secret) -> Result<(), Failure> {
        if !self.offers.has_mechanism("XOAUTH2") {
            return Err(not_offered("XOAUTH2"));
        }
        // developers.google.com/gmail/imap/xoauth2-protocol
        let both = STANDARD.encode(format!("user={user}\x01auth=Bearer {}\x01\x01", token.expose()));
        self.shown = forms_of(token, &both);
        let mut response = self.exchange(Stage::Auth, format!("AUTH XOAUTH2 {both}\r\n")).await?;
        if response.has_code(334) {
            // The challenge explains a refusal; an empty line asks for the refusal itself.
            response = self.exchange(Stage::Auth, "\r\n").await?;
        }
        expect(Stage::Auth, Severity::PositiveCompletion, response).map(drop)
    }

    /// RFC 2195: proves the password without sending it.
    async fn cram_md5(&mut self, user: &str, password: &Secret) -> Result<(), Failure> {
        let garbled = || Failure { stage: Stage::Auth, cause: Cause::Garbled };
        let response = self.ask(Stage::Auth, "AUTH CRAM-MD5\r\n").await?;
        let challenge = response.first_word().and_then(|word| STANDARD.decode(word).ok()).ok_or_else(garbled)?;
        let mut mac = Hmac::<Md5>::new_from_slice(password.expose().as_bytes()).map_err(|_| garbled())?;
        mac.update(&challenge);
        let digest: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        self.authenticate(&STANDARD.encode(format!("{user} {digest}"))).await
    }

    /// Sends the last line of an authentication.
    async fn authenticate(&mut self, line: &str) -> Result<(), Failure> {
        self.command(Stage::Auth, format!("{line}\r\n")).await.map(drop)
    }

    /// Sends one message.
    pub(crate) async fn send(&mut self, mail: &Mail, context: &SendContext) -> Result<(), Failure> {
        let deadline_is_first = |deadline| deadline < Instant::now() + self.reply_timeout;
        self.reply_limit = (!context.deadline().is_some_and(deadline_is_first)).then_some(self.reply_timeout);
        let parameters = if mail.needs_utf8 { vec![MailParameter::SmtpUtfEight] } else { Vec::new() };
        self.command(Stage::Mail, MailCommand::new(Some(mail.from.clone()), parameters)).await?;
        self.has_envelope = true;
        self.command(Stage::Rcpt, Rcpt::new(mail.to.clone(), Vec::new())).await?;
        self.ask(Stage::Data, Data).await?;
        context.mark_written();
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
    async fn command(&mut self, stage: Stage, command: impl Display) -> Result<Response, Failure> {
        let response = self.exchange(stage, command).await?;
        expect(stage, Severity::PositiveCompletion, response)
    }

    /// Sends a command that the server is to ask more about.
    async fn ask(&mut self, stage: Stage, command: impl Display) -> Result<Response, Failure> {
        let response = self.exchange(stage, command).await?;
        expect(stage, Severity::PositiveIntermediate, response)
    }

    async fn exchange(&mut self, stage: Stage, command: impl Display) -> Result<Response, Failure> {
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

    pub(crate) fn last_used(&self) -> Instant {
        self.last_used
    }

    /// Makes the session fit for the next message; tells whether it is. Costs no round trip, unless the last message
    /// was refused.
    pub(crate) async fn make_ready(&mut self) -> bool {
        if !self.at_rest || !self.wire.is_quiet() {
            return false;
        }
        if self.has_envelope {
            let reset = tokio::time::timeout(RESET_MOST, self.command(Stage::Mail, Rset)).await;
            self.has_envelope = !matches!(reset, Ok(Ok(_)));
        }
        !self.has_envelope
    }
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
fn expect(stage: Stage, wanted: Severity, response: Response) -> Result<Response, Failure> {
    match response.code().severity == wanted {
        true => Ok(response),
        false => Err(Failure { stage, cause: Cause::Garbled }),
    }
}

/// A secret as it is, as it goes over the wire alone, and as it does with its user.
fn forms_of(secret: &Secret, with_user: &str) -> Vec<Secret> {
    vec![secret.clone(), Secret::new(STANDARD.encode(secret.expose())), Secret::new(with_user)]
}

fn not_offered(what: &'static str) -> Failure {
    Failure { stage: Stage::Auth, cause: Cause::NotOffered(what) }
}
