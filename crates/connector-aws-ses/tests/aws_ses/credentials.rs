//! Where credentials come from: a key, a role, AWS's default chain. The chain reads the environment, so what is asked of
//! it is asked in a process of its own.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use connector_aws_ses::CONNECTOR;
use connector_kit::{
    ConnectTo, Context, Delivery, Egress, EmailConnector, ErrorKind, SendContext, SendPolicy, layered,
};
use connector_testkit::{Answer, Fault, HttpRecorder, RecordedRequest, RecorderOptions, TestCa};
use serde_json::{Value, json};

use crate::provider::{
    Aws, HOST, KEY_ID, ROLE, SESSION_TOKEN, STS, accepted, config, config_with_role, message, role_assumed,
};

fn config_without_keys() -> Value {
    let mut config = config();
    for name in ["accessKeyId", "accessKeySecret"] {
        config.as_object_mut().unwrap().shift_remove(name);
    }
    config
}

fn of<'r>(requests: &'r [RecordedRequest], host: &str) -> Vec<&'r RecordedRequest> {
    requests.iter().filter(|request| request.host == host).collect()
}

#[tokio::test]
async fn a_role_is_assumed_once_and_its_credentials_sign() {
    let aws = Aws::at(&[HOST, STS], &config_with_role()).await;
    assert_eq!(aws.recorder.connections(), 0, "nothing is asked before the first send");
    for _ in 0..3 {
        aws.connector.send(&message(), &SendContext::new()).await.unwrap();
    }
    let requests = aws.recorder.requests();
    let (asked, sent) = (of(&requests, STS), of(&requests, HOST));
    assert_eq!((asked.len(), sent.len()), (1, 3));
    let form = asked[0].form();
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!((field("Action"), field("RoleArn")), (Some("AssumeRole"), Some(ROLE)));
    assert_eq!((field("ExternalId"), field("RoleSessionName")), (Some("tenant-7"), Some("email-connectors")));
    assert!(asked[0].header("authorization").unwrap().contains(&format!("Credential={KEY_ID}/")));
    for request in sent {
        assert!(request.header("authorization").unwrap().contains("Credential=ASIAROLE/"));
        assert_eq!(request.header("x-amz-security-token"), Some(SESSION_TOKEN));
    }
}

#[tokio::test]
async fn sends_at_once_share_one_lookup() {
    let aws = Aws::at(&[HOST, STS], &config_with_role()).await;
    let (a, b, c) = (message(), message(), message());
    let (x, y, z) = (SendContext::new(), SendContext::new(), SendContext::new());
    let (a, b, c) = tokio::join!(aws.connector.send(&a, &x), aws.connector.send(&b, &y), aws.connector.send(&c, &z));
    a.and(b).and(c).unwrap();
    assert_eq!(of(&aws.recorder.requests(), STS).len(), 1);
}

/// STS's no is not the message's: whatever it says, nothing was sent.
#[tokio::test]
async fn a_role_that_cannot_be_assumed_says_why() {
    let says = |status: u16, code: &str, message: &str| {
        let xml = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>c6</RequestId></ErrorResponse>"
        );
        Answer::status(status).text("text/xml", &xml)
    };
    let denied = "User: arn:aws:iam::123456789012:user/mail is not authorized to perform: sts:AssumeRole on resource: \
                  arn:aws:iam::123456789012:role/mail";
    let aws = Aws::at(&[HOST, STS], &config_with_role()).await;
    for (answer, kind, part, hint) in [
        (says(403, "AccessDenied", denied), ErrorKind::Unauthorized, "not authorized", "trust policy"),
        (says(403, "InvalidClientTokenId", "invalid token"), ErrorKind::Unauthorized, "invalid token", "accessKeyId"),
        (
            says(403, "SignatureDoesNotMatch", "Signature expired: 1 is now earlier than 2"),
            ErrorKind::Unauthorized,
            "",
            "clock",
        ),
        (says(403, "RegionDisabledException", "STS is not activated"), ErrorKind::Unauthorized, "not activated", ""),
        (says(400, "Throttling", "Rate exceeded"), ErrorKind::RateLimited, "Rate exceeded", ""),
        (says(503, "ServiceUnavailable", "later"), ErrorKind::Unavailable, "503", ""),
        (Answer::status(504), ErrorKind::Unavailable, "504", ""),
        (Answer::status(200).html("<h1>Welcome</h1>"), ErrorKind::Unauthorized, "AWS credentials", ""),
    ] {
        let what = format!("{answer:?}");
        aws.recorder.respond_with(move |request| if request.host == STS { answer.clone() } else { accepted() });
        let error = aws.connector.send(&message(), &SendContext::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (kind, Delivery::NotSent), "{what}: {error}");
        assert!(error.to_string().contains(part) && error.to_string().contains("credentials"), "{what}: {error}");
        let about_sending = error.hint().is_some_and(|hint| hint.contains("ses:") || hint.contains("send slower"));
        assert!(!about_sending, "{what}: {:?}", error.hint());
        assert!(
            hint.is_empty() || error.hint().is_some_and(|found| found.contains(hint)),
            "{what}: {:?}",
            error.hint()
        );
    }
    assert!(of(&aws.recorder.requests(), HOST).is_empty());
    aws.recorder.respond_with(crate::provider::usual);
    aws.connector.send(&message(), &SendContext::new()).await.unwrap();
}

/// What is written to STS is not the message: a deadline meanwhile is "not sent", and an attempt may follow.
#[tokio::test]
async fn a_deadline_while_the_role_is_assumed_is_not_sent() {
    let aws = Aws::at(&[HOST, STS], &config_with_role()).await;
    for fault in [Fault::Silent, Fault::ResetAfterRead] {
        aws.recorder.respond_with(move |_| Answer::fault(fault));
        let Aws { recorder, connector } = &aws;
        let policy = SendPolicy { max_time: Duration::from_millis(300), max_attempts: 1, ..SendPolicy::default() };
        let error = layered(Arc::clone(connector), policy).send(&message(), &SendContext::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::NotSent), "{fault:?}: {error}");
        assert!(of(&recorder.requests(), HOST).is_empty());
    }
    // The next send is not held up by the one that was given up.
    aws.recorder.respond_with(crate::provider::usual);
    aws.connector.send(&message(), &SendContext::new()).await.unwrap();
}

/// Runs the test `name` of this file again, alone, with nothing of AWS's in its environment but `env`. Says whether this
/// is that run.
fn alone(name: &str, env: &[(&str, &str)]) -> bool {
    const ALONE: &str = "CONNECTOR_AWS_SES_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut run = Command::new(std::env::current_exe().unwrap());
    run.args(["--exact", &format!("credentials::{name}"), "--nocapture"]).env(ALONE, "1").env("HOME", "/nonexistent");
    for (known, _) in std::env::vars().filter(|(known, _)| known.starts_with("AWS_")) {
        run.env_remove(known);
    }
    let output = run.envs(env.iter().copied()).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{name} did not run");
    false
}

/// AWS over TLS, the plain services of a machine, and a connector without keys between them.
struct Machine {
    aws: HttpRecorder,
    local: HttpRecorder,
    connector: Box<dyn EmailConnector>,
}

impl Machine {
    async fn start(config: &Value) -> Self {
        let ca = TestCa::new();
        let tls = Some(ca.server_config(&[HOST, STS]));
        let aws = HttpRecorder::start(RecorderOptions { tls, answers: Vec::new() }).await;
        aws.respond_with(crate::provider::usual);
        let local = HttpRecorder::start(RecorderOptions { tls: None, answers: Vec::new() }).await;
        let egress = Egress {
            connect_to: vec![
                ConnectTo::new(HOST, 443, "127.0.0.1", aws.port()),
                ConnectTo::new(STS, 443, "127.0.0.1", aws.port()),
                ConnectTo::new("169.254.169.254", 80, "127.0.0.1", local.port()),
                ConnectTo::new("169.254.170.2", 80, "127.0.0.1", local.port()),
            ],
            extra_roots: vec![ca.root_der()],
            ..Egress::default()
        };
        let context = Context::new(egress).unwrap().with_ambient_credentials();
        let connector = CONNECTOR.build(config, &context).unwrap();
        Self { aws, local, connector }
    }

    /// The key that signed the one message that was sent.
    fn signed_by(&self) -> String {
        let requests = self.aws.requests();
        let sent = of(&requests, HOST);
        assert_eq!(sent.len(), 1);
        let authorization = sent[0].header("authorization").unwrap();
        let (_, rest) = authorization.split_once("Credential=").unwrap();
        rest.split_once('/').unwrap().0.to_owned()
    }
}

fn machine_credentials(id: &str) -> Answer {
    Answer::status(200).json(json!({
        "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z",
        "AccessKeyId": id, "SecretAccessKey": "s", "Token": "t", "Expiration": "2100-01-01T00:00:00Z"
    }))
}

#[tokio::test]
async fn the_environment_comes_first() {
    let env = [("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT"), ("AWS_SECRET_ACCESS_KEY", "s")];
    // What else stands there is not the configuration's business.
    let env =
        [env.as_slice(), &[("AWS_REGION", "eu-west-1"), ("AWS_ENDPOINT_URL", "https://evil.example.net")]].concat();
    if !alone("the_environment_comes_first", &env) {
        return;
    }
    let machine = Machine::start(&config_without_keys()).await;
    machine.connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(machine.signed_by(), "AKIDENVIRONMENT");
    assert_eq!(machine.local.connections(), 0);
}

fn temporary(name: &str, content: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[tokio::test]
async fn a_profile_may_give_the_key() {
    let file = temporary("profile", "[mail]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = s\n");
    let file = file.to_str().unwrap();
    if !alone("a_profile_may_give_the_key", &[("AWS_SHARED_CREDENTIALS_FILE", file), ("AWS_PROFILE", "mail")]) {
        return;
    }
    let machine = Machine::start(&config_without_keys()).await;
    machine.connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(machine.signed_by(), "AKIDPROFILE");
}

#[tokio::test]
async fn a_pods_web_identity_goes_to_sts() {
    let token = temporary("web-identity-token", "header.payload.signature");
    let env = [("AWS_WEB_IDENTITY_TOKEN_FILE", token.to_str().unwrap()), ("AWS_ROLE_ARN", ROLE)];
    if !alone("a_pods_web_identity_goes_to_sts", &env) {
        return;
    }
    let machine = Machine::start(&config_without_keys()).await;
    machine.aws.respond_with(|request| {
        if request.host != STS {
            return accepted();
        }
        assert!(request.text().contains("Action=AssumeRoleWithWebIdentity"));
        let answer = String::from_utf8(match role_assumed().body {
            connector_testkit::Body::Bytes(bytes) => bytes,
            other => panic!("{other:?}"),
        });
        Answer::status(200).text("text/xml", &answer.unwrap().replace("AssumeRoleRes", "AssumeRoleWithWebIdentityRes"))
    });
    machine.connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(machine.signed_by(), "ASIAROLE");
}

#[tokio::test]
async fn a_container_asks_its_own_service() {
    if !alone("a_container_asks_its_own_service", &[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x")]) {
        return;
    }
    let machine = Machine::start(&config_without_keys()).await;
    machine.local.respond_with(|request| match request.path.as_str() {
        "/v2/credentials/x" => machine_credentials("ASIACONTAINER"),
        _ => Answer::status(404),
    });
    machine.connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(machine.signed_by(), "ASIACONTAINER");
}

#[tokio::test]
async fn a_machine_asks_its_metadata_service() {
    if !alone("a_machine_asks_its_metadata_service", &[]) {
        return;
    }
    let machine = Machine::start(&config_without_keys()).await;
    machine.local.respond_with(|request| match (request.method.as_str(), request.path.as_str()) {
        ("PUT", "/latest/api/token") => {
            Answer::status(200).header("x-aws-ec2-metadata-token-ttl-seconds", "21600").text("text/plain", "token")
        }
        _ if request.header("x-aws-ec2-metadata-token") != Some("token") => Answer::status(401),
        (_, path) if path.trim_end_matches('/').ends_with("/security-credentials") => {
            Answer::status(200).text("text/plain", "mail")
        }
        (_, path) if path.ends_with("/security-credentials/mail") => machine_credentials("ASIAMACHINE"),
        _ => Answer::status(404),
    });
    machine.connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(machine.signed_by(), "ASIAMACHINE");
    machine.connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(of(&machine.local.requests(), "169.254.169.254").len(), machine.local.request_count());
    let tokens = machine.local.requests().iter().filter(|request| request.method == "PUT").count();
    assert_eq!(tokens, 1, "credentials are kept");
}

/// A machine without a role says so. Off AWS, and one hop too far from it, nobody answers.
#[tokio::test]
async fn without_any_credentials_nothing_is_sent() {
    if !alone("without_any_credentials_nothing_is_sent", &[]) {
        return;
    }
    for (answer, kind, silent) in [
        (Answer::status(404), ErrorKind::Unauthorized, false),
        (Answer::status(403), ErrorKind::Unauthorized, false),
        (Answer::status(503), ErrorKind::Unavailable, false),
        (Answer::fault(Fault::ResetAfterRead), ErrorKind::Unavailable, true),
        (Answer::fault(Fault::Silent), ErrorKind::Unavailable, true),
    ] {
        let what = format!("{answer:?}");
        let machine = Machine::start(&config_without_keys()).await;
        machine.local.set_answers(vec![answer]);
        let error = machine.connector.send(&message(), &SendContext::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (kind, Delivery::NotSent), "{what}: {error}");
        let hint = error.hint().unwrap();
        assert!(hint.contains("accessKeyId"), "{what}: {hint}");
        let names_it = error.to_string().contains("169.254.169.254");
        assert!(names_it || kind != ErrorKind::Unavailable, "{what}: {error}");
        assert_eq!(hint.contains("HttpPutResponseHopLimit"), silent, "{what}: {hint}");
        assert_eq!(machine.aws.connections(), 0);
    }
}

/// Whoever may write a configuration would otherwise send in the process's name, or be handed its session token.
#[tokio::test]
async fn the_process_lends_its_credentials_only_where_it_is_allowed_and_only_to_aws() {
    let (id, token) = ("AKIDOFTHEPROCESS", "session-token-of-the-process");
    let env = [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", token)];
    if !alone("the_process_lends_its_credentials_only_where_it_is_allowed_and_only_to_aws", &env) {
        return;
    }
    let tenants = HttpRecorder::start(RecorderOptions { tls: None, answers: vec![accepted()] }).await;
    let context = || Context::new(Egress::default()).unwrap();
    let with = |pairs: &[(&str, &str)]| {
        let mut config = config_without_keys();
        pairs.iter().for_each(|(name, value)| config[*name] = json!(value));
        config
    };
    let endpoint = tenants.url();
    for (context, config, pointer) in [
        (context(), with(&[]), "/accessKeyId"),
        (context(), with(&[("roleArn", ROLE)]), "/accessKeyId"),
        (context().with_ambient_credentials(), with(&[("endpoint", &endpoint)]), "/endpoint"),
        (context().with_ambient_credentials(), with(&[("endpoint", &endpoint), ("roleArn", ROLE)]), "/endpoint"),
        (context().with_ambient_credentials(), with(&[("region", "us-east-1.evil.example/#")]), "/region"),
        (context().with_ambient_credentials(), with(&[("region", "us-east-1@evil.example")]), "/region"),
        (context().with_ambient_credentials(), with(&[("region", "evil.example")]), "/region"),
        // Half a key is none.
        (
            context().with_ambient_credentials(),
            with(&[("endpoint", &endpoint), ("accessKeyId", id)]),
            "/accessKeySecret",
        ),
        (context().with_ambient_credentials(), with(&[("endpoint", &endpoint), ("accessKeyId", "")]), "/endpoint"),
    ] {
        let refused = CONNECTOR.build(&config, &context).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::InvalidConfig, "{config}: {refused}");
        assert_eq!(refused.problems()[0].pointer, pointer, "{config}: {refused}");
    }
    // A configuration's own key goes where the configuration says.
    let mut own = config();
    own["endpoint"] = json!(endpoint);
    CONNECTOR.build(&own, &context()).unwrap().send(&message(), &SendContext::new()).await.unwrap();
    let request = tenants.only_request();
    assert!(request.header("authorization").unwrap().contains(KEY_ID));
    assert!(!format!("{:?}", request.headers).contains(id) && request.header("x-amz-security-token").is_none());
}

#[test]
fn a_temporary_key_is_warned_of() {
    let mut config = config();
    config["accessKeyId"] = json!("ASIACONFORMANCE");
    let report = CONNECTOR.validate(&config);
    assert!(report.is_valid(), "{report:?}");
    let [warning] = report.warnings.as_slice() else { panic!("{report:?}") };
    assert!(warning.pointer == "/accessKeyId" && warning.message.contains("session token"), "{warning}");
}

#[tokio::test]
async fn a_broken_profile_is_a_fault_of_the_configuration() {
    let file = temporary("broken", "[mail]\nrole_arn = arn:aws:iam::123456789012:role/mail\nsource_profile = nobody\n");
    let env = [
        ("AWS_CONFIG_FILE", file.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", file.to_str().unwrap()),
        ("AWS_PROFILE", "mail"),
    ];
    if !alone("a_broken_profile_is_a_fault_of_the_configuration", &env) {
        return;
    }
    let machine = Machine::start(&config_without_keys()).await;
    let error = machine.connector.send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::InvalidConfig, Delivery::NotSent), "{error}");
    assert!(error.to_string().contains("nobody"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("files")));
    // Once it is mended, nobody has to start the service anew.
    temporary("broken", "[mail]\naws_access_key_id = AKIDMENDED\naws_secret_access_key = s\n");
    machine.connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(machine.signed_by(), "AKIDMENDED");
}
