//! From a message to rendered mail: which template, with which values, in which forms.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    ContentType, EmailTemplate, Error, ErrorKind, Escape, Mailbox, Message, Payload, Problem, Template, UsageType,
    limits, text::text_of,
};

/// A template, compiled: made once, when its configuration is read or its tenant's templates are, and rendered for every
/// message.
#[derive(Debug, Clone)]
pub struct CompiledTemplate {
    subject: Template,
    content: Template,
    /// The text alternative of HTML content, derived from the template once, so that rendering it is all a send costs.
    text: Option<Template>,
    reply_to: Option<Template>,
    send_from: Option<SendFrom<Template>>,
}

impl CompiledTemplate {
    /// Compiles a subject and a content that are within their limits: validation checks those of a configuration,
    /// [`EmailTemplate::compile`] those of a tenant's own.
    #[must_use]
    pub fn new(subject: impl Into<String>, content: impl Into<String>, content_type: ContentType) -> Self {
        let content = Template::compile(content);
        let text = (content_type == ContentType::Html).then(|| Template::compile(text_of(&content)));
        Self { subject: Template::compile(subject), content, text, reply_to: None, send_from: None }
    }

    /// The subject as it was written, variables and all.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.subject.source()
    }

    /// The mail with the values of `payload` in place of its variables.
    ///
    /// # Errors
    /// `InvalidMessage` at `/payload` when subject, content and text would together be longer than [`limits::RENDERED`].
    pub fn render(&self, payload: &Payload) -> Result<RenderedEmail, Error> {
        let mut room = limits::RENDERED;
        let mut render = |template: &Template, escape| template.render_within(&mut room, payload, escape);
        let subject = one_line(render(&self.subject, Escape::None)?);
        let (html, text) = match &self.text {
            Some(text) => (Some(render(&self.content, Escape::Html)?), render(text, Escape::None)?),
            None => (None, render(&self.content, Escape::None)?),
        };
        let reply_to = self.reply_to.as_ref().map(|reply_to| render(reply_to, Escape::None)).transpose()?;
        let send_from = match &self.send_from {
            None => None,
            Some(SendFrom::Name(name)) => Some(SendFrom::Name(one_line(render(name, Escape::None)?))),
            Some(SendFrom::Mailbox { name, address }) => Some(SendFrom::Mailbox {
                name: one_line(render(name, Escape::None)?),
                address: render(address, Escape::None)?,
            }),
        };
        let reply_to = reply_to.filter(|text| !text.trim().is_empty());
        Ok(RenderedEmail { subject, html, text, reply_to, send_from })
    }
}

impl EmailTemplate {
    /// Every field that is longer than its limit, [`limits::TEMPLATE_CONTENT`] or [`limits::TEMPLATE_LINE`].
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        limits::of_texts([
            ("subject", self.subject.as_str(), limits::TEMPLATE_LINE),
            ("content", self.content.as_str(), limits::TEMPLATE_CONTENT),
            ("replyTo", self.reply_to.as_deref().unwrap_or_default(), limits::TEMPLATE_LINE),
            ("sendFrom", self.send_from.as_deref().unwrap_or_default(), limits::TEMPLATE_LINE),
        ])
    }

    /// Compiles it. Do so once and keep what comes of it: [`Message::with_template`] shares it.
    ///
    /// # Errors
    /// `InvalidMessage` at `/template/…` for [what is too long](Self::problems).
    pub fn compile(&self) -> Result<CompiledTemplate, Error> {
        let problems = self.problems();
        if !problems.is_empty() {
            let place = |problem: Problem| Problem { pointer: format!("/template{}", problem.pointer), ..problem };
            return Err(Error::invalid_messages(problems.into_iter().map(place).collect()));
        }
        let sender = self.send_from.as_deref().filter(|text| !text.trim().is_empty());
        Ok(CompiledTemplate {
            reply_to: self.reply_to.as_deref().map(Template::compile),
            send_from: sender.map(SendFrom::compile),
            ..CompiledTemplate::new(self.subject.as_str(), self.content.as_str(), self.content_type)
        })
    }
}

/// A list of things chosen by usage type: the type's own, else `Generic`'s.
#[derive(Debug, Clone)]
pub struct ByUsage<T>(Vec<(UsageType, T)>);

impl<T> ByUsage<T> {
    /// The one for `usage_type`, else the one for `Generic`.
    ///
    /// # Errors
    /// `TemplateNotFound` when there is neither.
    pub fn choose(&self, usage_type: &UsageType) -> Result<&T, Error> {
        let find = |wanted: &UsageType| self.0.iter().find(|(usage, _)| usage == wanted).map(|(_, item)| item);
        if let Some(own) = find(usage_type) {
            return Ok(own);
        }
        let generic = find(&UsageType::Generic).ok_or_else(|| {
            Error::new(
                ErrorKind::TemplateNotFound,
                format!("the configuration has no template for {usage_type} and none for Generic"),
            )
            .with_hint("add a template with usageType Generic: it serves every type that has none of its own")
        })?;
        usage_type.warn_of_generic();
        Ok(generic)
    }
}

impl<T> FromIterator<(UsageType, T)> for ByUsage<T> {
    fn from_iter<I: IntoIterator<Item = (UsageType, T)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl ByUsage<CompiledTemplate> {
    /// Chooses the template for `message` and renders it: the message's own localized template, else the
    /// configuration's for its usage type, else `Generic`'s.
    ///
    /// # Errors
    /// `TemplateNotFound` when there is none; what [`CompiledTemplate::render`] may fail with.
    pub fn render(&self, message: &Message) -> Result<RenderedEmail, Error> {
        match &message.template {
            Some(template) => template.render(&message.payload),
            None => self.choose(&message.usage_type)?.render(&message.payload),
        }
    }
}

// A configuration's template as most connectors spell it.
/// What is sent for one usage type.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateConfig {
    /// What the template is for; `Generic` serves every type that has none of its own.
    #[schemars(title = "Used for")]
    pub usage_type: UsageType,
    /// How to read the content. HTML mail also carries a text alternative made from it.
    #[schemars(title = "Content type")]
    pub content_type: ContentType,
    /// Subject, with variables such as `{{code}}`.
    #[schemars(title = "Subject")]
    pub subject: String,
    /// Content, with variables such as `{{code}}`.
    #[schemars(title = "Content", extend("x-form" = { "type": "MultilineText" }))]
    pub content: String,
}

impl From<TemplateConfig> for (UsageType, CompiledTemplate) {
    fn from(template: TemplateConfig) -> Self {
        let compiled = CompiledTemplate::new(template.subject, template.content, template.content_type);
        (template.usage_type, compiled)
    }
}

/// Mail, rendered and ready for a provider's request.
///
/// Its `Debug` shows nothing of what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedEmail {
    /// Subject: one line, without control characters.
    pub subject: String,
    /// HTML content, with its values escaped.
    pub html: Option<String>,
    /// Plain content: the template's own, or derived from the HTML.
    pub text: String,
    reply_to: Option<String>,
    send_from: Option<SendFrom<String>>,
}

impl fmt::Debug for RenderedEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderedEmail").field("has_html", &self.html.is_some()).finish_non_exhaustive()
    }
}

/// The sender a localized template asks for: its parts as templates, or rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SendFrom<T> {
    Name(T),
    Mailbox { name: T, address: T },
}

impl SendFrom<Template> {
    /// What is name and what is address is read off the template, not off the values: a person named
    /// `x <evil@example.net>` does not become the sender.
    fn compile(source: &str) -> Self {
        match source.trim().strip_suffix('>').and_then(|head| head.rsplit_once('<')) {
            Some((name, address)) => Self::Mailbox {
                name: Template::compile(name.trim().trim_matches('"')),
                address: Template::compile(address),
            },
            None if source.contains('@') => {
                Self::Mailbox { name: Template::default(), address: Template::compile(source.trim()) }
            }
            None => Self::Name(Template::compile(source)),
        }
    }
}

impl RenderedEmail {
    /// The message's own localized template, rendered, where it has one: for connectors whose configured templates are
    /// not all [`CompiledTemplate`]s.
    ///
    /// # Errors
    /// What [`CompiledTemplate::render`] may fail with.
    pub fn localized(message: &Message) -> Result<Option<Self>, Error> {
        message.template.as_ref().map(|template| template.render(&message.payload)).transpose()
    }

    /// The Reply-To that a localized template asks for.
    ///
    /// # Errors
    /// `InvalidMessage` at `/template/replyTo` when it is not one mailbox once rendered.
    pub fn reply_to(&self) -> Result<Option<Mailbox>, Error> {
        let parse = |text: &String| {
            Mailbox::parse(text).map_err(|fault| Error::invalid_message("/template/replyTo", fault.to_string()))
        };
        self.reply_to.as_ref().map(parse).transpose()
    }

    /// The sender where none is configured: the mailbox that a localized template asks for.
    ///
    /// # Errors
    /// `InvalidMessage` at `/template/sendFrom` when it is not one mailbox once rendered, or only a name.
    pub fn own_sender(&self) -> Result<Option<Mailbox>, Error> {
        let fault = |what: String| Error::invalid_message("/template/sendFrom", what);
        match &self.send_from {
            None => Ok(None),
            Some(SendFrom::Name(_)) => {
                Err(fault("names a sender without an address, and none is configured".to_owned()))
            }
            Some(SendFrom::Mailbox { name, address }) => {
                Mailbox::with_name(name, address.trim()).map(Some).map_err(|cause| fault(cause.to_string()))
            }
        }
    }

    /// The sender: `configured`, under the name or replaced by the mailbox that a localized template asks for.
    ///
    /// # Errors
    /// `InvalidMessage` at `/template/sendFrom` when it is not one mailbox once rendered.
    pub fn sender(&self, configured: &Mailbox) -> Result<Mailbox, Error> {
        let mailbox = match &self.send_from {
            None => return Ok(configured.clone()),
            Some(SendFrom::Name(name)) => Mailbox::with_name(name, configured.address()),
            Some(SendFrom::Mailbox { name, address }) => Mailbox::with_name(name, address.trim()),
        };
        mailbox.map_err(|fault| Error::invalid_message("/template/sendFrom", fault.to_string()))
    }
}

/// A text on one line: every run of control characters becomes one space.
fn one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    text.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
