//! One connector, observed: its README's example on the wire, and what each answer becomes.

use crate::http;
use crate::mask::Mask;
use crate::provider::{Provider, Sent};
use crate::tool::{Ran, Tool};
use anyhow::{Context as _, Result, bail, ensure};
use connector_testkit::answers::{AnswerCase, Becomes, Given, answer_cases};
use connector_testkit::{TestCa, example_config};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// The message that goes with every example, to the recipient that answers.json knows.
pub const MESSAGE: &str = r#"{"to":"ann.recipient@example.org","type":"SignIn","payload":{"code":"123456"}}"#;

/// A connector, and the files that the command line takes.
pub struct Connector {
    /// Its id.
    pub id: String,
    cases: Vec<AnswerCase>,
    mask: Mask,
    desk: TempDir,
    ca: TestCa,
}

/// What `describe` prints, as far as it is needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    id: String,
    readme: String,
    form_items: Vec<FormItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FormItem {
    key: String,
    is_confidential: bool,
}

impl Connector {
    /// The connector whose crate is at `folder`.
    pub async fn read(tool: &Tool, folder: &Path) -> Result<Self> {
        let name = folder.file_name().and_then(|name| name.to_str()?.strip_prefix("connector-"));
        let name = name.context("a connector's folder is called connector-…")?;
        let described: Described = serde_json::from_value(tool.run(["describe", name]).await?.json)?;
        let (_, config) = example_config(&described.readme).map_err(anyhow::Error::msg)?;
        let secrets = described.form_items.iter().filter(|item| item.is_confidential).map(|item| item.key.as_str());
        let mask = Mask::new(&config, secrets);
        let desk = tempfile::tempdir()?;
        let ca = TestCa::new();
        for (file, content) in
            [("config.json", config.to_string()), ("message.json", MESSAGE.to_owned()), ("ca.pem", ca.root_pem())]
        {
            std::fs::write(desk.path().join(file), content).with_context(|| format!("writing {file}"))?;
        }
        Ok(Self { id: described.id, cases: cases(folder)?, mask, desk, ca })
    }

    /// Everything that the page is made of.
    pub async fn observe(&self, tool: &Tool) -> Result<Value> {
        let accepted = self.cases.iter().find(|case| matches!(case.becomes, Becomes::Sent { .. }));
        let accepted = accepted.context("answers.json has no answer that counts as sent")?;
        let (sent, ran) = self.send(tool, accepted).await?;
        ensure!(ran.exit == 0, "the README's example is not sent: {}", ran.json);
        let (again, _) = self.send(tool, accepted).await?;
        if let Some((one, other)) = sent.blocks.iter().zip(&again.blocks).find(|(one, other)| one != other) {
            bail!("this differs from send to send, and mask.rs does not know it:\n{one}\n\n{other}");
        }
        let answer = match accepted.given(on_paper()) {
            Given::ToMessage(answer) | Given::ToToken(answer) => Some(http::answer(&answer)),
            // It is in the dialogue.
            Given::Reply { .. } => None,
        };
        let mut answers = Vec::new();
        for case in &self.cases {
            let (_, ran) = self.send(tool, case).await?;
            answers.push(row(case, ran).with_context(|| format!("{:?} in answers.json", case.case))?);
        }
        Ok(json!({ "language": sent.language, "sent": sent.blocks, "answer": answer, "answers": answers }))
    }

    /// Sends the example to a provider that gives this answer.
    async fn send(&self, tool: &Tool, case: &AnswerCase) -> Result<(Sent, Ran)> {
        let provider = Provider::start(&self.ca, case.given(SystemTime::now())).await;
        let file = |name: &str| -> Result<String> {
            let path: PathBuf = self.desk.path().join(name);
            path.into_os_string().into_string().ok().context("the folder for temporary files has no name in UTF-8")
        };
        let mut args = vec!["send".to_owned(), self.id.clone()];
        for (flag, value) in
            [("--config", file("config.json")?), ("--message", file("message.json")?), ("--cacert", file("ca.pem")?)]
        {
            args.extend([flag.to_owned(), value]);
        }
        args.extend(["--retry".to_owned(), "0".to_owned()]);
        args.extend(provider.flags());
        let ran = tool.run(&args).await?;
        Ok((provider.sent(&self.mask), ran))
    }
}

/// The connector's table of answers, which its own tests hold it to.
fn cases(folder: &Path) -> Result<Vec<AnswerCase>> {
    let file = folder.join("tests/answers.json");
    let text = std::fs::read_to_string(&file);
    let text =
        text.with_context(|| format!("{}: a connector keeps there what its provider answers", file.display()))?;
    Ok(answer_cases(&text))
}

/// When an answer that names a time is shown: always the same, so that pages do not change with the clock.
fn on_paper() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045)
}

/// A row of the page's table. What came of the answer must be what the connector's own table says.
fn row(case: &AnswerCase, ran: Ran) -> Result<Value> {
    let Ran { json: mut result, exit } = ran;
    let (at, short) = match case.given(on_paper()) {
        Given::ToMessage(answer) => (None, http::in_short(&answer)),
        Given::ToToken(answer) => (Some("token".to_owned()), http::in_short(&answer)),
        Given::Reply { step, reply } => (Some(step), reply.replace("\r\n", " ")),
    };
    let mut error = result["error"].take();
    match &case.becomes {
        Becomes::Sent { .. } => ensure!(exit == 0, "it counts as sent, and then this: {error}"),
        Becomes::Failed(expected) => {
            let found = (error["kind"].as_str(), error["delivery"].as_str());
            let wanted = (Some(expected.kind.as_str()), Some(expected.delivery.as_str()));
            ensure!(found == wanted, "kind and delivery are other ones: {error}");
            // A wait until some time is shorter each time that it is read: the page has what the table says.
            error["retryAfterSeconds"] = json!(expected.retry_after.map(|wait| wait.as_secs()));
        }
    }
    Ok(json!({ "means": case.case, "source": case.source, "at": at, "answer": short, "exit": exit, "error": error }))
}
