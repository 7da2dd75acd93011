//! What a store gets to see, what shows in logs, and what is done when something fails.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use verification_code::{
    Attempt, Attempted, CodeId, CodeStore, Delivery, Error, HashKey, HashKeys, Issuance, MemoryStore, NewCode,
    Randomness, RandomnessError, Scope, Settings, StoreError, Subject, Timestamp, VerificationCodes, Withdrawal,
};

const SCOPE: Scope<'_> = Scope { tenant: "acme", usage_type: "SignIn", recipient: "user@example.com" };
const KEY: [u8; 32] = *b"a key that is nowhere to be seen";

fn codes<S: CodeStore>(store: S) -> VerificationCodes<S> {
    let keys = HashKeys::new(HashKey::new("2030-01", KEY).unwrap());
    VerificationCodes::new(store, keys, Settings::default()).unwrap()
}

/// Writes down every byte that it is handed, and otherwise is the store in memory.
#[derive(Default)]
struct Spy {
    seen: Mutex<Vec<Vec<u8>>>,
    /// The code, key id and so on of each issue, as far as their shape goes.
    shapes: Mutex<Vec<String>>,
    within: MemoryStore,
}

impl Spy {
    fn subject(&self, subject: &Subject) {
        self.seen.lock().unwrap().extend(subject.names().iter().map(|name| name.as_bytes().to_vec()));
    }
}

#[async_trait]
impl CodeStore for Spy {
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, StoreError> {
        self.subject(code.subject);
        code.asked_from.into_iter().for_each(|client| self.subject(client));
        for take in code.takes {
            self.subject(&take.subject);
        }
        let hash = code.code.hash.as_bytes().to_vec();
        self.seen.lock().unwrap().extend([hash, code.code.id.as_bytes().to_vec(), code.code.key_id.clone().into()]);
        let lifetime = code.expires_at.millis() - code.now.millis();
        let kinds: Vec<_> = code.takes.iter().map(|take| (take.kind, take.limit)).collect();
        self.shapes.lock().unwrap().push(format!("{} {} {lifetime} {kinds:?}", code.tenant, code.code.key_id));
        self.within.issue(code).await
    }

    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
        self.subject(attempt.subject);
        self.subject(&attempt.guess.subject);
        attempt.from.into_iter().for_each(|client| self.subject(client));
        self.within.attempt(attempt).await
    }

    async fn consume(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, StoreError> {
        self.within.consume(tenant, subject, id).await
    }

    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), StoreError> {
        self.within.withdraw(withdrawal).await
    }

    async fn prune(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        self.within.prune(now, max).await
    }
}

#[tokio::test]
async fn a_store_sees_neither_code_nor_recipient_nor_address() {
    let spy = Arc::new(Spy::default());
    let codes = codes(Arc::clone(&spy));
    let ip = "192.0.2.77".parse().unwrap();
    let issued = codes.issue(&SCOPE, Some(ip), Delivery::Real).await.unwrap();
    let code = issued.code().unwrap().expose().to_owned();
    assert!(codes.verify_from(&SCOPE, &code, Some(ip)).await.unwrap().is_right());
    let _decoy =
        codes.issue(&Scope { recipient: "nobody@example.com", ..SCOPE }, Some(ip), Delivery::Decoy).await.unwrap();

    let seen = spy.seen.lock().unwrap();
    assert_eq!(
        seen.len(),
        2 * (7 + 3) + 3,
        "the subject, the client, five limits, hash, id and key id of each; of the attempt the subject, the guess and the client"
    );
    for telling in [code.as_bytes(), b"user", b"nobody", b"example", b"192.0", &[192, 0, 2, 77], &KEY] {
        for bytes in seen.iter() {
            assert!(!bytes.windows(telling.len()).any(|window| window == telling), "{telling:?} in {bytes:?}");
        }
    }
    let shapes = spy.shapes.lock().unwrap();
    assert_eq!(shapes[0], shapes[1], "a decoy is stored like a code");
}

#[tokio::test]
async fn the_same_code_never_has_the_same_hash() {
    let spy = Arc::new(Spy::default());
    let codes = codes(Arc::clone(&spy)).with_randomness(Arc::new(SameCodes(Mutex::new(0))));
    for _ in 0..2 {
        let issued = codes.issue(&SCOPE, None, Delivery::Real).await.unwrap();
        assert_eq!(issued.code().unwrap().expose(), "777777");
    }
    let seen = spy.seen.lock().unwrap();
    let hashes: Vec<_> = seen.chunks(6).map(|issue| &issue[3]).collect();
    assert_eq!(hashes.len(), 2);
    assert_ne!(hashes[0], hashes[1]);
}

/// The same characters each time, but ids that differ.
struct SameCodes(Mutex<u8>);

impl Randomness for SameCodes {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessError> {
        let mut ids = self.0.lock().unwrap();
        bytes.fill(if bytes.len() == 16 {
            *ids += 1;
            *ids
        } else {
            7
        });
        Ok(())
    }
}

#[tokio::test]
async fn nothing_secret_shows() {
    let codes = codes(MemoryStore::new());
    let issued = codes.issue(&SCOPE, None, Delivery::Real).await.unwrap();
    let code = issued.code().unwrap().expose();
    for shown in [format!("{codes:?}"), format!("{issued:?}"), format!("{:?}", issued.code()), format!("{SCOPE:?}")] {
        assert!(!shown.contains(code) && !shown.contains("user@") && !shown.contains("nowhere"), "{shown}");
    }
}

#[tokio::test]
async fn a_limit_says_which_one_and_when() {
    let codes = codes(MemoryStore::new()).with_clock(Arc::new(Noon));
    for _ in 0..5 {
        let _issued = codes.issue(&SCOPE, None, Delivery::Real).await.unwrap();
    }
    let error = codes.issue(&SCOPE, None, Delivery::Real).await.unwrap_err();
    assert_eq!(error.to_string(), "no more codes for this recipient yet (5 codes in 600 seconds): try again in 600s");
}

struct Noon;

impl verification_code::Clock for Noon {
    fn now(&self) -> std::time::SystemTime {
        Timestamp::from_millis(1_893_499_200_000).to_system_time()
    }
}

/// A store whose database is gone.
struct Gone;

fn gone<T>() -> Result<T, StoreError> {
    Err(StoreError::new("connection refused by 127.0.0.1:5432"))
}

#[async_trait]
impl CodeStore for Gone {
    async fn issue(&self, _: &NewCode<'_>) -> Result<Issuance, StoreError> {
        gone()
    }

    async fn attempt(&self, _: &Attempt<'_>) -> Result<Attempted, StoreError> {
        gone()
    }

    async fn consume(&self, _: &str, _: &Subject, _: CodeId) -> Result<bool, StoreError> {
        gone()
    }

    async fn withdraw(&self, _: &Withdrawal<'_>) -> Result<(), StoreError> {
        gone()
    }

    async fn prune(&self, _: Timestamp, _: u32) -> Result<u64, StoreError> {
        gone()
    }
}

#[tokio::test]
async fn a_store_that_fails_lets_nobody_in_and_says_so() {
    let codes = codes(Gone);
    let expected = "the store of verification codes failed: connection refused by 127.0.0.1:5432; try again";
    assert_eq!(codes.issue(&SCOPE, None, Delivery::Real).await.unwrap_err().to_string(), expected);
    assert_eq!(codes.verify(&SCOPE, "123456").await.unwrap_err().to_string(), expected);
    assert_eq!(codes.prune().await.unwrap_err().to_string(), expected);
}

/// Randomness of which there is none.
struct Dry;

impl Randomness for Dry {
    fn fill(&self, _: &mut [u8]) -> Result<(), RandomnessError> {
        Err(RandomnessError::new("the device is gone"))
    }
}

#[tokio::test]
async fn without_randomness_there_is_no_code() {
    let codes = codes(MemoryStore::new()).with_randomness(Arc::new(Dry));
    let error = codes.issue(&SCOPE, None, Delivery::Real).await.unwrap_err();
    assert!(matches!(error, Error::Randomness(_)), "{error}");
    assert_eq!(error.to_string(), "no randomness for a code: the device is gone");
}
