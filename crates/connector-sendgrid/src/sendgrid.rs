//! The connector: one message, one request to SendGrid's v3 Mail Send API.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use connector_kit::{
    About, ByUsage, CompiledTemplate, Connector, ConnectorFactory, Context, EmailConnector, Error, ErrorKind, Mailbox,
    Message, ProviderAnswer, Receipt, Redactor, Secret, SendContext, async_trait,
    http::{HeaderMap, HeaderValue, HttpClient, HttpRequest, HttpResponse, StatusCode, Url, header, request_headers},
};
use serde::Serialize;
use serde_json::Value;

use crate::SendGridConfig;

const NAME: &str = "SendGrid";

/// What this crate exports to a registry: metadata, schema, and how to build the connector.
pub static CONNECTOR: ConnectorFactory = ConnectorFactory::of::<SendGrid>(&About {
    id: "sendgrid-email-service",
    target: "sendgrid-mail",
    name: &[
        ("en", "SendGrid"),
        ("zh-CN", "SendGrid 邮件"),
        ("ja", "SendGrid メール"),
        ("ko", "SendGrid 메일"),
        ("de", "E-Mail über SendGrid"),
        ("fr", "E-mail via SendGrid"),
        ("es", "Correo de SendGrid"),
        ("pt-BR", "E-mail do SendGrid"),
        ("ru", "Почта SendGrid"),
        ("tr-TR", "SendGrid ile e-posta"),
    ],
    description: &[
        ("en", "Sends verification emails through Twilio SendGrid."),
        ("zh-CN", "通过 Twilio SendGrid 发送验证邮件。"),
        ("ja", "Twilio SendGrid で確認メールを送信します。"),
        ("ko", "Twilio SendGrid를 통해 인증 메일을 보냅니다."),
        ("de", "Versendet Bestätigungsmails über Twilio SendGrid."),
        ("fr", "Envoie les e-mails de vérification via Twilio SendGrid."),
        ("es", "Envía correos de verificación mediante Twilio SendGrid."),
        ("pt-BR", "Envia e-mails de verificação pelo Twilio SendGrid."),
        ("ru", "Отправляет письма с кодами подтверждения через Twilio SendGrid."),
        ("tr-TR", "Doğrulama e-postalarını Twilio SendGrid üzerinden gönderir."),
    ],
    logo: include_str!("../logo.svg"),
    logo_dark: None,
    readme: include_str!("../README.md"),
    from_email: None,
});

/// Sends through SendGrid's v3 Mail Send API.
pub struct SendGrid {
    http: Arc<dyn HttpClient>,
    endpoint: Url,
    headers: HeaderMap,
    api_key: Secret,
    from: Mailbox,
    sandbox: bool,
    templates: ByUsage<CompiledTemplate>,
}

impl Connector for SendGrid {
    type Config = SendGridConfig;

    fn new(config: SendGridConfig, context: &Context) -> Result<Self, Error> {
        let broken = |what: &str| Error::new(ErrorKind::InvalidConfig, what.to_owned());
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", config.api_key.expose()))
            .map_err(|_| broken("the API key cannot travel in an HTTP header"))?;
        bearer.set_sensitive(true);
        let headers = request_headers([
            (header::AUTHORIZATION, bearer),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        let from = match config.from_name.as_deref().filter(|name| !name.trim().is_empty()) {
            None => config.from_email,
            name => config.from_email.renamed(name),
        };
        Ok(Self {
            http: context.http().clone(),
            endpoint: Url::parse(config.region.endpoint()).map_err(|_| broken("the endpoint is not a URL"))?,
            headers,
            api_key: config.api_key,
            from,
            sandbox: config.sandbox,
            templates: config.templates.into_iter().map(Into::into).collect(),
        })
    }
}

#[async_trait]
impl EmailConnector for SendGrid {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let to = message.recipient()?;
        let to_name = to.name().map(recipient_name).transpose()?;
        let mail = self.templates.render(message)?;
        let from = mail.sender(&self.from)?;
        let reply_to = mail.reply_to()?;
        let text = Content { kind: "text/plain", value: &mail.text };
        let html = mail.html.as_deref().map(|value| Content { kind: "text/html", value });
        let request = Request {
            personalizations: [Personalization { to: [Address { email: to.address(), name: to_name.as_deref() }] }],
            from: Address::of(&from),
            reply_to: reply_to.as_ref().map(Address::of),
            subject: &mail.subject,
            // SendGrid wants plain text first, and no part empty beside another.
            content: match html {
                Some(html) if text.value.is_empty() => vec![html],
                Some(html) => vec![text, html],
                None => vec![text],
            },
            mail_settings: self.sandbox.then_some(MailSettings { sandbox_mode: Switch { enable: true } }),
        };
        let body = serde_json::to_vec(&request).map_err(|_| Error::invalid_message("", "cannot be written as JSON"))?;
        let request = HttpRequest::post(self.endpoint.clone(), self.headers.clone(), body);
        let response = self.http.execute(request, context).await?;
        if response.status.is_success() {
            return receipt(&response, self.sandbox);
        }
        let redactor = Redactor::of_message(message).and_secret(&self.api_key).and_mail(&mail);
        Err(failure(&response, &redactor))
    }
}

/// A recipient's name as SendGrid can be given it.
///
/// SendGrid pastes it into a list of addresses: after a comma or semicolon it reads the next one, so that the mail is
/// lost, or goes to whoever the name names. A quoted name is left alone. One that holds quotes of its own as well is not
/// trusted to be.
fn recipient_name(name: &str) -> Result<Cow<'_, str>, Error> {
    match (name.contains([',', ';']), name.contains(['"', '\\'])) {
        (false, _) => Ok(name.into()),
        (true, false) => Ok(format!("\"{name}\"").into()),
        (true, true) => Err(Error::invalid_message(
            "/to",
            "SendGrid cannot take a display name that has a comma or semicolon beside a quote or backslash",
        )),
    }
}

/// Success is a 202 without a body; in sandbox mode a 200, which says "valid, but not queued". Whatever else calls itself
/// success comes from something that stands in between.
fn receipt(response: &HttpResponse, sandbox: bool) -> Result<Receipt, Error> {
    let accepted = response.status == StatusCode::ACCEPTED || (sandbox && response.status == StatusCode::OK);
    if !accepted {
        return Err(response.unreadable(NAME, "only 202 means accepted"));
    }
    response.body.as_ref().map_err(Clone::clone)?;
    if !response.content().trim_ascii().is_empty() {
        return Err(response.unreadable(NAME, "with a body, which is not how SendGrid says accepted"));
    }
    Ok(Receipt::new(response.header("x-message-id").map(str::to_owned)))
}

/// Reads an answer that is no success.
fn failure(response: &HttpResponse, redactor: &Redactor) -> Error {
    let body: Value = response.json().unwrap_or_default();
    let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let says: Vec<&str> = errors.iter().filter_map(|error| error["message"].as_str().or(error.as_str())).collect();
    let says = says.join("; ");
    let lower = says.to_ascii_lowercase();
    let base = response.failure(NAME);
    let kind = match response.status {
        // SendGrid says "Maximum credits exceeded" with a 401.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if lower.contains("credits exceeded") => {
            ErrorKind::QuotaExceeded
        }
        StatusCode::FORBIDDEN if lower.contains("temporar") => ErrorKind::Unavailable,
        StatusCode::FORBIDDEN if lower.contains("sender identity") => ErrorKind::Rejected,
        _ => base.kind(),
    };
    let message = match redactor.clean(&says) {
        says if says.is_empty() => base.to_string(),
        says => format!("{base}: {says}"),
    };
    let error = Error::new(kind, message)
        .delivery_is(base.delivery())
        .with_retry_after(response.retry_after().or_else(|| until_reset(response)))
        .with_provider(ProviderAnswer {
            status: Some(response.status.as_u16()),
            code: errors.iter().find_map(|error| error["field"].as_str()).map(|field| redactor.clean(field)),
            request_id: response.header("x-message-id").map(|id| redactor.clean(id)),
        });
    match response.interception(NOT_US).or_else(|| hint(kind, response.status, &lower)).or(base.hint()) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// SendGrid says when a rate limit resets in seconds since 1970, not in Retry-After.
fn until_reset(response: &HttpResponse) -> Option<Duration> {
    if response.status != StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let seconds = response.header("x-ratelimit-reset")?.trim().parse().ok()?;
    let reset = UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    Some(reset.duration_since(SystemTime::now()).unwrap_or_default())
}

/// SendGrid speaks JSON; a page in HTML that says no is somebody else's.
const NOT_US: &str = "this is not how SendGrid answers: look for a proxy or firewall between this machine and SendGrid";

fn hint(kind: ErrorKind, status: StatusCode, says: &str) -> Option<&'static str> {
    Some(match (kind, status) {
        (ErrorKind::QuotaExceeded, _) => "the account's credits are used up: upgrade the plan or wait for its renewal",
        (ErrorKind::Unauthorized, _)
            if ["under review", "suspended", "deactivated"].iter().any(|word| says.contains(word)) =>
        {
            "SendGrid has not opened the account for sending, or has closed it: its console says why"
        }
        (ErrorKind::Unauthorized, StatusCode::FORBIDDEN) => {
            "give the API key the Mail Send permission; where Settings → IP Access Management is on, allow this \
             machine's public address there"
        }
        (ErrorKind::Unauthorized, _) => {
            "create an API key with the Mail Send permission under Settings → API Keys; an EU key needs region `eu`"
        }
        (ErrorKind::Unavailable, StatusCode::FORBIDDEN) => {
            "SendGrid blocks for a while after many bad requests: find out what made them bad before it does so again"
        }
        (_, StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS) => {
            "data residency forbids this host: set `region` to `eu` for an EU subuser, to `global` otherwise"
        }
        (_, StatusCode::PAYLOAD_TOO_LARGE) => {
            "SendGrid takes up to 30 MB: the template or a value in it is far too long"
        }
        _ if says.contains("sender identity") => {
            "verify the From address under Settings → Sender Authentication, as a Single Sender or by its domain"
        }
        _ => return None,
    })
}

#[derive(Serialize)]
struct Request<'a> {
    personalizations: [Personalization<'a>; 1],
    from: Address<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Address<'a>>,
    subject: &'a str,
    content: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail_settings: Option<MailSettings>,
}

#[derive(Serialize)]
struct Personalization<'a> {
    to: [Address<'a>; 1],
}

#[derive(Serialize)]
struct Address<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl<'a> Address<'a> {
    fn of(mailbox: &'a Mailbox) -> Self {
        Self { email: mailbox.address(), name: mailbox.name() }
    }
}

#[derive(Serialize)]
struct Content<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
struct MailSettings {
    sandbox_mode: Switch,
}

#[derive(Serialize)]
struct Switch {
    enable: bool,
}
