//! One SMTP session: from the connection to the accepted message.

use std::{fmt::Display, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use connector_kit::{Progress, Secret};
use hmac::{Hmac, Mac};
use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism},
    client::AsyncSmtpConnection,
    commands::{Auth, Data, Ehlo, Mail as MailCommand, Rcpt, Rset, Starttls},
    extension::{ClientId, Extension, MailParameter, ServerInfo},
    response::Response,
};
use md5::Md5;

use crate::{
    mail::Mail,
    replies::{Cause, Failure, Stage},
    wire::Wire,
};

/// An open session with a server.
pub(crate) struct Session {
    connection: AsyncSmtpConnection,
    wire: Wire,
    /// What the server offers. lettre's own copy is of the time before STARTTLS.
    offers: ServerInfo,
    reply_timeout: Duration,
    /// Set while a dialogue is under way: a session dropped then, as by a deadline, must not serve again.
    busy: bool,
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
            .map_err(|_| Failure::silent(Stage::Greeting, greeting_timeout.as_secs_f64()))?
            .map_err(|error| Failure::of(Stage::Greeting, &error))?;
        let offers = connection.server_info().clone();
        Ok(Self { connection, wire, offers, reply_timeout, busy: false })
    }

    pub(crate) fn offers_starttls(&self) -> bool {
        self.offers.supports_feature(Extension::StartTls)
    }

    pub(crate) fn offers_smtputf8(&self) -> bool {
        self.offers.supports_feature(Extension::SmtpUtfEight)
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.wire.is_encrypted()
    }

    /// Asks for STARTTLS; afterwards the wire's connection is the caller's to encrypt.
    pub(crate) async fn ask_for_tls(&mut self) -> Result<&Wire, Failure> {
        self.wire.expect_tls();
        self.command(Stage::StartTls, Starttls).await?;
        Ok(&self.wire)
    }

    /// Says EHLO again: what was offered in clear does not count.
    pub(crate) async fn say_hello(&mut self, client: &ClientId) -> Result<(), Failure> {
        let response = self.command(Stage::StartTls, Ehlo::new(client.clone())).await?;
        self.offers = ServerInfo::from_response(&response).map_err(|error| Failure::of(Stage::StartTls, &error))?;
        Ok(())
    }

    /// Signs in with a password, by the first way that the server offers of PLAIN, LOGIN and CRAM-MD5.
    pub(crate) async fn log_in(&mut self, user: &str, password: &Secret, client: &ClientId) -> Result<(), Failure> {
        match self.offers.get_auth_mechanism(&[Mechanism::Plain, Mechanism::Login]) {
            Some(mechanism) => {
                let credentials = Credentials::new(user.to_owned(), password.expose().to_owned());
                self.authenticate(mechanism, &credentials).await
            }
            // lettre keeps of the server's offers only what it speaks itself.
            None if self.offers_cram_md5(client).await? => self.cram_md5(user, password).await,
            None => Err(not_offered("a way to sign in with a password (PLAIN, LOGIN or CRAM-MD5)")),
        }
    }

    /// Signs in with an access token.
    pub(crate) async fn log_in_by_token(&mut self, user: &str, token: &Secret) -> Result<(), Failure> {
        if !self.offers.supports_auth_mechanism(Mechanism::Xoauth2) {
            return Err(not_offered("XOAUTH2"));
        }
        let credentials = Credentials::new(user.to_owned(), token.expose().to_owned());
        self.authenticate(Mechanism::Xoauth2, &credentials).await
    }

    async fn authenticate(&mut self, mechanism: Mechanism, credentials: &Credentials) -> Result<(), Failure> {
        let unusable = |error| Failure::of(Stage::Auth, &error);
        let first = Auth::new(mechanism, credentials.clone(), None).map_err(unusable)?;
        let mut response = self.command(Stage::Auth, first).await?;
        // LOGIN asks twice; a server that asks on and on is not played with.
        for _ in 0..4 {
            if !response.has_code(334) {
                return Ok(());
            }
            response = if mechanism == Mechanism::Xoauth2 {
                // The challenge explains a refusal; an empty line asks for the refusal itself.
                self.command(Stage::Auth, "\r\n").await?
            } else {
                let next = Auth::new_from_response(mechanism, credentials.clone(), &response).map_err(unusable)?;
                self.command(Stage::Auth, next).await?
            };
        }
        Err(Failure { stage: Stage::Auth, cause: Cause::Garbled })
    }

    async fn offers_cram_md5(&mut self, client: &ClientId) -> Result<bool, Failure> {
        let response = self.command(Stage::Auth, Ehlo::new(client.clone())).await?;
        let mut lines = response.message();
        Ok(lines.any(|line| {
            let mut words = line.split([' ', '=']);
            words.next().is_some_and(|word| word.eq_ignore_ascii_case("AUTH"))
                && words.any(|word| word.eq_ignore_ascii_case("CRAM-MD5"))
        }))
    }

    /// RFC 2195: proves the password without sending it.
    async fn cram_md5(&mut self, user: &str, password: &Secret) -> Result<(), Failure> {
        let garbled = || Failure { stage: Stage::Auth, cause: Cause::Garbled };
        let response = self.command(Stage::Auth, "AUTH CRAM-MD5\r\n").await?;
        let challenge = response.first_word().and_then(|word| STANDARD.decode(word).ok()).ok_or_else(garbled)?;
        let mut mac = Hmac::<Md5>::new_from_slice(password.expose().as_bytes()).map_err(|_| garbled())?;
        mac.update(&challenge);
        let digest: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let answer = format!("{}\r\n", STANDARD.encode(format!("{user} {digest}")));
        self.command(Stage::Auth, answer).await.map(drop)
    }

    /// Sends one message.
    pub(crate) async fn send(&mut self, mail: &Mail, progress: &Progress) -> Result<(), Failure> {
        self.busy = true;
        let sent = self.dialogue(mail, progress).await;
        self.busy = match &sent {
            Ok(()) => false,
            // After the final dot nothing is left to take back; before it, the envelope is.
            Err(failure) if failure.leaves_connection() => {
                failure.stage != Stage::Content && self.command(failure.stage, Rset).await.is_err()
            }
            Err(_) => true,
        };
        sent
    }

    async fn dialogue(&mut self, mail: &Mail, progress: &Progress) -> Result<(), Failure> {
        let parameters = if mail.needs_utf8() { vec![MailParameter::SmtpUtfEight] } else { Vec::new() };
        self.command(Stage::Mail, MailCommand::new(Some(mail.from.clone()), parameters)).await?;
        self.command(Stage::Rcpt, Rcpt::new(mail.to.clone(), Vec::new())).await?;
        self.command(Stage::Data, Data).await?;
        progress.mark_written();
        let content = self.connection.message(&mail.content);
        let outcome = reply_within(self.reply_timeout, Stage::Content, content).await;
        if matches!(outcome, Err(Failure { cause: Cause::Reply { .. }, .. })) {
            progress.mark_not_sent();
        }
        outcome.map(drop)
    }

    async fn command(&mut self, stage: Stage, command: impl Display) -> Result<Response, Failure> {
        reply_within(self.reply_timeout, stage, self.connection.command(command)).await
    }

    /// Whether the session can serve another message; checked without a round trip.
    pub(crate) fn is_usable(&self) -> bool {
        !self.busy && self.wire.is_quiet()
    }

    /// Not to be used, and not to be said goodbye on.
    pub(crate) fn spoil(&mut self) {
        self.busy = true;
    }

    /// Good to use again.
    pub(crate) fn unspoil(&mut self) {
        self.busy = false;
    }
}

impl Drop for Session {
    /// Says goodbye where the session is between messages.
    fn drop(&mut self) {
        if !self.busy {
            self.wire.say_quit();
        }
    }
}

async fn reply_within(
    limit: Duration,
    stage: Stage,
    reply: impl Future<Output = Result<Response, lettre::transport::smtp::Error>>,
) -> Result<Response, Failure> {
    tokio::time::timeout(limit, reply)
        .await
        .map_err(|_| Failure::silent(stage, limit.as_secs_f64()))?
        .map_err(|error| Failure::of(stage, &error))
}

/// The server lacks a way to sign in; said as a refusal of authentication, which it amounts to.
fn not_offered(what: &str) -> Failure {
    let text = format!("the server does not offer {what}; many do so only after STARTTLS");
    Failure { stage: Stage::Auth, cause: Cause::Reply { code: 504, text } }
}
