//! A tenant's templates: how many there may be, how long, and each compiled once.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use connector_kit::{CompiledTemplate, EmailTemplate, Error as KitError, Problem, limits};

use crate::{Error, LocalizedTemplate};

/// How many templates a tenant may have of its own.
pub const TENANT_TEMPLATES: usize = 1000;
/// How long a tenant's templates may be together, in bytes.
pub const TENANT_TEMPLATES_SIZE: usize = 16 * 1024 * 1024;

/// Checks one template by itself.
///
/// # Errors
/// [`Error::InvalidTemplate`] with every field that is too long.
pub(crate) fn check(tenant: &str, template: &LocalizedTemplate) -> Result<(), Error> {
    let mut problems = template.template.problems();
    if template.usage_type.as_str().len() > limits::MESSAGE_FIELD {
        let fault = format!("is too long: at most {} bytes are allowed", limits::MESSAGE_FIELD);
        problems.push(Problem::new("/usageType", fault));
    }
    if problems.is_empty() { Ok(()) } else { Err(invalid(tenant, template, problems)) }
}

/// The error of a template for whose language, spelled `other`, and usage type there is one already.
pub(crate) fn second(tenant: &str, other: &str, template: &LocalizedTemplate) -> Error {
    let fault = format!("is the language of another template for this usage type, `{other}`: take one of them out");
    invalid(tenant, template, vec![Problem::new("/language", fault)])
}

fn invalid(tenant: &str, template: &LocalizedTemplate, problems: Vec<Problem>) -> Error {
    let LocalizedTemplate { language, usage_type, .. } = template;
    let usage_type = usage_type.as_str().chars().take(limits::MESSAGE_FIELD).collect();
    Error::InvalidTemplate { tenant: tenant.to_owned(), language: language.clone(), usage_type, problems }
}

/// Checks all that a tenant is to have, each with the language that it is stored under. Of two for one language and usage
/// type, the last counts.
///
/// # Errors
/// [`Error::TooManyTemplates`].
pub(crate) fn check_all<'t>(
    tenant: &str,
    templates: impl IntoIterator<Item = (&'t str, &'t LocalizedTemplate)>,
) -> Result<(), Error> {
    let key = |(language, template): (&'t str, &'t LocalizedTemplate)| {
        ((language, template.usage_type.as_str()), size_of(&template.template))
    };
    let sizes: HashMap<(&str, &str), usize> = templates.into_iter().map(key).collect();
    if sizes.len() > TENANT_TEMPLATES || sizes.values().sum::<usize>() > TENANT_TEMPLATES_SIZE {
        return Err(Error::TooManyTemplates { tenant: tenant.to_owned() });
    }
    Ok(())
}

fn size_of(EmailTemplate { subject, content, reply_to, send_from, .. }: &EmailTemplate) -> usize {
    let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    subject.len() + content.len() + optional(reply_to) + optional(send_from)
}

/// A template as it was stored. The first message that needs it has it compiled, for all that follow: a tenant may have many
/// that no message ever asks for.
#[derive(Debug)]
pub(crate) struct StoredTemplate {
    template: EmailTemplate,
    compiled: OnceLock<Result<Arc<CompiledTemplate>, KitError>>,
}

impl StoredTemplate {
    pub(crate) fn new(template: EmailTemplate) -> Self {
        Self { template, compiled: OnceLock::new() }
    }

    /// The template, compiled.
    ///
    /// # Errors
    /// `InvalidMessage` for one that is too long: an earlier version stored it.
    pub(crate) fn compiled(&self) -> Result<Arc<CompiledTemplate>, KitError> {
        let compile = || match self.template.compile() {
            Ok(compiled) => Ok(Arc::new(compiled)),
            Err(fault) => {
                Err(fault.with_hint("the tenant's own template for this message is too long: put a shorter one"))
            }
        };
        self.compiled.get_or_init(compile).clone()
    }
}
