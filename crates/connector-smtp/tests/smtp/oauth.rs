//! XOAUTH2: where access tokens come from, how long they serve, and what becomes of one that is refused.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use connector_kit::{
    Context, Delivery, Egress, EmailConnector, ErrorKind, SendContext, SendPolicy, layered, root_certificates,
};
use connector_testkit::{Answer, Fault, HttpRecorder, RecorderOptions, SmtpScript};
use ring::signature;
use serde_json::{Value, json};

use crate::support::{Relay, build, message, outcome, with};

const GOOGLE: &str = "oauth2.googleapis.com";
const MICROSOFT: &str = "login.microsoftonline.com";
const TENANT_URL: &str = "https://login.microsoftonline.com/tenant/oauth2/v2.0/token";
const PRIVATE_KEY: &str = include_str!("keys/test-only-private.pem");
const PUBLIC_KEY: &str = include_str!("keys/test-only-public.pem");

/// A mail server that takes XOAUTH2 and the token endpoints of Google and Microsoft.
pub struct Provider {
    pub relay: Relay,
    pub tokens: HttpRecorder,
}

impl Provider {
    pub async fn start(script: SmtpScript, answers: Vec<Answer>) -> Self {
        let relay = Relay::start(script).await;
        let tls = Some(relay.ca.server_config(&[GOOGLE, MICROSOFT]));
        Self { tokens: HttpRecorder::start(RecorderOptions { tls, answers }).await, relay }
    }

    /// Hands out `token-1`, `token-2` and so on.
    async fn generous() -> Self {
        let provider = Self::start(xoauth2(), Vec::new()).await;
        let count = std::sync::atomic::AtomicU32::new(0);
        provider.tokens.respond_with(move |_| {
            let number = 1 + count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            grant(&format!("token-{number}"))
        });
        provider
    }

    fn context(&self) -> Context {
        let rule = |host: &str, port: u16| format!("{host}::127.0.0.1:{port}").parse().unwrap();
        let (tokens, relay) = (self.tokens.port(), self.relay.server.port());
        Context::new(Egress {
            connect_to: vec![rule(GOOGLE, tokens), rule(MICROSOFT, tokens), rule("", relay)],
            extra_roots: root_certificates(self.relay.ca.root_pem().as_bytes()).unwrap(),
            ..Egress::default()
        })
        .unwrap()
    }

    pub fn connector(&self, auth: Value) -> Box<dyn EmailConnector> {
        build(&with(json!({ "auth": auth })), &self.context())
    }

    /// The tokens that were shown to the mail server, in turn.
    fn shown(&self) -> Vec<String> {
        let sessions = self.relay.server.sessions();
        let all = sessions.iter().flat_map(|session| &session.credentials);
        all.map(|one| {
            assert_eq!((one.mechanism.as_str(), one.user.as_str()), ("XOAUTH2", "mailer@example.com"));
            one.secret.clone()
        })
        .collect()
    }
}

fn xoauth2() -> SmtpScript {
    SmtpScript::offering(&["AUTH PLAIN LOGIN XOAUTH2"])
}

pub fn grant(token: &str) -> Answer {
    Answer::status(200).json(json!({ "access_token": token, "expires_in": 3600, "token_type": "Bearer" }))
}

/// `fields` with the type and the user that each way needs.
fn oauth(fields: Value) -> Value {
    let mut auth = json!({ "type": "OAuth2", "user": "mailer@example.com" });
    auth.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    auth
}

pub fn refresh() -> Value {
    oauth(json!({ "clientId": "client-1", "clientSecret": "client-s3cret", "refreshToken": "refresh-t0ken" }))
}

fn milliseconds_from_now(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    i64::try_from(now).unwrap() + seconds * 1000
}

fn pairs(form: &[(&str, &str)]) -> Vec<(String, String)> {
    form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn each_grant_asks_as_its_provider_says() {
    let google = "https://oauth2.googleapis.com/token";
    let client = json!({ "clientId": "client-1", "clientSecret": "client-s3cret" });
    let client_with = |more: Value| {
        let mut fields = client.clone();
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        oauth(fields)
    };
    let identity = [("client_id", "client-1"), ("client_secret", "client-s3cret")];
    let refreshing = |more: &[(&str, &str)]| {
        let first = [&[("grant_type", "refresh_token")] as &[_], &identity, &[("refresh_token", "refresh-t0ken")]];
        pairs(&[first.concat(), more.to_vec()].concat())
    };
    let own =
        |scope: &[(&str, &str)]| pairs(&[&[("grant_type", "client_credentials")] as &[_], &identity, scope].concat());
    let offline = "https://outlook.office.com/SMTP.Send";
    for (auth, url, form) in [
        (refresh(), google, refreshing(&[])),
        (
            client_with(json!({ "refreshToken": "refresh-t0ken", "accessUrl": TENANT_URL, "scope": offline })),
            TENANT_URL,
            refreshing(&[("scope", offline)]),
        ),
        (
            client_with(json!({ "accessUrl": TENANT_URL })),
            TENANT_URL,
            own(&[("scope", "https://outlook.office365.com/.default")]),
        ),
        (
            client_with(json!({ "accessUrl": TENANT_URL, "scope": "api://mail/.default" })),
            TENANT_URL,
            own(&[("scope", "api://mail/.default")]),
        ),
        (client_with(json!({ "accessUrl": google })), google, own(&[])),
    ] {
        let provider = Provider::generous().await;
        provider.connector(auth).send(&message(), &SendContext::new()).await.unwrap();
        assert_eq!(provider.shown(), ["token-1"]);
        let request = provider.tokens.only_request();
        assert_eq!(format!("https://{}{}", request.host, request.path), url);
        assert_eq!((request.method.as_str(), request.form()), ("POST", form));
        assert_eq!(request.header("authorization"), None);
    }
}

#[tokio::test]
async fn a_service_account_signs_for_the_user() {
    let pkcs8 =
        STANDARD.decode(PRIVATE_KEY.lines().filter(|line| !line.starts_with("---")).collect::<String>()).unwrap();
    // PKCS #8 is PKCS #1 behind 26 bytes that name the algorithm.
    let pkcs1 =
        format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", STANDARD.encode(&pkcs8[26..]));
    for key in [PRIVATE_KEY.to_owned(), PRIVATE_KEY.replace('\n', "\\n"), pkcs1] {
        let provider = Provider::generous().await;
        let auth = oauth(json!({ "serviceClient": "1234567890", "privateKey": key }));
        provider.connector(auth).send(&message(), &SendContext::new()).await.unwrap();
        assert_eq!(provider.shown(), ["token-1"]);

        let request = provider.tokens.only_request();
        assert_eq!(request.host, GOOGLE);
        let form = request.form();
        assert_eq!(form[0], ("grant_type".to_owned(), "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()));
        assert_eq!((form.len(), form[1].0.as_str()), (2, "assertion"));
        let parts: Vec<&str> = form[1].1.split('.').collect();
        let [header, claims, signed] = parts[..] else { panic!("not a JWT: {parts:?}") };
        let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!(read(header), json!({ "alg": "RS256", "typ": "JWT" }));
        let claims = (read(claims), format!("{header}.{claims}"));
        assert_eq!(claims.0["iss"], "1234567890");
        assert_eq!(claims.0["sub"], "mailer@example.com");
        assert_eq!(claims.0["scope"], "https://mail.google.com/");
        assert_eq!(claims.0["aud"], "https://oauth2.googleapis.com/token");
        let issued = claims.0["iat"].as_i64().unwrap();
        assert!((milliseconds_from_now(0) / 1000 - issued).abs() < 60);
        assert_eq!(claims.0["exp"].as_i64().unwrap(), issued + 3600);

        let public =
            STANDARD.decode(PUBLIC_KEY.lines().filter(|line| !line.starts_with("---")).collect::<String>()).unwrap();
        let public = signature::UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, public);
        public.verify(claims.1.as_bytes(), &URL_SAFE_NO_PAD.decode(signed).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_given_token_serves_until_it_expires() {
    let provider = Provider::generous().await;
    provider.connector(oauth(json!({ "accessToken": "given" }))).send(&message(), &SendContext::new()).await.unwrap();
    let with_end = |end: i64| {
        let mut auth = refresh();
        auth["accessToken"] = json!("given");
        auth["expires"] = json!(milliseconds_from_now(end));
        auth
    };
    provider.connector(with_end(3600)).send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!((provider.shown(), provider.tokens.request_count()), (vec!["given".to_owned(); 2], 0));
    provider.connector(with_end(-3600)).send(&message(), &SendContext::new()).await.unwrap();
    provider.connector(with_end(30)).send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(provider.shown()[2..], ["token-1", "token-2"], "one within a minute of its end is not used");
}

#[tokio::test]
async fn a_refused_token_is_fetched_anew_once() {
    let provider = Provider::generous().await;
    provider.relay.server.set_script(xoauth2().answer("AUTH", &["535 5.7.8 Token revoked", "default"]));
    let connector = provider.connector(refresh());
    connector.send(&message(), &SendContext::new()).await.unwrap();
    connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(provider.shown(), ["token-1", "token-2"]);
    let sessions = provider.relay.server.sessions();
    // The challenge is answered by an empty line, and the refused session is said goodbye to.
    assert_eq!(sessions[0].commands()[2..], ["", "QUIT"]);
    assert_eq!(sessions[1].messages.len(), 2);

    let provider = Provider::generous().await;
    provider.relay.server.set_script(xoauth2().answer("AUTH", &["535 5.7.8 Not you"]));
    let error = provider.connector(refresh()).send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unauthorized, Delivery::NotSent));
    assert!(error.hint().unwrap().contains("access token"), "there is no password to check: {error:?}");
    assert_eq!((provider.shown().len(), provider.tokens.request_count()), (2, 2), "no third token");

    provider.tokens.clear();
    let error = provider
        .connector(oauth(json!({ "accessToken": "given" })))
        .send(&message(), &SendContext::new())
        .await
        .unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unauthorized, Delivery::NotSent));
    assert_eq!((provider.shown().len(), provider.tokens.request_count()), (3, 0), "there is no other token to try");
}

#[tokio::test]
async fn a_busy_mail_server_does_not_cost_a_token() {
    let provider = Provider::generous().await;
    provider.relay.server.set_script(xoauth2().answer("AUTH", &["454 4.7.0 Try again later", "default"]));
    let connector = provider.connector(refresh());
    let error = connector.send(&message(), &SendContext::new()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!((provider.shown().last().unwrap().as_str(), provider.tokens.request_count()), ("token-1", 1));
}

#[tokio::test]
async fn a_token_that_cannot_be_had_is_not_sent() {
    let refusal = |status: u16, code: &str| Answer::status(status).json(json!({ "error": code }));
    for (answer, kind) in [
        (refusal(400, "invalid_grant"), ErrorKind::Unauthorized),
        (refusal(401, "invalid_client"), ErrorKind::Unauthorized),
        (refusal(400, "unauthorized_client"), ErrorKind::Unauthorized),
        (Answer::status(429).header("retry-after", "7"), ErrorKind::RateLimited),
        (Answer::status(503), ErrorKind::Unavailable),
        (Answer::fault(Fault::HangUp), ErrorKind::Unavailable),
        (Answer::status(200).html("<p>sign in here</p>"), ErrorKind::InvalidResponse),
        (Answer::redirect(302, "https://example.net/"), ErrorKind::InvalidResponse),
    ] {
        let provider = Provider::start(xoauth2(), vec![answer.clone()]).await;
        let error = provider.connector(refresh()).send(&message(), &SendContext::new()).await.unwrap_err();
        assert_eq!(outcome(&error), (kind, Delivery::NotSent), "{answer:?}: {error}");
        assert_eq!(provider.relay.only_dialogue().await[1..], ["QUIT"], "{answer:?}");
        let wait = (answer.status == 429).then(|| Duration::from_secs(7));
        assert_eq!(error.retry_after(), wait);
    }
}

#[tokio::test]
async fn a_deadline_while_waiting_for_a_token_is_not_sent() {
    let provider = Provider::start(xoauth2(), vec![Answer::fault(Fault::Silent)]).await;
    let policy = SendPolicy { max_time: Duration::from_millis(300), ..SendPolicy::default() };
    let error = layered(provider.connector(refresh()), policy).send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent));
}

#[tokio::test]
async fn many_sends_wait_for_one_token() {
    let provider = Provider::start(xoauth2(), vec![grant("shared").held(), grant("another")]).await;
    let connector: Arc<dyn EmailConnector> = provider.connector(refresh()).into();
    let sends: Vec<_> = (0..16)
        .map(|_| {
            let connector = connector.clone();
            tokio::spawn(async move { connector.send(&message(), &SendContext::new()).await.unwrap() })
        })
        .collect();
    provider
        .relay
        .server
        .wait_for("16 sessions", |all| all.iter().filter(|one| one.lines.len() > 2).count() == 16)
        .await;
    provider.tokens.release(1);
    for send in sends {
        send.await.unwrap();
    }
    assert_eq!(provider.tokens.request_count(), 1);
    assert!(provider.shown().iter().all(|token| token == "shared"));
}

#[tokio::test]
async fn a_lifetime_beyond_all_measure_does_no_harm() {
    let answer = Answer::status(200).json(json!({ "access_token": "eternal", "expires_in": u64::MAX }));
    let provider = Provider::start(xoauth2(), vec![answer]).await;
    provider.connector(refresh()).send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(provider.shown(), ["eternal"]);
    let auth = oauth(json!({ "accessToken": "given", "expires": (1_u64 << 53) - 1 }));
    provider.connector(auth).send(&message(), &SendContext::new()).await.unwrap();
}

#[tokio::test]
async fn a_server_without_xoauth2_is_not_shown_the_token() {
    let provider = Provider::start(SmtpScript::offering(&["AUTH PLAIN LOGIN"]), vec![grant("t0ken")]).await;
    let error = provider.connector(refresh()).send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unauthorized, Delivery::NotSent));
    assert!(error.to_string().contains("XOAUTH2"), "{error}");
    assert_eq!(provider.relay.only_dialogue().await[1..], ["QUIT"]);
}
