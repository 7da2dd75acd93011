//! The connector: one message, one dialogue with the server.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, SystemTime},
};

use connector_kit::{
    About, ByUsage, CompiledTemplate, Connector, ConnectorFactory, Context, DialOptions, EmailConnector, Error,
    Mailbox, Message, Problem, Receipt, Redactor, SendContext, TlsOptions, TlsVersion, async_trait, root_certificates,
};
use lettre::transport::smtp::extension::ClientId;
use url::Host;

use crate::{
    config::{Auth, AuthType, OneOrMany, SmtpConfig, Tls, TlsMinVersion},
    mail::{self, Mail},
    oauth::TokenSource,
    pool::{IDLE_MOST, Login, Server, Sessions},
    session::Lasting,
};

/// What this crate exports to a registry: metadata, schema, and how to build the connector.
pub static CONNECTOR: ConnectorFactory = ConnectorFactory::of::<Smtp>(&About {
    id: "simple-mail-transfer-protocol",
    target: "smtp",
    name: &[
        ("en", "SMTP"),
        ("zh-CN", "SMTP 邮件服务器"),
        ("ja", "SMTP サーバー"),
        ("ko", "SMTP 서버"),
        ("de", "SMTP-Server"),
        ("fr", "Serveur SMTP"),
        ("es", "Servidor SMTP"),
        ("pt-BR", "Servidor SMTP"),
        ("ru", "SMTP-сервер"),
        ("tr-TR", "SMTP sunucusu"),
    ],
    description: &[
        ("en", "Sends verification emails through any SMTP server: your own, or a provider's."),
        ("zh-CN", "通过任意 SMTP 服务器（自建或服务商提供的）发送验证邮件。"),
        ("ja", "自社または任意のプロバイダーの SMTP サーバーで確認メールを送信します。"),
        ("ko", "자체 또는 제공업체의 SMTP 서버로 인증 메일을 보냅니다."),
        ("de", "Versendet Bestätigungsmails über einen beliebigen SMTP-Server, den eigenen oder den eines Anbieters."),
        (
            "fr",
            "Envoie les e-mails de vérification via n'importe quel serveur SMTP, le vôtre ou celui d'un fournisseur.",
        ),
        ("es", "Envía correos de verificación mediante cualquier servidor SMTP, propio o de un proveedor."),
        ("pt-BR", "Envia e-mails de verificação por qualquer servidor SMTP, próprio ou de um provedor."),
        ("ru", "Отправляет письма с кодами подтверждения через любой SMTP-сервер: свой или провайдера."),
        ("tr-TR", "Doğrulama e-postalarını kendi SMTP sunucunuz ya da bir sağlayıcınınki üzerinden gönderir."),
    ],
    logo: include_str!("../logo.svg"),
    logo_dark: None,
    readme: include_str!("../README.md"),
    from_email: None,
});

/// Sends through an SMTP server, over sessions that are kept and reused.
pub struct Smtp {
    sessions: Sessions,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    custom_headers: Vec<u8>,
    templates: ByUsage<CompiledTemplate>,
}

impl Connector for Smtp {
    type Config = SmtpConfig;

    fn new(config: SmtpConfig, context: &Context) -> Result<Self, Error> {
        let invalid = |pointer: &str, fault: String| Error::invalid_config(vec![Problem::new(pointer, fault)]);
        let headers = config.custom_headers.unwrap_or_default();
        let custom_headers = mail::custom_headers(&headers).map_err(|fault| invalid("/customHeaders", fault))?;
        let tls = config.tls.unwrap_or_default();
        // Neither the resolver nor a certificate knows names beyond ASCII.
        let ascii = |host: String| Host::parse(&host).map_or(host, |known| known.to_string());
        let host = ascii(config.host);
        let tls_name = tls.servername.clone().or(config.servername).map_or_else(|| host.clone(), ascii);
        let local_address = config.local_address.map(|text| text.parse()).transpose();
        let milliseconds = Duration::from_millis;
        let server = Server {
            dialer: context.dialer().clone(),
            dial: DialOptions {
                connect_timeout: Some(milliseconds(config.connection_timeout)),
                dns_timeout: Some(milliseconds(config.dns_timeout)),
                local_address: local_address
                    .map_err(|_| invalid("/localAddress", "must be an IP address".to_owned()))?,
            },
            host,
            port: config.port,
            implicit_tls: config.secure,
            require_tls: config.require_tls,
            ignore_tls: config.ignore_tls,
            tls: context.dialer().tls(&tls_options(tls).map_err(|fault| invalid("/tls/ca", fault))?)?,
            tls_name,
            client: client_id(config.name),
            greeting_timeout: milliseconds(config.greeting_timeout),
            reply_timeout: milliseconds(config.socket_timeout),
            login: login(config.auth, context)?,
            lasting: Lasting {
                messages: config.max_messages,
                age: milliseconds(config.max_session_age),
                idle: IDLE_MOST,
            },
        };
        Ok(Self {
            sessions: Sessions::new(server)?,
            from: config.from_email,
            reply_to: config.reply_to,
            custom_headers,
            templates: config.templates.into_iter().map(Into::into).collect(),
        })
    }
}

fn tls_options(tls: Tls) -> Result<TlsOptions, String> {
    let mut roots = Vec::new();
    for pem in tls.ca.iter().flat_map(OneOrMany::iter) {
        roots.extend(root_certificates(pem.as_bytes())?);
    }
    Ok(TlsOptions {
        accept_invalid_certificates: tls.reject_unauthorized == Some(false),
        roots,
        min_version: match tls.min_version {
            Some(TlsMinVersion::Tls13) => TlsVersion::Tls13,
            _ => TlsVersion::Tls12,
        },
    })
}

/// What to say in EHLO: the name in ASCII, an address in brackets, or the loopback address when nothing is known of
/// this machine, as nodemailer does.
fn client_id(name: Option<String>) -> ClientId {
    let name = name.or_else(|| match ClientId::default() {
        ClientId::Domain(machine) if machine.contains('.') => Some(machine),
        _ => None,
    });
    let name = name.unwrap_or_default();
    let bare = name.trim_start_matches('[').trim_end_matches(']').trim_start_matches("IPv6:");
    match bare.parse() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => match Host::parse(&name) {
            Ok(Host::Domain(name)) => ClientId::Domain(name),
            _ => ClientId::Ipv4(Ipv4Addr::LOCALHOST),
        },
    }
}

fn login(auth: Auth, context: &Context) -> Result<Login, Error> {
    Ok(match (auth.kind, auth.user.clone(), auth.pass.clone()) {
        (AuthType::Login, Some(user), Some(password)) => Login::Password { user, password },
        (AuthType::Login, ..) => Login::None,
        (AuthType::OAuth2, user, _) => Login::Token {
            user: user.unwrap_or_default(),
            source: Box::new(TokenSource::new(auth, context.http().clone())?),
        },
    })
}

#[async_trait]
impl EmailConnector for Smtp {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let to = message.recipient()?;
        let email = self.templates.render(message)?;
        let from = email.sender(&self.from)?;
        let reply_to = email.reply_to()?;
        let reply_to = reply_to.as_ref().or(self.reply_to.as_ref());
        let mail = mail::write(&self.custom_headers, &from, &to, reply_to, email, SystemTime::now())?;
        self.deliver(&mail, message, context).await?;
        Ok(Receipt::new(Some(mail.message_id)))
    }
}

impl Smtp {
    /// Sends `mail` over a kept session, or over a new one where the kept one turns out to be gone.
    async fn deliver(&self, mail: &Mail, message: &Message, context: &SendContext) -> Result<(), Error> {
        // Until a session has the content, nothing of it is written.
        context.mark_not_sent();
        let host = &self.sessions.server().host;
        context.waits_for(host.as_str());
        let lasting = self.sessions.server().lasting;
        let mut only_new = false;
        loop {
            let mut place = self.sessions.get().await?;
            if only_new {
                *place = None;
            }
            let (session, reused) = match place.as_mut() {
                Some(kept) => (kept, true),
                None => (place.insert(self.sessions.server().open(context).await?), false),
            };
            if mail.needs_utf8 && !session.offers_smtputf8() {
                return Err(mail::needs_smtputf8(host));
            }
            context.waits_for(host.as_str());
            match session.send(mail, context).await {
                Ok(()) => {
                    if session.is_over(&lasting) {
                        *place = None;
                    }
                    return Ok(());
                }
                // Nothing of the content was written: the message goes over a new connection. Others that idle are likely
                // gone too.
                Err(failure) if reused && failure.is_stale_connection() => {
                    *place = None;
                    self.sessions.drop_idle();
                    only_new = true;
                }
                Err(failure) => {
                    let ends = session.is_over(&lasting) || (reused && failure.may_be_of_the_session());
                    let error = failure.into_error(host, &session.hide(self.redactor(message)));
                    if ends {
                        *place = None;
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Hides what a server may echo. Renders again rather than to keep what only an error needs.
    fn redactor(&self, message: &Message) -> Redactor {
        let redactor = Redactor::of_message(message);
        match self.templates.render(message) {
            Ok(email) => redactor.and_mail(&email),
            Err(_) => redactor,
        }
    }
}
