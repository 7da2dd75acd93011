//! OAuth 2.0: the tokens that we ask for and use, against the npm package oidc-provider.

use super::{Provider, Sending, assert_sent, message, with};
use crate::every_usage;
use connector_testkit::Answer;
use e2e::{Desk, HOST, Mail, NodeSmtpServer, OidcProvider, Postfix, Ran, SmtpPeer, USER};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Writes the root certificates of both files into one.
fn both(desk: &Desk, one: &Path, other: &Path) -> PathBuf {
    let pem = [one, other].map(|file| std::fs::read_to_string(file).unwrap()).concat();
    desk.write("both.pem", &pem).unwrap();
    desk.path().join("both.pem")
}

/// Sends through the hosted email service with a token for `resource`; gives the outcome and the token that came along.
fn send_by_logto(oidc: &OidcProvider, resource: &str) -> (Ran, Option<String>) {
    let service = Provider::start("cloud.example.test", Answer::status(201).json(json!({})));
    let config = json!({
        "endpoint": "https://cloud.example.test", "tokenEndpoint": oidc.token_endpoint(), "resource": resource,
        "appId": OidcProvider::APP, "appSecret": OidcProvider::APP_SECRET,
    });
    let ran = Sending::new("logto-email", &config, &message("user@example.test", &json!({ "code": "902417" })))
        .connect_to("cloud.example.test", service.recorder.port())
        .trusting(&both(&service.desk, &service.ca_file(), oidc.ca_file()))
        .run(&service.desk);
    let requests = service.recorder.requests();
    let authorization = requests.first().and_then(|request| request.header("authorization"));
    (ran, authorization.and_then(|text| text.strip_prefix("Bearer ")).map(str::to_owned))
}

#[test]
fn the_hosted_service_gets_a_token_that_its_provider_calls_good() {
    let oidc = OidcProvider::start().unwrap();
    let (ran, token) = send_by_logto(&oidc, OidcProvider::OPAQUE_RESOURCE);
    assert_sent(&ran);
    let claims = oidc.introspect(&token.unwrap()).unwrap();
    assert_eq!(claims["active"], true, "{claims}");
    let said = |claims: &Value| ["client_id", "aud", "scope"].map(|name| claims[name].clone());
    assert_eq!(said(&claims), [OidcProvider::APP, OidcProvider::OPAQUE_RESOURCE, OidcProvider::SEND_SCOPE]);

    // As Logto's own provider makes them: signed, and asked about nowhere.
    let (ran, token) = send_by_logto(&oidc, OidcProvider::JWT_RESOURCE);
    assert_sent(&ran);
    let claims = oidc.verify(&token.unwrap(), OidcProvider::JWT_RESOURCE).unwrap();
    assert_eq!(said(&claims), [OidcProvider::APP, OidcProvider::JWT_RESOURCE, OidcProvider::SEND_SCOPE]);

    let (ran, token) = send_by_logto(&oidc, "https://unknown.example.test");
    let said = ran.json().unwrap();
    assert_eq!((ran.code, token), (77, None), "{ran:?}");
    assert_eq!(said["error"]["provider"], json!({ "status": 400, "code": "invalid_target", "requestId": null }));
}

/// Signs in by XOAUTH2 with this `auth`, at a server that asks the provider what the token is good for.
fn send_by_smtp(oidc: &OidcProvider, auth: Value) -> (Ran, Vec<Mail>) {
    let server = NodeSmtpServer::builder().mechanisms(&["XOAUTH2"]).introspection(oidc).start().unwrap();
    let template =
        |usage: &str| json!({ "usageType": usage, "contentType": "text/plain", "subject": "{{code}}", "content": "c" });
    let given = json!({ "type": "OAuth2", "user": USER, "accessUrl": oidc.token_endpoint(), "scope": OidcProvider::SMTP_SCOPE });
    let config = json!({
        "host": HOST, "port": server.port(), "requireTLS": true, "fromEmail": USER,
        "auth": with(given, auth),
        "templates": every_usage(template),
    });
    let desk = Desk::new().unwrap();
    let ran = Sending::new("smtp", &config, &message(Postfix::INBOX, &json!({ "code": "902417" })))
        .trusting(&both(&desk, server.ca_file(), oidc.ca_file()))
        .run(&desk);
    (ran, server.mails().unwrap())
}

/// How the mail client signs in, with what is different.
fn client(changes: Value) -> Value {
    with(json!({ "clientId": OidcProvider::MAILER, "clientSecret": OidcProvider::MAILER_SECRET }), changes)
}

#[test]
fn a_mail_server_that_asks_the_provider_lets_us_in_by_every_grant() {
    let oidc = OidcProvider::start().unwrap();
    let service = json!({
        "serviceClient": OidcProvider::MAILER, "privateKey": oidc.service_key(), "accessUrl": oidc.service_token_endpoint(),
    });
    let grants = [client(json!({})), client(json!({ "refreshToken": oidc.refresh_token() })), service];
    for auth in grants {
        let (ran, mails) = send_by_smtp(&oidc, auth);
        assert_sent(&ran);
        assert_eq!(mails.len(), 1, "{}", oidc.log());
        assert_eq!((mails[0].mechanism.as_deref(), mails[0].user.as_deref()), (Some("XOAUTH2"), Some(USER)));
    }
}

#[test]
fn what_the_provider_does_not_grant_sends_nothing() {
    let oidc = OidcProvider::start().unwrap();
    let another_key = OidcProvider::start().unwrap();
    let refused = [
        (client(json!({ "clientSecret": "not the secret" })), "invalid_client"),
        (client(json!({ "refreshToken": "revoked" })), "invalid_grant"),
        (client(json!({ "refreshToken": oidc.refresh_token(), "scope": "calendar.read" })), "invalid_scope"),
        (
            json!({
                "serviceClient": OidcProvider::MAILER, "privateKey": another_key.service_key(),
                "accessUrl": oidc.service_token_endpoint(),
            }),
            "invalid_grant",
        ),
    ];
    for (auth, code) in refused {
        let (ran, mails) = send_by_smtp(&oidc, auth);
        let error = &ran.json().unwrap()["error"];
        assert_eq!((ran.code, error["delivery"].as_str()), (77, Some("not_sent")), "{ran:?}");
        assert_eq!(error["provider"]["code"], code, "{ran:?}");
        assert!(mails.is_empty());
    }
    // Granted, but not for mail; granted by nobody: the mail server's to refuse.
    for auth in [client(json!({ "scope": "calendar.read" })), json!({ "accessToken": "nobody's" })] {
        let (ran, mails) = send_by_smtp(&oidc, auth);
        assert_eq!((ran.code, mails.len()), (77, 0), "{ran:?}");
        assert_eq!(ran.json().unwrap()["error"]["provider"]["status"], 535);
    }
}
