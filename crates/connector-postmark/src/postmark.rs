//! The connector: one message, one request to Postmark's email API, which renders the template.

use std::sync::Arc;

use connector_kit::{
    About, ByUsage, Connector, ConnectorFactory, Context, Delivery, EmailConnector, Error, ErrorKind, Mailbox, Message,
    Payload, ProviderAnswer, Receipt, Redactor, Secret, SendContext, async_trait,
    http::{
        HeaderMap, HeaderName, HeaderValue, HttpClient, HttpRequest, HttpResponse, StatusCode, Url, header,
        request_headers,
    },
};
use serde::{Deserialize, Serialize};

use crate::PostmarkConfig;

const NAME: &str = "Postmark";
const ENDPOINT: &str = "https://api.postmarkapp.com/email/withTemplate";

/// What this crate exports to a registry: metadata, schema, and how to build the connector.
pub static CONNECTOR: ConnectorFactory = ConnectorFactory::of::<Postmark>(&About {
    id: "postmark-mail",
    target: "postmark-mail",
    name: &[
        ("en", "Postmark"),
        ("zh-CN", "Postmark 邮件"),
        ("ja", "Postmark メール"),
        ("ko", "Postmark 메일"),
        ("de", "E-Mail über Postmark"),
        ("fr", "E-mail via Postmark"),
        ("es", "Correo de Postmark"),
        ("pt-BR", "E-mail do Postmark"),
        ("ru", "Почта Postmark"),
        ("tr-TR", "Postmark ile e-posta"),
    ],
    description: &[
        ("en", "Sends verification emails through Postmark, with templates kept there."),
        ("zh-CN", "通过 Postmark 发送验证邮件，模板保存在 Postmark 中。"),
        ("ja", "Postmark に保存したテンプレートで確認メールを送信します。"),
        ("ko", "Postmark에 저장된 템플릿으로 인증 메일을 보냅니다."),
        ("de", "Versendet Bestätigungsmails über Postmark, mit dort hinterlegten Vorlagen."),
        ("fr", "Envoie les e-mails de vérification via Postmark, avec les modèles qui y sont enregistrés."),
        ("es", "Envía correos de verificación mediante Postmark, con las plantillas guardadas allí."),
        ("pt-BR", "Envia e-mails de verificação pelo Postmark, com os modelos guardados lá."),
        ("ru", "Отправляет письма с кодами подтверждения через Postmark по хранящимся там шаблонам."),
        ("tr-TR", "Doğrulama e-postalarını Postmark üzerinden, orada saklanan şablonlarla gönderir."),
    ],
    logo: include_str!("../logo.svg"),
    logo_dark: None,
    readme: include_str!("../README.md"),
    from_email: None,
});

/// Sends through Postmark's email API.
pub struct Postmark {
    http: Arc<dyn HttpClient>,
    endpoint: Url,
    headers: HeaderMap,
    server_token: Secret,
    from: String,
    message_stream: Option<String>,
    aliases: ByUsage<String>,
}

impl Connector for Postmark {
    type Config = PostmarkConfig;

    fn new(config: PostmarkConfig, context: &Context) -> Result<Self, Error> {
        let broken = |what: &str| Error::new(ErrorKind::InvalidConfig, what.to_owned());
        let mut token = HeaderValue::from_str(config.server_token.expose())
            .map_err(|_| broken("the server token cannot travel in an HTTP header"))?;
        token.set_sensitive(true);
        let headers = request_headers([
            (HeaderName::from_static("x-postmark-server-token"), token),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        Ok(Self {
            http: context.http().clone(),
            endpoint: Url::parse(ENDPOINT).map_err(|_| broken("the endpoint is not a URL"))?,
            headers,
            server_token: config.server_token,
            from: config.from_email.to_string(),
            message_stream: config.message_stream,
            aliases: config.templates.into_iter().map(Into::into).collect(),
        })
    }
}

#[async_trait]
impl EmailConnector for Postmark {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let request = Request {
            from: &self.from,
            to: recipient(&message.recipient()?)?,
            // Postmark renders its own templates only: one that the host found in the recipient's language stays unused.
            template_alias: self.aliases.choose(&message.usage_type)?,
            template_model: &message.payload,
            message_stream: self.message_stream.as_deref(),
        };
        let body = serde_json::to_vec(&request).map_err(|_| Error::invalid_message("", "cannot be written as JSON"))?;
        let request = HttpRequest::post(self.endpoint.clone(), self.headers.clone(), body);
        let response = self.http.execute(request, context).await?;
        let answer = Answer::read(&response);
        if response.status.is_success() && answer.error_code.is_none_or(|code| code == 0) {
            return receipt(&response, answer);
        }
        Err(failure(&response, &answer, &Redactor::of_message(message).and_secret(&self.server_token)))
    }
}

/// A recipient as Postmark is given it: in a list that commas separate, a name with punctuation in quotes, as its
/// documentation asks for.
///
/// It does not read a backslash within quotes as mail does (ActiveCampaign/postmark-gem#95). A name that a wrong reading
/// could make another recipient of is not sent.
fn recipient(to: &Mailbox) -> Result<String, Error> {
    let name = to.name().unwrap_or_default();
    if name.contains('\\') || (name.contains('"') && name.contains([',', ';', '<', '>', '@'])) {
        return Err(Error::invalid_message(
            "/to",
            "Postmark cannot take a display name that has a backslash, or a quote beside a comma, semicolon, bracket \
             or at sign",
        ));
    }
    Ok(to.to_string())
}

/// Success is ErrorCode 0 under a success status. Whatever else calls itself success comes from something that stands in
/// between.
fn receipt(response: &HttpResponse, answer: Answer) -> Result<Receipt, Error> {
    response.body.as_ref().map_err(Clone::clone)?;
    match answer.error_code {
        Some(_) => Ok(Receipt::new(answer.message_id)),
        None => Err(response.unreadable(NAME, "without an ErrorCode, which is how Postmark says accepted")),
    }
}

/// Reads an answer that says no.
fn failure(response: &HttpResponse, answer: &Answer, redactor: &Redactor) -> Error {
    let base = response.failure(NAME);
    let kind = match answer.error_code {
        Some(code) => kind_of(code, response.status, base.kind()),
        None => base.kind(),
    };
    let said = match answer.error_code {
        Some(code) => format!("{base}, error code {code}"),
        None => base.to_string(),
    };
    let says = answer.message.as_deref().unwrap_or_default();
    let text = match redactor.clean(says) {
        says if says.is_empty() => said,
        says => format!("{said}: {says}"),
    };
    // An error code under a success status is Postmark's own no.
    let delivery = if response.status.is_success() { Delivery::NotSent } else { base.delivery() };
    let error = Error::new(kind, text).delivery_is(delivery).with_retry_after(base.retry_after()).with_provider(
        ProviderAnswer {
            status: Some(response.status.as_u16()),
            code: answer.error_code.map(|code| code.to_string()),
            request_id: None,
        },
    );
    match response.interception(NOT_US).or_else(|| hint(response, answer)).or(base.hint()) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// What Postmark's own error code means. It looks like an HTTP status at times, and is none.
fn kind_of(code: i64, status: StatusCode, by_status: ErrorKind) -> ErrorKind {
    match code {
        // A bad token; an account that may not send.
        10 | 413 => ErrorKind::Unauthorized,
        // Maintenance.
        100 => ErrorKind::Unavailable,
        // No credits are left.
        405 => ErrorKind::QuotaExceeded,
        429 => ErrorKind::RateLimited,
        _ if status.is_success() => ErrorKind::Rejected,
        _ if by_status.is_temporary() || status == StatusCode::UNAUTHORIZED => by_status,
        _ => ErrorKind::Rejected,
    }
}

fn hint(response: &HttpResponse, answer: &Answer) -> Option<&'static str> {
    let says = answer.message.as_deref().unwrap_or_default().to_ascii_lowercase();
    Some(match answer.error_code {
        Some(10) => {
            "`serverToken` must be the token of a server, from its API Tokens tab: an account token does not send"
        }
        Some(300) if says.contains("signature") => SENDER_HINT,
        Some(400 | 401) => SENDER_HINT,
        Some(405) => "the account's credits are used up: add some, or upgrade the plan",
        Some(406) => {
            "the address bounced, complained or was suppressed: reactivate it in the message stream's suppressions \
             once it works again"
        }
        Some(409) => "Postmark must see Accept and Content-Type as application/json: look for a proxy that takes them",
        Some(412) => "until Postmark approves the account, mail goes to the From address's own domain only",
        Some(413) => "Postmark does not let the account send: ask its support why",
        Some(1101) => {
            "the server that `serverToken` belongs to has no template of this alias: create it there, or correct \
             `templateAlias`"
        }
        Some(1100..=1199) => "check the template on the server that `serverToken` belongs to, and its `templateAlias`",
        Some(_) if says.contains("stream") => {
            "`messageStream` must be the id of a stream on the server that `serverToken` belongs to"
        }
        None if response.status == StatusCode::PAYLOAD_TOO_LARGE => {
            "Postmark takes up to 10 MB: the template or a value of the payload is far too long"
        }
        None if matches!(response.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => NOT_US,
        _ => return None,
    })
}

/// Postmark speaks JSON; a page that says no is somebody else's.
const NOT_US: &str =
    "this is not how Postmark's API answers: look for a proxy, a firewall or a blocked address on the way";

const SENDER_HINT: &str = "confirm the From address as a Sender Signature, or verify its domain, in Postmark";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    from: &'a str,
    to: String,
    template_alias: &'a str,
    template_model: &'a Payload,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_stream: Option<&'a str>,
}

/// What Postmark says, of a success as of a failure.
#[derive(Default, Deserialize)]
struct Answer {
    #[serde(rename = "ErrorCode")]
    error_code: Option<i64>,
    #[serde(rename = "Message")]
    message: Option<String>,
    #[serde(rename = "MessageID")]
    message_id: Option<String>,
}

impl Answer {
    fn read(response: &HttpResponse) -> Self {
        response.json().unwrap_or_default()
    }
}
