//! `promote`, `export` and `import`.

use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use crate::{
    SENDGRID,
    home::{Home, PASSWORD, secret_config},
};

async fn dev() -> Home {
    let home = Home::new().await;
    let config = home.files.json("sendgrid.json", &secret_config());
    home.ok(&["setup", "sendgrid", "--config", &config, "--tenant", "dev"]);
    home
}

/// What was said, however wide its columns are.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_difference_is_shown_before_anything_changes() {
    let home = dev().await;
    let promote = ["promote", "--from", "dev", "--to", "production"];
    let run = home.run(&promote);
    assert_eq!(run.code, 64);
    assert!(words(&run.stdout).contains("added /apiKey \"******\""), "{}", run.stdout);
    assert!(run.stdout.contains("never tested") && run.stderr.contains("--yes"), "{}{}", run.stdout, run.stderr);
    let run = home.run(&[&promote[..], &["--json"]].concat());
    assert_eq!((run.code, &run.json()["error"]["differences"][0]["difference"]), (64, &json!("added")));
    assert_eq!(home.ok(&["status", "--tenant", "production"])["active"], Value::Null);

    let promoted = home.ok(&[&promote[..], &["--yes"]].concat());
    assert_eq!(
        (&promoted["status"], &promoted["tenant"], &promoted["from"]),
        (&json!("active"), &json!("production"), &json!("dev"))
    );
    assert_eq!(home.ok(&["status", "--tenant", "production"])["active"]["connector"], SENDGRID);
    assert_eq!(home.ok(&["history", "--tenant", "production"])["entries"][0]["action"], "promote");

    let again = home.ok(&promote);
    assert_eq!(again["status"], "unchanged");
    assert_eq!(home.ok(&["status", "--tenant", "production"])["revision"], 1);

    let mut changed = secret_config();
    changed["apiKey"] = "SG.another".into();
    changed["fromName"] = "Example".into();
    let changed = home.files.json("changed.json", &changed);
    home.ok(&["change", "sendgrid", "--config", &changed, "--tenant", "dev"]);
    let told = home.run(&[&promote[..], &["--yes"]].concat());
    assert_eq!(told.code, 0, "{}", told.stderr);
    for line in ["changed /apiKey \"******\"", "added /fromName \"Example\""] {
        assert!(words(&told.stdout).contains(line), "{line} is missing in {}", told.stdout);
    }
    told.assert_shows_none_of(&["SG.another"]);
    let nobody = home.fails(65, &["promote", "--from", "nobody", "--to", "production", "--yes"]);
    assert_eq!(nobody["kind"], "UnknownTenant");
}

#[cfg(unix)]
#[tokio::test]
async fn at_a_terminal_it_asks() {
    use crate::terminal::Talk;

    let home = dev().await;
    let promote = ["promote", "--from", "dev", "--to", "production"];
    let mut talk = Talk::begin(&mut home.command(&promote));
    talk.wait_for("Make it active for tenant production? [y/N] ");
    talk.hit("\n");
    assert_eq!(talk.end().0, 64);
    assert_eq!(home.ok(&["status", "--tenant", "production"])["active"], Value::Null);
    let mut talk = Talk::begin(&mut home.command(&promote));
    talk.wait_for("[y/N] ");
    talk.hit("y\n");
    assert_eq!(talk.end().0, 0);
    assert_eq!(home.ok(&["status", "--tenant", "production"])["active"]["connector"], SENDGRID);
}

#[cfg(unix)]
#[tokio::test]
async fn the_question_is_no_part_of_the_output() {
    use crate::terminal::Talk;

    let home = dev().await;
    let file = home.files.path("difference.txt");
    let promote = ["promote", "--from", "dev", "--to", "production"];
    let mut talk = Talk::begin_into(std::fs::File::create(&file).unwrap(), &mut home.command(&promote));
    talk.wait_for("[y/N] ");
    talk.hit("y\n");
    assert_eq!(talk.end().0, 0);
    let output = std::fs::read_to_string(&file).unwrap();
    assert!(output.contains("/apiKey") && !output.contains("[y/N]"), "{output}");
}

#[tokio::test]
async fn an_export_comes_back_with_its_secrets_sealed_or_filled_in() {
    let home = dev().await;
    let template = home.files.json("template.json", &json!({ "subject": "s", "content": "c" }));
    home.ok(&["templates", "put", &template, "--locale", "en", "--usage-type", "SignIn", "--tenant", "dev"]);
    home.ok(&["setup", "sendgrid", "--config", &home.files.json("c.json", &secret_config()), "--tenant", "other"]);

    let omitted: Value = serde_json::from_str(&home.run(&["export", "--tenant", "dev"]).stdout).unwrap();
    assert_eq!(omitted["tenants"][0]["configurations"][0]["config"]["apiKey"], "******");
    let file = home.files.path("all.json").to_str().unwrap().to_owned();
    let written = home.ok(&["export", "--all", "--secrets", "sealed", "--output", &file]);
    assert_eq!((&written["status"], &written["tenants"]), (&json!("exported"), &json!(2)));
    let sealed = std::fs::read_to_string(&file).unwrap();
    assert!(!sealed.contains(PASSWORD));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    // A store of its own with the same key reads what is sealed.
    let key = home.files.path("store.sqlite.key").to_str().unwrap().to_owned();
    let other = format!("sqlite:{}", home.files.path("other.sqlite").display());
    let there = |arguments: &[&str]| home.ok(&[arguments, &["--store", &other, "--key-file", &key]].concat());
    let imported = there(&["import", &file]);
    assert_eq!((&imported["status"], imported["tenants"].as_array().unwrap().len()), (&json!("imported"), 2));
    assert_eq!(there(&["status", "--tenant", "dev"])["active"]["connector"], SENDGRID);
    assert_eq!(there(&["templates", "list", "--tenant", "dev"])["templates"][0]["language"], "en");
    assert_eq!(there(&["import", &file])["tenants"][0]["saved"], json!([]), "what is there already stays");

    // Whoever edits the file cannot have the secret sent elsewhere.
    let mut edited: Value = serde_json::from_str(&sealed).unwrap();
    edited["tenants"][0]["configurations"][0]["config"]["region"] = json!("eu");
    let edited = home.files.json("edited.json", &edited);
    let elsewhere = format!("sqlite:{}", home.files.path("elsewhere.sqlite").display());
    let refused = home.fails(78, &["import", &edited, "--store", &elsewhere, "--key-file", &key]);
    assert!(refused["message"].as_str().unwrap().contains("a field that decides where it is sent"), "{refused}");

    // With another key, or without the secrets, nothing is taken over.
    let third = format!("sqlite:{}", home.files.path("third.sqlite").display());
    let sealed = home.fails(78, &["import", &file, "--store", &third]);
    assert!(sealed["message"].as_str().unwrap().contains("/apiKey"), "{sealed}");
    let omitted = home.files.json("omitted.json", &omitted);
    let masked = home.fails(65, &["import", &omitted, "--store", &third]);
    assert_eq!((&masked["kind"], &masked["problems"][0]["pointer"]), (&json!("InvalidConfig"), &json!("/apiKey")));
    assert_eq!(home.ok(&["status", "--tenant", "dev", "--store", &third])["revision"], 0);

    let no_object = json!({ "format": 1, "tenants": [{ "tenant": "dev", "configurations": [{
        "id": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff", "connector": SENDGRID,
        "savedAt": "2026-01-02T03:04:05.678Z", "config": "no object",
    }] }] });
    let told = home.run(&["import", &home.files.json("no-object.json", &no_object), "--store", &third]).stderr;
    assert!(told.contains("tenant `dev`, configuration 6f9619ff-8b86-4d01-b42d-00cf4fc964ff"), "{told}");
    let newer = home.files.json("newer.json", &json!({ "format": 2, "tenants": [] }));
    assert_eq!(home.fails(65, &["import", &newer])["kind"], "UnknownFormat");
    let no_export = home.fails(65, &["import", &template]);
    assert_eq!(no_export["kind"], "InvalidInput");
}

/// Does `statement` to the database behind everybody's back.
async fn tamper(home: &Home, statement: &'static str) {
    let mut database = SqliteConnection::connect(&home.url).await.unwrap();
    sqlx::query(statement).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

#[tokio::test]
async fn an_import_that_stops_half_way_says_how_far_it_came() {
    let home = dev().await;
    let config = home.files.json("c.json", &secret_config());
    home.ok(&["setup", "sendgrid", "--config", &config, "--tenant", "other"]);
    home.ok(&["setup", "sendgrid", "--config", &config, "--tenant", "production"]);
    let file = home.files.path("all.json").to_str().unwrap().to_owned();
    home.ok(&["export", "--all", "--output", &file]);
    let stop =
        "CREATE TRIGGER stop BEFORE UPDATE ON tenants WHEN new.name = 'other' BEGIN SELECT raise(ABORT, 'no'); END";
    tamper(&home, stop).await;
    let partly = home.fails(74, &["import", &file]);
    assert_eq!((&partly["kind"], &partly["retryable"]), (&json!("PartlyImported"), &json!(false)));
    let became = |tenant: &str, status: &str| json!({ "tenant": tenant, "status": status });
    let tenants =
        json!([became("dev", "imported"), became("other", "not_imported"), became("production", "not_imported")]);
    assert_eq!(partly["tenants"], tenants);
    let said = partly["message"].as_str().unwrap();
    assert!(said.contains("`dev`") && !said.contains("othing was"), "{said}");
    tamper(&home, "DROP TRIGGER stop").await;
    assert_eq!(home.ok(&["import", &file])["tenants"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn an_import_refuses_what_a_rollback_refuses() {
    let home = dev().await;
    let unusable = home.ok(&["status", "--tenant", "dev"])["active"]["id"].as_str().unwrap().to_owned();
    let config = home.files.json("sendgrid.json", &secret_config());
    let active = home.ok(&["change", "sendgrid", "--config", &config, "--tenant", "dev"])["id"].clone();
    // Its secret is another one's, so it does not open.
    let swap = "UPDATE configurations SET secrets = (SELECT secrets FROM configurations ORDER BY seq DESC LIMIT 1)";
    tamper(&home, swap).await;
    let rollback = home.fails(78, &["rollback", "--to", &unusable, "--tenant", "dev"]);
    let export = json!({ "format": 1, "tenants": [{ "tenant": "dev", "active": unusable }] });
    let import = home.fails(78, &["import", &home.files.json("export.json", &export)]);
    assert_eq!((&import["kind"], &rollback["kind"]), (&json!("StoreUnusable"), &json!("StoreUnusable")));
    assert_eq!(home.ok(&["status", "--tenant", "dev"])["active"]["id"], active);
}
