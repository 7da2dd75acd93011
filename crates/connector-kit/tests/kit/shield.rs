//! What becomes of a send whose caller stops waiting.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use connector_kit::{
    EmailConnector, Error, ErrorKind, Message, Payload, Receipt, SendContext, SendPolicy, UsageType, async_trait,
    layered,
};
use connector_testkit::LogCapture;
use tokio::{sync::Notify, time::sleep};

/// Answers when it is told to, and counts who came and who was answered.
#[derive(Default)]
struct Gate {
    came: AtomicU32,
    answered: AtomicU32,
    changed: Notify,
    opens: Notify,
    refuses: bool,
}

impl Gate {
    async fn until(&self, counter: &AtomicU32, count: u32) {
        while counter.load(Ordering::Relaxed) < count {
            self.changed.notified().await;
        }
    }
}

#[async_trait]
impl EmailConnector for Gate {
    async fn send(&self, _: &Message, _: &SendContext) -> Result<Receipt, Error> {
        self.came.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_waiters();
        self.changed.notify_one();
        self.opens.notified().await;
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_one();
        match self.refuses {
            true => Err(Error::new(ErrorKind::Rejected, "no such sender").not_sent()),
            false => Ok(Receipt::new(None)),
        }
    }
}

fn message() -> Message {
    Message::new("user@example.com", UsageType::SignIn, Payload::from_iter([("code".to_owned(), "314159".into())]))
}

/// Sends, and stops waiting when `until` says so.
async fn send_until(connector: &impl EmailConnector, until: impl Future<Output = ()>) {
    let (message, context) = (message(), SendContext::new());
    tokio::select! {
        outcome = connector.send(&message, &context) => panic!("{outcome:?}"),
        () = until => {}
    }
}

/// Lets the tasks that can go on do so.
async fn others_go_on() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_send_that_has_begun_is_seen_through_and_its_outcome_logged() {
    for (refuses, logged) in [(false, "sent, after the caller"), (true, "no such sender")] {
        let log = LogCapture::start();
        let gate = Arc::new(Gate { refuses, ..Gate::default() });
        let connector = layered(Arc::clone(&gate), SendPolicy::default());
        send_until(&connector, gate.until(&gate.came, 1)).await;
        gate.opens.notify_one();
        gate.until(&gate.answered, 1).await;
        others_go_on().await;
        assert!(log.text().contains(logged), "{}", log.text());
        assert!(!log.text().contains("user@example.com") && !log.text().contains("314159"), "{}", log.text());
    }
}

#[tokio::test]
async fn one_that_waits_for_its_first_turn_is_cancelled() {
    let gate = Arc::new(Gate::default());
    let connector = layered(Arc::clone(&gate), SendPolicy { max_at_once: 1, ..SendPolicy::default() });
    send_until(&connector, gate.until(&gate.came, 1)).await;
    send_until(&connector, others_go_on()).await;
    gate.opens.notify_one();
    gate.until(&gate.answered, 1).await;
    others_go_on().await;
    assert_eq!(gate.came.load(Ordering::Relaxed), 1, "the second never came");
    // Its turn is not lost.
    gate.opens.notify_one();
    connector.send(&message(), &SendContext::new()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_carried_on_beyond_its_deadline() {
    let log = LogCapture::start();
    let gate = Arc::new(Gate::default());
    let connector = layered(Arc::clone(&gate), SendPolicy::default());
    send_until(&connector, gate.until(&gate.came, 1)).await;
    sleep(Duration::from_secs(16)).await;
    assert!(log.text().contains("within 15 s") && log.text().contains("unknown"), "{}", log.text());
    gate.opens.notify_one();
    others_go_on().await;
    assert_eq!(gate.answered.load(Ordering::Relaxed), 0);
}

#[test]
fn what_a_runtime_cuts_off_at_its_end_is_logged_with_what_is_known() {
    let log = LogCapture::start();
    let gate = Arc::new(Gate::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let connector = Arc::new(layered(Arc::clone(&gate), SendPolicy::default()));
    runtime.block_on(async {
        // One is with its caller still, the other is carried on already.
        let with_its_caller = Arc::clone(&connector);
        drop(tokio::spawn(async move { with_its_caller.send(&message(), &SendContext::new()).await }));
        gate.until(&gate.came, 1).await;
        send_until(&connector, gate.until(&gate.came, 2)).await;
    });
    drop(runtime);
    let cut_off = log.text().lines().filter(|line| line.contains("cut off") && line.contains("unknown")).count();
    assert_eq!(cut_off, 2, "{}", log.text());
}
