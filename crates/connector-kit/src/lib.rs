#![doc = include_str!("../README.md")]

mod connector;
mod content;
mod context;
mod egress;
mod encoding;
mod error;
mod factory;
mod formats;
pub mod http;
mod layers;
pub mod limits;
mod mailbox;
mod message;
mod metadata;
pub mod oauth;
mod problem;
mod redact;
mod schema;
mod secret;
mod secrets;
mod send_context;
mod template;
mod text;
mod usage_type;
mod validate;
mod words;

pub use async_trait::async_trait;
pub use connector::{EmailConnector, Receipt};
pub use content::{ByUsage, CompiledTemplate, RenderedEmail, TemplateConfig};
pub use context::Context;
pub use egress::{
    ConnectTo, DialOptions, Dialer, Egress, Proxy, RootCertificate, TlsClient, TlsOptions, TlsStream, TlsVersion,
    holds_private_key, is_public, pem_text, root_certificates, unfit_for_server,
};
pub use encoding::other_encoding;
pub use error::{Delivery, Error, ErrorKind, ProviderAnswer};
pub use factory::{Connector, ConnectorConfig, ConnectorFactory};
pub use formats::{FORMATS, TOKEN};
pub use layers::{AtOnce, Deadline, Layered, Retry, SendPolicy, Shield, layered};
pub use mailbox::{Mailbox, MailboxFault};
pub use message::{ContentType, EmailTemplate, Message, Payload};
pub use metadata::{About, Choice, FormItem, FormItemType, Metadata, Preset, ShowCondition};
pub use problem::Problem;
pub use redact::Redactor;
pub use schema::{FORM, form_items, is_confidential, schema_of};
pub use secret::Secret;
pub use send_context::SendContext;
pub use template::{Escape, Template};
pub use text::text_from_html;
pub use usage_type::UsageType;
pub use validate::Report;
pub use words::words_of;
