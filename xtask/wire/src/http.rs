//! Requests and answers of HTTP as a page shows them.

use crate::mask::Mask;
use connector_testkit::{Answer, Body, Fault, RecordedRequest};
use http::StatusCode;
use serde_json::Value;

/// Headers that say nothing of the provider's API: those of HTTP's own doing, and of which library speaks.
const LEFT_OUT: [&str; 9] = [
    "accept-encoding",
    "amz-sdk-invocation-id",
    "amz-sdk-request",
    "connection",
    "content-length",
    "host",
    "transfer-encoding",
    "user-agent",
    "x-amz-user-agent",
];

/// A request: line, headers by name with the host first, body laid out for reading.
pub fn request(request: &RecordedRequest, mask: &Mask) -> String {
    let mut headers: Vec<(String, String)> = request
        .headers
        .iter()
        .map(|(name, value)| (titled(name), mask.value(name, value)))
        .filter(|(name, _)| !LEFT_OUT.contains(&name.to_ascii_lowercase().as_str()))
        .collect();
    headers.sort();
    headers.insert(0, ("Host".to_owned(), request.host.clone()));
    let line = format!("{} {} HTTP/1.1", request.method, mask.text(&request.target));
    let media_type = request.header("content-type").unwrap_or_default();
    let body = if media_type.starts_with("application/x-www-form-urlencoded") {
        let fields = request.form();
        let field = |(name, value): &(String, String)| format!("{name} = {}", mask.value(name, value));
        fields.iter().map(field).collect::<Vec<_>>().join("\n")
    } else {
        mask.text(&laid_out(&request.body))
    };
    together(line, &headers, &body)
}

/// An answer likewise.
pub fn answer(answer: &Answer) -> String {
    let reason = StatusCode::from_u16(answer.status).ok().and_then(|status| status.canonical_reason());
    let line = format!("HTTP/1.1 {} {}", answer.status, reason.unwrap_or_default());
    let mut headers: Vec<(String, String)> =
        answer.headers.iter().map(|(name, value)| (titled(name), value.clone())).collect();
    headers.sort();
    let body = match &answer.body {
        Body::Bytes(body) => laid_out(body),
        Body::Filler(_) | Body::Raw(_) => String::new(),
    };
    together(line.trim_end().to_owned(), &headers, &body)
}

/// The answer in a few words, those that a person would look for in a table.
pub fn in_short(answer: &Answer) -> String {
    let cut = match answer.fault {
        Fault::None => "",
        Fault::CutBody | Fault::CutHeaders | Fault::ResetBody => "cut off",
        Fault::HangUp | Fault::ResetAfterRead | Fault::ResetBeforeRead => return "the connection is lost".to_owned(),
        _ => return "no answer".to_owned(),
    };
    let words = match &answer.body {
        Body::Bytes(body) => words(body),
        Body::Filler(_) | Body::Raw(_) => String::new(),
    };
    let status = answer.status.to_string();
    // A page's title often begins with the status.
    let words = words.strip_prefix(&status).unwrap_or(&words).trim().to_owned();
    let parts = [status, cut.to_owned(), words];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The words of a body: the message in an object, the title of a page, or the first line of a text.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if text.contains(|char: char| char.is_control() && !char.is_whitespace()) {
        return "bytes that are no text".to_owned();
    }
    if let Ok(json) = serde_json::from_str::<Value>(&text) {
        return message(&json).map_or_else(|| json.to_string(), str::to_owned);
    }
    let between =
        |from: &str, to: &str| text.split_once(from)?.1.split_once(to).map(|(inner, _)| inner.trim().to_owned());
    match ["Message", "message", "title"].iter().find_map(|tag| between(&format!("<{tag}>"), &format!("</{tag}>"))) {
        Some(words) => words,
        None if text.trim_start().starts_with('<') => "a page".to_owned(),
        None => text.lines().next().unwrap_or_default().trim().to_owned(),
    }
}

/// The first text, outside in, under a name that providers give to what they have to say.
fn message(json: &Value) -> Option<&str> {
    const NAMES: [&str; 6] = ["message", "Message", "error", "error_description", "detail", "title"];
    let own = NAMES.iter().find_map(|name| json.get(name)?.as_str().filter(|text| !matches!(*text, "" | "error")));
    own.or_else(|| match json {
        Value::Object(members) => members.values().find_map(message),
        Value::Array(items) => items.iter().find_map(message),
        _ => None,
    })
}

/// A body for reading: JSON in lines, anything else as it is.
fn laid_out(body: &[u8]) -> String {
    let pretty = serde_json::from_slice::<Value>(body).and_then(|json| serde_json::to_string_pretty(&json));
    pretty.unwrap_or_else(|_| String::from_utf8_lossy(body).trim_end().to_owned())
}

/// A header's name as it is usually written; HTTP does not care.
fn titled(name: &str) -> String {
    let word = |word: &str| {
        let mut chars = word.chars();
        let first = chars.next().map(|char| char.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

fn together(line: String, headers: &[(String, String)], body: &str) -> String {
    let mut text = line;
    for (name, value) in headers {
        text.push_str(&format!("\n{name}: {value}"));
    }
    if !body.is_empty() {
        text.push_str("\n\n");
        text.push_str(body);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_in_short_says_what_one_would_look_for() {
        let cases = [
            (
                Answer::status(401).json(json!({ "errors": [{ "field": null, "message": "bad grant" }] })),
                "401 bad grant",
            ),
            (Answer::status(200).json(json!(["id"])), "200 [\"id\"]"),
            (Answer::status(200).json(json!({})).gzip(), "200 bytes that are no text"),
            (Answer::status(404).html("<html><head><title>404 Not Found</title></head></html>"), "404 Not Found"),
            (Answer::status(502).html("<p>no"), "502 a page"),
            (Answer::status(403).text("text/plain", "Forbidden\n"), "403 Forbidden"),
            (Answer::status(503), "503"),
            (Answer::fault(Fault::HangUp), "the connection is lost"),
            (Answer::status(202).with_fault(Fault::CutBody), "202 cut off"),
        ];
        for (answer, short) in cases {
            assert_eq!(in_short(&answer), short);
        }
    }

    #[test]
    fn an_answer_is_laid_out() {
        let given = Answer::status(200).header("x-message-id", "a").json(json!({ "id": 1 }));
        let expected = "HTTP/1.1 200 OK\nContent-Type: application/json\nX-Message-Id: a\n\n{\n  \"id\": 1\n}";
        assert_eq!(answer(&given), expected);
        assert_eq!(answer(&Answer::status(420)), "HTTP/1.1 420");
    }
}
