//! The kinds of error there are, and how the command line ends where no provider is needed for that.

use crate::connector::MESSAGE;
use crate::tool::Tool;
use anyhow::{Context as _, Result};
use connector_kit::ErrorKind;
use serde_json::{Value, json};

/// One fault each that shows before anything is sent: the connector, its configuration and the message.
fn faults() -> [(&'static str, Value, Value); 3] {
    let message: Value = serde_json::from_str(MESSAGE).unwrap_or_default();
    let endpoint = json!({ "endpoint": "https://mail.example.com/" });
    let sign_in_alone = json!({
        "domain": "mg.example.com",
        "apiKey": "key",
        "from": "no-reply@mg.example.com",
        "deliveries": { "SignIn": { "subject": "Code", "html": "<p>{{code}}</p>" } },
    });
    let with = |name: &str, value: &str| {
        let mut changed = message.clone();
        changed[name] = json!(value);
        changed
    };
    [
        ("http-email", json!({}), message.clone()),
        ("http-email", endpoint, with("to", "nobody")),
        ("mailgun", sign_in_alone, with("type", "Register")),
    ]
}

/// Every kind, with the exit code that it was seen to have, if it was seen.
pub async fn all(tool: &Tool) -> Result<Value> {
    let desk = tempfile::tempdir()?;
    let (config, message) = (desk.path().join("config.json"), desk.path().join("message.json"));
    let mut seen = Vec::new();
    for (connector, configured, given) in faults() {
        for (file, content) in [(&config, configured), (&message, given)] {
            std::fs::write(file, content.to_string()).with_context(|| format!("writing {}", file.display()))?;
        }
        let mut args = ["send", connector, "--config", "", "--message", ""].map(Into::<std::ffi::OsString>::into);
        args[3] = config.clone().into();
        args[5] = message.clone().into();
        let ran = tool.run(&args).await?;
        seen.push((ran.json["error"]["kind"].as_str().map(str::to_owned), ran.exit));
    }
    let kinds = ErrorKind::ALL.map(|kind| {
        let exit = seen.iter().find(|(name, _)| name.as_deref() == Some(kind.name())).map(|(_, exit)| *exit);
        json!({ "name": kind.name(), "code": kind.code(), "temporary": kind.is_temporary(), "exit": exit })
    });
    Ok(kinds.into_iter().collect())
}
