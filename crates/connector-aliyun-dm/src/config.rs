//! Direct Mail's configuration: the source of its schema, form, validation and masking.

use connector_kit::{CompiledTemplate, ConnectorConfig, ContentType, Mailbox, Report, Secret, UsageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the connector needs to know to send through Direct Mail. Field names are Logto's.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AliyunDmConfig {
    /// The ID of an AccessKey pair of a RAM user that may send mail.
    #[schemars(
        title = "AccessKey ID",
        length(min = 1),
        extend("format" = "token", "x-form" = {
            "placeholder": "LTAI…",
            "tooltip": "In the RAM console: Users, the user, Create AccessKey. The user must be allowed \
                        `dm:SingleSendMail`, as by the policy `AliyunDirectMailFullAccess`."
        })
    )]
    pub access_key_id: String,
    /// The secret of the AccessKey pair. The console shows it once, when the pair is created.
    #[schemars(title = "AccessKey secret", length(min = 1))]
    pub access_key_secret: Secret,
    /// The region in which the sender address was created. It is known in no other.
    #[schemars(title = "Region", extend("x-form" = { "destination": true }))]
    #[serde(default)]
    pub region_id: Region,
    /// The sender address, as created in the Direct Mail console under Sender Addresses.
    #[schemars(title = "Account name", extend("x-form" = { "placeholder": "no-reply@mail.example.com" }))]
    pub account_name: Mailbox,
    /// The sender's name, as people see it in their inbox: shorter than 15 characters.
    #[schemars(
        title = "From alias",
        extend("format" = "single-line", "x-form" = { "placeholder": "Example" })
    )]
    pub from_alias: Option<String>,
    /// Subject and HTML content by usage type. `SignIn`, `Register`, `ForgotPassword` and `Generic` are required.
    #[schemars(title = "Templates", extend("x-form" = { "type": "Json", "defaultValue": default_templates() }))]
    pub templates: Vec<AliyunDmTemplate>,
}

/// Where a sender address lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Region {
    /// Reached at `dm.aliyuncs.com`.
    #[default]
    #[schemars(title = "China (Hangzhou)")]
    CnHangzhou,
    /// Reached at `dm.ap-southeast-1.aliyuncs.com`.
    #[serde(rename = "ap-southeast-1")]
    #[schemars(title = "Singapore")]
    ApSoutheast1,
    /// Reached at `dm.ap-southeast-2.aliyuncs.com`. Closed to new users.
    #[serde(rename = "ap-southeast-2")]
    #[schemars(title = "United States, formerly Australia (Sydney)")]
    ApSoutheast2,
    /// Reached at `dm.eu-central-1.aliyuncs.com`.
    #[serde(rename = "eu-central-1")]
    #[schemars(title = "Germany (Frankfurt)")]
    EuCentral1,
    /// Reached at `dm.us-east-1.aliyuncs.com`.
    #[serde(rename = "us-east-1")]
    #[schemars(title = "United States (Virginia)")]
    UsEast1,
}

impl Region {
    /// The region's id.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::CnHangzhou => "cn-hangzhou",
            Self::ApSoutheast1 => "ap-southeast-1",
            Self::ApSoutheast2 => "ap-southeast-2",
            Self::EuCentral1 => "eu-central-1",
            Self::UsEast1 => "us-east-1",
        }
    }

    /// The region's endpoint.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::CnHangzhou => "https://dm.aliyuncs.com/",
            Self::ApSoutheast1 => "https://dm.ap-southeast-1.aliyuncs.com/",
            Self::ApSoutheast2 => "https://dm.ap-southeast-2.aliyuncs.com/",
            Self::EuCentral1 => "https://dm.eu-central-1.aliyuncs.com/",
            Self::UsEast1 => "https://dm.us-east-1.aliyuncs.com/",
        }
    }
}

/// What is sent for one usage type.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AliyunDmTemplate {
    /// What the template is for; `Generic` serves every type that has none of its own.
    #[schemars(title = "Used for")]
    pub usage_type: UsageType,
    /// Subject, with variables such as `{{code}}`.
    #[schemars(title = "Subject")]
    pub subject: String,
    /// HTML content, with variables such as `{{code}}`. Mail also carries a text alternative made from it.
    #[schemars(title = "Content", extend("x-form" = { "type": "MultilineText" }))]
    pub content: String,
}

impl From<AliyunDmTemplate> for (UsageType, CompiledTemplate) {
    fn from(template: AliyunDmTemplate) -> Self {
        let compiled = CompiledTemplate::new(template.subject, template.content, ContentType::Html);
        (template.usage_type, compiled)
    }
}

/// Longest sender name that Direct Mail documents, in characters: it is to be shorter than 15.
const ALIAS_MAX: usize = 14;

impl ConnectorConfig for AliyunDmConfig {
    fn rules(config: &Value, report: &mut Report) {
        report.require_templates(config);
        if config["accessKeyId"].as_str().is_some_and(|id| id.starts_with("STS.")) {
            let words = "`STS.` begins the id of temporary credentials, which are refused without their security token, and \
                         there is no field for that: create an AccessKey pair of a RAM user (LTAI…)";
            report.warning("/accessKeyId", words);
        }
        if config["fromAlias"].as_str().is_some_and(|alias| alias.chars().count() > ALIAS_MAX) {
            report.warning(
                "/fromAlias",
                "is not shorter than 15 characters: Direct Mail may refuse every message for it",
            );
        }
    }
}

/// What the form starts with.
fn default_templates() -> Value {
    let template = |usage: &str, subject: &str, what: &str| {
        json!({
            "usageType": usage,
            "subject": subject,
            "content": format!("<p>Your {what} code is <b>{{{{code}}}}</b>. It expires in 10 minutes.</p>"),
        })
    };
    json!([
        template("SignIn", "Your sign-in code", "sign-in"),
        template("Register", "Your sign-up code", "sign-up"),
        template("ForgotPassword", "Your password reset code", "password reset"),
        template("Generic", "Your verification code", "verification"),
    ])
}
