//! The connector: one message, one SingleSendMail request.

use std::sync::Arc;

use connector_kit::{
    About, ByUsage, CompiledTemplate, Connector, ConnectorFactory, Context, Delivery, EmailConnector, Error, ErrorKind,
    Mailbox, Message, ProviderAnswer, Receipt, Redactor, RenderedEmail, Secret, SendContext, async_trait,
    http::{HeaderMap, HeaderValue, HttpClient, HttpRequest, HttpResponse, StatusCode, Url, header},
};
use serde_json::Value;
use url::form_urlencoded;

use crate::{
    AliyunDmConfig, Region,
    signature::{Moment, Nonces, Parameters, sign},
};

const NAME: &str = "Direct Mail";

/// What this crate exports to a registry: metadata, schema, and how to build the connector.
pub static CONNECTOR: ConnectorFactory = ConnectorFactory::of::<AliyunDm>(&About {
    id: "aliyun-direct-mail",
    target: "aliyun-dm",
    name: &[
        ("en", "Aliyun Direct Mail"),
        ("zh-CN", "阿里云邮件推送"),
        ("ja", "Alibaba Cloud Direct Mail"),
        ("ko", "Alibaba Cloud Direct Mail"),
        ("de", "Alibaba Cloud Direct Mail"),
        ("fr", "Alibaba Cloud Direct Mail"),
        ("es", "Alibaba Cloud Direct Mail"),
        ("pt-BR", "Alibaba Cloud Direct Mail"),
        ("ru", "Alibaba Cloud Direct Mail"),
        ("tr-TR", "Alibaba Cloud Direct Mail"),
    ],
    description: &[
        ("en", "Sends verification emails through Alibaba Cloud Direct Mail."),
        ("zh-CN", "通过阿里云邮件推送发送验证邮件。"),
        ("ja", "Alibaba Cloud Direct Mail で確認メールを送信します。"),
        ("ko", "Alibaba Cloud Direct Mail을 통해 인증 메일을 보냅니다."),
        ("de", "Versendet Bestätigungsmails über Alibaba Cloud Direct Mail."),
        ("fr", "Envoie les e-mails de vérification via Alibaba Cloud Direct Mail."),
        ("es", "Envía correos de verificación mediante Alibaba Cloud Direct Mail."),
        ("pt-BR", "Envia e-mails de verificação pelo Alibaba Cloud Direct Mail."),
        ("ru", "Отправляет письма с кодами подтверждения через Alibaba Cloud Direct Mail."),
        ("tr-TR", "Doğrulama e-postalarını Alibaba Cloud Direct Mail üzerinden gönderir."),
    ],
    logo: include_str!("../logo.svg"),
    logo_dark: None,
    readme: include_str!("../README.md"),
    from_email: None,
});

/// Sends through Direct Mail's SingleSendMail.
pub struct AliyunDm {
    http: Arc<dyn HttpClient>,
    endpoint: Url,
    region: Region,
    access_key_id: String,
    access_key_secret: Secret,
    from: Mailbox,
    nonces: Nonces,
    templates: ByUsage<CompiledTemplate>,
}

impl Connector for AliyunDm {
    type Config = AliyunDmConfig;

    fn new(config: AliyunDmConfig, context: &Context) -> Result<Self, Error> {
        let endpoint = Url::parse(config.region_id.endpoint())
            .map_err(|_| Error::new(ErrorKind::InvalidConfig, "the endpoint is not a URL"))?;
        let from = match config.from_alias.as_deref().filter(|alias| !alias.trim().is_empty()) {
            None => config.account_name,
            alias => config.account_name.renamed(alias),
        };
        Ok(Self {
            http: context.http().clone(),
            endpoint,
            region: config.region_id,
            access_key_id: config.access_key_id,
            access_key_secret: config.access_key_secret,
            from,
            nonces: Nonces::new(),
            templates: config.templates.into_iter().map(Into::into).collect(),
        })
    }
}

#[async_trait]
impl EmailConnector for AliyunDm {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let to = message.recipient()?;
        let mail = self.templates.render(message)?;
        let from = mail.sender(&self.from)?;
        let reply_to = mail.reply_to()?;
        let mut parameters = self.parameters(&from, &to, reply_to.as_ref(), &mail);
        // Each attempt is a request of its own: Direct Mail refuses a nonce that it has seen.
        sign(&mut parameters, Moment::now(&self.nonces), &self.access_key_secret);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&parameters).finish();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, form)]);
        let response = self.http.execute(HttpRequest::post(self.endpoint.clone(), headers, body), context).await?;
        if response.status.is_success() {
            return receipt(&response);
        }
        let redactor = Redactor::of_message(message).and_secret(&self.access_key_secret).and_mail(&mail);
        Err(failure(&response, &redactor))
    }
}

impl AliyunDm {
    /// The parameters in Logto's order, without those of the signature.
    fn parameters<'a>(
        &'a self,
        from: &'a Mailbox,
        to: &'a Mailbox,
        reply_to: Option<&'a Mailbox>,
        mail: &'a RenderedEmail,
    ) -> Parameters<'a> {
        // An image without words has no text: HTML then goes alone.
        let text = Some(mail.text.as_str()).filter(|text| mail.html.is_none() || !text.is_empty());
        [
            ("Action", Some("SingleSendMail")),
            ("Format", Some("json")),
            ("SignatureMethod", Some("HMAC-SHA1")),
            ("SignatureVersion", Some("1.0")),
            ("Version", Some("2015-11-23")),
            ("AccessKeyId", Some(self.access_key_id.as_str())),
            ("AccountName", Some(from.address())),
            // Not the reply address of the console.
            ("ReplyToAddress", Some("false")),
            ("AddressType", Some("1")),
            // A list of addresses to Direct Mail, which takes no names: there is one.
            ("ToAddress", Some(to.address())),
            ("FromAlias", from.name()),
            ("Subject", Some(mail.subject.as_str())),
            ("HtmlBody", mail.html.as_deref()),
            ("TextBody", text),
            ("ReplyAddress", reply_to.map(Mailbox::address)),
            ("ReplyAddressAlias", reply_to.and_then(Mailbox::name)),
            ("RegionId", Some(self.region.id())),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value.into())))
        .collect()
    }
}

/// Success is an answer with the mail's id.
fn receipt(response: &HttpResponse) -> Result<Receipt, Error> {
    response.body.as_ref().map_err(Clone::clone)?;
    let answer: Value = response.json().unwrap_or_default();
    match answer["EnvId"].as_str().filter(|id| !id.trim().is_empty()) {
        Some(id) => Ok(Receipt::new(Some(id.to_owned()))),
        None => Err(response.unreadable(NAME, "without the id of a mail")),
    }
}

/// Reads an answer that is no success. Direct Mail's code says more than the status, which is mostly 400.
fn failure(response: &HttpResponse, redactor: &Redactor) -> Error {
    let body: Value = response.json().unwrap_or_default();
    let code = body["Code"].as_str().unwrap_or_default();
    let says = body["Message"].as_str().unwrap_or_default();
    // What follows is the request as Direct Mail read it, encoded twice: recipient, code and all.
    let says = says.split("server string to sign").next().unwrap_or_default();
    let base = response.failure(NAME);
    let kind = kind_of(code, says).unwrap_or(base.kind());
    // A request that came a second time may have been accepted the first time.
    let delivery = if code == "SignatureNonceUsed" { Delivery::Unknown } else { base.delivery() };
    let message = match redactor.clean(says) {
        says if says.is_empty() => base.to_string(),
        says => format!("{base}: {says}"),
    };
    let clean = |text: &str| Some(redactor.clean(text)).filter(|text| !text.is_empty());
    let request_id = body["RequestId"].as_str().or_else(|| response.header("x-acs-request-id"));
    let error = Error::new(kind, message).delivery_is(delivery).with_retry_after(response.retry_after()).with_provider(
        ProviderAnswer {
            status: Some(response.status.as_u16()),
            code: clean(code),
            request_id: request_id.and_then(clean),
        },
    );
    match response.interception(NOT_US).or_else(|| hint(kind, response.status, code)).or(base.hint()) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// What a code, or else the words beside it, mean.
fn kind_of(code: &str, says: &str) -> Option<ErrorKind> {
    let begins = |with: &[&str]| with.iter().any(|start| code.starts_with(start));
    // Two words, since a recipient whom the sentence quotes may be called anything.
    let quota = code.contains("Quota") || says.to_ascii_lowercase().contains("quota exceeded");
    if quota || code == "InsufficientBalance" {
        Some(ErrorKind::QuotaExceeded)
    } else if begins(&["Throttling"]) {
        Some(ErrorKind::RateLimited)
    } else if code == "SignatureNonceUsed" || begins(&["ServiceUnavailable", "InternalError", "InternalServiceError"]) {
        Some(ErrorKind::Unavailable)
    } else if begins(&["InvalidAccessKey", "Signature", "IncompleteSignature", "Forbidden", "NoPermission"])
        || is_clock(code)
    {
        Some(ErrorKind::Unauthorized)
    } else {
        None
    }
}

/// Whether Direct Mail finds that the request comes from another time.
fn is_clock(code: &str) -> bool {
    code.starts_with("InvalidTimeStamp") || code == "IllegalTimestamp"
}

/// Direct Mail speaks JSON, with a code in every refusal; what has none is somebody else's.
const NOT_US: &str =
    "this is not how Direct Mail answers: look for a proxy or firewall between this machine and Direct Mail";

fn hint(kind: ErrorKind, status: StatusCode, code: &str) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::QuotaExceeded => {
            "the day's or month's amount, or the balance, is used up: raise it in the console or wait for its renewal"
        }
        ErrorKind::Unauthorized if is_clock(code) => {
            "this machine's clock is off: Direct Mail takes requests within 15 minutes of its own time"
        }
        ErrorKind::Unauthorized if code.starts_with("Signature") => {
            "check accessKeySecret, and that it belongs to accessKeyId; then this machine's clock"
        }
        ErrorKind::Unauthorized if code.starts_with("InvalidAccessKey") => {
            "check accessKeyId: the AccessKey pair must exist and be enabled"
        }
        ErrorKind::Unauthorized if code.starts_with("Forbidden") || code.starts_with("NoPermission") => {
            "give the RAM user the right to send: dm:SingleSendMail, as AliyunDirectMailFullAccess has it"
        }
        ErrorKind::Unauthorized if code.is_empty() || code == "IncompleteSignature" => NOT_US,
        ErrorKind::Unavailable if code == "SignatureNonceUsed" => {
            "the same request came twice: look for what repeats requests between this machine and Direct Mail"
        }
        ErrorKind::Rejected => match code {
            "InvalidMailAddress.NotFound" => {
                "no such sender address in this region: compare accountName with the console, and regionId with the \
                 region chosen there"
            }
            "InvalidMailAddressStatus.Malformed" => "the sender address is not usable: the console says why",
            "InvalidMailAddressDomain.Malformed" => "the domain of accountName is not set up in this region",
            "InvalidFromAlias.Malformed" => "the sender's name must be shorter than 15 characters",
            "InvalidSubject.Malformed" => "a subject may have at most 100 characters",
            "InvalidToAddress.Spam" => "the recipient is in Direct Mail's list of invalid addresses",
            "InvalidSendMail.Spam" => {
                "Direct Mail took it for spam: look at the content, at how often it is sent, and at the account's state"
            }
            _ if status == StatusCode::PAYLOAD_TOO_LARGE => "the template or a value in it is far too long",
            _ => return None,
        },
        _ => return None,
    })
}
