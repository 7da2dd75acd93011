//! The HTTP client against a recorder on loopback.

use std::time::Duration;

use connector_kit::{
    ConnectTo, Context, Delivery, Egress, Error, ErrorKind, SendContext,
    http::{HeaderMap, HeaderValue, HttpRequest, HttpResponse, StatusCode, Url},
};
use connector_testkit::{Answer, Fault, HttpRecorder, RecorderOptions, TestCa};

const URL: &str = "https://api.example.com/v1/send?x=1";

struct Server {
    recorder: HttpRecorder,
    context: Context,
}

async fn server(answers: Vec<Answer>) -> Server {
    let ca = TestCa::new();
    let tls = Some(ca.server_config(&["api.example.com"]));
    let recorder = HttpRecorder::start(RecorderOptions { tls, answers }).await;
    let egress = Egress {
        connect_to: vec![ConnectTo::new("api.example.com", 443, "127.0.0.1", recorder.port())],
        extra_roots: vec![ca.root_der()],
        ..Egress::default()
    };
    Server { recorder, context: Context::new(egress).unwrap() }
}

fn request() -> HttpRequest {
    let headers = HeaderMap::from_iter([("x-test".parse().unwrap(), HeaderValue::from_static("yes"))]);
    HttpRequest::post(Url::parse(URL).unwrap(), headers, "body-with-secret")
}

impl Server {
    async fn post(&self) -> Result<HttpResponse, Error> {
        self.context.http().execute(request(), &SendContext::new()).await
    }
}

#[tokio::test]
async fn sends_to_the_production_url_over_one_kept_connection() {
    let server = server(vec![Answer::status(202).header("x-id", "7").text("text/plain", "thanks")]).await;
    for _ in 0..3 {
        let response = server.post().await.unwrap();
        assert_eq!((response.status, response.header("x-id")), (StatusCode::ACCEPTED, Some("7")));
        assert_eq!(&response.body.unwrap()[..], b"thanks");
    }
    assert_eq!(server.recorder.connections(), 1);
    let request = server.recorder.requests().remove(0);
    assert_eq!(request.text(), "body-with-secret");
    assert_eq!(request.header("host"), Some("api.example.com"));
    assert_eq!(request.header("content-length"), Some("16"));
    assert!(request.header("user-agent").unwrap().starts_with("email-connectors/"));
}

#[tokio::test]
async fn does_not_follow_redirects() {
    let server = server(vec![Answer::redirect(307, "https://evil.example.net/")]).await;
    let response = server.post().await.unwrap();
    let error = response.failure("Example");
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::InvalidResponse, Delivery::NotSent));
    assert!(error.hint().unwrap().contains("never followed"));
    assert_eq!(server.recorder.request_count(), 1);
}

#[tokio::test]
async fn keeps_the_status_when_the_body_cannot_be_read() {
    for answer in [Answer::status(500).with_fault(Fault::CutBody), Answer::status(500).bytes(vec![b'x'; 2_000_000])] {
        let server = server(vec![answer]).await;
        let response = server.post().await.unwrap();
        let error = response.body.unwrap_err();
        assert_eq!((response.status.as_u16(), error.delivery()), (500, Delivery::NotSent), "{error}");
    }
    let server = server(vec![Answer::status(200).bytes(vec![b'x'; 2_000_000])]).await;
    let error = server.post().await.unwrap().body.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::InvalidResponse, Delivery::Unknown));
    assert!(error.to_string().contains("longer than 1 MiB"), "{error}");
}

/// Whatever part of it comes first, what is left included.
/// Headers are read up to some hundred KiB: nothing of a provider's is as long.
#[tokio::test]
async fn an_answer_that_is_one_header_is_no_answer() {
    let server = server(vec![Answer::status(422).header("x-long", &"x".repeat(1 << 20))]).await;
    let error = server.post().await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::Unknown), "{error}");
    assert!(error.to_string().contains("message head is too large"), "{error}");
}

#[tokio::test]
async fn half_a_body_is_never_taken_for_the_whole() {
    for body in ["even", "odds!"] {
        let server = server(vec![Answer::status(200).bytes(body).with_fault(Fault::CutBody)]).await;
        let error = server.post().await.unwrap().body.unwrap_err();
        assert!(error.to_string().contains("cut off"), "{error}");
    }
}

#[tokio::test]
async fn tells_before_from_after_the_request() {
    let server = server(vec![Answer::fault(Fault::ResetAfterRead)]).await;
    let error = server.post().await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::Unknown), "{error}");
    assert!(!format!("{error:?}").contains("secret") && !format!("{error:?}").contains("/v1/send"), "{error:?}");
}

#[tokio::test]
async fn a_requests_own_timeout_ends_it_and_tells_before_from_after() {
    let short = || request().with_timeout(Some(Duration::from_millis(200)));
    let server = server(vec![Answer::fault(Fault::Silent)]).await;
    let error = server.context.http().execute(short(), &SendContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::Unknown), "{error}");
    assert!(error.to_string().contains("no answer came in time"), "{error}");
    // The status counts, though the rest does not come.
    server.recorder.set_answers(vec![Answer::fault(Fault::StallBody)]);
    let response = server.context.http().execute(short(), &SendContext::new()).await.unwrap();
    assert!(response.status.is_success() && response.body.is_err());

    let server = self::server(vec![Answer::fault(Fault::StallTls)]).await;
    let error = server.context.http().execute(short(), &SendContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
}

#[tokio::test]
async fn a_get_has_no_body() {
    let server = server(vec![Answer::status(200)]).await;
    let request = HttpRequest::get(Url::parse(URL).unwrap(), HeaderMap::new());
    server.context.http().execute(request, &SendContext::new()).await.unwrap();
    let request = server.recorder.only_request();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/v1/send?x=1"));
    assert!(request.body.is_empty() && request.header("content-length").is_none());
}

/// Some APIs take a message in the URL alone.
#[tokio::test]
async fn a_request_without_a_body_may_have_arrived_too() {
    let url = Url::parse(URL).unwrap();
    for request in [HttpRequest::get(url.clone(), HeaderMap::new()), HttpRequest::post(url, HeaderMap::new(), "")] {
        for fault in [Fault::Silent, Fault::ResetAfterRead] {
            let server = server(vec![Answer::fault(fault)]).await;
            let (context, http) = (SendContext::new(), server.context.http());
            let request = request.clone().with_timeout(Some(Duration::from_millis(200)));
            let error = http.execute(request, &context).await.unwrap_err();
            assert_eq!((error.delivery(), context.delivery()), (Delivery::Unknown, Delivery::Unknown), "{error}");
        }
        let nobody = Context::new(Egress { connect_to: vec!["::127.0.0.1:1".parse().unwrap()], ..Egress::default() });
        let error = nobody.unwrap().http().execute(request, &SendContext::new()).await.unwrap_err();
        assert_eq!(error.delivery(), Delivery::NotSent, "{error}");
    }
}

#[tokio::test]
async fn an_untrusted_certificate_is_not_sent_to() {
    let ca = TestCa::new();
    let tls = Some(ca.server_config(&["api.example.com"]));
    let recorder = HttpRecorder::start(RecorderOptions { tls, answers: vec![Answer::status(200)] }).await;
    let connect_to = vec![ConnectTo::new("api.example.com", 443, "127.0.0.1", recorder.port())];
    let context = Context::new(Egress { connect_to, ..Egress::default() }).unwrap();
    let error = context.http().execute(request(), &SendContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::NotSent));
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(error.hint().unwrap().contains("--cacert"), "{error:?}");
    assert_eq!(recorder.request_count(), 0);
}

#[tokio::test]
async fn connect_to_works_with_a_port_in_the_url() {
    let recorder = HttpRecorder::start(RecorderOptions { tls: None, answers: vec![Answer::status(200)] }).await;
    for (host, url) in
        [("hook.example.com", "http://hook.example.com:9999/a"), ("192.0.2.7", "http://192.0.2.7:9999/a")]
    {
        let connect_to = vec![ConnectTo::new(host, 9999, "127.0.0.1", recorder.port())];
        let context = Context::new(Egress { connect_to, ..Egress::default() }).unwrap();
        let request = HttpRequest::post(Url::parse(url).unwrap(), HeaderMap::new(), "x");
        assert_eq!(context.http().execute(request, &SendContext::new()).await.unwrap().status, StatusCode::OK);
        assert_eq!(recorder.requests().last().unwrap().header("host"), Some(format!("{host}:9999").as_str()));
    }
}

#[tokio::test]
async fn private_addresses_are_denied_by_name_and_by_number() {
    let recorder = HttpRecorder::start(RecorderOptions { tls: None, answers: vec![Answer::status(200)] }).await;
    let context = Context::new(Egress { deny_private_addresses: true, ..Egress::default() }).unwrap();
    for host in ["127.0.0.1", "localhost", "[::1]", "2130706433"] {
        let url = Url::parse(&format!("http://{host}:{}/", recorder.port())).unwrap();
        let error = context
            .http()
            .execute(HttpRequest::post(url, HeaderMap::new(), "x"), &SendContext::new())
            .await
            .unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::InvalidConfig, Delivery::NotSent), "{host}: {error}");
    }
    assert_eq!(recorder.connections(), 0);
}

#[tokio::test]
async fn retry_after_is_read_in_seconds_and_as_a_date() {
    let server = server(vec![Answer::status(429).header("retry-after", "7")]).await;
    let error = server.post().await.unwrap().failure("Example");
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(Duration::from_secs(7))));
    server.recorder.set_answers(vec![Answer::status(503).header("retry-after", "Fri, 31 Dec 2100 23:59:59 GMT")]);
    let error = server.post().await.unwrap().failure("Example");
    assert!(error.is_retryable() && error.retry_after().unwrap() > Duration::from_secs(1_000_000));
    server.recorder.set_answers(vec![Answer::status(503).header("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT")]);
    assert_eq!(server.post().await.unwrap().failure("Example").retry_after(), Some(Duration::ZERO));
}

#[tokio::test]
async fn what_a_gateway_passed_on_without_a_good_answer_is_an_unknown_outcome() {
    let server = server(Vec::new()).await;
    let delivery_after = async |status| {
        server.recorder.set_answers(vec![Answer::status(status)]);
        let error = server.post().await.unwrap().failure("Example");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{status}");
        error.delivery()
    };
    for status in [502, 504, 520, 522, 524] {
        assert_eq!(delivery_after(status).await, Delivery::Unknown, "{status}");
    }
    // The gateway never reached anybody.
    for status in [500, 503, 521, 523] {
        assert_eq!(delivery_after(status).await, Delivery::NotSent, "{status}");
    }
}

/// Mailgun answers 420, for which there is no reason phrase.
#[tokio::test]
async fn a_status_without_a_reason_is_shown_as_its_number() {
    let server = server(vec![Answer::status(420), Answer::status(503)]).await;
    let error = server.post().await.unwrap().failure("Example");
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Rejected, "Example answered 420"));
    let error = server.post().await.unwrap().failure("Example");
    assert_eq!(error.to_string(), "Example answered 503 Service Unavailable");
}

#[tokio::test]
async fn debug_shows_nothing_that_an_answer_repeats() {
    let repeats = Answer::status(400).header("x-echo", "493817").html("invalid: 493817");
    let server = server(vec![repeats]).await;
    let shown = format!("{:?}", server.post().await.unwrap());
    assert!(shown.contains("400") && !shown.contains("493817"), "{shown}");
}

/// A request that does not say which compression it reads allows any.
#[tokio::test]
async fn asks_for_answers_that_are_not_compressed() {
    let server = server(vec![Answer::status(200)]).await;
    server.post().await.unwrap();
    assert_eq!(server.recorder.only_request().header("accept-encoding"), Some("identity"));
}
