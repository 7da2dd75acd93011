//! Amazon SES's configuration: the source of its schema, form, validation and masking.

use connector_kit::{
    CompiledTemplate, ConnectorConfig, ContentType, Mailbox, Report, Secret, TOKEN, UsageType, http::Url,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the connector needs to know to send through Amazon SES. Field names are Logto's; `endpoint`, `roleArn` and
/// `externalId` are ours, and so is leaving both keys out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsSesConfig {
    /// The id of an IAM access key. Leave it out together with the secret to use the credentials that the machine,
    /// container or environment provides, where whoever runs this allows it.
    #[schemars(title = "Access key ID", extend("format" = "token", "x-form" = {
        "placeholder": "AKIA…",
        "tooltip": "In the IAM console: Users, the user, Security credentials, Create access key. The user must be \
                    allowed `ses:SendEmail`."
    }))]
    pub access_key_id: Option<String>,
    /// The secret of the access key. The console shows it once, when the key is created.
    #[schemars(title = "Access key secret", regex(pattern = TOKEN))]
    pub access_key_secret: Option<Secret>,
    /// The region in which the sender is verified, by its code.
    #[schemars(title = "Region", length(min = 1), extend(
        "examples" = [
            "us-east-1", "us-east-2", "us-west-2", "ca-central-1", "sa-east-1", "eu-central-1", "eu-west-1", "eu-west-2",
            "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1"
        ],
        "x-form" = {
            "placeholder": "us-east-1",
            "destination": true,
            "tooltip": "In the SES console, the region stands at the top right and in the page's URL."
        }
    ))]
    pub region: String,
    /// The sender: an address of a verified identity, or a name with such an address.
    #[schemars(title = "From address", extend("x-form" = { "placeholder": "Example <no-reply@example.com>" }))]
    pub email_address: Option<Mailbox>,
    /// The ARN of the sender's identity, where it belongs to another account that lets this one send.
    #[schemars(title = "From identity ARN", extend("x-form" = {
        "placeholder": "arn:aws:ses:us-east-1:123456789012:identity/example.com"
    }))]
    pub email_address_identity_arn: Option<String>,
    /// Where bounces and complaints are mailed to.
    #[schemars(title = "Feedback forwarding address", extend("x-form" = { "placeholder": "bounces@example.com" }))]
    pub feedback_forwarding_email_address: Option<Mailbox>,
    /// The ARN of that address's identity, where it belongs to another account that lets this one use it.
    #[schemars(title = "Feedback forwarding identity ARN", extend("x-form" = {
        "placeholder": "arn:aws:ses:us-east-1:123456789012:identity/example.com"
    }))]
    pub feedback_forwarding_email_address_identity_arn: Option<String>,
    /// The configuration set to send under. It decides, for one, which events SES publishes.
    #[schemars(title = "Configuration set", extend("format" = "single-line", "x-form" = {
        "placeholder": "transactional",
        "tooltip": "In the SES console: Configuration sets, by name."
    }))]
    pub configuration_set_name: Option<String>,
    /// Subject and HTML content by usage type. `SignIn`, `Register`, `ForgotPassword` and `Generic` are required.
    #[schemars(title = "Templates", extend("x-form" = { "type": "Json", "defaultValue": default_templates() }))]
    pub templates: Vec<AwsSesTemplate>,
    /// Another endpoint than the region's own, such as a VPC endpoint or an emulator. Requests are signed for its host,
    /// with the access key given here.
    #[schemars(title = "Endpoint", extend("format" = "http-url", "x-form" = {
        "placeholder": "https://vpce-0123-abcd.email.us-east-1.vpce.amazonaws.com",
        "destination": true
    }))]
    pub endpoint: Option<String>,
    /// The IAM role to assume for sending, such as one of the account that the sender belongs to.
    #[schemars(title = "Role ARN", extend("x-form" = {
        "placeholder": "arn:aws:iam::123456789012:role/mail",
        "destination": true
    }))]
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy asks for. It has no effect without a role.
    #[schemars(title = "External ID", extend("x-form" = { "placeholder": "mail-4711" }))]
    pub external_id: Option<String>,
}

/// What is sent for one usage type.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AwsSesTemplate {
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

impl From<AwsSesTemplate> for (UsageType, CompiledTemplate) {
    fn from(template: AwsSesTemplate) -> Self {
        (template.usage_type, CompiledTemplate::new(template.subject, template.content, ContentType::Html))
    }
}

impl ConnectorConfig for AwsSesConfig {
    fn rules(config: &Value, report: &mut Report) {
        report.require_templates(config);
        keys(config, report);
        region(config, report);
        senders(config, report);
        for field in ["emailAddressIdentityArn", "feedbackForwardingEmailAddressIdentityArn"] {
            if let Some(arn) = config[field].as_str()
                && !is_identity(arn)
            {
                let example = "arn:aws:ses:us-east-1:123456789012:identity/example.com";
                report.problem(format!("/{field}"), format!("must be the ARN of an SES identity, such as {example}"));
            }
        }
        role(config, report);
        endpoint(config, report);
        report.warn_of_clear_url(config, "/endpoint", "the codes");
    }
}

fn keys(config: &Value, report: &mut Report) {
    if config["accessKeyId"].as_str().is_some_and(|id| id.starts_with("ASIA")) {
        let words = "`ASIA` begins the id of temporary credentials, which are refused without their session token, and there \
                     is no field for that: create an access key of an IAM user (AKIA…), or leave both out";
        report.warning("/accessKeyId", words);
    }
    let alone = match (config.get("accessKeyId"), config.get("accessKeySecret")) {
        (Some(_), None) => "accessKeySecret",
        (None, Some(_)) => "accessKeyId",
        _ => return,
    };
    let words = "is required beside the other half of the key; leave both out to use AWS's default credentials";
    report.problem(format!("/{alone}"), words);
}

/// The region becomes part of a host name, so it is held to be one label of it: nothing in it leads to another host.
fn region(config: &Value, report: &mut Report) {
    let Some(region) = config["region"].as_str().filter(|region| !region.is_empty()) else { return };
    if !is_label(region) {
        report.problem("/region", "must be the code of a region, such as eu-west-1");
    } else if !looks_like_a_region(region) {
        report.warning("/region", "does not look like the code of a region, such as eu-west-1");
    }
}

fn senders(config: &Value, report: &mut Report) {
    for field in ["emailAddress", "feedbackForwardingEmailAddress"] {
        let mailbox = config[field].as_str().and_then(|text| Mailbox::parse(text).ok());
        if mailbox.is_some_and(|mailbox| !mailbox.local_part().is_ascii()) {
            report.problem(format!("/{field}"), "SES takes only ASCII characters before the @");
        }
    }
    if config.get("emailAddress").is_none() {
        report.warning(
            "/emailAddress",
            "there is no sender: only messages whose localized template names an address in sendFrom have one",
        );
    }
}

fn role(config: &Value, report: &mut Report) {
    match config["roleArn"].as_str() {
        Some(arn) if !is_role(arn) => {
            report.problem("/roleArn", "must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/mail");
        }
        None if config["externalId"].is_string() && config.get("roleArn").is_none() => {
            report.warning("/externalId", "has no effect without roleArn");
        }
        _ => {}
    }
    // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    if let Some(id) = config["externalId"].as_str() {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
        if !(2..=1224).contains(&id.len()) || !id.chars().all(allowed) {
            report.problem("/externalId", "must be 2 to 1224 letters, digits and characters of _+=,.@:/-");
        }
    }
}

/// The SDK puts its own path behind the endpoint's. Whoever names an endpoint gets what requests are signed with: the
/// id of the key, and a session token whole.
fn endpoint(config: &Value, report: &mut Report) {
    let has = |field: &str| config.get(field).is_some();
    if has("endpoint") && !has("accessKeyId") && !has("accessKeySecret") {
        let words = "needs accessKeyId and accessKeySecret beside it: the credentials of this machine go to AWS's own \
                     endpoints alone";
        report.problem("/endpoint", words);
    }
    let url = config["endpoint"].as_str().and_then(|text| Url::parse(text).ok());
    if url.is_some_and(|url| url.query().is_some() || url.fragment().is_some()) {
        report.problem("/endpoint", "cannot hold a query or fragment");
    }
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// `us-east-1`, `us-gov-west-1`, `ap-southeast-5`.
fn looks_like_a_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let (Some((number, words)), true) = (parts.split_last(), (3..=4).contains(&parts.len())) else { return false };
    let word = |part: &&str| part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    words.iter().all(word) && (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
}

/// The parts of `arn:partition:service:region:account:resource`, where the account is one.
fn arn(text: &str) -> Option<[&str; 5]> {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next();
    let (scheme, partition, service, region, account, resource) =
        (next()?, next()?, next()?, next()?, next()?, next()?);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let partition_known = partition.starts_with("aws") && is_label(partition);
    let clean = resource.bytes().all(|byte| byte.is_ascii_graphic());
    (scheme == "arn" && partition_known && is_account && clean)
        .then_some([partition, service, region, account, resource])
}

fn is_identity(text: &str) -> bool {
    let Some([_, "ses", region, _, resource]) = arn(text) else { return false };
    is_label(region) && resource.strip_prefix("identity/").is_some_and(|name| !name.is_empty())
}

fn is_role(text: &str) -> bool {
    let Some([_, "iam", "", _, resource]) = arn(text) else { return false };
    resource.strip_prefix("role/").is_some_and(|name| !name.is_empty() && !name.ends_with('/'))
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
