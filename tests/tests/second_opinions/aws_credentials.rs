//! SES: where credentials come from, with moto's STS on the other side, and a moto that lets nobody send but the user
//! and the role that it knows.

use super::ses::{config, send};
use super::{assert_sent, with};
use connector_testkit::{Answer, HttpRecorder, RecorderOptions};
use e2e::{AwsRequest, Desk, Moto};
use serde_json::{Value, json};

/// Sends with these; gives the requests that it took.
fn requests(moto: &Moto, desk: &Desk, config: &Value, env: &[(&str, &str)]) -> Vec<AwsRequest> {
    let before = moto.requests().unwrap().len();
    let ran = send(moto, desk, config, env);
    let requests = moto.requests().unwrap().split_off(before);
    assert!(ran.code == 0, "{ran:?}\n{requests:#?}\n{}", moto.log());
    assert_sent(&ran);
    assert!(requests.iter().all(|request| request.status == 200), "{requests:#?}");
    requests
}

/// That somebody unsigned or signed by `key` was given a role's credentials, and the message was signed with those.
fn assert_role_assumed(requests: &[AwsRequest], key: &str) {
    let [assumed, sent] = requests else { panic!("{requests:#?}") };
    assert_eq!((assumed.host.as_str(), assumed.signed_by()), (Moto::STS, key));
    assert_eq!(sent.host, Moto::SES);
    assert!(sent.signed_by().starts_with("ASIA"), "{sent:?}");
}

#[test]
fn every_source_of_credentials_may_send() {
    let moto = Moto::start().unwrap();
    let desk = Desk::new().unwrap();
    let (key, secret) = (moto.access_key_id(), moto.secret_access_key());
    let by_key = |requests: &[AwsRequest], key: &str| {
        let [sent] = requests else { panic!("{requests:#?}") };
        assert_eq!((sent.host.as_str(), sent.signed_by()), (Moto::SES, key));
    };
    let environment = [("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret)];
    by_key(&requests(&moto, &desk, &config(), &environment), key);

    let with_role = with(config(), json!({ "roleArn": moto.role(), "externalId": Moto::EXTERNAL_ID }));
    assert_role_assumed(&requests(&moto, &desk, &with_role, &environment), key);
    let with_key_and_role = with(with_role, json!({ "accessKeyId": key, "accessKeySecret": secret }));
    assert_role_assumed(&requests(&moto, &desk, &with_key_and_role, &[]), key);

    desk.write("credentials", &format!("[user]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"))
        .unwrap();
    let role = format!("role_arn = {}\nsource_profile = user\nexternal_id = {}\n", moto.role(), Moto::EXTERNAL_ID);
    desk.write("config", &format!("[profile mailer]\n{role}")).unwrap();
    let file = |name: &str| desk.path().join(name).to_str().unwrap().to_owned();
    let (credentials, profiles) = (file("credentials"), file("config"));
    let files = |profile| {
        [("AWS_SHARED_CREDENTIALS_FILE", &*credentials), ("AWS_CONFIG_FILE", &*profiles), ("AWS_PROFILE", profile)]
    };
    by_key(&requests(&moto, &desk, &config(), &files("user")), key);
    assert_role_assumed(&requests(&moto, &desk, &config(), &files("mailer")), key);

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answers = vec![Answer::status(200).json(moto.session().clone())];
    let container = runtime.block_on(HttpRecorder::start(RecorderOptions { tls: None, answers }));
    let uri = format!("{}/credentials", container.url());
    let pod = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", &*uri), ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of the pod")];
    by_key(&requests(&moto, &desk, &config(), &pod), moto.session()["AccessKeyId"].as_str().unwrap());
    assert_eq!(container.only_request().header("authorization"), Some("of the pod"));
}

#[test]
fn a_web_identity_becomes_the_role() {
    let moto = Moto::start_trusting(1).unwrap();
    let desk = Desk::new().unwrap();
    desk.write("token", "header.payload.signature").unwrap();
    let token = desk.path().join("token");
    let env = [("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()), ("AWS_ROLE_ARN", moto.role())];
    assert_role_assumed(&requests(&moto, &desk, &config(), &env), "");
}

#[test]
fn a_role_that_does_not_trust_us_sends_nothing() {
    let moto = Moto::start().unwrap();
    let desk = Desk::new().unwrap();
    let key = [("AWS_ACCESS_KEY_ID", moto.access_key_id()), ("AWS_SECRET_ACCESS_KEY", moto.secret_access_key())];
    let config = with(config(), json!({ "roleArn": moto.role(), "externalId": "somebody-else" }));
    let wrong_secret = [key[0], ("AWS_SECRET_ACCESS_KEY", "another secret")];
    for env in [key, wrong_secret] {
        let ran = send(&moto, &desk, &config, &env);
        let error = &ran.json().unwrap()["error"];
        assert_eq!((ran.code, error["code"].as_str()), (77, Some("authorization_failed")), "{ran:?}");
        assert_eq!(error["delivery"], "not_sent");
        let requests = moto.requests().unwrap();
        assert!(requests.iter().all(|request| request.host == Moto::STS && request.status == 403), "{requests:#?}");
    }
}
