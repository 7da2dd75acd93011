//! Access tokens: one fetch for many, kept, refreshed in time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use connector_kit::{
    Context, Delivery, Egress, Error, ErrorKind, Secret, SendContext,
    http::Url,
    oauth::{AccessToken, TokenCache, request_token},
};
use connector_testkit::{Answer, HttpRecorder, RecorderOptions};
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn many_waiters_share_one_fetch_and_a_token_is_renewed_before_its_end() {
    let (cache, fetches) = (Arc::new(TokenCache::default()), Arc::new(AtomicU32::new(0)));
    let get = || {
        let (cache, fetches) = (cache.clone(), fetches.clone());
        tokio::spawn(async move {
            let fetch = async |_| {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let number = fetches.fetch_add(1, Ordering::Relaxed);
                Ok(AccessToken::living(Secret::new(format!("token-{number}")), Duration::from_secs(100)))
            };
            cache.get(&SendContext::new(), fetch).await.unwrap().expose().to_owned()
        })
    };
    let waiting: Vec<_> = (0..100).map(|_| get()).collect();
    for waiter in waiting {
        assert_eq!(waiter.await.unwrap(), "token-0");
    }
    tokio::time::advance(Duration::from_secs(39)).await;
    assert_eq!(get().await.unwrap(), "token-0");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(get().await.unwrap(), "token-1", "a token within 60 s of its end is not used");
    cache.forget(&Secret::new("token-0")).await;
    assert_eq!(get().await.unwrap(), "token-1", "only the refused token is dropped");
    cache.forget(&Secret::new("token-1")).await;
    assert_eq!(get().await.unwrap(), "token-2");
}

async fn ask(answer: Answer) -> (Result<AccessToken, Error>, HttpRecorder) {
    ask_as("app", "app-s3cret", answer).await
}

async fn ask_as(id: &str, secret: &str, answer: Answer) -> (Result<AccessToken, Error>, HttpRecorder) {
    let recorder = HttpRecorder::start(RecorderOptions { tls: None, answers: vec![answer] }).await;
    let context = Context::new(Egress::default()).unwrap();
    let url = Url::parse(&format!("http://127.0.0.1:{}/token", recorder.port())).unwrap();
    let secret = Secret::new(secret);
    let form = [("grant_type", "client_credentials"), ("scope", "a b")];
    (request_token(context.http().as_ref(), &url, &form, Some((id, &secret)), &SendContext::new()).await, recorder)
}

#[tokio::test]
async fn asks_as_rfc_6749_says() {
    let (token, recorder) = ask(Answer::status(200).json(json!({ "access_token": "t", "expires_in": "3600" }))).await;
    assert_eq!(token.unwrap().secret.expose(), "t");
    let request = recorder.only_request();
    assert_eq!(request.header("authorization"), Some("Basic YXBwOmFwcC1zM2NyZXQ="));
    assert_eq!(request.text(), "grant_type=client_credentials&scope=a+b");
}

/// "… encoded using the "application/x-www-form-urlencoded" encoding algorithm" (RFC 6749, 2.3.1): servers undo it.
#[tokio::test]
async fn what_http_basic_keeps_apart_may_stand_in_id_and_secret() {
    let (_, recorder) = ask_as("m2m:app", "100%+s3cret of ü", Answer::status(200)).await;
    let request = recorder.only_request();
    let credentials = request.header("authorization").unwrap().strip_prefix("Basic ").unwrap();
    let credentials = STANDARD.decode(credentials).unwrap();
    assert_eq!(String::from_utf8(credentials).unwrap(), "m2m%3Aapp:100%25%2Bs3cret+of+%C3%BC");
}

/// Whoever answers can write any number there.
#[tokio::test]
async fn a_lifetime_beyond_all_time_is_no_trouble() {
    let body = json!({ "access_token": "t", "expires_in": u64::MAX });
    let (token, _) = ask(Answer::status(200).json(body)).await;
    assert_eq!(token.unwrap().secret.expose(), "t");
}

#[tokio::test]
async fn a_refusal_names_the_code_and_no_more() {
    let body = json!({ "error": "invalid_client", "error_description": "client app-s3cret unknown" });
    let (token, _) = ask(Answer::status(401).json(body)).await;
    let error = token.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unauthorized, Delivery::NotSent));
    assert!(error.to_string().contains("invalid_client") && !format!("{error:?}").contains("s3cret"), "{error:?}");
    // A resource that the server does not know (RFC 8707).
    let (token, _) = ask(Answer::status(400).json(json!({ "error": "invalid_target" }))).await;
    let error = token.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert_eq!(error.provider().unwrap().code.as_deref(), Some("invalid_target"));
    let (token, _) = ask(Answer::status(503)).await;
    assert!(token.unwrap_err().is_retryable());
    let (token, _) = ask(Answer::status(200).html("<p>hello</p>")).await;
    let error = token.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidResponse);
    assert!(error.hint().unwrap().contains("token endpoint"), "{error:?}");
}
