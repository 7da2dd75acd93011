//! From one config struct: schema, form items, validation, masking.

use std::collections::BTreeMap;

use connector_kit::{
    About, Connector, ConnectorConfig, ConnectorFactory, Context, Egress, EmailConnector, Error, ErrorKind,
    FormItemType, Mailbox, Message, Receipt, Report, Secret, SendContext, TOKEN, TemplateConfig, async_trait,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

#[expect(dead_code, reason = "the schema is what counts")]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Config {
    /// What signs requests.
    #[schemars(title = "API key", length(min = 1), regex(pattern = TOKEN))]
    api_key: Secret,
    /// The sender, in words that
    /// go on for two lines.
    from_email: Mailbox,
    #[schemars(range(min = 1, max = 10))]
    retries: Option<u8>,
    #[serde(default)]
    fast: bool,
    #[schemars(extend("x-form" = { "showWhen": { "fast": true }, "placeholder": "eu" }))]
    region: Option<Region>,
    speed: Option<Speed>,
    nested: Option<Nested>,
    by_name: Option<BTreeMap<String, Nested>>,
    templates: Option<Vec<TemplateConfig>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
enum Region {
    Eu,
    Us,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "lowercase")]
enum Speed {
    #[schemars(title = "As it comes")]
    Slow,
    #[schemars(title = "At once")]
    Fast,
    #[schemars(title = "At once (old spelling)", extend("deprecated" = true))]
    Quick,
    #[schemars(title = "As it comes (loud)", extend("deprecated" = true))]
    #[serde(rename = "SLOW")]
    Loud,
}

#[expect(dead_code, reason = "the schema is what counts")]
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "camelCase")]
struct Nested {
    /// Inside.
    #[schemars(title = "Inner")]
    inner_name: String,
}

impl ConnectorConfig for Config {
    fn rules(config: &Value, report: &mut Report) {
        if config["fast"] == true && config["retries"].is_null() {
            report.problem("/retries", "is required with fast");
        }
        report.require_templates(config);
    }
}

struct Nowhere(Config);

impl Connector for Nowhere {
    type Config = Config;

    fn new(config: Config, _: &Context) -> Result<Self, Error> {
        Ok(Self(config))
    }
}

#[async_trait]
impl EmailConnector for Nowhere {
    async fn send(&self, _: &Message, _: &SendContext) -> Result<Receipt, Error> {
        Ok(Receipt::new(Some(self.0.from_email.to_string())))
    }
}

static CONNECTOR: ConnectorFactory = ConnectorFactory::of::<Nowhere>(&About {
    id: "nowhere",
    target: "nowhere",
    name: &[("en", "Nowhere")],
    description: &[("en", "Sends nothing.")],
    logo: "<svg/>",
    logo_dark: None,
    readme: "# Nowhere",
    from_email: None,
});

fn problems(config: &Value) -> Vec<(String, String)> {
    CONNECTOR.validate(config).problems.into_iter().map(|problem| (problem.pointer, problem.message)).collect()
}

#[test]
fn the_form_follows_the_struct() {
    let items = CONNECTOR.metadata().form_items;
    let keys: Vec<&str> = items.iter().map(|item| item.key.as_str()).collect();
    assert_eq!(
        keys,
        ["apiKey", "fromEmail", "retries", "fast", "region", "speed", "nested.innerName", "byName", "templates",]
    );
    let item = |key: &str| items.iter().find(|item| item.key == key).unwrap();
    let key = item("apiKey");
    assert!(key.is_confidential && key.required && key.kind == FormItemType::Text);
    assert_eq!((key.label.as_str(), key.description.as_deref()), ("API key", Some("What signs requests.")));
    assert_eq!(item("retries").kind, FormItemType::Number);
    assert!(!item("retries").required);
    assert_eq!((item("fast").kind, item("fast").default_value.clone()), (FormItemType::Switch, Some(json!(false))));
    let region = item("region");
    assert_eq!(region.kind, FormItemType::Select);
    assert_eq!(region.select_items.iter().map(|choice| choice.value.as_str()).collect::<Vec<_>>(), ["eu", "us"]);
    assert_eq!(region.show_conditions[0].target_key, "fast");
    let speeds = item("speed").select_items.iter().map(|choice| (choice.value.as_str(), choice.title.as_str()));
    assert_eq!(speeds.collect::<Vec<_>>(), [("slow", "As it comes"), ("fast", "At once")]);
    assert!(!item("nested.innerName").required, "nested is optional as a whole");
    assert_eq!(item("templates").kind, FormItemType::Json);
}

#[test]
fn the_schema_needs_no_references_and_takes_no_null() {
    let schema = CONNECTOR.config_schema().to_string();
    assert!(!schema.contains("$ref") && !schema.contains("null"), "{schema}");
    assert!(schema.contains("https://json-schema.org/draft/2020-12/schema"));
}

/// Form libraries draw from these words; what is Rust's is none of them.
#[test]
fn the_schema_speaks_json_schemas_own_words() {
    let fields = &CONNECTOR.config_schema()["properties"];
    assert_eq!((&fields["apiKey"]["format"], &fields["apiKey"]["writeOnly"]), (&json!("password"), &json!(true)));
    assert_eq!(fields["fromEmail"]["description"], "The sender, in words that go on for two lines.");
    assert_eq!((&fields["retries"]["type"], &fields["retries"]["format"]), (&json!("integer"), &Value::Null));
    assert_eq!(fields["speed"]["type"], "string");
    assert_eq!(fields["speed"]["oneOf"][0], json!({ "const": "slow", "title": "As it comes" }));
}

#[test]
fn what_is_deprecated_is_taken_and_not_offered() {
    let config = |speed: &str| json!({ "apiKey": "k", "fromEmail": "a@example.com", "speed": speed });
    assert_eq!(problems(&config("quick")), []);
    let message = "must be one of: slow, fast".to_owned();
    assert_eq!(problems(&config("slowly")), [("/speed".to_owned(), message)]);
}

/// A form has no choice `SLOW`, and none of the fields that it shows for `slow`.
#[test]
fn what_is_shown_for_editing_has_the_spelling_that_is_offered() {
    let shown = |speed: &str| CONNECTOR.masked(&json!({ "speed": speed, "region": "SLOW" }));
    assert_eq!(problems(&json!({ "apiKey": "k", "fromEmail": "a@example.com", "speed": "SLOW" })), []);
    assert_eq!(shown("SLOW"), json!({ "speed": "slow", "region": "SLOW" }));
    // No choice goes by this name.
    assert_eq!(shown("quick")["speed"], "quick");
}

#[test]
fn a_secret_that_was_not_copied_well_is_said_to_be_so_once() {
    for secret in ["two words", "a line\nand another"] {
        let found = problems(&json!({ "apiKey": secret, "fromEmail": "a@example.com" }));
        let pointers: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(pointers, ["/apiKey"], "{found:?}");
    }
}

#[test]
fn every_problem_is_reported_at_once_with_its_pointer() {
    let config = json!({
        "fromEmail": "a@example.com, b@example.com", "retries": 11, "fast": "yes", "region": "mars",
        "nested": {}, "templates": [{ "usageType": "SignIn", "contentType": "html", "subject": 1 }]
    });
    let mut found = problems(&config);
    found.sort();
    let expected = [
        ("/apiKey", "is required"),
        ("/fast", "must be a boolean, not a string"),
        ("/fromEmail", "not an email address: one address is expected, not a list"),
        ("/nested/innerName", "is required"),
        ("/region", "must be one of: eu, us"),
        ("/retries", "must be at most 10"),
        ("/templates", "templates are missing for: Register, ForgotPassword, Generic"),
        ("/templates/0/content", "is required"),
        ("/templates/0/contentType", "must be one of: text/html, text/plain"),
        ("/templates/0/subject", "must be a string, not a number"),
    ];
    let expected: Vec<_> = expected.map(|(pointer, message)| (pointer.to_owned(), message.to_owned())).into();
    assert_eq!(found, expected);
}

#[test]
fn documents_that_are_no_object_are_said_to_be_none() {
    assert_eq!(problems(&json!(null)), [(String::new(), "must be an object, not null".to_owned())]);
    assert_eq!(problems(&json!([])), [(String::new(), "must be an object, not an array".to_owned())]);
}

#[test]
fn rules_across_fields_are_reported_beside_the_schemas() {
    let found = problems(&json!({ "fast": true, "fromEmail": "a@example.com" }));
    assert_eq!(found.iter().map(|(pointer, _)| pointer.as_str()).collect::<Vec<_>>(), ["/apiKey", "/retries"]);
}

#[test]
fn unknown_fields_are_warned_of_with_the_nearest_name() {
    let report =
        CONNECTOR.validate(&json!({ "apiKey": "k", "fromEmail": "a@example.com", "formEmail": "x", "zzz": 1 }));
    assert!(report.is_valid());
    assert_eq!(report.warnings[0].pointer, "/formEmail");
    assert!(report.warnings[0].message.contains("did you mean `fromEmail`?"));
    assert_eq!(report.warnings[1].message, "unknown field, has no effect");
    // In a map the names are free, the fields under them are not.
    let by_name = json!({ "any/thing": { "innerName": "x", "innerNam": "y" } });
    let report = CONNECTOR.validate(&json!({ "apiKey": "k", "fromEmail": "a@example.com", "byName": by_name }));
    assert!(report.is_valid());
    let [warning] = report.warnings.as_slice() else { panic!("{:?}", report.warnings) };
    assert_eq!(warning.pointer, "/byName/any~1thing/innerNam");
    assert!(warning.message.contains("did you mean `innerName`?"));
}

#[test]
fn an_empty_optional_text_is_as_good_as_none() {
    assert!(CONNECTOR.validate(&json!({ "apiKey": "k", "fromEmail": "a@example.com", "region": "" })).is_valid());
    assert_eq!(
        problems(&json!({ "apiKey": "", "fromEmail": "a@example.com" })),
        [("/apiKey".to_owned(), "cannot be empty".to_owned())]
    );
}

/// What was pasted along with a key is said here, as a provider only says that the key is wrong.
#[test]
fn what_is_pasted_around_a_secret_is_refused() {
    for (key, words) in [
        (" key", "blank"),
        ("key ", "blank"),
        ("key\u{a0}", "blank"),
        ("\u{3000}key", "blank"),
        ("key\n", "line breaks"),
        ("\tkey", "control characters"),
        ("\u{feff}key", "U+FEFF"),
        ("ke\u{200b}y", "U+200B"),
        ("key\u{200e}", "U+200E"),
        ("\"key\"", "quotation marks"),
        ("'key'", "quotation marks"),
        ("“key”", "quotation marks"),
        ("Bearer key", "without `Bearer`"),
        ("bearer key", "without `Bearer`"),
        ("a key", "visible ASCII"),
    ] {
        let found = problems(&json!({ "apiKey": key, "fromEmail": "a@example.com" }));
        let [(pointer, message)] = found.as_slice() else { panic!("{key:?}: {found:?}") };
        assert!(pointer == "/apiKey" && message.contains(words), "{key:?}: {message}");
    }
    for key in ["key", "\"", "it's'", "<key>", "Bearer", "a\"b"] {
        assert_eq!(problems(&json!({ "apiKey": key, "fromEmail": "a@example.com" })), [], "{key}");
    }
}

/// Earlier versions took what is pasted around a secret: what they stored goes on working.
#[test]
fn what_is_pasted_around_a_stored_secret_is_told_of_and_built() {
    let context = Context::new(Egress::default()).unwrap();
    let stored = |key: &str| {
        CONNECTOR.build_stored(&json!({ "apiKey": key, "fromEmail": "a@example.com" }), &context).map(|(_, told)| told)
    };
    for key in ["key ", "\u{a0}key", "\u{200b}key", "\"key\"", "“key”", "Bearer key"] {
        let config = json!({ "apiKey": key, "fromEmail": "a@example.com" });
        let refused = CONNECTOR.build(&config, &context).err().unwrap();
        assert_eq!(refused.problems(), CONNECTOR.validate(&config).problems);
        assert_eq!(stored(key).unwrap(), refused.problems(), "{key}");
    }
    assert_eq!(stored("key").unwrap(), []);
    // What no version took.
    for key in ["", "key\n", "k\rey "] {
        assert!(stored(key).is_err(), "{key:?}");
    }
    let elsewhere = json!({ "apiKey": "key ", "fromEmail": "nobody" });
    let refused = CONNECTOR.build_stored(&elsewhere, &context).err().unwrap();
    let pointers: Vec<_> = refused.problems().iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(pointers, ["/fromEmail"]);
}

#[test]
fn no_value_ever_shows() {
    let config = json!({ "apiKey": "s3cret-key\n", "fromEmail": "s3cret-mail", "retries": "s3cret-number", "region": "s3cret-region" });
    let report = CONNECTOR.validate(&config);
    let error = CONNECTOR.build(&config, &Context::new(Egress::default()).unwrap()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert_eq!(report.problems.len(), 4);
    assert!(!format!("{report:?} {error} {error:?}").contains("s3cret"));
    let config: Config = serde_json::from_value(json!({ "apiKey": "s3cret", "fromEmail": "a@example.com" })).unwrap();
    assert!(
        !format!("{config:?} {} {}", config.api_key, serde_json::to_string(&config.api_key).unwrap())
            .contains("s3cret")
    );
}
