//! The connector: one message, one request to Mailgun's Messages API.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use connector_kit::{
    About, ByUsage, CompiledTemplate, Connector, ConnectorFactory, ContentType, Context, EmailConnector, Error,
    ErrorKind, Escape, Mailbox, Message, Payload, Receipt, Redactor, RenderedEmail, Secret, SendContext, Template,
    UsageType, async_trait,
    http::{HeaderMap, HeaderValue, HttpClient, HttpRequest, HttpResponse, StatusCode, Url, header, request_headers},
};
use serde_json::Value;
use url::form_urlencoded;

use crate::{
    Delivery, MailgunConfig,
    config::{NOT_ASCII, ascii_domain, endpoint_of},
};

const NAME: &str = "Mailgun";
/// Room for what is in a form besides the content, in bytes.
const FORM_REST: usize = 512;

/// What this crate exports to a registry: metadata, schema, and how to build the connector.
pub static CONNECTOR: ConnectorFactory = ConnectorFactory::of::<Mailgun>(&About {
    id: "mailgun-email",
    target: "mailgun-email",
    name: &[
        ("en", "Mailgun"),
        ("zh-CN", "Mailgun 邮件"),
        ("ja", "Mailgun メール"),
        ("ko", "Mailgun 메일"),
        ("de", "E-Mail über Mailgun"),
        ("fr", "E-mail via Mailgun"),
        ("es", "Correo de Mailgun"),
        ("pt-BR", "E-mail do Mailgun"),
        ("ru", "Почта Mailgun"),
        ("tr-TR", "Mailgun ile e-posta"),
    ],
    description: &[
        ("en", "Sends verification emails through Mailgun."),
        ("zh-CN", "通过 Mailgun 发送验证邮件。"),
        ("ja", "Mailgun で確認メールを送信します。"),
        ("ko", "Mailgun을 통해 인증 메일을 보냅니다."),
        ("de", "Versendet Bestätigungsmails über Mailgun."),
        ("fr", "Envoie les e-mails de vérification via Mailgun."),
        ("es", "Envía correos de verificación mediante Mailgun."),
        ("pt-BR", "Envia e-mails de verificação pelo Mailgun."),
        ("ru", "Отправляет письма с кодами подтверждения через Mailgun."),
        ("tr-TR", "Doğrulama e-postalarını Mailgun üzerinden gönderir."),
    ],
    logo: include_str!("../logo.svg"),
    logo_dark: None,
    readme: include_str!("../README.md"),
    from_email: None,
});

/// Sends through Mailgun's Messages API.
pub struct Mailgun {
    http: Arc<dyn HttpClient>,
    url: Url,
    headers: HeaderMap,
    api_key: Secret,
    from: Mailbox,
    test_mode: bool,
    deliveries: ByUsage<Compiled>,
}

impl Connector for Mailgun {
    type Config = MailgunConfig;

    fn new(config: MailgunConfig, context: &Context) -> Result<Self, Error> {
        let broken = |what: &str| Error::new(ErrorKind::InvalidConfig, what.to_owned());
        let domain = ascii_domain(&config.domain).ok_or_else(|| broken("the domain is not a domain name"))?;
        let mut url = endpoint_of(config.endpoint.as_deref()).map_err(broken)?;
        url.set_path(&format!("/v3/{domain}/messages"));
        let credentials = STANDARD.encode(format!("api:{}", config.api_key.expose()));
        let mut basic = HeaderValue::from_str(&format!("Basic {credentials}"))
            .map_err(|_| broken("the API key cannot travel in an HTTP header"))?;
        basic.set_sensitive(true);
        let headers = request_headers([
            (header::AUTHORIZATION, basic),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        ]);
        let compiled = |(usage, delivery): (String, Delivery)| (UsageType::from(usage.as_str()), delivery.into());
        Ok(Self {
            http: context.http().clone(),
            url,
            headers,
            api_key: config.api_key,
            from: config.from,
            test_mode: config.test_mode,
            deliveries: config.deliveries.into_iter().map(compiled).collect(),
        })
    }
}

/// A delivery, compiled.
struct Compiled {
    /// Subject and content; of a template kept at Mailgun, the subject alone.
    mail: CompiledTemplate,
    has_subject: bool,
    /// A text alternative of its own.
    text: Option<Template>,
    reply_to: Option<Template>,
    stored: Option<Stored>,
}

/// A template kept at Mailgun.
struct Stored {
    name: String,
    variables: Payload,
}

impl From<Delivery> for Compiled {
    fn from(delivery: Delivery) -> Self {
        let has_subject = delivery.subject.is_some();
        let subject = delivery.subject.unwrap_or_default();
        // Beside both, Logto sends the template kept at Mailgun.
        let template = delivery.template.filter(|name| !name.is_empty());
        let (mail, stored) = match (delivery.html, template) {
            (_, Some(name)) => {
                let stored = Stored { name, variables: delivery.variables.unwrap_or_default() };
                (CompiledTemplate::new(subject, "", ContentType::Plain), Some(stored))
            }
            (html, None) => (CompiledTemplate::new(subject, html.unwrap_or_default(), ContentType::Html), None),
        };
        let reply_to = delivery.reply_to.filter(|text| !text.trim().is_empty()).map(Template::compile);
        Self { mail, has_subject, text: delivery.text.map(Template::compile), reply_to, stored }
    }
}

/// What goes into the request, rendered.
struct Content<'a> {
    subject: Option<String>,
    reply_to: Option<Mailbox>,
    html: Option<String>,
    text: Option<String>,
    /// The name of a template kept at Mailgun, with its variables.
    stored: Option<(&'a str, String)>,
}

impl<'a> Content<'a> {
    fn of_localized(mail: RenderedEmail) -> Result<Self, Error> {
        let reply_to = mail.reply_to()?;
        // An image without words has no text: HTML then goes alone.
        let text = Some(mail.text).filter(|text| mail.html.is_none() || !text.is_empty());
        Ok(Self { subject: Some(mail.subject), reply_to, html: mail.html, text, stored: None })
    }

    fn of_delivery(delivery: &'a Compiled, payload: &Payload) -> Result<Self, Error> {
        let mail = delivery.mail.render(payload)?;
        let reply_to = delivery.reply_to.as_ref().map(|template| {
            let text = template.render(payload, Escape::None)?;
            let what = |fault| format!("`replyTo` of the delivery is no mailbox with these values: {fault}");
            Mailbox::parse(&text).map_err(|fault| Error::invalid_message("/payload", what(fault)))
        });
        let subject = delivery.has_subject.then_some(mail.subject);
        let reply_to = reply_to.transpose()?;
        if let Some(stored) = &delivery.stored {
            let stored = Some((stored.name.as_str(), variables(&stored.variables, payload)));
            return Ok(Self { subject, reply_to, html: None, text: None, stored });
        }
        let text = match &delivery.text {
            Some(own) => Some(own.render(payload, Escape::None)?),
            None => Some(mail.text).filter(|text| !text.is_empty()),
        };
        Ok(Self { subject, reply_to, html: mail.html, text, stored: None })
    }
}

#[async_trait]
impl EmailConnector for Mailgun {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let to = message.recipient()?;
        let (from, content) = match RenderedEmail::localized(message)? {
            Some(mail) => (mail.sender(&self.from)?, Content::of_localized(mail)?),
            None => {
                let delivery = self.deliveries.choose(&message.usage_type)?;
                (self.from.clone(), Content::of_delivery(delivery, &message.payload)?)
            }
        };
        if !from.local_part().is_ascii() {
            return Err(Error::invalid_message("/template/sendFrom", NOT_ASCII));
        }
        let body = self.form(&from, &to, &content);
        let request = HttpRequest::post(self.url.clone(), self.headers.clone(), body);
        let response = self.http.execute(request, context).await?;
        if response.status.is_success() {
            return receipt(&response);
        }
        let mut redactor = Redactor::of_message(message).and_secret(&self.api_key);
        let stored = content.stored.map(|(_, variables)| variables);
        for text in [content.subject, content.html, content.text, stored].into_iter().flatten() {
            redactor = redactor.and_text(&text);
        }
        Err(failure(&response, &redactor))
    }
}

impl Mailgun {
    /// The form, its fields in Logto's order.
    ///
    /// Names go out encoded: of a name beyond ASCII that has a comma, a quote or a parenthesis besides, Mailgun makes a
    /// broken header (anymail/django-anymail#270).
    fn form(&self, from: &Mailbox, to: &Mailbox, content: &Content<'_>) -> String {
        let length: usize = [&content.html, &content.text].into_iter().flatten().map(String::len).sum();
        // Markup takes up to three bytes for one: with room for that, the form never moves.
        let mut form = form_urlencoded::Serializer::new(String::with_capacity(3 * length + FORM_REST));
        form.append_pair("from", &from.to_header()).append_pair("to", &to.to_header());
        let reply_to = content.reply_to.as_ref().map(Mailbox::to_header);
        let (template, variables) = content.stored.as_ref().map(|(name, variables)| (*name, &**variables)).unzip();
        for (name, value) in [
            ("subject", content.subject.as_deref()),
            ("h:Reply-To", reply_to.as_deref()),
            ("html", content.html.as_deref()),
            ("text", content.text.as_deref()),
            ("template", template),
            ("h:X-Mailgun-Variables", variables),
            ("o:testmode", self.test_mode.then_some("yes")),
        ] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        form.finish()
    }
}

/// The variables as JSON, the message's over the configured ones: in ASCII, since they travel as a header.
fn variables(configured: &Payload, payload: &Payload) -> String {
    let mut merged = configured.clone();
    merged.extend(payload.iter().map(|(name, value)| (name.clone(), value.clone())));
    let json = Value::Object(merged).to_string();
    let mut ascii = String::with_capacity(json.len());
    for char in json.chars() {
        match char {
            ' '..='~' => ascii.push(char),
            // Beyond ASCII only strings have characters.
            _ => char.encode_utf16(&mut [0; 2]).iter().for_each(|unit| ascii.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    ascii
}

/// Success is a 200 with the message's id. A wrong path answers 200 as well, with a greeting.
fn receipt(response: &HttpResponse) -> Result<Receipt, Error> {
    response.body.as_ref().map_err(Clone::clone)?;
    let answer: Value = response.json().unwrap_or_default();
    match answer["id"].as_str().filter(|id| response.status == StatusCode::OK && !id.trim().is_empty()) {
        Some(id) => Ok(Receipt::new(Some(id.to_owned()))),
        None => {
            let error = response.unreadable(NAME, "without the id of a message");
            if response.content().windows(GREETING.len()).any(|part| part == GREETING) {
                return Err(
                    error.with_hint("Mailgun greets on a path that it does not know: check endpoint and domain")
                );
            }
            Err(error)
        }
    }
}

/// What Mailgun answers, with a 200, where it has no API.
const GREETING: &[u8] = b"Mailgun Magnificent API";

/// Reads an answer that is no success.
fn failure(response: &HttpResponse, redactor: &Redactor) -> Error {
    let body: BTreeMap<String, Value> = response.json().unwrap_or_default();
    let says = body.get("message").or(body.get("Error")).and_then(Value::as_str).unwrap_or_default();
    let lower = says.to_ascii_lowercase();
    let base = response.failure(NAME);
    let kind = kind_of(response.status, &lower).unwrap_or(base.kind());
    let message = match redactor.clean(says) {
        says if says.is_empty() => base.to_string(),
        says => format!("{base}: {says}"),
    };
    let mut error = Error::new(kind, message)
        .delivery_is(base.delivery())
        .with_retry_after(response.retry_after().or_else(|| try_again_after(says)));
    if let Some(provider) = base.provider() {
        error = error.with_provider(provider.clone());
    }
    match response.interception(NOT_US).or_else(|| hint(kind, response.status, &lower)).or(base.hint()) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// What the words of a refusal say beyond its status. `says` is in lower case.
fn kind_of(status: StatusCode, says: &str) -> Option<ErrorKind> {
    let says_any = |words: &[&str]| words.iter().any(|word| says.contains(word));
    let not_allowed = says.contains("not allowed to send");
    Some(match status.as_u16() {
        // A limit per hour, as new accounts have it, ends by itself.
        400 | 402 | 403 | 420 | 429
            if says_any(&["try again after", "recipient limit exceeded", "sending too fast", "on probation"]) =>
        {
            ErrorKind::RateLimited
        }
        400 | 402 | 403 | 420 | 429
            if (not_allowed || status == StatusCode::TOO_MANY_REQUESTS)
                && says_any(&["message limit", "quota", "upgrade"]) =>
        {
            ErrorKind::QuotaExceeded
        }
        400 | 402 | 403 if says.contains("authorized recipients") => ErrorKind::Rejected,
        400 if not_allowed => ErrorKind::Unauthorized,
        402 | 403 | 420 if of_the_account(says) => ErrorKind::Unauthorized,
        420 => ErrorKind::RateLimited,
        _ => return None,
    })
}

/// Whether a refusal is of the account or the domain as a whole, which has to be activated or opened again. `says` is in
/// lower case.
fn of_the_account(says: &str) -> bool {
    let closed = ["disabled", "suspended", "deactivated", "closed"].iter().any(|word| says.contains(word));
    says.contains("not allowed to send")
        || (says.contains("activate") && says.contains("account"))
        || (closed && (says.contains("account") || says.contains("domain")))
}

/// How long until the time that stands in `… try again after Mon, 25 Aug 2025 07:00:31 UTC`.
fn try_again_after(says: &str) -> Option<Duration> {
    let (_, time) = says.split_once("try again after ")?;
    let time = httpdate::parse_http_date(&time.trim().replace("UTC", "GMT")).ok()?;
    Some(time.duration_since(SystemTime::now()).unwrap_or_default())
}

/// Mailgun speaks JSON or plain text; a page in HTML that says no is somebody else's.
const NOT_US: &str = "this is not how Mailgun answers: look for a proxy or firewall between this machine and Mailgun";

fn hint(kind: ErrorKind, status: StatusCode, says: &str) -> Option<&'static str> {
    Some(match (kind, status) {
        (ErrorKind::Unauthorized, _) if says.contains("activate") && !says.contains("deactivate") => {
            "activate the account: by the link in the mail that Mailgun sent at sign-up, or in its control panel"
        }
        (ErrorKind::Unauthorized, _) if of_the_account(says) => {
            "Mailgun has closed the account or the domain for sending: its control panel says why"
        }
        (ErrorKind::Unauthorized, _) => {
            "check the API key: it must be a sending key of this domain or an account's key; a domain in the EU region \
             needs endpoint https://api.eu.mailgun.net"
        }
        (ErrorKind::QuotaExceeded, _) => {
            "the plan's amount, or the limit set on the account, is used up: raise it or wait for its renewal"
        }
        (ErrorKind::RateLimited, _) if says.contains("recipient limit") || says.contains("probation") => {
            "Mailgun limits how many recipients the domain may reach per hour: wait, or ask Mailgun to lift the limit"
        }
        (_, StatusCode::NOT_FOUND) if says.contains("domain not found") => {
            "the domain is not in this region, or not in Mailgun at all: for a domain in the EU region set endpoint to \
             https://api.eu.mailgun.net, else to https://api.mailgun.net"
        }
        (_, StatusCode::NOT_FOUND) => "check endpoint and domain",
        (_, StatusCode::PAYLOAD_TOO_LARGE) => {
            "Mailgun takes up to 25 MB: the template or a value in it is far too long"
        }
        _ if says.contains("authorized recipients") => {
            "a sandbox domain sends to authorized recipients only: add this one in Mailgun, or use a domain of your own"
        }
        _ if says.contains("template") => "check the template's name: it must be kept at Mailgun under this domain",
        _ => return None,
    })
}
