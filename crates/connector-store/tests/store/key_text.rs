//! Keys as people write them.

use connector_registry::Secret;
use connector_store::{KeyId, KeySource};

use crate::{key, load, refused, ring};

/// The bytes 0xe0 to 0xff, whose base64 has characters that the two alphabets write differently.
const BASE64: &str = "4OHi4+Tl5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9/v8=";

#[tokio::test]
async fn one_key_has_one_id_however_it_is_written() {
    let id = ring(BASE64).await.current();
    let url_safe = BASE64.replace('+', "-").replace('/', "_");
    let hex: String = (0xe0..=0xff_u8).map(|byte| format!("{byte:02x}")).collect();
    for text in [
        BASE64.trim_end_matches('=').to_owned(),
        url_safe.trim_end_matches('=').to_owned(),
        url_safe,
        hex.to_uppercase(),
        hex,
        format!("  {BASE64}\r\n"),
        format!("# made today, by hand\n\n{BASE64}\n"),
    ] {
        assert_eq!(ring(&text).await.current(), id, "{text}");
    }
    let text = id.to_string();
    assert!(text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit()), "{text}");
    assert_eq!(text.parse::<KeyId>().unwrap(), id);
}

#[tokio::test]
async fn the_first_of_several_is_the_current_one() {
    let (first, second, third) = (key(), key(), key());
    let ids = [ring(&first).await.current(), ring(&second).await.current(), ring(&third).await.current()];
    for text in [
        format!("{first},{second} , {third}"),
        format!("{first}\n# the one of last year\n{second}\n\n{third}\n"),
        format!("{first}\n{second},{third},{first}\n"),
    ] {
        let ring = ring(&text).await;
        assert_eq!(ring.current(), ids[0]);
        assert_eq!(ring.ids(), ids, "{text}");
    }
}

#[tokio::test]
async fn a_wrong_one_is_said_to_be_wrong_and_never_shown() {
    for (wrong, expected) in [
        ("c2hvcnQta2V5LXNob3J0", "key 2 of the text given has 15 bytes, and must have 32"),
        ("00112233445566778899aabbccddeeff", "key 2 of the text given has 16 bytes, and must have 32"),
        ("not!a!key!at!all", "key 2 of the text given is neither base64 nor hex"),
    ] {
        let text = format!("{},{wrong}", key());
        let error = refused(KeySource::Given(Secret::new(text)), wrong).await.to_string();
        assert!(error.starts_with(expected), "{error}");
        assert!(error.contains("`email-connectors keys generate`"), "{error}");
    }
    for empty in ["", " \n", "# only a comment\n", ",,"] {
        let error = load(empty).await.unwrap_err().to_string();
        assert!(error.starts_with("the text given holds no master key"), "{error}");
    }
}

#[tokio::test]
async fn generated_ones_differ_and_a_ring_shows_none() {
    let (one, other) = (key(), key());
    assert_ne!(one, other);
    let shown = format!("{:?}", ring(&format!("{one},{other}")).await);
    assert!(!shown.contains(&one) && !shown.contains(&other), "{shown}");
}

#[tokio::test]
async fn a_purpose_has_a_key_of_its_own() {
    let (one, other) = (key(), key());
    let ring = ring(&format!("{one},{other}")).await;
    let [current, former] = ring.ids()[..] else { panic!("{ring:?}") };
    let codes = ring.derive(current, "codes").unwrap();
    assert_eq!(codes, ring.derive(current, "codes").unwrap(), "the same after every start");
    assert_ne!(codes, ring.derive(current, "links").unwrap());
    assert_ne!(codes, ring.derive(former, "codes").unwrap());
    let unknown = "0123456789abcdef".parse().unwrap();
    let error = ring.derive(unknown, "codes").unwrap_err().to_string();
    assert!(error.contains("0123456789abcdef") && error.contains(&format!("{current}, {former}")), "{error}");
}
