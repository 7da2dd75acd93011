//! What can be set, and what is refused.

use serde_json::json;
use verification_code::{
    Alphabet, GuessLimit, HashKey, HashKeys, Limit, LimitKind, MemoryStore, NetworkLimit, Settings, VerificationCodes,
};

fn refused(settings: &Settings) -> Vec<String> {
    settings.check().unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn the_defaults_are_those_of_the_readme() {
    let defaults = Settings::default();
    assert_eq!(defaults.check(), Ok(()));
    let expected = json!({
        "codeLength": 6,
        "alphabet": "digits",
        "lifetimeSeconds": 600,
        "attempts": 10,
        "sendsPerRecipient": { "sends": 5, "windowSeconds": 600 },
        "sendsPerIp": { "sends": 20, "windowSeconds": 3600 },
        "sendsPerTenant": { "sends": 1000, "windowSeconds": 600 },
    });
    assert_eq!(serde_json::to_value(&defaults).unwrap(), expected);
    assert_eq!(serde_json::from_value::<Settings>(expected).unwrap(), defaults);
    let readme = include_str!("../../README.md");
    for row in [
        "| `codeLength` | characters | 6 |",
        "| `alphabet` | | `\"digits\"` |",
        "| `lifetimeSeconds` | seconds | 600 |",
        "| `attempts` | attempts | 10 |",
        "| `sendsPerRecipient` | sends, seconds | 5 in 600 |",
        "| `sendsPerIp` | sends, seconds | 20 in 3,600 |",
        "| `sendsPerNetwork` | sends, seconds | ten times `sendsPerIp` |",
        "| `sendsPerTenant` | sends, seconds | 1,000 in 600 |",
        "| `guessesPerRecipient` | guesses, seconds | `attempts` × `sendsPerRecipient` |",
    ] {
        assert!(readme.contains(row), "the README has no {row}");
    }
}

#[test]
fn what_is_left_out_has_its_default_and_null_turns_off() {
    let settings: Settings =
        serde_json::from_value(json!({ "alphabet": { "custom": "ABCDEFGHJK" }, "sendsPerIp": null })).unwrap();
    let expected =
        Settings { alphabet: Alphabet::Custom("ABCDEFGHJK".to_owned()), sends_per_ip: None, ..Settings::default() };
    assert_eq!(settings, expected);
    assert_eq!(settings.limit(LimitKind::Ip), None);
    assert_eq!(settings.check(), Ok(()));
}

#[test]
fn limits_that_are_not_set_follow_from_others() {
    let limit = |sends, window_seconds| Some(Limit { sends, window_seconds });
    let of = |json: serde_json::Value, kind| serde_json::from_value::<Settings>(json).unwrap().limit(kind);
    assert_eq!(of(json!({}), LimitKind::Network), limit(200, 3_600));
    assert_eq!(of(json!({ "sendsPerIp": null }), LimitKind::Network), None);
    assert_eq!(of(json!({ "sendsPerNetwork": null }), LimitKind::Network), None);
    let ten = json!({ "sends": 10, "windowSeconds": 60 });
    assert_eq!(of(json!({ "sendsPerIp": ten }), LimitKind::Network), limit(100, 60));
    assert_eq!(of(json!({ "sendsPerNetwork": ten }), LimitKind::Network), limit(10, 60));

    assert_eq!(of(json!({}), LimitKind::Guesses), limit(50, 600));
    assert_eq!(of(json!({ "attempts": 3, "sendsPerRecipient": ten }), LimitKind::Guesses), limit(30, 60));
    assert_eq!(of(json!({ "sendsPerRecipient": null }), LimitKind::Guesses), limit(50, 600), "never without one");
    let guesses = json!({ "guesses": 100, "windowSeconds": 86_400 });
    assert_eq!(of(json!({ "guessesPerRecipient": guesses }), LimitKind::Guesses), limit(100, 86_400));
    assert_eq!(of(json!({ "guessesPerRecipient": null }), LimitKind::Guesses), limit(50, 600), "nor is it turned off");

    assert_eq!(of(json!({}), LimitKind::Share), None, "200 in an hour never come to 250 in ten minutes");
    assert_eq!(of(json!({ "sendsPerNetwork": null }), LimitKind::Share), limit(250, 600));
    assert_eq!(of(json!({ "sendsPerTenant": ten }), LimitKind::Share), limit(3, 60));
    assert_eq!(of(json!({ "sendsPerTenant": null }), LimitKind::Share), None);

    let set = json!({ "sendsPerNetwork": null, "guessesPerRecipient": guesses });
    let settings: Settings = serde_json::from_value(set).unwrap();
    let again = serde_json::to_value(&settings).unwrap();
    assert_eq!((&again["sendsPerNetwork"], &again["guessesPerRecipient"]), (&json!(null), &guesses));
    assert_eq!(serde_json::from_value::<Settings>(again).unwrap(), settings);
}

#[test]
fn a_misspelt_setting_is_not_passed_over() {
    let error = serde_json::from_value::<Settings>(json!({ "attemps": 3 })).unwrap_err().to_string();
    assert!(error.contains("unknown field `attemps`") && error.contains("`attempts`"), "{error}");
}

#[test]
fn every_problem_is_told_at_once() {
    let settings = Settings {
        code_length: 3,
        alphabet: Alphabet::Custom("abca-".to_owned()),
        lifetime_seconds: 0,
        attempts: 101,
        sends_per_recipient: Some(Limit { sends: 0, window_seconds: 86_401 }),
        sends_per_ip: Some(Limit { sends: 10_001, window_seconds: 0 }),
        sends_per_network: NetworkLimit::Limit(Limit { sends: 0, window_seconds: 1 }),
        sends_per_tenant: None,
        guesses_per_recipient: Some(GuessLimit { guesses: 10_001, window_seconds: 0 }),
    };
    let expected = [
        "/codeLength: 3 characters: it must be from 4 to 12",
        "/lifetimeSeconds: 0 seconds: it must be from 1 to 86400",
        "/attempts: 101 attempts: it must be from 1 to 100",
        "/sendsPerRecipient/sends: 0 sends: it must be from 1 to 10000",
        "/sendsPerRecipient/windowSeconds: 86401 seconds: it must be from 1 to 86400",
        "/sendsPerIp/sends: 10001 sends: it must be from 1 to 10000",
        "/sendsPerIp/windowSeconds: 0 seconds: it must be from 1 to 86400",
        "/sendsPerNetwork/sends: 0 sends: it must be from 1 to 10000",
        "/guessesPerRecipient/guesses: 10001 guesses: it must be from 1 to 10000",
        "/guessesPerRecipient/windowSeconds: 0 seconds: it must be from 1 to 86400",
        "/alphabet/custom: 5 characters: it must be 10 at least",
        "/alphabet/custom: '-' is neither an ASCII letter nor a digit, so it may not survive being typed",
        "/alphabet/custom: 'a' is there twice, which would make it likelier than the others",
    ];
    assert_eq!(refused(&settings), expected);

    let keys = HashKeys::new(HashKey::new("a", [7; 32]).unwrap());
    let error = VerificationCodes::new(MemoryStore::new(), keys, settings).unwrap_err().to_string();
    assert!(error.starts_with("the settings of verification codes cannot work: /codeLength: 3 characters"), "{error}");
}

#[test]
fn codes_that_are_guessed_too_easily_are_refused() {
    assert_eq!(Settings { code_length: 4, attempts: 10, ..Settings::default() }.check(), Ok(()));
    let refused = refused(&Settings { code_length: 4, attempts: 11, ..Settings::default() });
    let expected = "/attempts: 11 attempts at one of 10000 codes: more than one guess in 1000 would be right; \
                    allow fewer, or make codes longer";
    assert_eq!(refused, [expected]);
}
