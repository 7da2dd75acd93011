//! Signing in: which mechanism, in which order, and what goes over the wire (RFC 4954).

use base64::{Engine, engine::general_purpose::STANDARD};
use connector_kit::Secret;
use hmac::{Hmac, Mac};
use lettre::transport::smtp::response::{Response, Severity};
use md5::Md5;

use crate::{
    replies::{Cause, Failure, Stage},
    session::{Session, expect},
};

/// Longest command line (RFC 5321, 4.5.3.1.4), its line end included. What would be longer goes without initial response
/// (RFC 4954, 4).
const COMMAND_MAX: usize = 512;
/// Longest response alone (RFC 4954, 4), its line end included.
const RESPONSE_MAX: usize = 12_288;

/// How to sign in with a password. What a server offers is tried in this order: CRAM-MD5 last, since over TLS it protects
/// nothing, and it is served from passwords kept in clear.
#[derive(Clone, Copy)]
enum ByPassword {
    Plain,
    Login,
    CramMd5,
}

/// How to sign in with an access token. XOAUTH2 is what Gmail and Microsoft 365 document.
#[derive(Clone, Copy)]
enum ByToken {
    Xoauth2,
    OauthBearer,
}

impl Session {
    /// Signs in with a password, by the first way that the server offers and takes of PLAIN, LOGIN and CRAM-MD5.
    pub(crate) async fn log_in(&mut self, user: &str, password: &Secret) -> Result<(), Failure> {
        let offered = [("PLAIN", ByPassword::Plain), ("LOGIN", ByPassword::Login), ("CRAM-MD5", ByPassword::CramMd5)];
        // RFC 4616.
        let both = STANDARD.encode(format!("\0{user}\0{}", password.expose()));
        self.has_shown(password.expose(), &both);
        let mut tried = Tried::none_of("a way to sign in with a password (PLAIN, LOGIN or CRAM-MD5)");
        for (name, mechanism) in offered {
            if !self.offers_mechanism(name) {
                continue;
            }
            let outcome = match mechanism {
                ByPassword::Plain => self.plain(&both).await,
                ByPassword::Login => self.login(user, password).await,
                ByPassword::CramMd5 => self.cram_md5(user, password).await,
            };
            if let Some(outcome) = tried.settle(outcome) {
                return outcome;
            }
        }
        tried.failure()
    }

    /// Signs in with an access token, by XOAUTH2 or else OAUTHBEARER; `host` and `port` are what was connected to.
    pub(crate) async fn log_in_by_token(
        &mut self,
        user: &str,
        token: &Secret,
        host: &str,
        port: u16,
    ) -> Result<(), Failure> {
        let offered = [("XOAUTH2", ByToken::Xoauth2), ("OAUTHBEARER", ByToken::OauthBearer)];
        let mut tried = Tried::none_of("a way to sign in with an access token (XOAUTH2 or OAUTHBEARER)");
        for (name, mechanism) in offered {
            if !self.offers_mechanism(name) {
                continue;
            }
            let token = token.expose();
            let (message, acknowledgement) = match mechanism {
                // developers.google.com/gmail/imap/xoauth2-protocol
                ByToken::Xoauth2 => (format!("user={user}\x01auth=Bearer {token}\x01\x01"), "\r\n"),
                // RFC 7628, 3.1 and 3.2.3; the user as in RFC 5801, 4.
                ByToken::OauthBearer => {
                    let user = user.replace('=', "=3D").replace(',', "=2C");
                    let message = format!("n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01");
                    (message, "AQ==\r\n")
                }
            };
            let outcome = self.bearer(name, token, &STANDARD.encode(message), acknowledgement).await;
            if let Some(outcome) = tried.settle(outcome) {
                return outcome;
            }
        }
        tried.failure()
    }

    async fn plain(&mut self, message: &str) -> Result<(), Failure> {
        let mut reply = self.begin("PLAIN", message).await?;
        if reply.has_code(334) {
            // A server that passes over an initial response asks for it.
            reply = self.exchange(Stage::Auth, format!("{message}\r\n")).await?;
        }
        expect(Stage::Auth, Severity::PositiveCompletion, reply).map(drop)
    }

    /// Never standardised; what the server asks for, and in which words, makes no difference.
    async fn login(&mut self, user: &str, password: &Secret) -> Result<(), Failure> {
        let (user, secret) = (STANDARD.encode(user), STANDARD.encode(password.expose()));
        fits(&user)?;
        fits(&secret)?;
        self.ask(Stage::Auth, "AUTH LOGIN\r\n").await?;
        self.ask(Stage::Auth, format!("{user}\r\n")).await?;
        self.command(Stage::Auth, format!("{secret}\r\n")).await.map(drop)
    }

    /// RFC 2195: proves the password without sending it.
    async fn cram_md5(&mut self, user: &str, password: &Secret) -> Result<(), Failure> {
        let garbled = || Failure { stage: Stage::Auth, cause: Cause::Garbled(None) };
        let response = self.ask(Stage::Auth, "AUTH CRAM-MD5\r\n").await?;
        let challenge = response.first_word().and_then(|word| STANDARD.decode(word).ok()).ok_or_else(garbled)?;
        let mut mac = Hmac::<Md5>::new_from_slice(password.expose().as_bytes()).map_err(|_| garbled())?;
        mac.update(&challenge);
        let digest: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let message = STANDARD.encode(format!("{user} {digest}"));
        fits(&message)?;
        self.command(Stage::Auth, format!("{message}\r\n")).await.map(drop)
    }

    /// Sends a message that holds a token. A refusal may first be explained by a challenge, which is to be acknowledged.
    async fn bearer(
        &mut self,
        mechanism: &str,
        token: &str,
        message: &str,
        acknowledgement: &'static str,
    ) -> Result<(), Failure> {
        self.has_shown(token, message);
        let mut reply = self.begin(mechanism, message).await?;
        if reply.has_code(334) {
            reply = self.exchange(Stage::Auth, acknowledgement).await?;
        }
        expect(Stage::Auth, Severity::PositiveCompletion, reply).map(drop)
    }

    /// Names a mechanism and sends its first message, with the command where it fits there.
    async fn begin(&mut self, mechanism: &str, message: &str) -> Result<Response, Failure> {
        fits(message)?;
        let command = format!("AUTH {mechanism} {message}\r\n");
        if command.len() <= COMMAND_MAX {
            return self.exchange(Stage::Auth, command).await;
        }
        self.ask(Stage::Auth, format!("AUTH {mechanism}\r\n")).await?;
        self.exchange(Stage::Auth, format!("{message}\r\n")).await
    }
}

fn fits(message: &str) -> Result<(), Failure> {
    match message.len() + 2 <= RESPONSE_MAX {
        true => Ok(()),
        false => Err(Failure { stage: Stage::Auth, cause: Cause::TooLong }),
    }
}

/// What became of the mechanisms tried so far.
struct Tried(Failure);

impl Tried {
    fn none_of(what: &'static str) -> Self {
        Self(Failure { stage: Stage::Auth, cause: Cause::NotOffered(what) })
    }

    /// The end of it, or none where the next mechanism may be tried: credentials that were judged are not judged again,
    /// since servers lock an account after a few refusals.
    fn settle(&mut self, outcome: Result<(), Failure>) -> Option<Result<(), Failure>> {
        match outcome {
            Err(failure) if failure.is_of_the_mechanism() => {
                // What may pass is told rather than what will not.
                if matches!(self.0.cause, Cause::NotOffered(_)) || (failure.is_temporary() && !self.0.is_temporary()) {
                    self.0 = failure;
                }
                None
            }
            settled => Some(settled),
        }
    }

    fn failure(self) -> Result<(), Failure> {
        Err(self.0)
    }
}
