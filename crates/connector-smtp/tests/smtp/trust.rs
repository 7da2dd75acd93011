//! What may stand in `tls.ca`, and which certificates `rejectUnauthorized: false` takes.

use std::process::Command;

use connector_kit::{Delivery, ErrorKind, root_certificates};
use connector_testkit::{SelfSigned, SmtpRecorder, SmtpRecorderOptions, TestCa, server_with};
use serde_json::{Value, json};
use tokio_rustls::rustls::ServerConfig;

use crate::support::{HOST, build, context, message, outcome, usual, validate, with};

/// Sends one message by implicit TLS to a server that shows this certificate.
async fn send_to(server: ServerConfig, tls: Value) -> Result<(), connector_kit::Error> {
    let options = SmtpRecorderOptions { tls: Some(server), script: usual().implicit_tls() };
    let server = SmtpRecorder::start(options).await;
    let config = with(json!({ "port": 465, "secure": true, "tls": tls }));
    let connector = build(&config, &context(server.port(), None));
    connector.send(&message(), &connector_kit::SendContext::new()).await.map(drop)
}

const USUAL: SelfSigned<'_> = SelfSigned { hosts: &[HOST], common_name: HOST, authority: true, expired: false };

/// What `openssl req -x509` makes is an authority's certificate and a server's in one, often with its name in the subject
/// alone.
#[tokio::test]
async fn a_self_signed_certificate_that_was_given_is_trusted() {
    for certificate in [
        USUAL,
        SelfSigned { authority: false, ..USUAL },
        SelfSigned { hosts: &[], ..USUAL },
        SelfSigned { hosts: &[], common_name: "SMTP.Example.COM", ..USUAL },
        SelfSigned { hosts: &["other.example", "*.example.com"], common_name: "x", ..USUAL },
    ] {
        let (pem, server) = certificate.make();
        // Beside others, and however it was pasted.
        for ca in [json!(pem), json!([TestCa::new().root_pem(), pem]), json!(pem.replace('\n', "\\n"))] {
            send_to(server.clone(), json!({ "ca": ca }))
                .await
                .unwrap_or_else(|error| panic!("{error} {:?}", error.hint()));
        }
    }
}

#[tokio::test]
async fn its_name_and_its_dates_still_count() {
    for (certificate, advice) in [
        (SelfSigned { hosts: &["other.example"], ..USUAL }, "for another name"),
        (SelfSigned { hosts: &[], common_name: "other.example", ..USUAL }, "for another name"),
        (SelfSigned { hosts: &["192.0.2.1"], ..USUAL }, "for another name"),
        (SelfSigned { expired: true, ..USUAL }, "expired"),
        (SelfSigned { expired: true, authority: false, ..USUAL }, "expired"),
    ] {
        let (pem, server) = certificate.make();
        let error = send_to(server, json!({ "ca": pem })).await.unwrap_err();
        assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent));
        assert!(error.hint().unwrap().contains(advice), "{error}: {:?}", error.hint());
    }
}

#[tokio::test]
async fn another_certificate_of_the_same_name_is_not_trusted() {
    for authority in [true, false] {
        let (pem, _) = SelfSigned { authority, ..USUAL }.make();
        let (_, impostor) = SelfSigned { authority, ..USUAL }.make();
        for tls in [json!({ "ca": pem }), json!({})] {
            let error = send_to(impostor.clone(), tls).await.unwrap_err();
            assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent));
            assert!(error.hint().unwrap().contains("signed by"), "{error}: {:?}", error.hint());
        }
    }
}

/// Whoever has a server's key could otherwise sign for every other host.
#[tokio::test]
async fn a_servers_own_certificate_vouches_for_nobody_else() {
    let server = TestCa::pretended();
    let error = send_to(server.server_config(&[HOST]), json!({ "ca": server.root_pem() })).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent));
    assert!(error.hint().unwrap().contains("signed by"), "{error}: {:?}", error.hint());
}

#[tokio::test]
async fn any_certificate_is_any_certificate() {
    let any = json!({ "rejectUnauthorized": false });
    let (_, expired) = SelfSigned { expired: true, hosts: &["other.example"], ..USUAL }.make();
    // X.509 version 1, which rustls cannot read.
    let version_1 = server_with(include_str!("keys/test-only-v1.pem"), include_str!("keys/test-only-v1-private.pem"));
    for server in [expired, version_1, TestCa::new().server_config_tls12(&["other.example"])] {
        send_to(server, any.clone()).await.unwrap();
    }
}

/// The TLS library does not take them: the operator is told so at validation, and when a send fails.
#[tokio::test]
async fn a_certificate_that_tls_cannot_check_is_said_to_be_one() {
    let version_1 = include_str!("keys/test-only-v1.pem");
    let server = server_with(version_1, include_str!("keys/test-only-v1-private.pem"));
    let error = send_to(server.clone(), json!({ "ca": version_1 })).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent));
    assert!(error.hint().unwrap().contains("version 1"), "{error}: {:?}", error.hint());
    let unknown = send_to(server, json!({})).await.unwrap_err();
    assert!(unknown.hint().unwrap().contains("version 1"), "{unknown}: {:?}", unknown.hint());

    let folder = tempfile::tempdir().unwrap();
    let short = "req -x509 -newkey rsa:1024 -nodes -keyout key.pem -out cert.pem -subj /CN=smtp.example.com";
    let run = Command::new("openssl").args(short.split(' ')).current_dir(&folder).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let short = std::fs::read_to_string(folder.path().join("cert.pem")).unwrap();
    for (pem, words) in [(version_1, "older version of X.509"), (&short, "less than 2048 bits")] {
        let report = validate(json!({ "tls": { "ca": pem } }));
        assert!(report.is_valid(), "{report:?}");
        let [warning] = report.warnings.as_slice() else { panic!("{report:?}") };
        assert!(warning.pointer == "/tls/ca" && warning.message.contains(words), "{warning}");
    }
    let both = format!("{}{version_1}", TestCa::new().root_pem());
    assert_eq!(validate(json!({ "tls": { "ca": both } })).warnings.len(), 1);
}

fn problem_of(ca: &str) -> String {
    let report = validate(json!({ "tls": { "ca": ca } }));
    assert_eq!(report.problems.len(), 1, "{ca}: {:?}", report.problems);
    assert_eq!(report.problems[0].pointer, "/tls/ca");
    report.problems[0].message.clone()
}

/// A section of PEM around `body`.
fn section(label: &str, body: &str) -> String {
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn what_is_pasted_in_place_of_a_certificate_is_named_and_not_shown() {
    let key = include_str!("keys/test-only-private.pem");
    let body: String = key.lines().filter(|line| !line.starts_with("-----")).collect();
    let certificate = TestCa::new().root_pem();
    let bare: String = certificate.lines().filter(|line| !line.starts_with("-----")).collect();
    for (pasted, said) in [
        (key.to_owned(), "holds a private key and no certificate"),
        (key.replace('\n', "\\n"), "holds a private key and no certificate"),
        (key.replace('\n', "\\r\\n"), "holds a private key and no certificate"),
        (key.replace('\n', " "), "holds a private key and no certificate"),
        (section("RSA PRIVATE KEY", &body), "holds a private key and no certificate"),
        (section("ENCRYPTED PRIVATE KEY", &body), "holds a private key and no certificate"),
        (key[..key.len() / 2].to_owned(), "holds a private key and no certificate"),
        (section("CERTIFICATE REQUEST", &body), "request for a certificate"),
        (section("NEW CERTIFICATE REQUEST", &body), "request for a certificate"),
        (section("TRUSTED CERTIFICATE", &body), "openssl x509"),
        (section("PKCS7", &body), "openssl pkcs7"),
        (section("X509 CRL", &body), "revoked"),
        (section("PUBLIC KEY", &body), "public key"),
        (section("CERTIFICATE", &body), "cannot be read as an X.509 certificate"),
        (section("CERTIFICATE", "%%%"), "is not base64"),
        (section("CERTIFICATE", ""), "certificate 1 is damaged"),
        (format!("{certificate}{}", section("CERTIFICATE", "AAAA")), "certificate 2 is damaged"),
        (certificate[..certificate.len() / 2].to_owned(), "cut off"),
        (certificate.replace("-----END", "-----"), "cut off"),
        (bare.clone(), "base64 without its first and last line"),
        (bare.replace('\n', "\\n"), "base64 without its first and last line"),
        ("MIIKAAIBAzCCCf4GCSqGSIb3DQEHAaCCCe8=".to_owned(), "PKCS #12"),
        ("0\u{82}\u{3}4\u{fffd}".to_owned(), "binary form (DER)"),
        ("-\0-\0B\0".to_owned(), "UTF-16"),
        ("  \n".to_owned(), "is empty"),
        ("\u{feff}".to_owned(), "is empty"),
        ("/etc/ssl/root.pem".to_owned(), "BEGIN CERTIFICATE"),
        ("-----BEGIN CERTIFICATE".to_owned(), "BEGIN CERTIFICATE"),
    ] {
        let message = problem_of(&pasted);
        assert!(message.contains(said), "{said}: {message}");
        assert!(message.len() < 200 && !message.contains('['), "{message}");
        for part in [&body[..40], &body[body.len() - 40..]] {
            assert!(!message.contains(part), "{message}");
        }
    }
}

#[test]
fn a_certificate_is_read_however_it_is_pasted() {
    let pem = TestCa::new().root_pem();
    let second = TestCa::new().root_pem();
    for pasted in [
        pem.clone(),
        format!("\u{feff}{pem}"),
        pem.replace('\n', "\r\n"),
        pem.replace('\n', "\r"),
        pem.replace('\n', "\\n"),
        pem.replace('\n', "\\r\\n"),
        pem.replace('\n', " "),
        pem.replace('\n', "\n    "),
        pem.replace('\n', "  \n\n"),
        pem.trim().to_owned(),
        format!("subject=CN = x\nissuer=CN = y\n{pem}\n trailing words"),
        pem.replace("CERTIFICATE", "X509 CERTIFICATE"),
    ] {
        assert_eq!(root_certificates(pasted.as_bytes()).unwrap().len(), 1, "{pasted}");
        let report = validate(json!({ "tls": { "ca": pasted } }));
        assert_eq!((report.problems, report.warnings), (vec![], vec![]), "{pasted}");
    }
    let bundle = format!("# first\n{pem}\n# second\n{second}{}", section("X509 CRL", "AAAA"));
    assert_eq!(root_certificates(bundle.as_bytes()).unwrap().len(), 2);
    // A key beside it is of no use, and would be stored in clear.
    let report = validate(json!({ "tls": { "ca": format!("{pem}{}", section("PRIVATE KEY", "AAAA")) } }));
    assert!(report.is_valid() && report.warnings[0].message.contains("private key"), "{report:?}");
}

/// Files that OpenSSL itself makes.
#[test]
fn what_openssl_makes_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let openssl = |line: &str| {
        let run = Command::new("openssl").args(line.split(' ')).current_dir(&folder).output().unwrap();
        assert!(run.status.success(), "{line}: {}", String::from_utf8_lossy(&run.stderr));
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -subj /CN=smtp.example.com");
    openssl("req -new -key key.pem -out csr.pem -subj /CN=smtp.example.com");
    openssl("x509 -in cert.pem -outform der -out cert.der");
    openssl("pkcs12 -export -in cert.pem -inkey key.pem -passout pass:x -out cert.p12");
    openssl("crl2pkcs7 -nocrl -certfile cert.pem -out cert.p7");
    openssl("x509 -in cert.pem -trustout -out trusted.pem");
    openssl("x509 -in cert.pem -text -out text.pem");
    let read = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    for name in ["cert.pem", "text.pem"] {
        assert_eq!(root_certificates(&read(name)).unwrap().len(), 1, "{name}");
    }
    for (name, said) in [
        ("key.pem", "private key"),
        ("csr.pem", "request"),
        ("cert.der", "binary form (DER)"),
        ("cert.p12", "PKCS #12"),
        ("cert.p7", "PKCS #7"),
        ("trusted.pem", "OpenSSL's own"),
    ] {
        let message = root_certificates(&read(name)).unwrap_err();
        assert!(message.contains(said), "{name}: {message}");
        // As it comes out of a form, where what is no text is replaced.
        let message = problem_of(&String::from_utf8_lossy(&read(name)));
        assert!(message.contains(said) || name == "cert.p12", "{name}: {message}");
    }
}
