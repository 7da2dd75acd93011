//! What an admin UI shows of a connector: names, logo, guide and the items of its set-up form.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a connector crate says of itself, as constants.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// Logto's id of the connector: the key under which configurations are stored.
    pub id: &'static str,
    /// Logto's target: which provider it speaks to.
    pub target: &'static str,
    /// Name by language tag (BCP 47); `en` at least.
    pub name: &'static [(&'static str, &'static str)],
    /// Description by language tag; `en` at least.
    pub description: &'static [(&'static str, &'static str)],
    /// The logo, as SVG text.
    pub logo: &'static str,
    /// The logo for dark backgrounds, where it differs.
    pub logo_dark: Option<&'static str>,
    /// The set-up guide, in Markdown.
    pub readme: &'static str,
    /// The sender's address, where the provider fixes it.
    pub from_email: Option<&'static str>,
}

/// A connector's metadata, in Logto's field names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The connector's id.
    pub id: String,
    /// Which provider it speaks to.
    pub target: String,
    /// Always null: email connectors are not bound to a platform.
    pub platform: Option<String>,
    /// Name by language tag.
    pub name: BTreeMap<String, String>,
    /// Description by language tag.
    pub description: BTreeMap<String, String>,
    /// Logo, as a `data:` URI.
    pub logo: String,
    /// Logo for dark backgrounds, as a `data:` URI.
    pub logo_dark: Option<String>,
    /// The set-up guide, in Markdown.
    pub readme: String,
    /// The sender's address, where the provider fixes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub from_email: Option<String>,
    /// The set-up form, item by item in order.
    pub form_items: Vec<FormItem>,
}

impl Metadata {
    pub(crate) fn new(about: &About, form_items: Vec<FormItem>) -> Self {
        let by_language = |texts: &[(&str, &str)]| {
            texts.iter().map(|(language, text)| ((*language).to_owned(), (*text).to_owned())).collect()
        };
        let data_uri = |svg: &str| format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg));
        Self {
            id: about.id.to_owned(),
            target: about.target.to_owned(),
            platform: None,
            name: by_language(about.name),
            description: by_language(about.description),
            logo: data_uri(about.logo),
            logo_dark: about.logo_dark.map(data_uri),
            readme: about.readme.to_owned(),
            from_email: about.from_email.map(str::to_owned),
            form_items,
        }
    }
}

/// How a form item is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FormItemType {
    /// One line of text.
    Text,
    /// A number.
    Number,
    /// Several lines of text.
    MultilineText,
    /// On or off.
    Switch,
    /// One of several choices.
    Select,
    /// Any of several choices.
    MultiSelect,
    /// A JSON value.
    Json,
}

/// One field of the set-up form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FormItem {
    /// Where the value goes in the configuration: its key, dotted where the configuration nests (`auth.user`).
    pub key: String,
    /// What the field is called.
    pub label: String,
    /// How it is edited.
    #[serde(rename = "type")]
    pub kind: FormItemType,
    /// Whether it must be filled in (when it is shown).
    pub required: bool,
    /// An example, shown while the field is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub placeholder: Option<String>,
    /// What the field starts with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_value: Option<Value>,
    /// The choices of a Select or MultiSelect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select_items: Vec<Choice>,
    /// What the field is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub description: Option<String>,
    /// More detail, on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub tooltip: Option<String>,
    /// Whether the value is secret: never shown once stored.
    pub is_confidential: bool,
    /// All must hold for the field to show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub show_conditions: Vec<ShowCondition>,
    /// Well-known values of this and other fields, to be filled in together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub presets: Vec<Preset>,
}

/// One choice of a Select or MultiSelect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// The value that goes into the configuration.
    pub value: String,
    /// What the person sees.
    pub title: String,
}

/// Shows a field only while another has a certain value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShowCondition {
    /// The other field's key.
    pub target_key: String,
    /// The value it must have.
    pub expect_value: Value,
}

/// Values that belong together, such as the host, port and TLS mode of a known server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preset {
    /// What the person picks.
    pub title: String,
    /// Value by form item key.
    pub values: serde_json::Map<String, Value>,
}
