//! The connector: one message, one request to Logto's email service, with an access token that is fetched and kept.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use connector_kit::{
    About, Connector, ConnectorFactory, Context, EmailConnector, Error, ErrorKind, Message, Payload, ProviderAnswer,
    Receipt, Redactor, Secret, SendContext, UsageType, async_trait,
    http::{HeaderName, HeaderValue, HttpClient, HttpRequest, HttpResponse, StatusCode, Url, header, request_headers},
    oauth::{TokenCache, request_token},
};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use crate::LogtoEmailConfig;

const NAME: &str = "Logto's email service";
const SCOPE: &str = "send:email";

/// What this crate exports to a registry: metadata, schema, and how to build the connector.
pub static CONNECTOR: ConnectorFactory = ConnectorFactory::of::<LogtoEmail>(&About {
    id: "logto-email",
    target: "logto-email",
    name: &[
        ("en", "Logto email service"),
        ("zh-CN", "Logto 邮件服务"),
        ("ja", "Logto メールサービス"),
        ("ko", "Logto 메일 서비스"),
        ("de", "E-Mail-Dienst von Logto"),
        ("fr", "Service d'e-mail de Logto"),
        ("es", "Servicio de correo de Logto"),
        ("pt-BR", "Serviço de e-mail do Logto"),
        ("ru", "Почтовая служба Logto"),
        ("tr-TR", "Logto e-posta hizmeti"),
    ],
    description: &[
        ("en", "Sends verification emails through Logto Cloud's own service, with its sender and templates."),
        ("zh-CN", "通过 Logto Cloud 自带的服务发送验证邮件，使用其发件人和模板。"),
        ("ja", "Logto Cloud の専用サービスから、その差出人とテンプレートで確認メールを送信します。"),
        ("ko", "Logto Cloud의 자체 서비스를 통해 그 발신자와 템플릿으로 인증 메일을 보냅니다."),
        ("de", "Versendet Bestätigungsmails über den Dienst von Logto Cloud, mit dessen Absender und Vorlagen."),
        ("fr", "Envoie les e-mails de vérification via le service de Logto Cloud, avec son expéditeur et ses modèles."),
        ("es", "Envía correos de verificación mediante el servicio de Logto Cloud, con su remitente y sus plantillas."),
        ("pt-BR", "Envia e-mails de verificação pelo serviço do Logto Cloud, com o remetente e os modelos dele."),
        (
            "ru",
            "Отправляет письма с кодами подтверждения через службу Logto Cloud, с её адресом отправителя и шаблонами.",
        ),
        (
            "tr-TR",
            "Doğrulama e-postalarını Logto Cloud'un hizmeti üzerinden, onun gönderen adresi ve şablonlarıyla gönderir.",
        ),
    ],
    logo: include_str!("../logo.svg"),
    logo_dark: None,
    readme: include_str!("../README.md"),
    from_email: Some("no-reply@logto.email"),
});

/// Sends through the email service of Logto Cloud.
pub struct LogtoEmail {
    http: Arc<dyn HttpClient>,
    mails: Url,
    usage: Url,
    token_endpoint: Url,
    resource: String,
    app_id: String,
    app_secret: Secret,
    tokens: TokenCache,
    branding: Payload,
}

impl Connector for LogtoEmail {
    type Config = LogtoEmailConfig;

    fn new(config: LogtoEmailConfig, context: &Context) -> Result<Self, Error> {
        let url = |text: &str, field: &str| {
            Url::parse(text).map_err(|_| Error::new(ErrorKind::InvalidConfig, format!("{field} is not a URL")))
        };
        let mails = services_mails(url(&config.endpoint, "endpoint")?);
        let mut usage = mails.clone();
        usage.set_path(&format!("{}/usage", mails.path()));
        let branding = [
            ("senderName", config.sender_name),
            ("companyInformation", config.company_information),
            ("appLogo", config.app_logo),
        ];
        Ok(Self {
            http: context.http().clone(),
            mails,
            usage,
            token_endpoint: url(&config.token_endpoint, "tokenEndpoint")?,
            resource: config.resource,
            app_id: config.app_id,
            app_secret: config.app_secret,
            tokens: TokenCache::default(),
            branding: branding.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))).collect(),
        })
    }
}

/// `…/api/services/mails`, whether the endpoint ends in `/api` or not.
fn services_mails(mut endpoint: Url) -> Url {
    let path = endpoint.path().trim_end_matches('/');
    let base = path.strip_suffix("/api").unwrap_or(path);
    let path = format!("{base}/api/services/mails");
    endpoint.set_path(&path);
    endpoint.set_query(None);
    endpoint.set_fragment(None);
    endpoint
}

#[async_trait]
impl EmailConnector for LogtoEmail {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let to = message.recipient()?;
        let payload = self.branded(&message.payload);
        // The service knows addresses; a display name in `to` would be for it to understand or not.
        let data = Data { to: to.address(), usage_type: &message.usage_type, payload: &payload };
        let body = serde_json::to_vec(&Request { data })
            .map_err(|_| Error::invalid_message("", "cannot be written as JSON"))?;
        let (response, token) = self
            .execute(context, |bearer| {
                let headers = request_headers([bearer, json_by(header::ACCEPT), json_by(header::CONTENT_TYPE)]);
                HttpRequest::post(self.mails.clone(), headers, body.clone())
            })
            .await?;
        if response.status.is_success() {
            return receipt(&response);
        }
        Err(failure(&response, &Redactor::of_message(message).and_secret(&self.app_secret).and_secret(&token)))
    }

    async fn usage(&self, from: SystemTime) -> Result<u64, Error> {
        let mut url = self.usage.clone();
        url.query_pairs_mut().append_pair("from", &iso_date(from)?);
        let (response, token) = self
            .execute(&SendContext::new(), |bearer| {
                HttpRequest::get(url.clone(), request_headers([bearer, json_by(header::ACCEPT)]))
            })
            .await?;
        if !response.status.is_success() {
            return Err(failure(&response, &Redactor::default().and_secret(&self.app_secret).and_secret(&token)));
        }
        json(&response)["count"].as_u64().ok_or_else(|| {
            let message = format!("{NAME} answered {} but without a count", response.status);
            Error::new(ErrorKind::InvalidResponse, message)
                .with_provider(ProviderAnswer { status: Some(response.status.as_u16()), ..ProviderAnswer::default() })
                .not_sent()
        })
    }
}

impl LogtoEmail {
    /// The message's values, and over them the configured ones: copied only where there are any.
    fn branded<'m>(&self, payload: &'m Payload) -> Cow<'m, Payload> {
        if self.branding.is_empty() {
            return Cow::Borrowed(payload);
        }
        let mut branded = payload.clone();
        branded.extend(self.branding.clone());
        Cow::Owned(branded)
    }

    /// Sends what `request` makes of the header with the token. A token that is refused is forgotten, and a new one tried
    /// once: it may have been revoked before its time.
    async fn execute(
        &self,
        context: &SendContext,
        request: impl Fn((HeaderName, HeaderValue)) -> HttpRequest + Send,
    ) -> Result<(HttpResponse, Secret), Error> {
        let mut is_last = false;
        loop {
            let token = self.token(context).await?;
            let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| {
                Error::new(ErrorKind::InvalidResponse, "the access token granted cannot travel in an HTTP header")
                    .not_sent()
            })?;
            bearer.set_sensitive(true);
            let response = self.http.execute(request((header::AUTHORIZATION, bearer)), context).await?;
            if response.status != StatusCode::UNAUTHORIZED {
                return Ok((response, token));
            }
            self.tokens.forget(&token).await;
            if is_last {
                return Ok((response, token));
            }
            is_last = true;
        }
    }

    async fn token(&self, context: &SendContext) -> Result<Secret, Error> {
        let form = [("grant_type", "client_credentials"), ("resource", self.resource.as_str()), ("scope", SCOPE)];
        let client = Some((self.app_id.as_str(), &self.app_secret));
        let fetch = async |aside: SendContext| {
            let granted = request_token(self.http.as_ref(), &self.token_endpoint, &form, client, &aside).await;
            granted.map_err(|error| match error.kind() {
                ErrorKind::Unauthorized | ErrorKind::Rejected => error.with_hint(
                    "no access token is granted: check `tokenEndpoint`, `resource`, `appId` and `appSecret`, and that \
                     the application may have the scope send:email",
                ),
                _ => error,
            })
        };
        self.tokens.get(context, fetch).await
    }
}

/// The header that says JSON.
fn json_by(name: HeaderName) -> (HeaderName, HeaderValue) {
    (name, HeaderValue::from_static("application/json"))
}

/// Success is a 2xx with JSON or nothing in it. Whatever else calls itself success comes from something that stands in
/// between.
fn receipt(response: &HttpResponse) -> Result<Receipt, Error> {
    response.body.as_ref().map_err(Clone::clone)?;
    let is_page = response.header(header::CONTENT_TYPE).is_some_and(|kind| !kind.contains("json"));
    // What is compressed stays so: nothing in it is needed.
    let is_compressed = response.headers.contains_key(header::CONTENT_ENCODING);
    let is_json = || is_compressed || response.json::<Value>().is_some();
    if response.content().trim_ascii().is_empty() || (!is_page && is_json()) {
        return Ok(Receipt::new(None));
    }
    Err(response.unreadable(NAME, "with something else than JSON"))
}

/// Reads an answer that is no success.
fn failure(response: &HttpResponse, redactor: &Redactor) -> Error {
    let body = json(response);
    let base = response.failure(NAME);
    let code = body["code"].as_str().unwrap_or_default();
    let is_used_up = response.status == StatusCode::TOO_MANY_REQUESTS && !is_burst(code, base.retry_after());
    let kind = if is_used_up { ErrorKind::QuotaExceeded } else { base.kind() };
    let text = match redactor.clean(body["message"].as_str().unwrap_or_default()) {
        says if says.is_empty() => base.to_string(),
        says => format!("{base}: {says}"),
    };
    let error = Error::new(kind, text).delivery_is(base.delivery()).with_retry_after(base.retry_after()).with_provider(
        ProviderAnswer {
            status: Some(response.status.as_u16()),
            code: body["code"].as_str().map(|code| redactor.clean(code)),
            request_id: None,
        },
    );
    let hint = match code {
        _ if is_used_up => Some(USED_UP),
        "request.message_rate_limited" => Some("one recipient gets no more than ten messages in ten minutes"),
        _ => response.interception(NOT_US).or_else(|| hint(response.status)).or(base.hint()),
    };
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The service meters what a tenant sends, and says 429 when the amount is used up. It says 429 to bursts too: then it
/// names the limit, or when to come back (<https://docs.logto.io/security/send-rate-limit>).
fn is_burst(code: &str, retry_after: Option<Duration>) -> bool {
    match code {
        "connector.usage_limit_exceeded" => false,
        "request.rate_limited" | "request.message_rate_limited" => true,
        _ => retry_after.is_some(),
    }
}

const USED_UP: &str =
    "the tenant's amount of mail is used up: wait for its renewal, or set up a connector of another provider";

/// The service speaks JSON; a page in HTML that says no is somebody else's.
const NOT_US: &str =
    "this is not how the service answers: look for a proxy or firewall between this machine and `endpoint`";

fn hint(status: StatusCode) -> Option<&'static str> {
    Some(match status {
        StatusCode::UNAUTHORIZED => {
            "the service takes neither the token nor a new one: check `resource`, and that `endpoint` and \
             `tokenEndpoint` are of the same Logto"
        }
        StatusCode::FORBIDDEN => "the application of `appId` must be allowed the scope send:email on `resource`",
        StatusCode::NOT_FOUND => "check `endpoint`: it is the service's URL, with or without /api at its end",
        _ => return None,
    })
}

fn json(response: &HttpResponse) -> Value {
    response.json().unwrap_or_default()
}

/// `2026-01-02T03:04:05.678Z`, as JavaScript writes a date.
fn iso_date(moment: SystemTime) -> Result<String, Error> {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let date = i64::try_from(since.as_secs()).ok().and_then(|secs| OffsetDateTime::from_unix_timestamp(secs).ok());
    let date = date.ok_or_else(|| Error::new(ErrorKind::InvalidMessage, "usage from a date that no calendar has"))?;
    let (year, month, day) = date.to_calendar_date();
    let (hour, minute, second) = date.to_hms();
    let millisecond = since.subsec_millis();
    Ok(format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z", u8::from(month)))
}

#[derive(Serialize)]
struct Request<'a> {
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    to: &'a str,
    #[serde(rename = "type")]
    usage_type: &'a UsageType,
    payload: &'a Payload,
}
