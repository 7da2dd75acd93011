//! Where fuzzing starts from: the files in `seeds/`, and what the project already has as data: recordings, tables of
//! answers and example configurations.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use connector_registry::Catalog;
use connector_testkit::{
    Answer, Body, CONNECTORS,
    answers::{Given, answer_cases},
    recordings,
};
use serde_json::{Value, json};

use crate::offline;

/// The committed seeds of a target.
fn files(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    files.iter().filter_map(|path| fs::read(path).ok()).collect()
}

/// Recipients of the recordings.
pub fn addresses() -> Vec<Vec<u8>> {
    let of_recordings = CONNECTORS.into_iter().flat_map(recordings).filter_map(|recording| {
        let to = recording.given.data.get("to").and_then(Value::as_str)?;
        Some(to.as_bytes().to_vec())
    });
    unique(files("addresses").into_iter().chain(of_recordings))
}

/// The answers of every connector's table.
pub fn answers() -> Vec<Vec<u8>> {
    let tables = [
        ("aliyun-direct-mail", include_str!("../../../crates/connector-aliyun-dm/tests/answers.json")),
        ("aws-ses-mail", include_str!("../../../crates/connector-aws-ses/tests/answers.json")),
        ("http-email", include_str!("../../../crates/connector-http-email/tests/answers.json")),
        ("logto-email", include_str!("../../../crates/connector-logto-email/tests/answers.json")),
        ("mailgun-email", include_str!("../../../crates/connector-mailgun/tests/answers.json")),
        ("postmark-mail", include_str!("../../../crates/connector-postmark/tests/answers.json")),
        ("sendgrid-email-service", include_str!("../../../crates/connector-sendgrid/tests/answers.json")),
    ];
    let of_tables = tables.into_iter().flat_map(|(id, table)| {
        answer_cases(table).into_iter().filter_map(move |case| match case.given(now()) {
            Given::ToMessage(answer) | Given::ToToken(answer) => Some(numbered(id, &on_the_wire(&answer)?)),
            Given::Reply { .. } => None,
        })
    });
    unique(files("answers").into_iter().chain(of_tables))
}

/// Example and recorded configurations of every connector.
pub fn configurations() -> Vec<Vec<u8>> {
    let catalog = Catalog::builtin();
    let examples = catalog.iter().map(|factory| (factory.id().to_owned(), offline::config(factory)));
    let recorded = CONNECTORS.into_iter().flat_map(recordings).map(|recording| {
        let config = recording.given.effective_config().clone();
        (recording.given.connector, config)
    });
    let written = examples.chain(recorded).map(|(id, config)| numbered(&id, config.to_string().as_bytes()));
    unique(files("configurations").into_iter().chain(written))
}

/// One export with the example of every connector.
pub fn imports() -> Vec<Vec<u8>> {
    let catalog = Catalog::builtin();
    let tenants = catalog.iter().enumerate().map(|(number, factory)| {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        json!({
            "tenant": format!("tenant-{number}"),
            "active": id,
            "configurations": [{
                "id": id,
                "connector": factory.id(),
                "savedAt": "2026-11-01T08:00:00Z",
                "config": offline::config(factory),
            }],
            "signIn": { "signUp": { "identifiers": ["email"], "verify": true } },
            "fallbackLanguage": "en",
            "templates": [{
                "language": "pt-BR",
                "usageType": "SignIn",
                "contentType": "text/html",
                "subject": "{{code}}",
                "content": "<p>{{code}}</p>",
            }],
        })
    });
    let tenants: Vec<Value> = tenants.collect();
    let single = tenants.iter().map(|tenant| json!({ "format": 1, "tenants": [tenant] }).to_string().into_bytes());
    let all = json!({ "format": 1, "tenants": tenants }).to_string().into_bytes();
    unique(files("imports").into_iter().chain(single).chain([all]))
}

/// Certificates and what people paste in their place.
pub fn pem() -> Vec<Vec<u8>> {
    files("pem")
}

/// Proxies that agree, refuse, ask for a password or talk nonsense.
pub fn proxies() -> Vec<Vec<u8>> {
    let http = [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n",
        "HTTP/1.0 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!",
        "HTTP/1.1 502 Bad Gateway\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n220 ready\r\n",
        "220 smtp.example.com ESMTP\r\n",
    ];
    let http = http.map(|answer| [&[0], answer.as_bytes()].concat());
    let socks: [&[u8]; 5] = [
        b"\x05\x00\xaa\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x19",
        b"\x05\x02\xaa\x01\x00\xaa\x05\x00\x00\x03\x04host\x00\x19",
        b"\x05\x02\xaa\x01\x01",
        b"\x05\xff",
        b"\x05\x00\xaa\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00",
    ];
    let socks = socks.iter().flat_map(|answer| [[&[1], *answer].concat(), [&[2], *answer].concat()]);
    unique(files("proxies").into_iter().chain(http).chain(socks))
}

/// A dialogue that succeeds, and each reply of SMTP's table in its place.
pub fn replies() -> Vec<Vec<u8>> {
    const STEPS: [(&str, &str); 7] = [
        ("greeting", "220 smtp.example.com ESMTP\r\n"),
        ("EHLO", "250-smtp.example.com\r\n250-AUTH PLAIN LOGIN\r\n250-SMTPUTF8\r\n250 SIZE 1000000\r\n"),
        ("AUTH", "235 2.7.0 accepted\r\n"),
        ("MAIL", "250 2.1.0 ok\r\n"),
        ("RCPT", "250 2.1.5 ok\r\n"),
        ("DATA", "354 go on\r\n"),
        ("content", "250 2.0.0 queued as 4711\r\n"),
    ];
    let dialogue = |instead: Option<(&str, &str)>| {
        let said = STEPS.map(|(step, reply)| match instead {
            Some((other, instead)) if other.eq_ignore_ascii_case(step) => format!("{instead}\r\n"),
            _ => reply.to_owned(),
        });
        said.join("\0").into_bytes()
    };
    let table = answer_cases(include_str!("../../../crates/connector-smtp/tests/answers.json"));
    let of_table = table.iter().filter_map(|case| match case.given(now()) {
        Given::Reply { step, reply } => Some(dialogue(Some((&step, &reply)))),
        _ => None,
    });
    unique(files("replies").into_iter().chain([dialogue(None)]).chain(of_table))
}

/// The templates of the recorded configurations.
pub fn templates() -> Vec<Vec<u8>> {
    unique(files("templates").into_iter().chain(recorded_templates()))
}

/// HTML of the recorded configurations.
pub fn text() -> Vec<Vec<u8>> {
    unique(files("text").into_iter().chain(recorded_templates()))
}

fn recorded_templates() -> Vec<Vec<u8>> {
    let configs = CONNECTORS.into_iter().flat_map(recordings).map(|recording| recording.given.config);
    configs
        .filter_map(|config| config.get("templates").cloned())
        .flat_map(|templates| templates.as_array().cloned().unwrap_or_default())
        .filter_map(|template| Some(template.get("content")?.as_str()?.as_bytes().to_vec()))
        .collect()
}

/// A moment, always the same: seeds are.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_793_520_000)
}

/// The number of the connector `id` in front of `rest`.
fn numbered(id: &str, rest: &[u8]) -> Vec<u8> {
    let number = Catalog::builtin().iter().position(|factory| factory.id() == id).unwrap_or_default();
    [&[u8::try_from(number).unwrap_or_default()], rest].concat()
}

/// Status, headers, an empty line and the body.
fn on_the_wire(answer: &Answer) -> Option<Vec<u8>> {
    let Body::Bytes(body) = &answer.body else { return None };
    let mut wire = answer.status.to_string();
    for (name, value) in &answer.headers {
        wire += &format!("{name}: {value}\n");
    }
    wire.push_str("\n\n");
    Some([wire.as_bytes(), body].concat())
}

fn unique(seeds: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = seeds.into_iter().collect();
    seeds.sort();
    seeds.dedup();
    seeds
}
