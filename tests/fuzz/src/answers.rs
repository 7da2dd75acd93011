//! Providers' answers: whatever a server says, the outcome is told without quoting secret, code or recipient.

use std::sync::Arc;

use connector_kit::{
    Delivery, Error, SendContext, async_trait,
    http::{HeaderMap, HeaderName, HeaderValue, HttpClient, HttpRequest, HttpResponse, StatusCode},
};

use crate::offline;

/// A client that always gets the same answer.
#[derive(Clone)]
struct Answering(Arc<(StatusCode, HeaderMap, Vec<u8>)>);

#[async_trait]
impl HttpClient for Answering {
    async fn execute(&self, _: HttpRequest, _: &SendContext) -> Result<HttpResponse, Error> {
        let (status, headers, body) = &*self.0;
        Ok(HttpResponse { status: *status, headers: headers.clone(), body: Ok(body.clone().into()) })
    }
}

/// Reads `data` as the number of a connector, and an answer: its status, headers, an empty line, its body.
pub fn run(data: &[u8]) {
    let Some((number, answer)) = data.split_first() else { return };
    let factory = offline::factory(*number);
    // It would dial: a server's replies are fuzzed by themselves.
    if factory.target() == "smtp" {
        return;
    }
    let Some((status, rest)) = answer.split_first_chunk::<3>() else { return };
    let Ok(status) = StatusCode::from_bytes(status) else { return };
    if status.is_informational() {
        return;
    }
    let (head, body) = split(rest);
    let headers: HeaderMap = head
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b':')?;
            let value = HeaderValue::from_bytes(line[at + 1..].trim_ascii()).ok()?;
            Some((HeaderName::from_bytes(&line[..at]).ok()?, value))
        })
        .collect();
    let answer = HttpResponse { status, headers: headers.clone(), body: Ok(body.to_vec().into()) };
    let client = Answering(Arc::new((status, headers, body.to_vec())));
    let Err(error) = offline::send(factory, client) else {
        assert!(status.is_success() || status == StatusCode::CONFLICT, "accepted on {status}");
        return;
    };
    let said = format!("{error} {} {error:?}", error.hint().unwrap_or_default());
    for hidden in [offline::CODE, offline::RECIPIENT, offline::SECRET] {
        assert!(!said.contains(hidden), "an error quotes {hidden}");
    }
    // Anything may come before the message, such as a refusal by the token endpoint; after it a success is never "not sent",
    // unless it is not the provider's.
    let may_be_before = factory.id() == "logto-email" || answer.was_kept_back();
    let not_sent = error.delivery() == Delivery::NotSent;
    assert!(may_be_before || !(not_sent && status.is_success() && body.is_empty()), "a 2xx without words is not sent");
}

fn split(rest: &[u8]) -> (&[u8], &[u8]) {
    let gap = rest.windows(2).position(|pair| pair == b"\n\n");
    gap.map_or((rest, &[]), |at| (&rest[..at], &rest[at + 2..]))
}
