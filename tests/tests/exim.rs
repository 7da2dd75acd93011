//! A stock Exim delivers ten messages of a connection at once, and the others with its next queue run.

use crate::every_usage;
use connector_kit::{Context, Egress, EmailConnector, Message, SendContext, SendPolicy, UsageType, layered};
use e2e::{Exim, PATIENCE, until};
use serde_json::{Value, json};
use std::sync::Arc;

const HELD: &str = "no immediate delivery";

fn connector(exim: &Exim, max_messages: Option<u64>) -> Arc<dyn EmailConnector> {
    let template =
        |usage: &str| json!({ "usageType": usage, "contentType": "text/plain", "subject": "{{code}}", "content": "c" });
    let mut config: Value = json!({
        "host": "127.0.0.1", "port": exim.port(), "auth": {}, "fromEmail": "relay@example.test",
        "templates": every_usage(template),
    });
    if let Some(max_messages) = max_messages {
        config["maxMessages"] = max_messages.into();
    }
    let context = Context::new(Egress::default()).unwrap();
    let connector = connector_smtp::CONNECTOR.build(&config, &context).unwrap();
    Arc::new(layered(connector, SendPolicy { max_time: PATIENCE, ..SendPolicy::default() }))
}

fn message(code: usize) -> Message {
    let payload = [("code".to_owned(), Value::from(code))].into_iter().collect();
    Message::new(Exim::INBOX, UsageType::SignIn, payload)
}

/// Waits until all of `count` messages are delivered, which none is that Exim holds.
fn assert_all_delivered(exim: &Exim, count: usize) {
    until(PATIENCE, &format!("{count} messages delivered"), || {
        assert!(!exim.log().contains(HELD), "{}", exim.log());
        Ok((exim.accepted_and_delivered() == (count, count) && exim.spooled()? == 0).then_some(()))
    })
    .unwrap_or_else(|error| panic!("{error:#}\n{}", exim.log()));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_is_held_by_a_stock_exim() {
    let exim = Exim::start().unwrap();
    let connector = connector(&exim, None);
    for code in 0..25 {
        connector.send(&message(code), &SendContext::new()).await.unwrap();
    }
    assert_all_delivered(&exim, 25);
    let sends = (25..50).map(|code| {
        let connector = connector.clone();
        tokio::spawn(async move { connector.send(&message(code), &SendContext::new()).await })
    });
    for send in sends.collect::<Vec<_>>() {
        send.await.unwrap().unwrap();
    }
    assert_all_delivered(&exim, 50);
}

/// What the limit is for: so the test above would notice if it were gone, or if Exim had another one by now.
#[tokio::test(flavor = "multi_thread")]
async fn a_longer_session_has_its_messages_held() {
    let exim = Exim::start().unwrap();
    let connector = connector(&exim, Some(1000));
    for code in 0..12 {
        connector.send(&message(code), &SendContext::new()).await.unwrap();
    }
    until(PATIENCE, "two messages held", || Ok((exim.log().matches(HELD).count() == 2).then_some(()))).unwrap();
    until(PATIENCE, "ten messages delivered", || Ok((exim.accepted_and_delivered() == (12, 10)).then_some(())))
        .unwrap();
    assert_eq!(exim.spooled().unwrap(), 2);
}
