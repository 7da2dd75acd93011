//! A connector made for these tests: as it should be, or with one flaw.

use std::{sync::Arc, time::Duration};

use connector_kit::{
    About, ByUsage, CompiledTemplate, Connector, ConnectorConfig, ConnectorFactory, Context, Delivery, EmailConnector,
    Error, Mailbox, Message, ProviderAnswer, Receipt, Redactor, Report, Secret, SendContext, TOKEN, TemplateConfig,
    async_trait,
    http::{HeaderMap, HttpClient, HttpRequest, Url, header},
};
use connector_testkit::{
    Answer, RecordedRequest,
    conformance::{Arrived, HttpProvider, Provider, Subject, TemplateText, Templates, mailbox},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// No flaw.
pub const NONE: u8 = 0;
/// The recipient is passed on as it is.
pub const PASTES_THE_RECIPIENT: u8 = 1;
/// What the provider says stands in the error.
pub const QUOTES_THE_PROVIDER: u8 = 2;
/// Values stand in HTML as they are.
pub const ESCAPES_NOTHING: u8 = 3;
/// Every failure is "not sent".
pub const KNOWS_NO_UNKNOWN: u8 = 4;
/// A new client, and so a new connection, for every message.
pub const CONNECTS_EVERY_TIME: u8 = 5;
/// The key goes into the log.
pub const LOGS_THE_KEY: u8 = 6;
/// Reply-To is left out.
pub const DROPS_REPLY_TO: u8 = 7;
/// A message is sent again when no answer came.
pub const REPEATS_THE_UNKNOWN: u8 = 8;

const HOST: &str = "api.toy.example";
const KEY: &str = "toy-key-0123456789";

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Config {
    /// What signs requests.
    #[schemars(title = "API key", length(min = 1), regex(pattern = TOKEN))]
    api_key: Secret,
    /// The sender.
    #[schemars(title = "From address")]
    from_email: Mailbox,
    /// Subject and content by usage type.
    #[schemars(title = "Templates", extend("x-form" = { "type": "Json" }))]
    templates: Vec<TemplateConfig>,
}

impl ConnectorConfig for Config {
    fn rules(config: &Value, report: &mut Report) {
        report.require_templates(config);
    }
}

struct Toy<const FLAW: u8> {
    http: Arc<dyn HttpClient>,
    context: Context,
    config: Config,
    templates: ByUsage<CompiledTemplate>,
}

impl<const FLAW: u8> Connector for Toy<FLAW> {
    type Config = Config;

    fn new(config: Config, context: &Context) -> Result<Self, Error> {
        let templates = config.templates.iter().cloned().map(Into::into).collect();
        Ok(Self { http: context.http().clone(), context: context.clone(), config, templates })
    }
}

#[async_trait]
impl<const FLAW: u8> EmailConnector for Toy<FLAW> {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let to = match FLAW {
            PASTES_THE_RECIPIENT => message.to.clone(),
            _ => message.recipient()?.to_header(),
        };
        let mail = self.templates.render(message)?;
        let unescape = |html: String| match FLAW {
            ESCAPES_NOTHING => html.replace("&lt;", "<").replace("&gt;", ">"),
            _ => html,
        };
        let reply_to = mail.reply_to()?.filter(|_| FLAW != DROPS_REPLY_TO).map(|mailbox| mailbox.to_header());
        let body = json!({
            "to": to, "from": mail.sender(&self.config.from_email)?.to_header(), "replyTo": reply_to,
            "subject": mail.subject, "html": mail.html.clone().map(unescape), "text": mail.text,
        });
        let key = self.config.api_key.expose();
        if FLAW == LOGS_THE_KEY {
            tracing::trace!(key, "sending");
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, key.parse().unwrap());
        let url = Url::parse(&format!("https://{HOST}/send")).unwrap();
        let request = HttpRequest::post(url, headers, body.to_string());
        let response = match FLAW {
            CONNECTS_EVERY_TIME => {
                let mut request = request;
                request.headers.insert(header::CONNECTION, "close".parse().unwrap());
                self.context.http().execute(request, context).await
            }
            REPEATS_THE_UNKNOWN => match self.http.execute(request.clone(), context).await {
                Err(_) => self.http.execute(request, context).await,
                answer => answer,
            },
            _ => self.http.execute(request, context).await,
        };
        let response = response.map_err(|error| match FLAW {
            KNOWS_NO_UNKNOWN => error.delivery_is(Delivery::NotSent),
            _ => error,
        })?;
        if response.status.is_success() {
            response.body.as_ref().map_err(Clone::clone)?;
            let answer: Value = response.json().unwrap_or_default();
            let unread = || response.unreadable("Toy", "without what means accepted");
            return answer["accepted"].as_bool().map(|_| Receipt::new(None)).ok_or_else(unread);
        }
        let says = response.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        let redactor = Redactor::of_message(message).and_secret(&self.config.api_key).and_mail(&mail);
        let says = if FLAW == QUOTES_THE_PROVIDER { says } else { redactor.clean(&says) };
        let base = response.failure("Toy");
        let provider = ProviderAnswer { status: Some(response.status.as_u16()), ..ProviderAnswer::default() };
        let error = Error::new(base.kind(), format!("{base}: {says}")).delivery_is(base.delivery());
        Err(error.with_retry_after(base.retry_after()).with_provider(provider))
    }

    async fn usage(&self, _: std::time::SystemTime) -> Result<u64, Error> {
        tokio::time::sleep(Duration::ZERO).await;
        Ok(0)
    }
}

const IN_ALL_LANGUAGES: &[(&str, &str)] = &[
    ("en", "Toy"),
    ("zh-CN", "Toy"),
    ("ja", "Toy"),
    ("ko", "Toy"),
    ("de", "Toy"),
    ("fr", "Toy"),
    ("es", "Toy"),
    ("pt-BR", "Toy"),
    ("ru", "Toy"),
    ("tr-TR", "Toy"),
];

const ABOUT: About = About {
    id: "toy",
    target: "toy",
    name: IN_ALL_LANGUAGES,
    description: IN_ALL_LANGUAGES,
    logo: "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>",
    logo_dark: None,
    readme: include_str!("toy-readme.md"),
    from_email: None,
};

/// The subject of a toy with this flaw.
pub fn subject<const FLAW: u8>() -> Subject {
    let template =
        |usage: &str| json!({ "usageType": usage, "contentType": "text/html", "subject": "s", "content": "c" });
    let templates = ["SignIn", "Register", "ForgotPassword", "Generic"].map(template);
    Subject {
        factory: Box::leak(Box::new(ConnectorFactory::of::<Toy<FLAW>>(&ABOUT))),
        config: json!({ "apiKey": KEY, "fromEmail": "no-reply@sender.example", "templates": templates }),
        secrets: &["/apiKey"],
        no_destinations: &[],
        sender: Some("/fromEmail"),
        hosts: &[(HOST, 443)],
        templates: Templates::Rendered(set_templates),
        provider: Provider::Http(HttpProvider {
            accepts: |_| accepted(),
            refuses: |says| Answer::status(400).text("text/plain", says),
            reads: |request| Some(read(request)),
        }),
        faults: r#"{ "protocol": "http", "exceptions": {} }"#,
        answers: include_str!("toy-answers.json"),
    }
}

/// What the provider says to a message that it accepts.
pub fn accepted() -> Answer {
    Answer::status(200).json(json!({ "accepted": true }))
}

fn set_templates(config: &mut Value, templates: &[TemplateText]) {
    let template = |text: &TemplateText| json!({ "usageType": text.usage_type, "contentType": "text/html", "subject": text.subject, "content": text.content });
    config["templates"] = templates.iter().map(template).collect();
}

fn read(request: &RecordedRequest) -> Arrived {
    let body = request.json();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    Arrived {
        to: mailbox(body["to"].as_str().unwrap()),
        from: text("from").as_deref().map(mailbox),
        reply_to: text("replyTo").as_deref().map(mailbox),
        subject: text("subject"),
        html: text("html"),
        text: text("text"),
        ..Arrived::default()
    }
}
