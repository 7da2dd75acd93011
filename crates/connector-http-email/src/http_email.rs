//! The connector: one message, one POST to an endpoint of one's own.

use std::{sync::Arc, time::Duration};

use connector_kit::{
    About, Connector, ConnectorFactory, Context, Delivery, EmailConnector, Error, ErrorKind, Message, Payload,
    ProviderAnswer, Receipt, Redactor, Secret, SendContext, UsageType, async_trait,
    http::{HeaderMap, HeaderValue, HttpClient, HttpRequest, HttpResponse, StatusCode, Url, header},
};
use serde::Serialize;
use serde_json::Value;

use crate::{
    HttpEmailConfig,
    signature::{self, SigningKey},
};

/// What this crate exports to a registry: metadata, schema, and how to build the connector.
pub static CONNECTOR: ConnectorFactory = ConnectorFactory::of::<HttpEmail>(&About {
    id: "http-email",
    target: "http-email",
    name: &[
        ("en", "HTTP email"),
        ("zh-CN", "HTTP 邮件"),
        ("ja", "HTTP メール"),
        ("ko", "HTTP 메일"),
        ("de", "E-Mail über HTTP"),
        ("fr", "E-mail via HTTP"),
        ("es", "Correo por HTTP"),
        ("pt-BR", "E-mail por HTTP"),
        ("ru", "Почта по HTTP"),
        ("tr-TR", "HTTP ile e-posta"),
    ],
    description: &[
        ("en", "Posts each message to an HTTP endpoint of your own, which sends the mail."),
        ("zh-CN", "将每条消息发送到您自己的 HTTP 端点，由其发送邮件。"),
        ("ja", "各メッセージをご自身の HTTP エンドポイントに送り、そこからメールを送信します。"),
        ("ko", "각 메시지를 사용자의 HTTP 엔드포인트로 보내고, 그 엔드포인트가 메일을 발송합니다."),
        ("de", "Übergibt jede Nachricht einem eigenen HTTP-Endpunkt, der die E-Mail versendet."),
        ("fr", "Transmet chaque message à votre propre point de terminaison HTTP, qui envoie l'e-mail."),
        ("es", "Entrega cada mensaje a un endpoint HTTP propio, que envía el correo."),
        ("pt-BR", "Entrega cada mensagem a um endpoint HTTP seu, que envia o e-mail."),
        ("ru", "Передаёт каждое сообщение вашему HTTP-серверу, который отправляет письмо."),
        ("tr-TR", "Her iletiyi, e-postayı gönderen kendi HTTP uç noktanıza iletir."),
    ],
    logo: include_str!("../logo.svg"),
    logo_dark: None,
    readme: include_str!("../README.md"),
    from_email: None,
});

/// Posts messages to an HTTP endpoint of one's own.
pub struct HttpEmail {
    http: Arc<dyn HttpClient>,
    endpoint: Url,
    /// How errors call the endpoint: its host, since path and query may hold what is nobody's business.
    name: String,
    headers: HeaderMap,
    keys: Vec<SigningKey>,
    secrets: Vec<Secret>,
    timeout: Option<Duration>,
}

impl Connector for HttpEmail {
    type Config = HttpEmailConfig;

    fn new(config: HttpEmailConfig, context: &Context) -> Result<Self, Error> {
        let broken = |what: &str| Error::new(ErrorKind::InvalidConfig, what.to_owned());
        let endpoint = Url::parse(&config.endpoint).map_err(|_| broken("the endpoint is not a URL"))?;
        let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        if let Some(authorization) = &config.authorization {
            let mut value = HeaderValue::from_str(authorization.expose())
                .map_err(|_| broken("the authorization cannot travel in an HTTP header"))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        let signing_secrets = config.signing_secrets.unwrap_or_default();
        let keys = signing_secrets.iter().map(|secret| SigningKey::parse(secret.expose()));
        let keys = keys.collect::<Result<_, String>>().map_err(|fault| broken(&fault))?;
        Ok(Self {
            http: context.http().clone(),
            name: format!("the endpoint at {}", endpoint.host_str().unwrap_or_default()),
            endpoint,
            headers,
            keys,
            secrets: signing_secrets.into_iter().chain(config.authorization).collect(),
            timeout: config.timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
        })
    }
}

#[async_trait]
impl EmailConnector for HttpEmail {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let to = message.recipient()?;
        let body = Body {
            to: to.to_string(),
            usage_type: &message.usage_type,
            payload: &message.payload,
            ip: message.ip.as_deref(),
        };
        let body = serde_json::to_vec(&body).map_err(|_| Error::invalid_message("", "cannot be written as JSON"))?;
        let mut headers = self.headers.clone();
        let id = signature::webhook_id(context.idempotency_id(message));
        signature::add_headers(&mut headers, &id, &self.keys, &body);
        let request = HttpRequest::post(self.endpoint.clone(), headers, body).with_timeout(self.timeout);
        let response = self.http.execute(request, context).await?;
        // Any 2xx is acceptance: what the body says, or whether it can be read, is between the endpoint and its log.
        if response.status.is_success() {
            return match response.intercepted_by() {
                Some(hint) => Err(self.intercepted(&response, hint)),
                None => Ok(Receipt::new(Some(id))),
            };
        }
        Err(self.failure(&response, message))
    }
}

impl HttpEmail {
    /// The error of an answer that calls itself success and is not the endpoint's: AWS WAF says 202 with its challenge.
    fn intercepted(&self, response: &HttpResponse, hint: &'static str) -> Error {
        let base = response.unreadable(&self.name, "it is not the endpoint that answered");
        let error = Error::new(ErrorKind::Unauthorized, base.to_string())
            .delivery_is(if response.was_kept_back() { Delivery::NotSent } else { Delivery::Unknown })
            .with_hint(hint);
        match base.provider() {
            Some(provider) => error.with_provider(provider.clone()),
            None => error,
        }
    }

    /// Reads an answer that is no success.
    fn failure(&self, response: &HttpResponse, message: &Message) -> Error {
        let redactor = self.redactor(message);
        let (says, code) = words(response);
        let base = response.failure(&self.name);
        let text = match redactor.clean(&says) {
            says if says.is_empty() => base.to_string(),
            says => format!("{base}: {says}"),
        };
        let error = Error::new(base.kind(), text)
            .delivery_is(base.delivery())
            .with_retry_after(base.retry_after())
            .with_provider(ProviderAnswer {
                status: Some(response.status.as_u16()),
                code: code.map(|code| redactor.clean(&code)),
                request_id: response.header("x-request-id").map(|id| redactor.clean(id)),
            });
        match response.interception(PAGE).or_else(|| hint(response.status)).or(base.hint()) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    fn redactor(&self, message: &Message) -> Redactor {
        let mut redactor = Redactor::of_message(message);
        for secret in &self.secrets {
            redactor = redactor.and_secret(secret);
            // Whoever quotes an Authorization header leaves its scheme out.
            if let Some((_, credentials)) = secret.expose().split_once(' ') {
                redactor = redactor.and_secret(&Secret::new(credentials.trim()));
            }
        }
        // Some endpoints take their key in the URL.
        self.endpoint.query_pairs().fold(redactor, |redactor, (_, value)| redactor.and_secret(&Secret::new(value)))
    }
}

/// What an endpoint says of a failure, and its code for it: plain text, or what most APIs call these in JSON (RFC 9457
/// among them). A page in HTML says nothing that fits into an error.
fn words(response: &HttpResponse) -> (String, Option<String>) {
    let Some(text) = std::str::from_utf8(response.content()).ok() else {
        return (String::new(), None);
    };
    let Ok(json) = serde_json::from_str::<Value>(text) else {
        let is_plain = response.header(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/plain"));
        let is_page = text.trim_start().starts_with('<');
        return (if is_plain && !is_page { text.to_owned() } else { String::new() }, None);
    };
    let error = if json["error"].is_object() { &json["error"] } else { &json };
    let text = |name: &str| error[name].as_str().filter(|text| !text.is_empty());
    let says = ["message", "detail", "error_description", "error", "title"].into_iter().find_map(text);
    let says = says.or(json.as_str()).unwrap_or_default();
    (says.to_owned(), error["code"].as_str().map(str::to_owned))
}

/// An endpoint of one's own may say no with a page as well.
const PAGE: &str = "a page for people came in place of an API's answer: look for a proxy or firewall, bot protection or a \
                    sign-in page between this machine and the endpoint; if the endpoint itself says so, check \
                    `authorization`";

fn hint(status: StatusCode) -> Option<&'static str> {
    Some(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "the endpoint does not take the message for yours: check `authorization` and `signingSecrets` on both \
             sides, and both clocks where messages are signed"
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "check `endpoint`: nothing takes a POST there",
        StatusCode::GONE => "the endpoint says that it is gone for good: set `endpoint` to its successor",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "the endpoint must take application/json",
        _ => return None,
    })
}

#[derive(Serialize)]
struct Body<'a> {
    to: String,
    #[serde(rename = "type")]
    usage_type: &'a UsageType,
    payload: &'a Payload,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<&'a str>,
}
