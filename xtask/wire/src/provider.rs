//! The provider, on loopback: an HTTPS server on port 443 and an SMTP server on every other, of whatever host.

use crate::mask::Mask;
use crate::{http, smtp};
use connector_testkit::answers::Given;
use connector_testkit::{
    Answer, HttpRecorder, RecordedRequest, RecorderOptions, SmtpRecorder, SmtpRecorderOptions, SmtpScript, TestCa,
};
use serde_json::json;

/// Both servers.
pub struct Provider {
    http: HttpRecorder,
    smtp: SmtpRecorder,
}

/// What was said to the provider, and how to read it.
#[derive(PartialEq, Eq)]
pub struct Sent {
    /// The language of the blocks of code.
    pub language: &'static str,
    /// Requests in turn, or the one dialogue.
    pub blocks: Vec<String>,
}

impl Provider {
    /// A provider that says this, and is content with everything else.
    pub async fn start(ca: &TestCa, says: Given) -> Self {
        let tls = || Some(ca.server_config_for_any_host());
        let script = SmtpScript::offering(&["STARTTLS", "AUTH PLAIN LOGIN"]);
        let (script, answer, token) = match says {
            Given::Reply { step, reply } => (script.answer(&step, &[&reply]), Answer::default(), granted()),
            Given::ToToken(answer) => (script, Answer::default(), answer),
            Given::ToMessage(answer) => (script, answer, granted()),
        };
        let http = HttpRecorder::start(RecorderOptions { tls: tls(), answers: Vec::new() }).await;
        http.respond_with(move |request| if asks_for_token(request) { token.clone() } else { answer.clone() });
        let smtp = SmtpRecorder::start(SmtpRecorderOptions { tls: tls(), script }).await;
        Self { http, smtp }
    }

    /// The flags that lead every connection here.
    pub fn flags(&self) -> [String; 4] {
        let (https, other) = (self.http.port(), self.smtp.port());
        let flag = || "--connect-to".to_owned();
        [flag(), format!(":443:127.0.0.1:{https}"), flag(), format!("::127.0.0.1:{other}")]
    }

    /// What was said to it.
    pub fn sent(&self, mask: &Mask) -> Sent {
        match self.smtp.sessions().first() {
            Some(session) => Sent { language: "text", blocks: vec![smtp::dialogue(session, mask)] },
            None => {
                let requests = self.http.requests();
                Sent { language: "http", blocks: requests.iter().map(|request| http::request(request, mask)).collect() }
            }
        }
    }
}

/// Asked for by OAuth 2.0 (RFC 6749).
fn asks_for_token(request: &RecordedRequest) -> bool {
    request.form().iter().any(|(name, _)| name == "grant_type")
}

fn granted() -> Answer {
    Answer::status(200).json(json!({ "access_token": crate::mask::TOKEN, "token_type": "Bearer", "expires_in": 3600 }))
}
