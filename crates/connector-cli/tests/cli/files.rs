//! `validate`, and what files may be and may not.

use serde_json::json;

use crate::{Files, SENDGRID, run, run_with, sendgrid_config};

#[test]
fn a_valid_configuration() {
    let files = Files::new();
    let config = files.json("sendgrid.json", &sendgrid_config());
    let valid = run(&["validate", SENDGRID, "--config", &config, "--json"]);
    assert_eq!((valid.code, valid.json()), (0, json!({ "valid": true, "problems": [], "warnings": [] })));
    let valid = run(&["validate", "sendgrid", "--config", &config]);
    assert_eq!((valid.code, valid.stdout), (0, format!("{config}: valid for {SENDGRID}\n")));
}

#[test]
fn three_faults_are_three_problems_and_a_slip_is_a_warning() {
    let files = Files::new();
    let mut config = sendgrid_config();
    config.as_object_mut().unwrap().remove("apiKey");
    config["fromEmail"] = json!("nobody at all");
    config["templates"][0]["type"] = json!("text/weird");
    config["fromNam"] = json!("Example");
    let config = files.json("sendgrid.json", &config);

    let invalid = run(&["validate", SENDGRID, "--config", &config, "--json"]);
    assert_eq!(invalid.code, 65);
    let mut pointers = invalid.pointers();
    pointers.sort();
    assert_eq!(pointers, ["/apiKey", "/fromEmail", "/templates/0/type"]);
    let report = invalid.json();
    assert_eq!(report["valid"], false);
    assert_eq!(report["warnings"][0]["pointer"], "/fromNam");
    assert!(report["warnings"][0]["message"].as_str().unwrap().contains("`fromName`"));

    let invalid = run(&["validate", SENDGRID, "--config", &config]);
    assert_eq!(invalid.code, 65);
    for line in ["not valid for", "problem /apiKey: is required", "problem /fromEmail:", "warning /fromNam:"] {
        assert!(invalid.stdout.contains(line), "{line} is missing in {}", invalid.stdout);
    }
    invalid.assert_shows_none_of(&["nobody at all", "text/weird"]);
}

#[test]
fn what_cannot_be_read_is_told_in_a_sentence() {
    let files = Files::new();
    let cases = [
        (files.write("cut.json", r#"{"apiKey": "SG.very-secret", "fromEmail": no}"#), "is not JSON"),
        (files.write("empty.json", ""), "is empty"),
        (files.write("blank.json", " \n\t\n"), "is empty"),
        (files.write("binary.json", [0xff, 0xfe, 0x00]), "is not JSON"),
        (files.write("utf16.json", [b'{', 0, b'}', 0]), "UTF-16"),
        (files.write("utf16be.json", [0xfe, 0xff, 0, b'{', 0, b'}']), "UTF-16"),
        (files.write("utf32.json", [0xff, 0xfe, 0, 0, b'{', 0, 0, 0]), "UTF-32"),
        (files.write("deep.json", "[".repeat(100_000)), "is not JSON"),
        (files.path("missing.json").to_str().unwrap().to_owned(), "there is no such file"),
        (files.0.path().to_str().unwrap().to_owned(), "is a directory"),
    ];
    for (path, says) in &cases {
        let failed = run(&["validate", SENDGRID, "--config", path]);
        assert_eq!((failed.code, failed.stdout.as_str()), (65, ""), "{path}");
        assert_eq!(failed.stderr.lines().count(), 1, "{}", failed.stderr);
        assert!(failed.stderr.contains(path) && failed.stderr.contains(says), "{}", failed.stderr);
        failed.assert_shows_none_of(&["very-secret"]);

        let failed = run(&["validate", SENDGRID, "--config", path, "--json"]);
        assert_eq!((failed.code, failed.pointers()), (65, vec![String::new()]));
        let report = failed.json();
        assert_eq!((&report["valid"], &report["warnings"]), (&json!(false), &json!([])));
        assert!(report["problems"][0]["message"].as_str().unwrap().contains(says));
    }
    let cut = run(&["validate", SENDGRID, "--config", &cases[0].0]);
    assert!(cut.stderr.contains("line 1 column"), "{}", cut.stderr);
}

#[test]
fn a_file_is_read_up_to_a_mebibyte() {
    let files = Files::new();
    let path = files.path("large.json");
    std::fs::File::create(&path).unwrap().set_len(50 * 1024 * 1024).unwrap();
    let failed = run(&["validate", SENDGRID, "--config", path.to_str().unwrap(), "--json"]);
    assert_eq!(failed.code, 65);
    assert!(failed.stdout.contains("is larger than 1 MiB"), "{}", failed.stdout);
    // Endless input ends as soon.
    let failed = run_with(&vec![b' '; 2 * 1024 * 1024], &["validate", SENDGRID, "--config", "-"]);
    assert_eq!(failed.code, 65);
    assert!(failed.stderr.contains("standard input: is larger than 1 MiB"), "{}", failed.stderr);
}

#[test]
fn standard_input_and_a_byte_order_mark_will_do() {
    let config = format!("\u{feff}{}", sendgrid_config());
    let valid = run_with(config.as_bytes(), &["validate", SENDGRID, "--config", "-"]);
    assert_eq!((valid.code, valid.stdout), (0, format!("standard input: valid for {SENDGRID}\n")));
}

#[test]
fn json_of_another_kind_is_a_problem_of_the_whole() {
    for config in ["[]", "null", "42", "\"text\""] {
        let invalid = run_with(config.as_bytes(), &["validate", SENDGRID, "--config", "-", "--json"]);
        assert_eq!((invalid.code, invalid.pointers()), (65, vec![String::new()]), "{}", invalid.stdout);
    }
}
