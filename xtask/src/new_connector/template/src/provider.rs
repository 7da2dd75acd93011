//! The connector: one message, one request to %Title%'s API.

use std::sync::Arc;

use connector_kit::{
    About, ByUsage, CompiledTemplate, Connector, ConnectorFactory, Context, EmailConnector, Error, ErrorKind, Mailbox,
    Message, ProviderAnswer, Receipt, Redactor, Secret, SendContext, async_trait,
    http::{HeaderMap, HeaderValue, HttpClient, HttpRequest, HttpResponse, StatusCode, Url, header},
};
use serde::{Deserialize, Serialize};

use crate::%Camel%Config;

const NAME: &str = "%Title%";
const ENDPOINT: &str = "https://api.%kebab%.example/v1/messages";

/// What this crate exports to a registry: metadata, schema, and how to build the connector.
pub static CONNECTOR: ConnectorFactory = ConnectorFactory::of::<%Camel%>(&About {
    id: "%kebab%",
    target: "%kebab%",
    name: &[
        ("en", NAME),
        ("zh-CN", NAME),
        ("ja", NAME),
        ("ko", NAME),
        ("de", NAME),
        ("fr", NAME),
        ("es", NAME),
        ("pt-BR", NAME),
        ("ru", NAME),
        ("tr-TR", NAME),
    ],
    description: &[
        ("en", "Sends verification emails through %Title%."),
        ("zh-CN", "通过 %Title% 发送验证邮件。"),
        ("ja", "%Title% で確認メールを送信します。"),
        ("ko", "%Title% 서비스로 인증 메일을 보냅니다."),
        ("de", "Versendet Bestätigungsmails über %Title%."),
        ("fr", "Envoie les e-mails de vérification via %Title%."),
        ("es", "Envía correos de verificación mediante %Title%."),
        ("pt-BR", "Envia e-mails de verificação por %Title%."),
        ("ru", "Отправляет письма с кодами подтверждения через %Title%."),
        ("tr-TR", "Doğrulama e-postalarını %Title% üzerinden gönderir."),
    ],
    logo: include_str!("../logo.svg"),
    logo_dark: None,
    readme: include_str!("../README.md"),
    from_email: None,
});

/// Sends through %Title%'s API.
pub struct %Camel% {
    http: Arc<dyn HttpClient>,
    endpoint: Url,
    headers: HeaderMap,
    api_key: Secret,
    from: Mailbox,
    templates: ByUsage<CompiledTemplate>,
}

impl Connector for %Camel% {
    type Config = %Camel%Config;

    fn new(config: %Camel%Config, context: &Context) -> Result<Self, Error> {
        let broken = |what: &str| Error::new(ErrorKind::InvalidConfig, what.to_owned());
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", config.api_key.expose()))
            .map_err(|_| broken("the API key cannot travel in an HTTP header"))?;
        bearer.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (header::AUTHORIZATION, bearer),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        Ok(Self {
            http: context.http().clone(),
            endpoint: Url::parse(ENDPOINT).map_err(|_| broken("the endpoint is not a URL"))?,
            headers,
            api_key: config.api_key,
            from: config.from_email,
            templates: config.templates.into_iter().map(Into::into).collect(),
        })
    }
}

#[async_trait]
impl EmailConnector for %Camel% {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let to = message.recipient()?;
        let mail = self.templates.render(message)?;
        let from = mail.sender(&self.from)?;
        let reply_to = mail.reply_to()?;
        let request = Request {
            from: Address::of(&from),
            to: Address::of(&to),
            reply_to: reply_to.as_ref().map(Address::of),
            subject: &mail.subject,
            html: mail.html.as_deref(),
            text: &mail.text,
        };
        let body = serde_json::to_vec(&request).map_err(|_| Error::invalid_message("", "cannot be written as JSON"))?;
        let request = HttpRequest::post(self.endpoint.clone(), self.headers.clone(), body);
        let response = self.http.execute(request, context).await?;
        let answer = Answer::read(&response);
        if response.status.is_success() {
            return receipt(&response, answer);
        }
        let redactor = Redactor::of_message(message).and_secret(&self.api_key).and_mail(&mail);
        Err(failure(&response, &answer, &redactor))
    }
}

/// Success is a success status with the message's id. Whatever else calls itself success comes from something that
/// stands in between.
fn receipt(response: &HttpResponse, answer: Answer) -> Result<Receipt, Error> {
    response.body.as_ref().map_err(Clone::clone)?;
    match answer.id {
        Some(id) => Ok(Receipt::new(Some(id))),
        None => Err(response.unreadable(NAME, "without a message id, which is how it says accepted")),
    }
}

/// Reads an answer that is no success.
fn failure(response: &HttpResponse, answer: &Answer, redactor: &Redactor) -> Error {
    let base = response.failure(NAME);
    let text = match redactor.clean(answer.message.as_deref().unwrap_or_default()) {
        says if says.is_empty() => base.to_string(),
        says => format!("{base}: {says}"),
    };
    let error = Error::new(base.kind(), text)
        .delivery_is(base.delivery())
        .with_retry_after(base.retry_after())
        .with_provider(ProviderAnswer {
            status: Some(response.status.as_u16()),
            code: answer.code.as_deref().map(|code| redactor.clean(code)),
            request_id: None,
        });
    match hint(response.status).or(base.hint()) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

fn hint(status: StatusCode) -> Option<&'static str> {
    Some(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "check `apiKey`, and that it may send",
        StatusCode::PAYMENT_REQUIRED => "the account's quota is used up: upgrade the plan or wait for its renewal",
        _ => return None,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    from: Address<'a>,
    to: Address<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Address<'a>>,
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<&'a str>,
    text: &'a str,
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

/// What %Title% says, of a success as of a failure.
#[derive(Default, Deserialize)]
struct Answer {
    id: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

impl Answer {
    fn read(response: &HttpResponse) -> Self {
        response.json().unwrap_or_default()
    }
}
