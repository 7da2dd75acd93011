//! The connector: one message, one SendEmail request to Amazon SES's API v2.

use std::sync::Arc;

use aws_sdk_sesv2::{
    Client,
    config::{
        BehaviorVersion, IdentityCache, Region, StalledStreamProtectionConfig, retry::RetryConfig,
        timeout::TimeoutConfig,
    },
    types::{Body, Content, Destination, EmailContent, Message as SimpleMessage},
};
use connector_kit::{
    About, ByUsage, CompiledTemplate, Connector, ConnectorFactory, Context, Delivery, EmailConnector, Error, ErrorKind,
    Mailbox, Message, ProviderAnswer, Receipt, Redactor, Secret, SendContext, async_trait,
};
use tracing::{Dispatch, instrument::WithSubscriber};

use crate::{AwsSesConfig, clock, credentials, errors, http, sending::Sendings};

/// What this crate exports to a registry: metadata, schema, and how to build the connector.
pub static CONNECTOR: ConnectorFactory = ConnectorFactory::of::<AwsSes>(&About {
    id: "aws-ses-mail",
    target: "aws-ses",
    name: &[
        ("en", "Amazon SES"),
        ("zh-CN", "Amazon SES 邮件"),
        ("ja", "Amazon SES メール"),
        ("ko", "Amazon SES 메일"),
        ("de", "E-Mail über Amazon SES"),
        ("fr", "E-mail via Amazon SES"),
        ("es", "Correo de Amazon SES"),
        ("pt-BR", "E-mail do Amazon SES"),
        ("ru", "Почта Amazon SES"),
        ("tr-TR", "Amazon SES ile e-posta"),
    ],
    description: &[
        ("en", "Sends verification emails through Amazon Simple Email Service."),
        ("zh-CN", "通过 Amazon Simple Email Service 发送验证邮件。"),
        ("ja", "Amazon Simple Email Service で確認メールを送信します。"),
        ("ko", "Amazon Simple Email Service를 통해 인증 메일을 보냅니다."),
        ("de", "Versendet Bestätigungsmails über Amazon Simple Email Service."),
        ("fr", "Envoie les e-mails de vérification via Amazon Simple Email Service."),
        ("es", "Envía correos de verificación mediante Amazon Simple Email Service."),
        ("pt-BR", "Envia e-mails de verificação pelo Amazon Simple Email Service."),
        ("ru", "Отправляет письма с кодами подтверждения через Amazon Simple Email Service."),
        ("tr-TR", "Doğrulama e-postalarını Amazon Simple Email Service üzerinden gönderir."),
    ],
    logo: include_str!("../logo.svg"),
    logo_dark: None,
    readme: include_str!("../README.md"),
    from_email: None,
});

const CHARSET: &str = "UTF-8";

/// Sends through Amazon SES's API v2.
pub struct AwsSes {
    /// Made once: it holds the credentials as well.
    client: Client,
    from: Option<Mailbox>,
    from_arn: Option<String>,
    feedback: Option<Mailbox>,
    feedback_arn: Option<String>,
    configuration_set: Option<String>,
    secret: Option<Secret>,
    /// Who is asked before SES is: whoever gives the credentials.
    asks_first: Arc<str>,
    templates: ByUsage<CompiledTemplate>,
    sendings: Sendings,
}

impl Connector for AwsSes {
    type Config = AwsSesConfig;

    fn new(config: AwsSesConfig, context: &Context) -> Result<Self, Error> {
        // Whoever makes the configuration in code has not passed the rules: half a key is none, and never borrows.
        let (id, secret) = (config.access_key_id.is_some(), config.access_key_secret.is_some());
        let borrows = !(id && secret);
        if borrows && (id || secret || config.endpoint.is_some() || !context.ambient_credentials()) {
            return Err(credentials::not_allowed());
        }
        let mut sdk = aws_sdk_sesv2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(config.region.clone()))
            .credentials_provider(credentials::provider(&config, context))
            .identity_cache(IdentityCache::lazy().load_timeout(credentials::CACHE_TIMEOUT).build())
            .time_source(clock::Clock)
            .http_client(http::sending(context.http().clone()))
            // Retry and deadline are layers around the connector, which know what may be sent again.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        let asks_first = credentials::asked(&config).into();
        sdk.set_endpoint_url(config.endpoint);
        Ok(Self {
            client: Client::from_conf(sdk.build()),
            from: config.email_address,
            from_arn: config.email_address_identity_arn,
            feedback: config.feedback_forwarding_email_address,
            feedback_arn: config.feedback_forwarding_email_address_identity_arn,
            configuration_set: config.configuration_set_name,
            asks_first,
            secret: config.access_key_secret,
            templates: config.templates.into_iter().map(Into::into).collect(),
            sendings: Sendings::default(),
        })
    }
}

#[async_trait]
impl EmailConnector for AwsSes {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let to = deliverable(message.recipient()?, "/to")?;
        let mail = self.templates.render(message)?;
        let from = match &self.from {
            Some(configured) => Some(mail.sender(configured)?),
            None => mail.own_sender()?,
        };
        let from = from.map(|from| deliverable(from, "/template/sendFrom")).transpose()?;
        let reply_to = mail.reply_to()?.map(|reply_to| deliverable(reply_to, "/template/replyTo")).transpose()?;

        // HTML without any text, such as one image, goes alone: an empty part is not sent.
        let text = (mail.html.is_none() || !mail.text.is_empty()).then_some(mail.text.as_str());
        let body = Body::builder()
            .set_html(mail.html.as_deref().map(content).transpose()?)
            .set_text(text.map(content).transpose()?)
            .build();
        let simple = SimpleMessage::builder().subject(content(&mail.subject)?).body(body).build();
        let request = self
            .client
            .send_email()
            .set_from_email_address(from.map(|from| from.to_header()))
            .set_from_email_address_identity_arn(self.from_arn.clone())
            .destination(Destination::builder().to_addresses(to.to_header()).build())
            .set_reply_to_addresses(reply_to.map(|reply_to| vec![reply_to.to_header()]))
            .set_feedback_forwarding_email_address(self.feedback.as_ref().map(|feedback| feedback.address().to_owned()))
            .set_feedback_forwarding_email_address_identity_arn(self.feedback_arn.clone())
            .content(EmailContent::builder().simple(simple).build())
            .set_configuration_set_name(self.configuration_set.clone());
        // The SDK may have to ask for credentials first. Its request takes the context along to where it is written.
        context.mark_not_sent();
        context.waits_for(Arc::clone(&self.asks_first));
        let own = context.clone();
        let request = request.customize().mutate_request(move |request| request.add_extension(own.clone()));
        let mut sending = self.sendings.begin(request.send());
        // The SDK logs whole requests, keys and content in them.
        let sent = (&mut sending).with_subscriber(Dispatch::none()).await;
        self.sendings.end(sending);
        match sent {
            Ok(output) => match output.message_id {
                Some(id) if !id.is_empty() => Ok(Receipt::new(Some(id))),
                _ => Err(without_id()),
            },
            Err(error) => {
                let redactor = Redactor::of_message(message).and_mail(&mail);
                let redactor = self.secret.iter().fold(redactor, |redactor, secret| redactor.and_secret(secret));
                Err(errors::of_sdk(&error, context.delivery(), &redactor))
            }
        }
    }
}

/// A mailbox that SES can be given: the domain is in ASCII already, the local part must be.
fn deliverable(mailbox: Mailbox, pointer: &str) -> Result<Mailbox, Error> {
    if mailbox.local_part().is_ascii() {
        return Ok(mailbox);
    }
    Err(Error::invalid_message(pointer, "Amazon SES takes only ASCII characters before the @"))
}

fn content(data: &str) -> Result<Content, Error> {
    let content = Content::builder().data(data).charset(CHARSET).build();
    content.map_err(|_| Error::invalid_message("", "the message cannot be written for Amazon SES"))
}

/// Whatever answers 200 without an id is not known to be SES.
fn without_id() -> Error {
    Error::new(ErrorKind::InvalidResponse, format!("{} answered with success but without a MessageId", errors::NAME))
        .delivery_is(Delivery::Unknown)
        .with_provider(ProviderAnswer { status: Some(200), ..ProviderAnswer::default() })
        .with_hint("the message may have been accepted: look into the provider's log before sending it again")
}
