//! SMTP replies: whatever a server says, and when, a send ends, and its error quotes nothing that the server was told.

use std::cell::RefCell;

use connector_kit::{EmailConnector, SendContext, SendPolicy, layered};
use connector_registry::Catalog;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::offline;

/// Reads `data` as what the server says: parts that NUL bytes separate, each sent when the client has said something.
pub fn run(data: &[u8]) {
    offline::runtime().block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback takes listeners");
        let port = listener.local_addr().expect("a listener has an address").port();
        let told = RefCell::new(Vec::new());
        let talk = async {
            // The first session, and one more where the connector opens another.
            for _ in 0..2 {
                let Ok((mut stream, _)) = listener.accept().await else { return };
                let mut heard = [0; 4096];
                for part in data.split(|byte| *byte == 0) {
                    if stream.write_all(part).await.is_err() {
                        break;
                    }
                    let Ok(length @ 1..) = stream.read(&mut heard).await else { break };
                    told.borrow_mut().extend_from_slice(&heard[..length]);
                }
            }
        };
        let config = json!({
            "host": "127.0.0.1",
            "port": port,
            "auth": { "user": "mailer", "pass": offline::SECRET },
            "fromEmail": "no-reply@example.com",
            "templates": [
                { "usageType": "Generic", "contentType": "text/plain", "subject": "{{code}}", "content": "{{code}}" },
                { "usageType": "SignIn", "contentType": "text/plain", "subject": "{{code}}", "content": "{{code}}" },
                { "usageType": "Register", "contentType": "text/plain", "subject": "{{code}}", "content": "{{code}}" },
                { "usageType": "ForgotPassword", "contentType": "text/plain", "subject": "x", "content": "{{code}}" }
            ]
        });
        let catalog = Catalog::builtin();
        let factory = catalog.iter().find(|factory| factory.target() == "smtp").expect("SMTP is built in");
        let connector = factory.build(&config, &offline::dialing()).expect("the configuration is valid");
        let policy = SendPolicy { max_attempts: 1, ..SendPolicy::default() };
        let connector = layered(connector, policy);
        let message = offline::message();
        let context = SendContext::new();
        let send = connector.send(&message, &context);
        let (Ok(_) | Err(_), said) = tokio::select! {
            outcome = send => (Ok::<_, ()>(()), outcome.err()),
            never = async { talk.await; std::future::pending().await } => never,
        };
        if let Some(error) = said {
            let said = format!("{error} {} {error:?}", error.hint().unwrap_or_default());
            let told = String::from_utf8_lossy(&told.borrow()).into_owned();
            for hidden in [offline::CODE, offline::RECIPIENT].into_iter().filter(|hidden| told.contains(hidden)) {
                assert!(!said.contains(hidden), "an error quotes {hidden}");
            }
            let has_signed_in = told.contains("AUTH ");
            assert!(!has_signed_in || !said.contains(offline::SECRET), "an error quotes the password");
        }
    });
}
