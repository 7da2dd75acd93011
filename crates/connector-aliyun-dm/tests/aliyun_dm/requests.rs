//! What goes to Direct Mail beyond what the recordings show.

use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use connector_aliyun_dm::CONNECTOR;
use connector_kit::{EmailConnector, EmailTemplate, Message, SendContext, SendPolicy, layered};
use serde_json::{Value, json};

use crate::{
    provider::{DirectMail, HOST, SECRET, accepted, config, message, payload, refusal, signed},
    signature::{Moment, Nonces},
};

type Form = Vec<(String, String)>;

/// The form that `message` becomes under `config`.
async fn form(config: &Value, message: &Message) -> Form {
    let direct_mail = DirectMail::start(HOST, config, vec![accepted()]).await;
    direct_mail.connector.send(message, &SendContext::new()).await.unwrap();
    direct_mail.recorder.only_request().form()
}

fn get<'f>(form: &'f Form, wanted: &str) -> Option<&'f str> {
    form.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
}

fn localized(template: Value) -> Message {
    message().with_template(serde_json::from_value::<EmailTemplate>(template).unwrap().compile().unwrap())
}

#[tokio::test]
async fn every_region_has_a_host_of_its_own() {
    for (region, host) in [
        ("", "dm.aliyuncs.com"),
        ("cn-hangzhou", "dm.aliyuncs.com"),
        ("ap-southeast-1", "dm.ap-southeast-1.aliyuncs.com"),
        ("ap-southeast-2", "dm.ap-southeast-2.aliyuncs.com"),
        ("eu-central-1", "dm.eu-central-1.aliyuncs.com"),
        ("us-east-1", "dm.us-east-1.aliyuncs.com"),
    ] {
        let mut config = config();
        config["regionId"] = json!(region);
        let direct_mail = DirectMail::start(host, &config, vec![accepted()]).await;
        direct_mail.connector.send(&message(), &SendContext::new()).await.unwrap();
        let request = direct_mail.recorder.only_request();
        assert_eq!((request.host.as_str(), request.server_name.as_deref()), (host, Some(host)));
        let id = if region.is_empty() { "cn-hangzhou" } else { region };
        assert_eq!(get(&request.form(), "RegionId"), Some(id));
    }
}

#[tokio::test]
async fn a_request_is_signed_with_the_secret_and_does_not_carry_it() {
    let direct_mail = DirectMail::usual().await;
    let before = SystemTime::now();
    direct_mail.connector.send(&message(), &SendContext::new()).await.unwrap();
    let request = direct_mail.recorder.only_request();
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert!(!String::from_utf8_lossy(&request.raw_head).contains(SECRET) && !request.text().contains(SECRET));
    let form = request.form();
    let nonce = get(&form, "SignatureNonce").unwrap();
    // The timestamp is the machine's clock, in whole seconds; a second may end on the way.
    let again = (0..20).map(|second| signed(&form, nonce, before + Duration::from_secs(second), SECRET));
    assert!(again.into_iter().any(|again| again == form), "signed otherwise: {form:?}");
}

/// A second request with the same nonce is refused.
#[tokio::test]
async fn every_attempt_has_a_nonce_of_its_own() {
    let busy = refusal(400, "Throttling.User", "Request was denied due to user flow control.");
    let direct_mail = DirectMail::start(HOST, &config(), vec![busy.clone(), busy, accepted()]).await;
    let policy = SendPolicy::default();
    let receipt = layered(direct_mail.connector, policy).send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(receipt.attempts, 3);
    let forms: Vec<Form> = direct_mail.recorder.requests().iter().map(|request| request.form()).collect();
    for field in ["SignatureNonce", "Signature"] {
        let different: BTreeSet<_> = forms.iter().filter_map(|form| get(form, field)).collect();
        assert_eq!(different.len(), 3, "{field}: {different:?}");
    }
    let (ours, others) = (Nonces::new(), Nonces::new());
    let nonces = [&ours, &ours, &others, &others].map(|nonces| Moment::now(nonces).nonce);
    assert_eq!(BTreeSet::from(nonces).len(), 4);
}

#[test]
fn a_timestamp_is_utc_in_whole_seconds() {
    let at = |seconds: u64| {
        let form = signed(&[], "n", UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_millis(999), "s");
        get(&form, "Timestamp").unwrap().to_owned()
    };
    for (seconds, timestamp) in [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399, "2000-02-28T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (951_868_800, "2000-03-01T00:00:00Z"),
        (1_709_164_800, "2024-02-29T00:00:00Z"),
        (1_767_225_599, "2025-12-31T23:59:59Z"),
        (1_767_323_045, "2026-01-02T03:04:05Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
    ] {
        assert_eq!(at(seconds), timestamp);
    }
    let before_time = signed(&[], "n", UNIX_EPOCH - Duration::from_secs(1), "s");
    assert_eq!(get(&before_time, "Timestamp"), Some("1970-01-01T00:00:00Z"));
}

/// Direct Mail takes an address, and reads a comma as the end of one.
#[tokio::test]
async fn a_recipients_name_stays_at_home() {
    for recipient in ["Ann Example <user@example.com>", "\"evil@example.net, Ann\" <user@example.com>"] {
        let sent = form(&config(), &Message { to: recipient.to_owned(), ..message() }).await;
        assert_eq!(get(&sent, "ToAddress"), Some("user@example.com"), "{recipient}");
    }
}

#[tokio::test]
async fn the_sender_has_the_configured_name_or_its_own() {
    let mut config = config();
    for (alias, account, name) in [
        (json!("Example"), "no-reply@sender.example", Some("Example")),
        (json!("Example"), "Own <no-reply@sender.example>", Some("Example")),
        (json!(""), "Own <no-reply@sender.example>", Some("Own")),
        (json!(""), "no-reply@sender.example", None),
    ] {
        config["fromAlias"] = alias;
        config["accountName"] = json!(account);
        let sent = form(&config, &message()).await;
        assert_eq!((get(&sent, "AccountName"), get(&sent, "FromAlias")), (Some("no-reply@sender.example"), name));
    }
}

/// Logto's connector drops content type and replyTo.
#[tokio::test]
async fn a_localized_template_is_sent_as_it_says() {
    let template = json!({
        "subject": "s", "content": "<{{code}}>", "contentType": "text/plain",
        "sendFrom": "{{app}} Team", "replyTo": "\"Help, {{app}}\" <help@{{domain}}>"
    });
    let mut message = localized(template);
    message.payload = payload(json!({ "app": "Demo", "domain": "sender.example", "code": "1" }));
    let sent = form(&config(), &message).await;
    assert_eq!((get(&sent, "HtmlBody"), get(&sent, "TextBody")), (None, Some("<1>")));
    assert_eq!(get(&sent, "FromAlias"), Some("Demo Team"));
    assert_eq!(get(&sent, "AccountName"), Some("no-reply@sender.example"));
    assert_eq!(get(&sent, "ReplyToAddress"), Some("false"), "true is the address in the console");
    assert_eq!(get(&sent, "ReplyAddress"), Some("help@sender.example"));
    assert_eq!(get(&sent, "ReplyAddressAlias"), Some("Help, Demo"));

    let template = json!({
        "subject": "s", "content": "c", "sendFrom": "Other <other@sender.example>", "replyTo": "help@sender.example"
    });
    let sent = form(&config(), &localized(template)).await;
    assert_eq!((get(&sent, "AccountName"), get(&sent, "FromAlias")), (Some("other@sender.example"), Some("Other")));
    assert_eq!((get(&sent, "ReplyAddress"), get(&sent, "ReplyAddressAlias")), (Some("help@sender.example"), None));
    assert_eq!(get(&form(&config(), &self::message()).await, "ReplyAddress"), None);
}

#[tokio::test]
async fn html_without_any_text_goes_alone() {
    let image = "<img src=\"https://example.com/code.png\">";
    let sent = form(&config(), &localized(json!({ "subject": "s", "content": image }))).await;
    assert_eq!((get(&sent, "HtmlBody"), get(&sent, "TextBody")), (Some(image), None));
}

#[tokio::test]
async fn values_stay_inside_their_parameter() {
    let attack = "1&ToAddress=evil@example.net&Action=BatchSendMail%26x=y+z;\u{2028}";
    let mut message = message();
    message.payload = payload(json!({ "code": attack }));
    let sent = form(&config(), &message).await;
    let names: Vec<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Action",
            "Format",
            "SignatureMethod",
            "SignatureVersion",
            "Version",
            "AccessKeyId",
            "AccountName",
            "ReplyToAddress",
            "AddressType",
            "ToAddress",
            "FromAlias",
            "Subject",
            "HtmlBody",
            "TextBody",
            "RegionId",
            "SignatureNonce",
            "Timestamp",
            "Signature",
        ]
    );
    assert_eq!(get(&sent, "TextBody"), Some(attack));
}

#[test]
fn a_temporary_key_is_warned_of() {
    let mut config = config();
    config["accessKeyId"] = json!("STS.NTaConformance");
    let report = CONNECTOR.validate(&config);
    assert!(report.is_valid(), "{report:?}");
    assert_eq!(report.warnings[0].pointer, "/accessKeyId");
    assert!(report.warnings[0].message.contains("security token"), "{report:?}");
}

#[test]
fn what_looks_wrong_is_warned_of_or_refused() {
    let mut config = config();
    config["fromAlias"] = json!("Sixteen letters!");
    let report = CONNECTOR.validate(&config);
    assert!(report.is_valid());
    assert_eq!(report.warnings[0].pointer, "/fromAlias");
    config["fromAlias"] = json!("十五个字符的发信人名称也可以用的");
    assert_eq!(CONNECTOR.validate(&config).warnings.len(), 1);
    config["fromAlias"] = json!("Fifteen letters");
    assert_eq!(CONNECTOR.validate(&config).warnings.len(), 1);
    config["fromAlias"] = json!("Fourteen chars");
    assert!(CONNECTOR.validate(&config).warnings.is_empty());
    for (field, value) in [
        ("fromAlias", "Example\r\nBcc: evil@example.net"),
        ("accessKeyId", "LTAI with spaces"),
        ("regionId", "cn-beijing"),
    ] {
        let mut config = config.clone();
        config[field] = json!(value);
        assert_eq!(CONNECTOR.validate(&config).problems[0].pointer, format!("/{field}"));
    }
}
