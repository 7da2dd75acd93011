//! One secret: it opens where it belongs, as it was sealed, and nowhere else.

use connector_registry::Uuid;
use connector_store::{KeyRing, OpenError, Place};

use crate::{key, ring};

const ID: Uuid = Uuid::from_u128(7);
const PLACE: Place<'static> =
    Place { tenant: "acme", configuration: ID, pointer: "/auth/pass", destination: "mail.example.com" };
const SECRET: &str = "correct horse battery staple";

/// Why `sealed` does not open at `place`, having made sure that no secret shows.
fn refused(ring: &KeyRing, place: &Place<'_>, sealed: &str) -> OpenError {
    let error = ring.open(place, sealed).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(
        [place.tenant, place.pointer, &place.configuration.to_string()].iter().all(|part| shown.contains(part)),
        "{shown}"
    );
    error
}

#[tokio::test]
async fn opens_as_it_was_sealed_and_never_looks_the_same() {
    let ring = ring(&key()).await;
    let sealed = ring.seal(&PLACE, SECRET).unwrap();
    assert_eq!(ring.open(&PLACE, &sealed).unwrap().expose(), SECRET);
    assert!(sealed.starts_with(&format!("2.{}.", ring.current())), "{sealed}");
    assert_ne!(sealed, ring.seal(&PLACE, SECRET).unwrap());
    let empty = ring.seal(&PLACE, "").unwrap();
    assert!(ring.open(&PLACE, &empty).unwrap().is_empty());
}

#[tokio::test]
async fn another_key_does_not_open_it_and_says_which_would() {
    let (ours, theirs) = (ring(&key()).await, ring(&key()).await);
    let sealed = ours.seal(&PLACE, SECRET).unwrap();
    let error = refused(&theirs, &PLACE, &sealed);
    assert!(matches!(error, OpenError::UnknownKey { .. }), "{error}");
    let words = error.to_string();
    assert!(words.contains(&ours.current().to_string()) && words.contains(&theirs.current().to_string()), "{words}");

    // Nor does it when it is passed off as the other's.
    let passed_off = sealed.replace(&ours.current().to_string(), &theirs.current().to_string());
    assert!(matches!(refused(&theirs, &PLACE, &passed_off), OpenError::NotAuthentic { .. }));
}

#[tokio::test]
async fn it_opens_in_no_other_place() {
    let ring = ring(&key()).await;
    let sealed = ring.seal(&PLACE, SECRET).unwrap();
    for elsewhere in [
        Place { tenant: "umbrella", ..PLACE },
        Place { configuration: Uuid::from_u128(8), ..PLACE },
        Place { pointer: "/auth/clientSecret", ..PLACE },
        Place { tenant: "acme/auth", pointer: "/pass", ..PLACE },
        Place { destination: "mail.example.net", ..PLACE },
        Place { pointer: "/auth/passmail", destination: ".example.com", ..PLACE },
        Place { tenant: "", ..PLACE },
        Place { pointer: "", ..PLACE },
    ] {
        let error = refused(&ring, &elsewhere, &sealed);
        assert!(matches!(error, OpenError::NotAuthentic { .. }), "{elsewhere:?}: {error}");
    }
}

#[tokio::test]
async fn altered_or_cut_short_anywhere_it_does_not_open() {
    let ring = ring(&key()).await;
    let sealed = ring.seal(&PLACE, SECRET).unwrap();
    for at in 0..sealed.len() {
        refused(&ring, &PLACE, &sealed[..at]);
        for other in ["A", "b", "0", "f", "-", ".", "=", "é"] {
            let altered = format!("{}{other}{}", &sealed[..at], &sealed[at + 1..]);
            if altered != sealed {
                refused(&ring, &PLACE, &altered);
            }
        }
    }
    for malformed in ["", "2", "2.", "2..", "1.0123456789abcdef.AAAA", "plain text", "2.0123456789abcdef", "******"] {
        let error = refused(&ring, &PLACE, malformed);
        assert!(matches!(error, OpenError::Malformed { .. }), "{malformed}: {error}");
    }
    for more in [format!("{sealed}A"), format!("{sealed}="), format!(" {sealed}"), format!("{sealed}\n")] {
        refused(&ring, &PLACE, &more);
    }
}

#[tokio::test]
async fn a_former_key_opens_and_the_current_one_seals() {
    let (new, old) = (key(), key());
    let before = ring(&old).await;
    let sealed = before.seal(&PLACE, SECRET).unwrap();
    let after = ring(&format!("{new},{old}")).await;
    assert_eq!(after.open(&PLACE, &sealed).unwrap().expose(), SECRET);
    let again = after.seal(&PLACE, SECRET).unwrap();
    assert_eq!(ring(&new).await.open(&PLACE, &again).unwrap().expose(), SECRET);
    assert!(matches!(refused(&before, &PLACE, &again), OpenError::UnknownKey { .. }));
}
