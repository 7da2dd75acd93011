//! Where connections go, and where they may not.

use std::{net::IpAddr, time::Duration};

use connector_kit::{
    ConnectTo, Context, Delivery, DialOptions, Egress, ErrorKind, Proxy, SendContext,
    http::{HeaderMap, HttpRequest},
    is_public, root_certificates,
};
use tokio::net::TcpListener;

#[test]
fn connect_to_reads_as_curl_does() {
    let rule: ConnectTo = "api.example.com:443:127.0.0.1:8443".parse().unwrap();
    assert_eq!(rule, ConnectTo::new("api.example.com", 443, "127.0.0.1", 8443));
    assert!(rule.matches("API.example.com", 443) && !rule.matches("api.example.com", 80));
    let any: ConnectTo = "::127.0.0.1:8443".parse().unwrap();
    assert!(any.matches("whatever", 1));
    let v6: ConnectTo = "[::1]:25:[::1]:2525".parse().unwrap();
    assert!(v6.matches("::1", 25) && v6.matches("[::1]", 25));
    for bad in ["", "a", "a:b", "a:1:b", "a:x:b:1", "a:1:b:99999", "[::1:25:b:1"] {
        assert!(bad.parse::<ConnectTo>().unwrap_err().contains("HOST1:PORT1:HOST2:PORT2"), "{bad}");
    }
}

#[test]
fn public_is_what_iana_says() {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    for private in [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.0.1",
        "198.18.0.1",
        "203.0.113.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "64:ff9b:1::7f00:1",
        "::ffff:0:7f00:1",
        "::ffff:0:0:0:1",
        "2001:0:7f00:1::",
        "100::1",
        "3fff::1",
    ] {
        assert!(!is_public(address(private)), "{private}");
    }
    for public in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "2a00::1"]
    {
        assert!(is_public(address(public)), "{public}");
    }
}

#[test]
fn a_proxy_never_shows_its_password() {
    let proxy: Proxy = "http://user:s3cret@proxy.example:3128".parse().unwrap();
    assert_eq!(format!("{proxy:?}"), "http://proxy.example");
    assert!("proxy.example:3128".parse::<Proxy>().is_ok());
    for bad in ["https://proxy.example", "ftp://x", "http://"] {
        assert!(bad.parse::<Proxy>().is_err(), "{bad}");
    }
}

#[test]
fn combinations_that_cannot_be_kept_are_refused() {
    let proxy = Some("http://127.0.0.1:1".parse().unwrap());
    let egress = Egress { proxy: proxy.clone(), deny_private_addresses: true, ..Egress::default() };
    assert_eq!(Context::new(egress).unwrap_err().kind(), ErrorKind::InvalidConfig);
    let rule = ConnectTo::new("a", 1, "b", 2);
    assert!(Context::new(Egress { proxy, connect_to: vec![rule], ..Egress::default() }).is_err());
}

#[test]
fn a_pem_without_certificates_is_said_to_have_none() {
    assert!(root_certificates(b"hello").unwrap_err().contains("BEGIN CERTIFICATE"));
}

#[tokio::test]
async fn dials_where_connect_to_says() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let egress =
        Egress { connect_to: vec![ConnectTo::new("smtp.example.com", 587, "127.0.0.1", port)], ..Egress::default() };
    let context = Context::new(egress).unwrap();
    let stream = context.dialer().connect("smtp.example.com", 587, &DialOptions::default()).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap().port(), port);
    assert!(stream.nodelay().unwrap(), "Nagle's algorithm costs 40 ms a message");
}

#[tokio::test]
async fn dials_no_private_address_where_they_are_denied() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let context = Context::new(Egress { deny_private_addresses: true, ..Egress::default() }).unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let error = context.dialer().connect(host, port, &DialOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
        assert!(error.to_string().contains("private"), "{error}");
    }
}

/// Neither a rule that matches nor one that does not is a way around the policy, however the address is written.
#[tokio::test]
async fn a_rule_opens_no_way_to_private_addresses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let rules = [
        "".to_owned(),
        format!("example.com:443:127.0.0.1:{port}"),
        format!("::127.0.0.1:{port}"),
        format!("::[::1]:{port}"),
        format!("::localhost:{port}"),
        format!(":::{port}"),
        ":::".to_owned(),
        format!("127.0.0.1::127.0.0.1:{port}"),
        // To a public address: the rule is no permission either.
        "127.0.0.1::192.88.99.1:9".to_owned(),
    ];
    for rule in rules {
        let connect_to = if rule.is_empty() { Vec::new() } else { vec![rule.parse().unwrap()] };
        let context = Context::new(Egress { connect_to, deny_private_addresses: true, ..Egress::default() }).unwrap();
        for host in [
            "127.0.0.1",
            "[::1]",
            "0x7f.1",
            "2130706433",
            "localhost",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "10.0.0.1",
        ] {
            let is_name = host == "localhost";
            if rule.ends_with(":9") && host != "127.0.0.1" {
                continue;
            }
            let url = format!("http://{host}:{port}/").parse().unwrap();
            let refused =
                context.http().execute(HttpRequest::get(url, HeaderMap::new()), &SendContext::new()).await.unwrap_err();
            assert!(refused.to_string().contains("private address"), "{rule} {host}: {refused}");
            assert_eq!(refused.kind(), ErrorKind::InvalidConfig, "{rule} {host}: {refused}");
            if is_name || host.starts_with('[') || host == "127.0.0.1" {
                let host = host.trim_matches(['[', ']']);
                let refused = context.dialer().connect(host, port, &DialOptions::default()).await.unwrap_err();
                assert!(refused.to_string().contains("private address"), "{rule} {host}: {refused}");
            }
        }
    }
    let accepted = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(accepted.is_err(), "nothing was connected to");
}

/// A rule to an IPv6 address, for a URL that names an address.
#[tokio::test]
async fn a_rule_may_lead_to_an_ipv6_address() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else { return };
    let port = listener.local_addr().unwrap().port();
    let connect_to = vec![format!("192.0.2.1:80:[::1]:{port}").parse().unwrap()];
    let context = Context::new(Egress { connect_to, ..Egress::default() }).unwrap();
    let url = "http://192.0.2.1/".parse().unwrap();
    let request = tokio::spawn(async move {
        context.http().execute(HttpRequest::get(url, HeaderMap::new()), &SendContext::new()).await
    });
    let (stream, _) = listener.accept().await.unwrap();
    drop(stream);
    assert!(request.await.unwrap().is_err(), "it went there");
}

#[tokio::test]
async fn a_connection_that_is_refused_says_where() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let context = Context::new(Egress::default()).unwrap();
    let error = context.dialer().connect("127.0.0.1", port, &DialOptions::default()).await.unwrap_err();
    assert!(error.is_retryable());
    assert!(error.to_string().starts_with(&format!("127.0.0.1:{port}: could not connect:")), "{error}");
    let options = DialOptions { dns_timeout: Some(Duration::from_millis(1)), ..DialOptions::default() };
    let error = context.dialer().connect("does-not-exist.invalid", port, &options).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

/// A proxy as a real one behaves: CONNECT, 200, then bytes both ways.
#[tokio::test]
async fn dials_through_an_http_proxy_with_its_credentials() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let proxy = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n220 hello\r\n").await.unwrap();
        String::from_utf8(request).unwrap()
    });
    let egress = Egress {
        proxy: Some(format!("http://us%40er:p%2Bw&x=y+z@127.0.0.1:{port}").parse().unwrap()),
        ..Egress::default()
    };
    let context = Context::new(egress).unwrap();
    let mut stream = context.dialer().connect("smtp.example.com", 587, &DialOptions::default()).await.unwrap();
    let mut greeting = [0; 11];
    stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"220 hello\r\n");
    let request = proxy.await.unwrap();
    assert!(request.starts_with("CONNECT smtp.example.com:587 HTTP/1.1\r\n"), "{request}");
    // `us@er:p+w&x=y+z`
    assert!(request.contains("\r\nProxy-Authorization: Basic dXNAZXI6cCt3Jng9eSt6\r\n"), "{request}");
}

/// A proxy that answers every connection with `answers`, one to each thing that it is told, and counts the connections.
async fn refusing_proxy(answers: &'static [&'static [u8]]) -> (u16, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            for answer in answers {
                let mut told = [0; 1024];
                if !matches!(stream.read(&mut told).await, Ok(1..)) || stream.write_all(answer).await.is_err() {
                    break;
                }
            }
        }
    });
    (port, count)
}

/// Asking again with the same user and password would lock the account; what the proxy cannot reach may be there later.
#[tokio::test]
async fn a_proxy_that_says_no_is_believed() {
    const LOGIN: &str = "user and a password";
    const RULES: &str = "rules";
    const FAILED: &str = "it is the proxy that says so";
    // Which proxy, what it answers, and the hint.
    type Scene = (&'static str, &'static [&'static [u8]], &'static str);
    const SCENES: &[Scene] = &[
        ("http", &[b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n"], LOGIN),
        ("http", &[b"HTTP/1.0 407 No\r\n\r\n"], LOGIN),
        ("http", &[b"HTTP/1.1 403 Forbidden\r\n\r\n"], RULES),
        ("http", &[b"HTTP/1.0 403 Forbidden\r\nContent-Length: 9\r\n\r\nForbidden"], RULES),
        ("http", &[b"HTTP/1.1 401 Unauthorized\r\n\r\n"], RULES),
        ("http", &[b"HTTP/1.1 405 Method Not Allowed\r\n\r\n"], RULES),
        ("http", &[b"HTTP/1.1 451 Unavailable For Legal Reasons\r\n\r\n"], RULES),
        ("http", &[b"HTTP/1.1 502 Bad Gateway\r\n\r\n"], FAILED),
        ("http", &[b"HTTP/1.1 503 Service Unavailable\r\n\r\n"], FAILED),
        ("http", &[b"HTTP/1.1 504 Gateway Timeout\r\n\r\n"], FAILED),
        // No method that is offered; a wrong password; a rule.
        ("socks5h", &[b"\x05\xff"], LOGIN),
        ("socks5h", &[b"\x05\x02", b"\x01\x01"], LOGIN),
        ("socks5h", &[b"\x05\x02", b"\x01\x00", b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"], RULES),
        ("socks5h", &[b"\x05\x02", b"\x01\x00", b"\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00"], FAILED),
    ];
    for &(scheme, answers, hint) in SCENES {
        let (port, count) = refusing_proxy(answers).await;
        let proxy = format!("{scheme}://user:s3cret@127.0.0.1:{port}");
        let context = Context::new(Egress { proxy: Some(proxy.parse().unwrap()), ..Egress::default() }).unwrap();
        let of_dialer = context.dialer().connect("smtp.example.com", 587, &DialOptions::default()).await.unwrap_err();
        let url = "https://api.example.com/".parse().unwrap();
        let request = HttpRequest::post(url, HeaderMap::new(), "x");
        let of_client = context.http().execute(request, &SendContext::new()).await.unwrap_err();
        // The HTTP client does not tell which status it was, so it is asked for that; not for a sign-in.
        let asked = if scheme == "http" && hint != LOGIN { 3 } else { 2 };
        assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), asked, "{answers:?}");
        if scheme == "http" && hint != LOGIN {
            let without_host = |error: &connector_kit::Error| error.to_string().split_once(": ").unwrap().1.to_owned();
            assert_eq!(without_host(&of_dialer), without_host(&of_client));
            assert!(of_client.to_string().starts_with("api.example.com:443: "), "{of_client}");
        }
        for error in [of_dialer, of_client] {
            let is_final = hint != FAILED;
            let kind = if is_final { ErrorKind::Unauthorized } else { ErrorKind::Unavailable };
            assert_eq!((error.kind(), error.is_retryable()), (kind, !is_final), "{answers:?}: {error}");
            assert_eq!(error.delivery(), Delivery::NotSent);
            assert!(error.hint().is_some_and(|found| found.contains(hint)), "{answers:?}: {error}: {:?}", error.hint());
            assert!(
                error.to_string().contains("through the proxy") && !error.to_string().contains("s3cret"),
                "{error}"
            );
        }
    }
}

/// Over http:// the proxy's answer stands in the place of the endpoint's.
#[tokio::test]
async fn a_proxy_that_answers_for_an_http_url_is_told_from_the_endpoint() {
    let answers: &[&[u8]] = &[b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"];
    let (port, _) = refusing_proxy(answers).await;
    let proxy = format!("http://127.0.0.1:{port}").parse().unwrap();
    let context = Context::new(Egress { proxy: Some(proxy), ..Egress::default() }).unwrap();
    let request = HttpRequest::post("http://mail.example.com/send".parse().unwrap(), HeaderMap::new(), "x");
    let response = context.http().execute(request, &SendContext::new()).await.unwrap();
    let error = response.failure("mail.example.com");
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unauthorized, Delivery::NotSent));
    assert!(response.interception("").is_some_and(|hint| hint.contains("user and a password")));
}

#[tokio::test]
async fn what_the_proxy_refuses_is_not_said_of_the_provider() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let egress = Egress { proxy: Some(format!("http://127.0.0.1:{gone}").parse().unwrap()), ..Egress::default() };
    let context = Context::new(egress).unwrap();
    let url = "https://api.example.com/".parse().unwrap();
    let error = context.http().execute(HttpRequest::get(url, HeaderMap::new()), &SendContext::new()).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().starts_with("api.example.com: could not connect through the proxy: "), "{error}");
}
