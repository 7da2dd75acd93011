//! Callers who are gone before the send has ended.

use std::{
    io,
    sync::{Arc, Mutex},
};

use connector_kit::Delivery;
use connector_service::SendCodeError;
use tracing_subscriber::fmt::MakeWriter;
use verification_code::Verdict;

use crate::{Does, Script, Service, request, service};

/// Begins to send, and stops waiting as soon as the connector has begun.
async fn begin(service: &Service, script: &Script) {
    let request = request();
    tokio::select! {
        biased;
        outcome = service.send(&request) => panic!("it has ended: {outcome:?}"),
        () = script.arrival() => {}
    }
}

#[tokio::test]
async fn with_the_provider_down_they_lock_nobody_out() {
    let (service, tasks, script) = service("gone, down").await;
    script.does(Does::Waits { written: true });
    for _ in 0..8 {
        begin(&service, &script).await;
        script.open.add_permits(1);
        // It is settled some time after its caller is gone.
        tasks.finish().await;
    }
    script.does(Does::Sends);
    service.send(&request()).await.unwrap();
}

#[tokio::test]
async fn the_code_arrives_all_the_same() {
    let (service, tasks, script) = service("gone, sent").await;
    script.does(Does::WaitsAndSends);
    begin(&service, &script).await;
    script.open.add_permits(1);
    tasks.finish().await;
    assert_eq!(service.verify(&request(), &script.code()).await.unwrap(), Verdict::Right);
}

#[tokio::test]
async fn what_is_stopped_is_settled_by_what_is_known() {
    for (name, written, settled) in
        [("stopped, written", true, Delivery::Unknown), ("stopped, unwritten", false, Delivery::NotSent)]
    {
        let (service, tasks, script) = service(name).await;
        script.does(Does::Waits { written });
        let sending = tokio::spawn({
            let service = service.clone();
            async move { service.send(&request()).await }
        });
        script.arrival().await;
        tasks.stop().await;
        let stopped = sending.await.unwrap().unwrap_err();
        assert!(matches!(stopped, SendCodeError::Stopped { .. }), "{stopped:?}");
        assert_eq!(stopped.delivery(), settled);
        let good = service.verify(&request(), &script.code()).await.unwrap();
        assert_eq!(good, if written { Verdict::Right } else { Verdict::Wrong }, "{name}");
    }
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Logs {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_outcome_is_logged_without_code_and_recipient() {
    let logs = Logs::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(logs.clone()).finish();
    // On this thread, which is the only one of the runtime.
    let _logging = tracing::subscriber::set_default(subscriber);
    let (service, tasks, script) = service("logged").await;
    for does in [Does::Waits { written: true }, Does::WaitsAndSends] {
        script.does(does);
        begin(&service, &script).await;
        script.open.add_permits(1);
        tasks.finish().await;
        let code = script.code();
        let logged = String::from_utf8(logs.0.lock().unwrap().clone()).unwrap();
        assert!(!logged.contains(&code) && !logged.contains("ada@"), "{logged}");
    }
    let logged = String::from_utf8(logs.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("a code was not sent; its caller is gone tenant=\"acme\""), "{logged}");
    assert!(logged.contains("delivery=\"not_sent\"") && logged.contains("sent a code; its caller is gone"), "{logged}");
}
