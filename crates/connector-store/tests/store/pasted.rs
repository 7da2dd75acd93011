//! A secret that was stored with a blank behind it, before that was refused.

use connector_registry::{
    Actor, Candidate, Catalog, ConfigurationExport, ConnectorStore, Draft, Edit, Error, Export, Proposal, Registry,
    SignInSettings, TenantExport,
    kit::{Context, Egress, Message, SendPolicy, UsageType},
};
use connector_store::Store;
use connector_testkit::{LogCapture, SmtpRecorder, SmtpRecorderOptions, SmtpScript};
use serde_json::{Value, json};

use crate::places::{Place, change, id, moment};

const SMTP: &str = "simple-mail-transfer-protocol";
const PASSWORD: &str = "hidden-4711 ";

fn config(port: u16, password: &str) -> Value {
    let template =
        |usage: &str| json!({ "usageType": usage, "contentType": "text/plain", "subject": "s", "content": "{{code}}" });
    let templates = ["SignIn", "Register", "ForgotPassword", "Generic"].map(template);
    json!({
        "host": "127.0.0.1", "port": port, "auth": { "user": "mailer", "pass": password },
        "fromEmail": "no-reply@example.com", "templates": templates
    })
}

fn registry(store: Store) -> Registry<Store> {
    Registry::new(Catalog::builtin(), Context::new(Egress::default()).unwrap(), SendPolicy::default(), store)
}

fn assert_refused<T>(refused: Result<T, Error>) {
    let Err(Error::InvalidConfig(error)) = refused else { panic!("not refused for its configuration") };
    let [problem] = error.problems() else { panic!("{error}") };
    assert!(problem.pointer == "/auth/pass" && problem.message.contains("a blank"), "{problem}");
}

#[tokio::test]
async fn mail_goes_on_with_what_was_stored_before_it_was_refused() {
    let log = LogCapture::start();
    let script = SmtpScript::offering(&["AUTH PLAIN"]);
    let server = SmtpRecorder::start(SmtpRecorderOptions { tls: None, script }).await;
    let config = config(server.port(), PASSWORD);
    let place = Place::sqlite().await;
    let store = place.open().await;
    let save = |n| Draft { id: id(n), connector: SMTP.to_owned(), config: config.clone(), saved_at: moment(1) };
    let edits = [Edit::Save(save(1)), Edit::Save(save(2)), Edit::Activate(id(1))];
    store.commit("acme", change(edits)).await.unwrap();
    store.close().await;

    // The process after the upgrade.
    let (registry, by) = (registry(place.open().await), Actor::new("alice", "a test"));
    let payload = json!({ "code": "123456" }).as_object().cloned().unwrap();
    let message = Message::new("user@example.org", UsageType::SignIn, payload);
    registry.send("acme", &message).await.unwrap();
    registry.test("acme", Candidate::Active, &message, &by).await.unwrap();
    registry.test("acme", Candidate::Stored(id(2)), &message, &by).await.unwrap();
    registry.roll_back("acme", Some(id(2)), &by).await.unwrap();
    registry.send("acme", &message).await.unwrap();
    assert_eq!(server.messages().len(), 4);
    let warnings = log.text().lines().filter(|line| line.contains("WARN") && line.contains("/auth/pass")).count();
    assert!(warnings >= 2, "{}", log.text());
    log.assert_free_of(&["hidden-4711"]);

    // At every door it is refused, whether it is given or kept.
    let mut masked = config.clone();
    masked["auth"]["pass"] = json!("******");
    for given in [&config, &masked] {
        let proposal = || Proposal::new(SMTP, given.clone());
        assert_refused(registry.change("acme", proposal(), &by).await);
        assert_refused(registry.save("acme", proposal(), &by).await);
        let candidate = Candidate::Proposed { connector: SMTP.to_owned(), config: given.clone() };
        assert_refused(registry.test("acme", candidate, &message, &by).await);
    }
    assert_refused(registry.set_up("umbrella", Proposal::new(SMTP, config.clone()), &by).await);
    let promotion = registry.plan_promotion("acme", "umbrella").await.unwrap();
    assert_refused(registry.promote(&promotion, &by).await);
    let imported = ConfigurationExport {
        id: id(3),
        connector: SMTP.to_owned(),
        saved_at: moment(2),
        config: config.clone(),
        secrets: Default::default(),
        destinations: Vec::new(),
    };
    let tenant = TenantExport {
        tenant: "umbrella".to_owned(),
        active: None,
        configurations: vec![imported],
        sign_in: SignInSettings::default(),
        fallback_language: None,
        templates: Vec::new(),
    };
    let Err(Error::Import { cause, .. }) = registry.import(Export { format: 1, tenants: vec![tenant] }, &by).await
    else {
        panic!("not refused");
    };
    assert_refused::<()>(Err(*cause));
    assert!(!Catalog::builtin().get(SMTP).unwrap().validate(&config).is_valid());
    registry.send("acme", &message).await.unwrap();
}
