//! Delivered mail read back from the maildirs, with what Postfix's own header fields and log tell about its way.

use crate::{Mail, PATIENCE, until};
use anyhow::{Context as _, Result};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// Every message below `folder`, one maildir a mailbox, oldest first.
pub(super) fn read(folder: &Path, log: impl Fn() -> String) -> Result<Vec<Mail>> {
    let mut found: Vec<(SystemTime, Mail)> = Vec::new();
    for mailbox in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let new = mailbox?.path().join("new");
        let Ok(messages) = fs::read_dir(&new) else { continue };
        for message in messages {
            let file = message?.path();
            let content = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            found.push((fs::metadata(&file)?.modified()?, parse(content, &log)?));
        }
    }
    found.sort_by_key(|(delivered, _)| *delivered);
    Ok(found.into_iter().map(|(_, mail)| mail).collect())
}

fn parse(content: Vec<u8>, log: impl Fn() -> String) -> Result<Mail> {
    let mut mail = Mail {
        from: String::new(),
        to: Vec::new(),
        content,
        helo: String::new(),
        tls: false,
        user: None,
        mechanism: None,
        parameters: Vec::new(),
    };
    mail.from = mail.header("Return-Path").unwrap_or_default().trim_matches(['<', '>']).to_owned();
    mail.to.extend(mail.header("X-Original-To"));
    // "from client (name [address]) (using TLSv1.3 …) by mail.example.test (Postfix) with ESMTPSA id QUEUEID for …"
    let received = mail.header("Received").unwrap_or_default();
    let word_after = |marker: &str| {
        let mut words = received.split_ascii_whitespace();
        words.find(|word| *word == marker)?;
        words.next()
    };
    mail.helo = word_after("from").unwrap_or_default().to_owned();
    mail.tls = received.contains("(using TLS");
    // "… postfix/smtpd[1]: QUEUEID: client=name[address], sasl_method=PLAIN, sasl_username=relay@example.test"
    let entry = format!(" {}: client=", word_after("id").context("a message without Postfix's own Received field")?);
    let line = until(PATIENCE, &format!("Postfix's log to say `{entry}`"), || {
        Ok(log().lines().find(|line| line.contains(&entry)).map(str::to_owned))
    })?;
    let detail = |name: &str| Some(line.split_once(name)?.1.split([',', ' ']).next()?.to_owned());
    mail.mechanism = detail("sasl_method=");
    mail.user = detail("sasl_username=");
    Ok(mail)
}
