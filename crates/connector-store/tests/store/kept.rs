//! Databases that earlier versions have made: they open, and nothing in them is lost.

use std::{sync::Arc, time::SystemTime};

use connector_registry::ConnectorStore;
use verification_code::{Clock, Delivery, Scope, Settings, Timestamp, Verdict, VerificationCodes};

use crate::{
    places::{Place, on_both},
    ring,
};

on_both!(with_codes_under_way);

/// What their secrets are sealed under.
const KEY: &str = "8ssMJ8bMf3BRmizcmpiA4q1TG4PHO6nT8vvsDcLSzuU=";
const SCOPE: Scope<'_> = Scope { tenant: "default", usage_type: "SignIn", recipient: "ada@example.com" };

struct At(i64);

impl Clock for At {
    fn now(&self) -> SystemTime {
        Timestamp::from_millis(self.0).to_system_time()
    }
}

/// An active connector, and a code that was tried three times before.
async fn with_codes_under_way(place: &Place) {
    let (dump, code, now) = if place.server.is_some() {
        (include_str!("kept/postgres_3.sql"), "412143", 1_795_781_218_000)
    } else {
        std::fs::write(place.file(), "").unwrap();
        (include_str!("kept/sqlite_2.sql"), "882894", 1_795_781_199_000)
    };
    place.sql(dump).await.unwrap();
    let store = place.try_open(ring(KEY).await).await.unwrap();
    let active = store.status("default").await.unwrap().unwrap().active.unwrap();
    assert_eq!(active.connector, "simple-mail-transfer-protocol");
    store.configuration("default", active.id).await.unwrap().unwrap();

    let codes = VerificationCodes::new(store.clone(), store.code_keys().await.unwrap(), Settings::default()).unwrap();
    let codes = codes.with_clock(Arc::new(At(now)));
    for _ in 3..9 {
        assert_eq!(codes.verify(&SCOPE, "wrong").await.unwrap(), Verdict::Wrong);
    }
    assert_eq!(codes.verify(&SCOPE, code).await.unwrap(), Verdict::Right);
    assert!(matches!(codes.verify(&SCOPE, code).await.unwrap(), Verdict::TooManyAttempts { .. }));
    for _ in 1..5 {
        let _issued = codes.issue(&SCOPE, Some([192, 0, 2, 1].into()), Delivery::Real).await.unwrap();
    }
    assert!(codes.issue(&SCOPE, None, Delivery::Real).await.is_err(), "the send from before still counts");
}
