//! Where things are stored, under which key, and what is said when that does not work.

use serde_json::{Value, json};

use crate::{
    Files, binary, finish,
    home::{Home, PASSWORD, secret_config},
    run,
};

/// Without any flag: in the user's data directory, for nobody else to read. That nothing was set up there yet is no fault.
#[cfg(target_os = "linux")]
#[test]
fn the_default_store_is_the_users_own() {
    use std::os::unix::fs::PermissionsExt;

    let files = Files::new();
    let data = files.path("data");
    let run = finish(binary().args(["status", "--json"]).env("XDG_DATA_HOME", &data));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(run.json(), json!({ "tenant": "default", "revision": 0, "active": null, "kept": [] }));
    let told = finish(binary().arg("status").env("XDG_DATA_HOME", &data)).stdout;
    assert!(told.contains("email-connectors setup <connector> --config FILE"), "{told}");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = data.join("email-connectors");
    assert_eq!(mode(&folder), 0o700);
    for file in ["store.sqlite", "store.sqlite.key"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn the_key_comes_from_where_the_environment_says() {
    let home = Home::new().await;
    let key = run(&["keys", "generate"]);
    assert_eq!((key.code, key.stdout.trim().len()), (0, 44));
    let key = key.stdout.trim().to_owned();
    let file = home.files.path("master.key").to_str().unwrap().to_owned();
    let made = run(&["keys", "generate", "--output", &file, "--json"]);
    assert_eq!(made.code, 0);
    assert_eq!(
        home.fails(74, &["keys", "generate", "--output", &file])["kind"],
        "StoreUnusable",
        "it is there already"
    );

    let fallback = ["templates", "fallback", "en"];
    assert_eq!(finish(home.command(&fallback).env("EMAIL_CONNECTORS_KEY", &key)).code, 0, "makes the store");
    let with = |name: &str, value: &str| finish(home.command(&["status"]).env(name, value));
    assert_eq!(with("EMAIL_CONNECTORS_KEY", &key).code, 0);
    assert_eq!(with("EMAIL_CONNECTORS_KEY_COMMAND", &format!("echo {key}")).code, 0);
    let copy = home.files.write("copy.key", &key);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let open = with("EMAIL_CONNECTORS_KEY_FILE", &copy);
        assert!(open.code == 78 && open.stderr.contains("chmod 600"), "{}", open.stderr);
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(with("EMAIL_CONNECTORS_KEY_FILE", &copy).code, 0);

    let short = with("EMAIL_CONNECTORS_KEY", "c2hvcnQ=");
    assert!(short.code == 78 && short.stderr.contains("has 5 bytes, and must have 32"), "{}", short.stderr);
    let wrong = with("EMAIL_CONNECTORS_KEY_FILE", &file);
    assert!(wrong.code == 78 && wrong.stderr.contains("sealed under the master keys"), "{}", wrong.stderr);
    wrong.assert_shows_none_of(&[&key]);
    let failed = with("EMAIL_CONNECTORS_KEY_COMMAND", "echo oops >&2; exit 3");
    assert_eq!(failed.code, 78);
    let mut both = home.command(&["status"]);
    let both = finish(both.env("EMAIL_CONNECTORS_KEY", &key).env("EMAIL_CONNECTORS_KEY_FILE", &copy));
    assert!(both.code == 64 && both.stderr.contains("both set"), "{}", both.stderr);
    // The flag goes before the environment.
    let mut flag = home.command(&["status", "--key-file", &copy]);
    assert_eq!(finish(flag.env("EMAIL_CONNECTORS_KEY", "nonsense")).code, 0);
}

#[tokio::test]
async fn keys_are_rotated_and_the_former_one_can_go() {
    let home = Home::new().await;
    let config = home.files.json("sendgrid.json", &secret_config());
    home.ok(&["setup", "sendgrid", "--config", &config]);
    home.ok(&["setup", "sendgrid", "--config", &config, "--tenant", "other"]);
    let path = home.files.path("store.sqlite.key");
    let former = std::fs::read_to_string(&path).unwrap();
    let new = run(&["keys", "generate"]).stdout;
    std::fs::write(&path, format!("{new}{former}")).unwrap();
    let rotated = home.ok(&["keys", "rotate"]);
    assert_eq!((&rotated["status"], &rotated["configurations"]), (&json!("rotated"), &json!(2)));
    std::fs::write(&path, &new).unwrap();
    assert_eq!(home.ok(&["keys", "rotate"])["configurations"], 0);
    let mut masked = secret_config();
    masked["apiKey"] = "******".into();
    home.ok(&["change", "sendgrid", "--config", &home.files.json("masked.json", &masked)]);
    std::fs::write(&path, &former).unwrap();
    let wrong = home.fails(78, &["status"]);
    assert_eq!((&wrong["kind"], &wrong["retryable"]), (&json!("StoreUnusable"), &json!(false)));
}

#[tokio::test]
async fn what_is_no_store_is_left_as_it_is() {
    let (home, _) = Home::set_up().await;
    let text = home.files.write("notes.txt", "These are my notes, and not a database.".repeat(100));
    std::fs::copy(home.files.path("store.sqlite.key"), home.files.path("notes.txt.key")).unwrap();
    let not = home.fails(74, &["status", "--store", &format!("sqlite:{text}")]);
    assert!(not["message"].as_str().unwrap().contains("no SQLite database"), "{not}");
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("These are my notes"));

    let whole = std::fs::read(home.files.path("store.sqlite")).unwrap();
    let cut = home.files.write("cut.sqlite", &whole[..whole.len() / 2]);
    std::fs::copy(home.files.path("store.sqlite.key"), home.files.path("cut.sqlite.key")).unwrap();
    let cut = home.fails(74, &["status", "--store", &format!("sqlite:{cut}")]);
    assert!(cut["message"].as_str().unwrap().contains("truncated"), "{cut}");

    let lost = home.files.write("lost.sqlite", &whole);
    let lost = home.fails(78, &["status", "--store", &format!("sqlite:{lost}")]);
    assert!(lost["message"].as_str().unwrap().contains("key file"), "{lost}");
    let nowhere = home.run(&["status", "--store", "sqlite:/nowhere/at/all.sqlite"]);
    assert!(
        [74, 78].contains(&nowhere.code) && nowhere.stderr.contains("/nowhere/at/all.sqlite"),
        "{}",
        nowhere.stderr
    );
}

#[tokio::test]
async fn a_url_is_never_repeated() {
    let home = Home::new().await;
    let key = run(&["keys", "generate"]).stdout;
    for (url, code) in [
        (format!("mysql://root:{PASSWORD}@127.0.0.1/db"), 64),
        (PASSWORD.to_owned(), 64),
        ("sqlite:".to_owned(), 64),
        (format!("postgres://root:{PASSWORD}@127.0.0.1:1/db"), 75),
    ] {
        let run = finish(home.command(&["status", "--store", &url, "--json"]).env("EMAIL_CONNECTORS_KEY", key.trim()));
        assert_eq!(run.code, code, "{url}: {}", run.stdout);
        assert_eq!(run.json()["error"]["retryable"], Value::Bool(code == 75));
        run.assert_shows_none_of(&[PASSWORD]);
    }
    let keyless = home.fails(78, &["status", "--store", "postgres://127.0.0.1/db"]);
    assert!(keyless["message"].as_str().unwrap().contains("--key-file"), "{keyless}");
}

/// Who was sent a code under the former key can still type it, as long as that key is there.
#[tokio::test]
async fn a_code_outlives_a_rotation() {
    let (home, _) = Home::set_up().await;
    let path = home.files.path("store.sqlite.key");
    let former = std::fs::read_to_string(&path).unwrap();
    home.ok(&["code", "send", "--to", "you@example.com"]);
    let code = home.subjects().pop().unwrap().replace("Generic ", "");
    std::fs::write(&path, format!("{}{former}", run(&["keys", "generate"]).stdout)).unwrap();
    home.ok(&["keys", "rotate"]);
    assert_eq!(home.ok(&["code", "verify", "--to", "you@example.com", "--code", &code])["status"], "verified");
}

/// An empty answer, or an empty backup, would hide a slip in its name.
#[tokio::test]
async fn a_store_that_is_named_and_not_there_is_made_by_what_sets_up_alone() {
    let home = Home::new().await;
    let store = home.files.path("store.sqlite");
    let template = ["--locale", "en", "--usage-type", "SignIn"];
    let id = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    let message = home.files.json("message.json", &crate::message());
    let config = home.config("smtp.json");
    let code = ["--to", "you@example.com"];
    for empty_file in [false, true] {
        if empty_file {
            std::fs::File::create(&store).unwrap();
        }
        for arguments in [
            &["status"][..],
            &["history"],
            &["export"],
            &["export", "--all", "--secrets", "sealed"],
            &["templates", "list"],
            &[&["templates", "get"][..], &template].concat(),
            &[&["templates", "remove"][..], &template].concat(),
            &["sign-in", "get"],
            &["keys", "rotate"],
            &["promote", "--from", "a", "--to", "b", "--yes"],
            &["rollback"],
            &["remove", id],
            &["change", "smtp", "--config", &config],
            &["test", "--to", "you@example.com"],
            &["send", "--message", &message],
            &[&["code", "send"][..], &code].concat(),
            &[&["code", "verify", "--code", "123456"][..], &code].concat(),
        ] {
            let missing = home.fails(74, arguments);
            assert_eq!((&missing["kind"], &missing["retryable"]), (&json!("StoreUnusable"), &json!(false)));
            let said = missing["message"].as_str().unwrap();
            assert!(said.contains(store.to_str().unwrap()) && said.contains("check the path"), "{said}");
        }
        assert_eq!(std::fs::metadata(&store).is_ok_and(|file| file.len() == 0), empty_file);
        assert!(!home.files.path("store.sqlite.key").exists());
        // Whoever names it by the flag is told the same.
        let flag = format!("sqlite:{}", home.files.path("typo.sqlite").display());
        assert!(home.run(&["status", "--store", &flag]).stderr.contains("typo.sqlite"));
    }
    std::fs::remove_file(&store).unwrap();

    let export = home.files.json("export.json", &json!({ "format": 1, "tenants": [{ "tenant": "a" }] }));
    let own = home.files.json("template.json", &json!({ "subject": "s", "content": "c" }));
    let sign_in = home.files.json("sign-in.json", &json!({}));
    for (number, arguments) in [
        &["setup", "smtp", "--config", &config][..],
        &["import", &export],
        &[&["templates", "put", &own][..], &template].concat(),
        &["templates", "fallback", "en"],
        &["sign-in", "put", &sign_in],
        &["test", "smtp", "--config", &config, "--to", "you@example.com"],
    ]
    .into_iter()
    .enumerate()
    {
        let fresh = format!("sqlite:{}", home.files.path(&format!("{number}.sqlite")).display());
        home.ok(&[arguments, &["--store", &fresh]].concat());
        home.ok(&["status", "--store", &fresh]);
    }
}

#[tokio::test]
async fn an_export_is_of_every_tenant_or_of_one() {
    let (home, _) = Home::set_up().await;
    let both = home.fails(64, &["export", "--all", "--tenant", "default"]);
    let said = both["message"].as_str().unwrap();
    assert!(said.contains("--all") && said.contains("--tenant"), "{said}");
    // What the environment says of other commands is no contradiction.
    let all = finish(home.command(&["export", "--all"]).env("EMAIL_CONNECTORS_TENANT", "other"));
    assert_eq!(all.json()["tenants"][0]["tenant"], "default");
}

/// PostgreSQL is chosen by its URL, and nothing else changes.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_same_over_postgresql() {
    let mut server = tokio::task::block_in_place(connector_testkit::PostgresServer::start);
    let mut home = Home::new().await;
    home.url = server.url();
    let key = home.files.path("master.key").to_str().unwrap().to_owned();
    assert_eq!(run(&["keys", "generate", "--output", &key]).code, 0);
    home.key_file = Some(key);
    let config = home.config("smtp.json");
    let first = home.ok(&["setup", "smtp", "--config", &config, "--test-to", "ops@example.com"]);
    assert_eq!(home.fails(65, &["setup", "smtp", "--config", &config])["kind"], "AlreadyActive");
    home.ok(&["change", "smtp", "--config", &config]);
    assert_eq!(home.ok(&["rollback"])["id"], first["id"]);
    home.ok(&["code", "send", "--to", "you@example.com"]);
    let code = home.subjects().pop().unwrap().replace("Generic ", "");
    assert_eq!(home.ok(&["code", "verify", "--to", "you@example.com", "--code", &code])["status"], "verified");
    assert_eq!(home.ok(&["keys", "rotate"])["configurations"], 0);
    let actions: Vec<Value> =
        home.ok(&["history"])["entries"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["roll_back", "change", "set_up"]);

    tokio::task::block_in_place(|| server.stop());
    let away = home.fails(75, &["status"]);
    assert_eq!((&away["kind"], &away["retryable"]), (&json!("StoreUnavailable"), &json!(true)));
}

/// Many at once, as processes: each finishes, and exactly one of them is the first.
#[tokio::test]
async fn many_processes_at_once() {
    let home = Home::new().await;
    let config = home.config("smtp.json");
    let children: Vec<_> =
        (0..8).map(|_| home.command(&["setup", "smtp", "--config", &config, "--json"]).spawn().unwrap()).collect();
    let codes: Vec<i32> =
        children.into_iter().map(|child| child.wait_with_output().unwrap().status.code().unwrap()).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 65).count(), 7, "{codes:?}");
    assert_eq!(home.ok(&["status"])["revision"], 1);
}
