//! The servers that messages are sent to: sinks of the testkit, on the second core.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum as _;
use connector_testkit::{
    Answer, Fault, HttpRecorder, RecorderOptions, SinkOptions, SmtpRecorder, SmtpRecorderOptions, SmtpScript, TestCa,
};
use tempfile::NamedTempFile;

use crate::{measure, workload::Provider};

/// Serves until standard input ends. Prints the port and the certificate authority's PEM, and at the end how many
/// connections there were.
pub fn serve(provider: Provider, silent: bool) -> Result<()> {
    measure::pin_to(1)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let ca = TestCa::new();
        let connections = if provider == Provider::Smtp && silent {
            let script = SmtpScript::default().answer("END", &["silent"]);
            let recorder = SmtpRecorder::start(SmtpRecorderOptions { tls: None, script }).await;
            until_told(recorder.port(), &ca.root_pem())?;
            recorder.connections()
        } else if provider == Provider::Smtp {
            let sink = SmtpRecorder::sink(SinkOptions::default()).await;
            until_told(sink.port(), &ca.root_pem())?;
            sink.connections()
        } else {
            let mut answers = provider.answers();
            if silent {
                let last = answers.len().saturating_sub(1);
                answers[last] = Answer::fault(Fault::Silent);
            }
            let tls = Some(ca.server_config(provider.hosts()));
            let sink = HttpRecorder::sink(RecorderOptions { tls, answers }).await;
            until_told(sink.port(), &ca.root_pem())?;
            sink.connections()
        };
        println!("{connections}");
        Ok(())
    })
}

fn until_told(port: u16, pem: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{port}\n{pem}\nready")?;
    out.flush()?;
    drop(out);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// A server in a process of its own.
pub struct Server {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    pub port: u16,
    /// Its certificate authority, as a PEM file.
    pub ca: NamedTempFile,
}

impl Server {
    pub fn start(provider: Provider, silent: bool) -> Result<Self> {
        let name = provider.to_possible_value().context("every provider has a name")?;
        let mut process = Command::new(std::env::current_exe()?)
            .args(["serve", name.get_name()])
            .args(silent.then_some("--silent"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take();
        let mut output = BufReader::new(process.stdout.take().context("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let port = line.trim().parse()?;
        let mut ca = NamedTempFile::new()?;
        loop {
            line.clear();
            if output.read_line(&mut line)? == 0 {
                bail!("the server ended before it was ready");
            }
            if line.trim() == "ready" {
                return Ok(Self { process, input, output, port, ca });
            }
            ca.write_all(line.as_bytes())?;
        }
    }

    /// Stops it; says how many connections there were.
    pub fn stop(mut self) -> Result<usize> {
        drop(self.input.take());
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.process.wait();
    }
}
