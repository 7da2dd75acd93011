//! Twice the input is at most a little more than twice the work, for everything that reads what somebody else wrote:
//! counted in instructions, which valgrind does, so that neither a quick nor a busy machine changes the outcome.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// The shorter input, in bytes. Where a limit refuses as much, the refusal is what is counted.
const LENGTH: usize = 48 * 1024;
/// Instructions that do not count: what a runtime, a socket or an allocator does now and then.
const SLACK: u64 = 12_000_000;

/// What an input begins with, what is repeated in it (`#` is a number of its own), and what it ends with.
type Shape = (&'static str, &'static str, &'static str);

const ADDRESSES: &[Shape] = &[
    ("", "a", "@example.com"),
    ("", "a.", "a@example.com"),
    ("\"", "\\a", "\"@example.com"),
    ("\"", "a\" \"", "\" <a@example.com>"),
    ("", "Ada ", "<a@example.com>"),
    ("", "=?utf-8?q?a?= ", "<a@example.com>"),
    ("", "<", "a@example.com>"),
    ("a@", "a.", "com"),
    ("a@", "xn--", ".com"),
    ("a@", "\u{e9}", ".com"),
    ("a@", "\u{5d0}1", ".com"),
    ("", "\u{915}\u{94d}\u{200d}", "@example.com"),
    ("a", "\u{315}\u{300}", "@example.com"),
    ("", "\u{200b}", "a@example.com"),
    ("a@[IPv6:", "1:", "]"),
];
/// Behind a connector's number and a status.
const ANSWERS: &[Shape] = &[
    ("400\n\n", "[", ""),
    ("400\n\n{\"message\":\"", "a ", "\"}"),
    ("400\n\n{\"message\":\"", "\\u0041", "\"}"),
    ("400\n\n{\"message\":\"", "authorization=key ", "\"}"),
    ("400\n\n{\"message\":\"", "https://a ", "\"}"),
    ("400\n\n{", "\"k#\":1,", "\"message\":\"no\"}"),
    ("503\n\n", "<p>", ""),
    ("200\n\n{\"id\":\"", "a", "\"}"),
    ("400\n", "x-header-#: a\n", "\n"),
];
const CONNECTORS: u8 = 8;
/// Behind a connector's number.
const CONFIGURATIONS: &[Shape] = &[
    ("{", "\"k#\":1,", "\"host\":\"a\"}"),
    ("{\"templates\":[", "{\"usageType\":\"Generic\",\"subject\":\"a\",\"content\":\"{{code}}\"},", "1]}"),
    ("{\"fromEmail\":\"", "a", "\"}"),
    ("{\"apiKey\":\"", "a ", "\"}"),
    ("{\"customHeaders\":{", "\"x-#\":\"a\",", "\"x\":\"\"}}"),
];
const IMPORTS: &[Shape] = &[
    ("{\"format\":1,\"tenants\":[{\"tenant\":\"t\",\"signIn\":{\"a\":[", "{\"email\":#},", "1]}}]}"),
    (
        "{\"format\":1,\"tenants\":[{\"tenant\":\"t\",\"templates\":[",
        "{\"languageTag\":\"en-x-a#\",\"usageType\":\"SignIn\",\"template\":{\"subject\":\"a\",\"content\":\"{{code}}\"}},",
        "{\"languageTag\":\"en\",\"usageType\":\"SignIn\",\"template\":{\"subject\":\"a\",\"content\":\"{{code}}\"}}]}]}",
    ),
    ("", "[", ""),
];
const PEM: &[Shape] = &[
    ("", "-----BEGIN CERTIFICATE-----\n", ""),
    ("", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", ""),
    ("-----BEGIN CERTIFICATE-----\n", "MAAA\n", "-----END CERTIFICATE-----"),
    ("", "-", ""),
    ("", "\\n", ""),
];
/// Behind a proxy's number.
const PROXIES: &[Shape] = &[
    ("HTTP/1.1 200 OK\r\n", "a: b\r\n", "\r\n"),
    ("HTTP/1.1 200 OK\r\n", "a", ""),
    ("", "a", ""),
    ("HTTP/1.1 403 ", "no ", "\r\n\r\n"),
];
const REPLIES: &[Shape] = &[
    ("220 hi\r\n\0", "250-a\r\n", "250 a\r\n\0"),
    ("220 hi\r\n\0", "250 a\r\n", ""),
    ("220 hi\r\n\0250-a\r\n", "250-AUTH PLAIN ", "\r\n250 a\r\n\0"),
    ("220 hi\r\n\0250-a\r\n250 AUTH PLAIN\r\n\0", "a", ""),
    ("220 hi\r\n\0250-a\r\n250 AUTH PLAIN\r\n\0235 a\r\n\0550 ", "basic a ", "\r\n\0"),
];
const TEMPLATES: &[Shape] = &[
    ("", "{{code}}", ""),
    ("", "{", ""),
    ("", "}}", ""),
    ("", "{{user.name}}", ""),
    ("", "{{v#}}", ""),
    ("", "<a", ""),
    ("", "<p x=\"{{code}}\">", ""),
    ("", "<style>", ""),
    ("{{code}}\0", "a&<b>\r\n", ""),
];
const TEXT: &[Shape] = &[
    ("", "<div>", ""),
    ("", "a ", ""),
    ("<pre>", "\n", "</pre>"),
    ("", "&amp;", ""),
    ("", "&", ""),
    ("", "<table><tr><td>", ""),
    ("<p style='", "display:none;", "'>a"),
    ("<style>", ".a#{display:none}", "</style>a"),
];

/// A target, its number in front of an input where it has one, and a shape.
fn all() -> Vec<(&'static str, &'static str, Option<u8>, Shape)> {
    let behind = |name, program, numbers: std::ops::Range<u8>, shapes: &[Shape]| {
        let of = |number| shapes.iter().map(move |shape| (name, program, Some(number), *shape)).collect::<Vec<_>>();
        numbers.flat_map(of).collect::<Vec<_>>()
    };
    let plain =
        |name, program, shapes: &[Shape]| shapes.iter().map(|shape| (name, program, None, *shape)).collect::<Vec<_>>();
    [
        plain("addresses", env!("CARGO_BIN_EXE_addresses"), ADDRESSES),
        behind("answers", env!("CARGO_BIN_EXE_answers"), 0..CONNECTORS, ANSWERS),
        behind("configurations", env!("CARGO_BIN_EXE_configurations"), 0..CONNECTORS, CONFIGURATIONS),
        plain("imports", env!("CARGO_BIN_EXE_imports"), IMPORTS),
        plain("pem", env!("CARGO_BIN_EXE_pem"), PEM),
        behind("proxies", env!("CARGO_BIN_EXE_proxies"), 0..3, PROXIES),
        plain("replies", env!("CARGO_BIN_EXE_replies"), REPLIES),
        plain("templates", env!("CARGO_BIN_EXE_templates"), TEMPLATES),
        plain("text", env!("CARGO_BIN_EXE_text"), TEXT),
    ]
    .concat()
}

fn input(number: Option<u8>, (begin, part, end): Shape, length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = number.into_iter().collect();
    bytes.extend(begin.bytes());
    for index in 0.. {
        if bytes.len() >= length {
            break;
        }
        bytes.extend(part.replace('#', &index.to_string()).bytes());
    }
    bytes.extend(end.bytes());
    bytes
}

/// How many instructions the program takes for this input.
fn instructions(program: &str, file: &Path) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", program]).arg(file);
    let ran = valgrind.output().expect("valgrind is installed, as by `cargo xtask test`");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{program}: {said}");
    let count = said.lines().find_map(|line| line.split_once("refs:").map(|(_, count)| count.trim().replace(',', "")));
    count.expect("it tells the count").parse().expect("a count is a number")
}

#[test]
fn twice_the_input_is_about_twice_the_work() {
    let folder = std::env::temp_dir().join(format!("work-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let all = all();
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = |worker: usize| {
        let file = folder.join(worker.to_string());
        while let Some((name, program, number, shape)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let [none, once, twice] = [0, LENGTH, 2 * LENGTH].map(|length| {
                fs::write(&file, input(*number, *shape, length)).unwrap();
                instructions(program, &file)
            });
            let (once, twice) = (once.saturating_sub(none), twice.saturating_sub(none));
            if twice > once * 23 / 10 + SLACK {
                faults.lock().unwrap().push(format!("{name} {number:?} {shape:?}: {once}, then {twice}"));
            }
        }
    };
    thread::scope(|scope| {
        let work = &work;
        for worker in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(move || work(worker));
        }
    });
    fs::remove_dir_all(&folder).unwrap();
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
