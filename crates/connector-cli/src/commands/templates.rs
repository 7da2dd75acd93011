//! `templates`: a tenant's own templates, by language and usage type.

use clap::Subcommand;
use connector_kit::UsageType;
use connector_registry::{Error, LanguageTag, LocalizedTemplate, TenantSettings};
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::Failure,
    input::Source,
    message,
    output::{self, Style, paint},
    stored::{Needs, TenantArgs},
    table::{printable, table},
    usage_type,
};

/// Arguments of `templates`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors templates put sign-in.pt.json --locale pt --usage-type SignIn
  email-connectors templates fallback en
  email-connectors templates list

A message gets the template for its usage type in the language of its payload's `locale`, or in the nearest form of that \
language (zh-Hant for zh-HK, pt for pt-BR), else in the fallback language; else the one for Generic, looked for likewise; \
else the connector's own.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the templates there are.
    List(Common),
    /// Add a template, or replace the one of its language and usage type.
    Put {
        /// The template, a JSON file; - reads standard input:
        /// {"subject","content","contentType"?,"replyTo"?,"sendFrom"?}.
        file: Source,
        #[command(flatten)]
        key: Key,
        #[command(flatten)]
        common: Common,
    },
    /// Print a template as JSON, as `put` takes it.
    Get {
        #[command(flatten)]
        key: Key,
        #[command(flatten)]
        common: Common,
    },
    /// Delete a template.
    Remove {
        #[command(flatten)]
        key: Key,
        #[command(flatten)]
        common: Common,
    },
    /// Set the language of templates where there is none in the message's.
    Fallback {
        /// The language tag; without one, there is no fallback.
        #[arg(required_unless_present = "none", conflicts_with = "none")]
        language: Option<String>,
        /// No fallback.
        #[arg(long)]
        none: bool,
        #[command(flatten)]
        common: Common,
    },
}

/// What a template is for.
#[derive(Debug, clap::Args)]
struct Key {
    /// The language tag (BCP 47): en, pt-BR, zh-Hans. pt_BR and pt_BR.UTF-8 are read as well.
    #[arg(long, value_name = "L")]
    locale: String,
    /// The usage type: SignIn, Register, ForgotPassword, Generic, …
    #[arg(long, value_name = "T", value_parser = usage_type::parse)]
    usage_type: UsageType,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stored: TenantArgs,
}

impl Args {
    /// Whether a program is listening.
    pub fn json(&self) -> bool {
        self.command.common().json
    }
}

impl Command {
    fn common(&self) -> &Common {
        match self {
            Self::List(common)
            | Self::Put { common, .. }
            | Self::Get { common, .. }
            | Self::Remove { common, .. }
            | Self::Fallback { common, .. } => common,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    tenant: &'a str,
    fallback_language: Option<&'a str>,
    templates: Vec<Row<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    language: &'a str,
    usage_type: &'a str,
    content_type: &'static str,
    subject: &'a str,
}

/// What is printed of a change.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Done<'a> {
    status: &'static str,
    tenant: &'a str,
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_type: Option<&'a str>,
}

/// Lists, shows or changes.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let Common { stored, json } = args.command.common();
    let tenant = stored.tenant.as_str();
    let (status, language, usage_type) = match &args.command {
        Command::List(_) => {
            list(tenant, &settings(stored)?, *json)?;
            return Ok(Exit::Ok);
        }
        Command::Get { key, .. } => {
            get(tenant, &settings(stored)?, key, *json)?;
            return Ok(Exit::Ok);
        }
        Command::Put { file, key, .. } => {
            usage_type::warn_of_unknown(&key.usage_type);
            let Key { locale, usage_type } = key;
            let language = LanguageTag::parse(locale).map_err(Error::from)?.to_string();
            let template = read(file)?;
            let template = LocalizedTemplate { language, usage_type: usage_type.clone(), template };
            let language = stored
                .with(Needs::Nothing, async |registry, by| Ok(registry.put_template(tenant, template, by).await?))?;
            ("put", Some(language), Some(usage_type))
        }
        Command::Remove { key: Key { locale, usage_type }, .. } => {
            let language = stored.with(Needs::Content, async |registry, by| {
                Ok(registry.remove_template(tenant, locale, usage_type, by).await?)
            })?;
            ("removed", Some(language), Some(usage_type))
        }
        Command::Fallback { language, .. } => {
            let language = language.as_deref().map(LanguageTag::parse).transpose().map_err(Error::from)?;
            let language = language.map(|language| language.to_string());
            stored.with(Needs::Nothing, async |registry, by| {
                Ok(registry.set_fallback_language(tenant, language.as_deref(), by).await?)
            })?;
            ("set", language, None)
        }
    };
    let usage_type = usage_type.map(UsageType::as_str);
    let done = Done { status, tenant, language: language.as_deref(), usage_type };
    Ok(output::done(if *json { output::json(&done) } else { output::result(&explain(&done)) }))
}

fn read(file: &Source) -> Result<connector_kit::EmailTemplate, Failure> {
    let json = file.json().map_err(|fault| Failure::invalid_file("the template is not valid", fault))?;
    message::template(json, "").map_err(|problems| Failure::invalid_input("the template is not valid", problems))
}

/// A tenant that was never used has no templates.
fn settings(stored: &TenantArgs) -> Result<TenantSettings, Failure> {
    stored.with(Needs::Content, async |registry, _| match registry.settings(&stored.tenant).await {
        Err(Error::UnknownTenant { .. }) => Ok(TenantSettings::default()),
        other => Ok(other?),
    })
}

fn list(tenant: &str, settings: &TenantSettings, as_json: bool) -> Result<(), Failure> {
    let rows = settings.templates.iter().map(|LocalizedTemplate { language, usage_type, template }| Row {
        language,
        usage_type: usage_type.as_str(),
        content_type: template.content_type.as_str(),
        subject: &template.subject,
    });
    let fallback_language = settings.fallback_language.as_deref();
    let listed = Listed { tenant, fallback_language, templates: rows.collect() };
    if as_json {
        return output::json(&listed);
    }
    let fallback = listed.fallback_language.unwrap_or("none");
    let mut text = format!("tenant {}, fallback language {fallback}\n\n", printable(tenant));
    if listed.templates.is_empty() {
        text.push_str("No templates of its own: the connector's configuration has them.\n");
    } else {
        let cells = |row: &Row<'_>| [row.language, row.usage_type, row.content_type, row.subject].map(str::to_owned);
        text.push_str(&table(
            ["LANGUAGE", "USAGE TYPE", "CONTENT TYPE", "SUBJECT"],
            listed.templates.iter().map(cells),
        ));
    }
    output::result(&text)
}

fn get(tenant: &str, settings: &TenantSettings, key: &Key, as_json: bool) -> Result<(), Failure> {
    let Some(found) = settings.template(&key.locale, &key.usage_type).map_err(Error::from)? else {
        let language = LanguageTag::parse(&key.locale).map_err(Error::from)?.to_string();
        let usage_type = key.usage_type.to_string();
        return Err(Error::UnknownTemplate { tenant: tenant.to_owned(), language, usage_type }.into());
    };
    if as_json { output::json(&found.template) } else { output::pretty_json(&found.template) }
}

fn explain(Done { status, tenant, language, usage_type }: &Done<'_>) -> String {
    let what = match (language, usage_type) {
        (Some(language), Some(usage_type)) => format!("the template for {usage_type} in {language}"),
        (Some(language), None) => format!("the fallback language {language}"),
        (None, _) => "no fallback language".to_owned(),
    };
    let status = paint(status, Style::Success, output::colours_on_stdout());
    format!("{status}: {what} for tenant {}\n", printable(tenant))
}
