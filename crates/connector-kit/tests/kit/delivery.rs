//! What an answer says of the message: the table that is in the documentation, and the function.

use connector_kit::{
    Delivery, Error, ErrorKind,
    http::{HeaderMap, HeaderName, HttpResponse, StatusCode, delivery_after},
};
use serde_json::{Value, json};

const TABLE: &str = include_str!("../../src/http/delivery.md");

/// A row: its statuses, its samples of words, and what it says becomes of the message.
struct Row {
    statuses: Vec<u16>,
    samples: Vec<String>,
    delivery: Delivery,
}

fn rows() -> Vec<Row> {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let rows = TABLE.lines().skip(2).map(cells).map(|row| {
        let [statuses, words, delivery, why, source] = row[..] else { panic!("{row:?}") };
        assert!(why.ends_with('.') && source.contains("](https://"), "{row:?}");
        let range = |part: &str| {
            let (first, last) = part.split_once('–').unwrap_or((part, part));
            first.parse::<u16>().unwrap()..=last.parse().unwrap()
        };
        Row {
            statuses: statuses.split(", ").flat_map(range).collect(),
            samples: words.split('`').skip(1).step_by(2).map(str::to_owned).collect(),
            delivery: if delivery == "not sent" { Delivery::NotSent } else { Delivery::Unknown },
        }
    });
    rows.collect()
}

/// What the function says of a status with these headers and words.
fn says(status: u16, headers: &[&str], words: &str) -> Delivery {
    let pair = |line: &&str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())
    };
    let headers = HeaderMap::from_iter(headers.iter().map(pair));
    delivery_after(StatusCode::from_u16(status).unwrap(), &headers, words.as_bytes())
}

#[test]
fn the_table_and_the_function_say_the_same() {
    for row in rows() {
        // What is set as a header is said once, whatever the words are.
        let is_header =
            |sample: &&String| ["connection: ", "apigw-requestid: "].iter().any(|name| sample.starts_with(name));
        let (headers, mut words): (Vec<_>, Vec<_>) = row.samples.iter().partition(is_header);
        let headers: Vec<&str> = headers.into_iter().map(String::as_str).collect();
        let nothing = String::new();
        if words.is_empty() {
            words.push(&nothing);
        }
        for status in &row.statuses {
            for words in &words {
                let page = format!("<html><h1>Error {status}</h1><p>{}</p></html>", words.to_uppercase());
                for words in [words.as_str(), &page] {
                    assert_eq!(says(*status, &headers, words), row.delivery, "{status} {headers:?} {words}");
                }
            }
        }
    }
}

#[test]
fn every_status_is_in_the_table() {
    let rows = rows();
    let plain = |row: &&Row| row.samples.is_empty();
    for status in 200..1000 {
        let of_status: Vec<&Row> = rows.iter().filter(plain).filter(|row| row.statuses.contains(&status)).collect();
        assert_eq!(of_status.len(), 1, "{status}");
    }
}

#[test]
fn words_of_a_gateway_count_wherever_they_stand_in_a_short_answer() {
    let json =
        r#"{"error":{"message":"upstream connect error or disconnect/reset before headers. reset reason: overflow"}}"#;
    assert_eq!(says(503, &[], json), Delivery::NotSent);
    assert_eq!(says(503, &[], &json.replace("overflow", "connection termination")), Delivery::Unknown);
    assert_eq!(says(503, &[], &json.replace("overflow", "something new")), Delivery::Unknown);
    assert_eq!(says(503, &[], "Too many connections, please try again"), Delivery::NotSent);
    let endless = format!("{}connection reset by peer", " ".repeat(1024 * 1024));
    assert_eq!(says(503, &[], &endless), Delivery::NotSent, "no more than its beginning is read");
}

fn answer(status: u16, body: &[u8]) -> HttpResponse {
    HttpResponse {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Ok(body.to_vec().into()),
    }
}

#[test]
fn a_failure_says_what_its_status_and_words_mean_for_the_message() {
    for (status, body, kind, delivery) in [
        (303, "", ErrorKind::InvalidResponse, Delivery::Unknown),
        (307, "", ErrorKind::InvalidResponse, Delivery::NotSent),
        (503, "socket hang up", ErrorKind::Unavailable, Delivery::Unknown),
        (503, "", ErrorKind::Unavailable, Delivery::NotSent),
        (999, "", ErrorKind::InvalidResponse, Delivery::Unknown),
    ] {
        let error: Error = answer(status, body.as_bytes()).failure("Example");
        assert_eq!((error.kind(), error.delivery()), (kind, delivery), "{error}");
    }
}

#[test]
fn a_byte_order_mark_before_json_is_ignored() {
    for (body, read) in [
        (&b"\xef\xbb\xbf{\"id\":1}"[..], Some(json!({ "id": 1 }))),
        (b"{\"id\":1}", Some(json!({ "id": 1 }))),
        (b"\xef\xbb\xbf", None),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", None),
        (b"<html>", None),
    ] {
        assert_eq!(answer(200, body).json::<Value>(), read, "{body:?}");
    }
}
