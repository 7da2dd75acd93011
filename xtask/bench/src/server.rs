//! The servers that messages are sent to: sinks of the testkit, on the second core.

use std::io::{Read as _, Write as _};

use anyhow::Result;
use connector_testkit::{Answer, HttpRecorder, RecorderOptions, SinkOptions, SmtpRecorder, TestCa};

use crate::{measure, workload};

/// Serves until standard input ends. Prints the port, then the certificate authority's PEM.
pub fn serve(protocol: workload::Protocol) -> Result<()> {
    measure::pin_to(1)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let ca = TestCa::new();
        match protocol {
            workload::Protocol::Smtp => {
                let sink = SmtpRecorder::sink(SinkOptions::default()).await;
                announce(sink.port(), &ca.root_pem())?;
                wait_for_end()
            }
            workload::Protocol::Https => {
                let tls = Some(ca.server_config(&[workload::HOST]));
                let answers = vec![Answer::status(202).header("x-message-id", "bench")];
                let sink = HttpRecorder::sink(RecorderOptions { tls, answers }).await;
                announce(sink.port(), &ca.root_pem())?;
                wait_for_end()
            }
        }
    })
}

fn announce(port: u16, pem: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{port}\n{pem}\nready")?;
    Ok(out.flush()?)
}

fn wait_for_end() -> Result<()> {
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
