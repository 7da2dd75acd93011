//! What must not become of an answer, whatever it says. What becomes of each stands in `answers.json`.

use crate::provider::{ACCESS_TOKEN, APP_SECRET, Logto, message, refused};
use connector_kit::SendContext;

#[tokio::test]
async fn neither_the_secret_nor_the_token_shows() {
    let logto = Logto::usual().await;
    for secret in [APP_SECRET, ACCESS_TOKEN] {
        logto.answers(vec![refused(403, secret, &format!("{secret} may not"))]);
        let error = logto.connector.send(&message(), &SendContext::new()).await.unwrap_err();
        assert!(
            error.to_string().contains("[redacted] may not") && !format!("{error:?}").contains(secret),
            "{error:?}"
        );
        let error = logto.connector.usage(std::time::UNIX_EPOCH).await.unwrap_err();
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}
