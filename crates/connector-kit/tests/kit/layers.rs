//! Retry, deadline and turns, on a clock that the tests move.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use connector_kit::{
    Delivery, EmailConnector, Error, ErrorKind, Message, Payload, ProviderAnswer, Receipt, SendContext, SendPolicy,
    UsageType, async_trait, layered,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// Answers from a script, the last answer again and again.
struct Scripted {
    answers: Mutex<Vec<Result<(), Error>>>,
    sends: AtomicU32,
    ended: Arc<AtomicU32>,
    takes: Duration,
    vouches: bool,
}

impl Scripted {
    fn new(answers: Vec<Result<(), Error>>) -> Self {
        Self {
            answers: Mutex::new(answers),
            sends: AtomicU32::new(0),
            ended: Arc::default(),
            takes: Duration::ZERO,
            vouches: false,
        }
    }
}

#[async_trait]
impl EmailConnector for Scripted {
    async fn send(&self, _: &Message, context: &SendContext) -> Result<Receipt, Error> {
        self.sends.fetch_add(1, Ordering::Relaxed);
        if self.vouches {
            context.mark_not_sent();
        }
        sleep(self.takes).await;
        self.ended.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        answer.map(|()| Receipt::new(None))
    }
}

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "down").not_sent()
}

async fn send(connector: Scripted) -> (Result<Receipt, Error>, u32, Duration) {
    let connector = layered(std::sync::Arc::new(connector), SendPolicy::default());
    let message = Message::new("user@example.com", UsageType::SignIn, Payload::new());
    let started = Instant::now();
    let outcome = connector.send(&message, &SendContext::new()).await;
    let attempts = outcome.as_ref().map_or_else(|error| error.attempts(), |receipt| receipt.attempts);
    (outcome, attempts, started.elapsed())
}

/// Fails at every first attempt, and returns the ids of both.
#[derive(Default)]
struct Numbered {
    ids: Mutex<Vec<String>>,
}

#[async_trait]
impl EmailConnector for Numbered {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        self.ids.lock().unwrap().push(context.idempotency_id(message).to_owned());
        if context.attempts() == 1 {
            return Err(unavailable());
        }
        Ok(Receipt::new(Some(self.ids.lock().unwrap().drain(..).collect::<Vec<_>>().join(" "))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_has_one_id_for_all_its_attempts() {
    let connector = layered(Numbered::default(), SendPolicy::default());
    let mut message = Message::new("user@example.com", UsageType::SignIn, Payload::new());
    let mut seen = Vec::new();
    for _ in 0..2 {
        let receipt = connector.send(&message, &SendContext::new()).await.unwrap();
        let ids = receipt.message_id.unwrap();
        let (first, second) = ids.split_once(' ').unwrap();
        assert_eq!((first, receipt.attempts), (second, 2));
        seen.push(ids);
    }
    assert_ne!(seen[0], seen[1]);
    message.idempotency_key = Some("order-1".to_owned());
    let receipt = connector.send(&message, &SendContext::new()).await.unwrap();
    assert_eq!(receipt.message_id.as_deref(), Some("order-1 order-1"));
}

/// Refuses like this, once a first attempt was put off.
fn refuses(status: u16, says: &str) -> Scripted {
    let answer = ProviderAnswer { status: Some(status), ..ProviderAnswer::default() };
    let refused = Error::new(ErrorKind::Rejected, says).not_sent().with_provider(answer);
    Scripted::new(vec![Err(unavailable()), Err(refused)])
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_says_that_an_earlier_attempt_arrived() {
    for (status, says, delivery) in [
        (409, "Conflict", Delivery::Unknown),
        (409, "duplicate webhook-id", Delivery::Unknown),
        (422, "this message was already queued", Delivery::Unknown),
        (400, "Idempotency key used before", Delivery::Unknown),
        (400, "no such recipient", Delivery::NotSent),
        (403, "already blocked", Delivery::NotSent),
    ] {
        let (outcome, attempts, _) = send(refuses(status, says)).await;
        let error = outcome.unwrap_err();
        assert_eq!((error.delivery(), attempts), (delivery, 2), "{status} {says}");
        assert_eq!(error.hint().is_some_and(|hint| hint.contains("earlier attempt")), delivery == Delivery::Unknown);
    }
    // The first attempt of a message without a key of its own repeats nothing.
    let refused = || {
        let answer = ProviderAnswer { status: Some(409), ..ProviderAnswer::default() };
        Scripted::new(vec![Err(Error::new(ErrorKind::Rejected, "Conflict").not_sent().with_provider(answer))])
    };
    assert_eq!(send(refused()).await.0.unwrap_err().delivery(), Delivery::NotSent);
    let mut message = Message::new("user@example.com", UsageType::SignIn, Payload::new());
    message.idempotency_key = Some("order-1".to_owned());
    let error = layered(refused(), SendPolicy::default()).send(&message, &SendContext::new()).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::Unknown);
}

#[tokio::test(start_paused = true)]
async fn tries_again_what_was_not_sent() {
    let (outcome, attempts, took) = send(Scripted::new(vec![Err(unavailable()), Err(unavailable()), Ok(())])).await;
    assert_eq!(outcome.unwrap().attempts, 3);
    assert_eq!(attempts, 3);
    assert!(took >= Duration::from_millis(400) && took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn gives_up_after_three_attempts() {
    let (outcome, attempts, _) = send(Scripted::new(vec![Err(unavailable())])).await;
    assert!(outcome.unwrap_err().is_retryable());
    assert_eq!(attempts, 3);
}

#[tokio::test(start_paused = true)]
async fn never_repeats_an_unknown_outcome_or_a_final_refusal() {
    for error in [
        unavailable().delivery_is(Delivery::Unknown),
        Error::new(ErrorKind::Unavailable, "nobody vouches for it"),
        Error::new(ErrorKind::RateLimited, "nobody vouches for it"),
        Error::new(ErrorKind::Rejected, "no").not_sent(),
        Error::new(ErrorKind::QuotaExceeded, "no").not_sent(),
        Error::new(ErrorKind::Unauthorized, "no").not_sent(),
    ] {
        let (outcome, attempts, _) = send(Scripted::new(vec![Err(error), Ok(())])).await;
        assert_eq!(attempts, 1, "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn honours_retry_after_where_it_fits() {
    let busy = |seconds| {
        Err(Error::new(ErrorKind::RateLimited, "busy").not_sent().with_retry_after(Some(Duration::from_secs(seconds))))
    };
    let (outcome, _, took) = send(Scripted::new(vec![busy(7), Ok(())])).await;
    assert_eq!(outcome.unwrap().attempts, 2);
    assert!(took >= Duration::from_secs(7) && took < Duration::from_secs(8), "{took:?}");
    let (outcome, attempts, took) = send(Scripted::new(vec![busy(60), Ok(())])).await;
    assert_eq!(outcome.unwrap_err().retry_after(), Some(Duration::from_secs(60)));
    assert_eq!((attempts, took), (1, Duration::ZERO));
}

/// Whoever answers can write any number there.
#[tokio::test(start_paused = true)]
async fn a_wait_beyond_all_time_does_not_fit() {
    let busy =
        Error::new(ErrorKind::RateLimited, "busy").not_sent().with_retry_after(Some(Duration::from_secs(u64::MAX)));
    let (outcome, attempts, took) = send(Scripted::new(vec![Err(busy), Ok(())])).await;
    assert_eq!(outcome.unwrap_err().retry_after(), Some(Duration::from_secs(u64::MAX)));
    assert_eq!((attempts, took), (1, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_tells_not_sent_from_unknown() {
    let silent = |vouches| Scripted { takes: Duration::from_secs(3600), vouches, ..Scripted::new(vec![Ok(())]) };
    for (vouches, delivery) in [(true, Delivery::NotSent), (false, Delivery::Unknown)] {
        let (outcome, attempts, took) = send(silent(vouches)).await;
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, delivery));
        assert_eq!((attempts, took), (1, Duration::from_secs(15)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_all_attempts_together() {
    // That the first attempt was not sent says nothing of the second.
    let slow = Scripted { takes: Duration::from_secs(9), ..Scripted::new(vec![Err(unavailable())]) };
    let (outcome, attempts, took) = send(slow).await;
    assert_eq!(outcome.unwrap_err().delivery(), Delivery::Unknown);
    assert_eq!((attempts, took), (2, Duration::from_secs(15)));
}

#[tokio::test(start_paused = true)]
async fn what_happens_aside_does_not_count_as_written() {
    struct Aside;
    #[async_trait]
    impl EmailConnector for Aside {
        async fn send(&self, _: &Message, context: &SendContext) -> Result<Receipt, Error> {
            let aside = context.aside();
            let asks = async {
                aside.mark_written().unwrap();
                aside.waits_for("tokens.example.com");
                sleep(Duration::from_secs(3600)).await;
            };
            context.before_sending(asks).await;
            Ok(Receipt::new(None))
        }
    }
    let message = Message::new("user@example.com", UsageType::SignIn, Payload::new());
    let error = layered(Aside, SendPolicy::default()).send(&message, &SendContext::new()).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(error.to_string().contains("tokens.example.com"), "{error}");
}

/// A task of somebody's own goes on when the deadline has struck. What was told as not sent stays so.
#[tokio::test(start_paused = true)]
async fn nothing_is_written_once_a_deadline_has_said_not_sent() {
    struct Spawning(mpsc::Sender<Result<(), Error>>);
    #[async_trait]
    impl EmailConnector for Spawning {
        async fn send(&self, _: &Message, context: &SendContext) -> Result<Receipt, Error> {
            context.mark_not_sent();
            let (context, tried) = (context.clone(), self.0.clone());
            let writes = async move {
                sleep(Duration::from_secs(16)).await;
                tried.send(context.mark_written()).unwrap();
            };
            tokio::spawn(writes).await.unwrap();
            Ok(Receipt::new(None))
        }
    }
    let (tried, outcome) = mpsc::channel();
    let message = Message::new("user@example.com", UsageType::SignIn, Payload::new());
    let connector = layered(Spawning(tried), SendPolicy::default());
    let error = connector.send(&message, &SendContext::new()).await.unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent);
    sleep(Duration::from_secs(60)).await;
    assert!(outcome.recv().unwrap().is_err());
}

/// Whoever cancels a send that is not sent can rely on it, and its place is free at once.
#[tokio::test(start_paused = true)]
async fn a_cancelled_send_is_not_carried_on() {
    let message = Message::new("user@example.com", UsageType::SignIn, Payload::new());
    for vouches in [true, false] {
        let connecting = Scripted { takes: Duration::from_secs(9), vouches, ..Scripted::new(vec![Ok(())]) };
        let ended = connecting.ended.clone();
        let connector = layered(connecting, SendPolicy::default());
        let context = SendContext::new();
        let cancelled = async {
            sleep(Duration::from_secs(1)).await;
            context.cancel()
        };
        let delivery = tokio::select! {
            _ = connector.send(&message, &context) => panic!("it takes 9 s"),
            delivery = cancelled => delivery,
        };
        assert_eq!(delivery == Delivery::NotSent, vouches);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(ended.load(Ordering::Relaxed), u32::from(!vouches), "only what may be on its way is carried on");
    }
}

/// A caller's own deadline, where it ends before the policy's.
#[tokio::test(start_paused = true)]
async fn the_earlier_of_two_deadlines_counts() {
    let message = Message::new("user@example.com", UsageType::SignIn, Payload::new());
    for (callers, ends) in [(2, 2), (60, 15)] {
        let silent = Scripted { takes: Duration::from_secs(3600), ..Scripted::new(vec![Ok(())]) };
        let started = Instant::now();
        let context = SendContext::new().with_deadline(started + Duration::from_secs(callers));
        let error = layered(silent, SendPolicy::default()).send(&message, &context).await.unwrap_err();
        assert_eq!(started.elapsed(), Duration::from_secs(ends));
        assert!(error.to_string().contains(&format!("within {ends} s")), "{error}");
    }
}

/// Runs the connector that it wraps in a task of its own.
struct Spawning<C>(Arc<C>);

#[async_trait]
impl<C: EmailConnector + 'static> EmailConnector for Spawning<C> {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let (inner, message, context) = (Arc::clone(&self.0), message.clone(), context.clone());
        tokio::spawn(async move { inner.send(&message, &context).await }).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn spawning_changes_no_outcome() {
    let message = Message::new("user@example.com", UsageType::SignIn, Payload::new());
    for (vouches, delivery) in [(true, Delivery::NotSent), (false, Delivery::Unknown)] {
        let silent = Scripted { takes: Duration::from_secs(3600), vouches, ..Scripted::new(vec![Ok(())]) };
        let connector = layered(Spawning(Arc::new(silent)), SendPolicy::default());
        let error = connector.send(&message, &SendContext::new()).await.unwrap_err();
        assert_eq!((error.delivery(), error.attempts()), (delivery, 1), "{error}");
    }
    let fails_once = Scripted::new(vec![Err(unavailable()), Ok(())]);
    let connector = Spawning(Arc::new(layered(Spawning(Arc::new(fails_once)), SendPolicy::default())));
    assert_eq!(connector.send(&message, &SendContext::new()).await.unwrap().attempts, 2);
}

/// Sends so many messages at the same time; gives what becomes of them, in how many attempts, and how long it took.
async fn send_many(connector: Scripted, count: usize) -> (Vec<Result<Receipt, Error>>, usize, Duration) {
    let connector = Arc::new(connector);
    let layered = Arc::new(layered(Arc::clone(&connector), SendPolicy::default()));
    let started = Instant::now();
    let mut sends = JoinSet::new();
    for _ in 0..count {
        let layered = Arc::clone(&layered);
        let message = Message::new("user@example.com", UsageType::SignIn, Payload::new());
        sends.spawn(async move { layered.send(&message, &SendContext::new()).await });
    }
    let outcomes = sends.join_all().await;
    (outcomes, connector.sends.load(Ordering::Relaxed) as usize, started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_hundred_are_under_way_at_once_and_others_wait_their_turn() {
    let slow = Scripted { takes: Duration::from_secs(1), ..Scripted::new(vec![Ok(())]) };
    let (outcomes, attempts, took) = send_many(slow, 250).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!((attempts, took.as_secs()), (250, 3));
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_vain_is_not_sent() {
    let silent = Scripted { takes: Duration::from_secs(60), ..Scripted::new(vec![Ok(())]) };
    let (outcomes, attempts, took) = send_many(silent, 250).await;
    let unknown = outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).map(Error::delivery);
    assert_eq!(unknown.filter(|delivery| *delivery == Delivery::Unknown).count(), attempts, "those that had begun");
    assert!(outcomes.iter().all(Result::is_err) && attempts >= 100);
    assert_eq!(took.as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_wait_between_attempts_holds_up_nobody() {
    let refused = Err(unavailable().with_retry_after(Some(Duration::from_secs(10))));
    let busy = Scripted::new([vec![refused; 100], vec![Ok(())]].concat());
    let (outcomes, attempts, took) = send_many(busy, 200).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!((attempts, took.as_secs()), (300, 10));
}

#[tokio::test]
async fn no_limit_at_all_is_a_limit_too() {
    let policy = SendPolicy { max_time: Duration::MAX, ..SendPolicy::default() };
    let connector = layered(Box::new(Scripted::new(vec![Ok(())])), policy);
    connector
        .send(&Message::new("user@example.com", UsageType::SignIn, Payload::new()), &SendContext::new())
        .await
        .unwrap();
    assert!(connector.usage(std::time::UNIX_EPOCH).await.is_err_and(|error| error.kind() == ErrorKind::NotImplemented));
}
