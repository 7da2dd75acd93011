#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test support: a broken expectation is a failed test"
)]

pub mod answers;
mod ca;
pub mod conformance;
mod http_answer;
mod http_recorder;
mod http_request;
mod http_wire;
mod logs;
mod mime;
#[cfg(unix)]
mod postgres;
mod readme;
mod recordings;
mod refused;
pub mod replay;
mod server;
mod smtp_auth;
mod smtp_content;
mod smtp_recorder;
mod smtp_script;
mod smtp_session;
#[cfg(target_os = "linux")]
mod stalled;
mod wire;

pub use ca::{SelfSigned, TestCa, server_with};
pub use http_answer::{Answer, Body, Fault, Framing};
pub use http_recorder::{HttpRecorder, RecorderOptions};
pub use http_request::RecordedRequest;
pub use logs::LogCapture;
pub use mime::{ParsedMail, ParsedMailbox, ParsedPart, parse_mail};
#[cfg(unix)]
pub use postgres::PostgresServer;
pub use readme::{ReadmeBlock, example_config, readme_blocks};
pub use recordings::{
    CONNECTORS, ConnectionRecord, Given, I18n, MailRecord, Network, Outcome, Recorded, Recording, RequestBody,
    RequestRecord, SessionRecord, recordings,
};
pub use refused::RefusedPort;
pub use smtp_auth::SmtpCredentials;
pub use smtp_recorder::{RecordedMail, SinkOptions, SmtpRecorder, SmtpRecorderOptions, SmtpSession, TlsReached};
pub use smtp_script::{SmtpAnswer, SmtpAnswers, SmtpScript};
#[cfg(target_os = "linux")]
pub use stalled::StalledPort;
