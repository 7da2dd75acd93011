//! What an admin UI shows of a connector.

use base64::{Engine, engine::general_purpose::STANDARD};
use connector_kit::Metadata;
use serde_json::{Map, Value};

use super::{Subject, form::properties};
use crate::{ReadmeBlock, example_config, readme_blocks};

/// Logto's connectors: id and target.
const LOGTO: [(&str, &str); 8] = [
    ("aliyun-direct-mail", "aliyun-dm"),
    ("aws-ses-mail", "aws-ses"),
    ("http-email", "http-email"),
    ("logto-email", "logto-email"),
    ("mailgun-email", "mailgun-email"),
    ("postmark-mail", "postmark-mail"),
    ("sendgrid-email-service", "sendgrid-mail"),
    ("simple-mail-transfer-protocol", "smtp"),
];

const LANGUAGES: [&str; 10] = ["en", "zh-CN", "ja", "ko", "de", "fr", "es", "pt-BR", "ru", "tr-TR"];

/// A stored configuration finds its connector under Logto's names. A connector that Logto has not may choose them.
pub async fn id_and_target_are_logtos(subject: &Subject) {
    let Metadata { id, target, platform, .. } = subject.factory.metadata();
    assert!(!id.is_empty() && !target.is_empty());
    assert_eq!((subject.factory.id(), subject.factory.target()), (id.as_str(), target.as_str()));
    assert_eq!(platform, None, "email connectors are bound to no platform");
    let known = LOGTO.iter().find(|(known_id, known_target)| *known_id == id || *known_target == target);
    if let Some(known) = known {
        assert_eq!((id.as_str(), target.as_str()), *known);
    }
}

/// Ten languages, none of them empty.
pub async fn names_and_descriptions_speak_ten_languages(subject: &Subject) {
    let metadata = subject.factory.metadata();
    for (what, texts) in [("name", &metadata.name), ("description", &metadata.description)] {
        for language in LANGUAGES {
            let text = texts.get(language).unwrap_or_else(|| panic!("no {what} in {language}"));
            assert!(!text.trim().is_empty(), "the {what} in {language} is empty");
        }
    }
}

/// An admin UI shows it as an image of its own origin: it must neither run nor load anything.
pub async fn the_logo_is_a_picture_and_nothing_else(subject: &Subject) {
    let metadata = subject.factory.metadata();
    for uri in [Some(&metadata.logo), metadata.logo_dark.as_ref()].into_iter().flatten() {
        let encoded = uri.strip_prefix("data:image/svg+xml;base64,").expect("the logo is no data URI of an SVG");
        let svg = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
        let lower = svg.to_ascii_lowercase();
        assert!(lower.trim_start().starts_with("<svg") && lower.trim_end().ends_with("</svg>"), "{svg}");
        for banned in ["<script", "<foreignobject", "<image", "<use", "href", "src=", "url(", "@import", "<!"] {
            assert!(!lower.contains(banned), "the logo has {banned}");
        }
        let handler = lower.split_ascii_whitespace().find(|word| word.starts_with("on") && word.contains('='));
        assert_eq!(handler, None, "the logo handles events");
        let namespace = "http://www.w3.org/2000/svg";
        assert_eq!(lower.matches("//").count(), lower.matches(namespace).count(), "the logo names a URL");
    }
}

/// Whoever sets the connector up finds every field in the guide.
pub async fn the_readme_explains_every_field(subject: &Subject) {
    let readme = subject.factory.metadata().readme;
    assert!(!readme.trim().is_empty(), "there is no README");
    let mut fields = Vec::new();
    for property in properties(subject.factory.config_schema()) {
        fields.push(property.key.clone());
        let inner = [&property.schema["properties"], &property.schema["items"]["properties"]];
        fields.extend(inner.into_iter().filter_map(Value::as_object).flat_map(|members| members.keys().cloned()));
    }
    let missing: Vec<&String> = fields.iter().filter(|key| !readme.contains(&format!("`{key}`"))).collect();
    assert!(missing.is_empty(), "the README has nothing on {missing:?}");
}

/// What the guide shows can be copied: its example is a configuration without a fault, and each piece of one fits into it.
pub async fn the_readmes_examples_are_valid(subject: &Subject) {
    let readme = subject.factory.metadata().readme;
    let (file, example) = example_config(&readme).unwrap();
    let report = subject.factory.validate(&example);
    assert!(report.is_valid() && report.warnings.is_empty(), "{file}: {report:#?}");
    for ReadmeBlock { code, file, .. } in readme_blocks(&readme).into_iter().filter(|block| block.language == "json") {
        // A document of its own, such as a policy for the key, is the provider's to judge.
        let whole = serde_json::from_str::<Value>(&code);
        let config = match (whole, file.is_some()) {
            (Ok(config), true) => config,
            (Ok(_), false) => continue,
            (Err(_), _) => {
                let piece = serde_json::from_str::<Map<String, Value>>(&format!("{{{code}}}"));
                let piece = piece.unwrap_or_else(|error| panic!("neither JSON nor a piece of it ({error}): {code}"));
                let mut config = example.clone();
                config.as_object_mut().unwrap().extend(piece);
                config
            }
        };
        let report = subject.factory.validate(&config);
        assert!(report.is_valid(), "{code}{:#?}", report.problems);
    }
}

/// The API's clients are written for Logto's names.
pub async fn json_has_logtos_field_names(subject: &Subject) {
    let metadata = subject.factory.metadata();
    let json = serde_json::to_value(&metadata).unwrap();
    let has_only = |value: &Value, known: &[&str]| {
        for name in value.as_object().unwrap().keys() {
            assert!(known.contains(&name.as_str()), "{name} is none of {known:?}");
        }
    };
    let top =
        ["id", "target", "platform", "name", "description", "logo", "logoDark", "readme", "fromEmail", "formItems"];
    has_only(&json, &top);
    for name in top.iter().filter(|name| **name != "fromEmail") {
        assert!(json.get(name).is_some(), "{name} is missing");
    }
    let item_fields = [
        "key",
        "label",
        "type",
        "required",
        "placeholder",
        "defaultValue",
        "selectItems",
        "description",
        "tooltip",
        "isConfidential",
        "showConditions",
        "presets",
    ];
    let types = ["Text", "Number", "MultilineText", "Switch", "Select", "MultiSelect", "Json"];
    for item in json["formItems"].as_array().unwrap() {
        has_only(item, &item_fields);
        assert!(types.contains(&item["type"].as_str().unwrap()), "{item}");
        for choice in item["selectItems"].as_array().into_iter().flatten() {
            has_only(choice, &["value", "title"]);
        }
        for condition in item["showConditions"].as_array().into_iter().flatten() {
            has_only(condition, &["targetKey", "expectValue"]);
        }
    }
    assert_eq!(serde_json::from_value::<Metadata>(json).unwrap(), metadata, "it is not read back as it was written");
}
