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
const SLACK: u64 = 10_000_000;

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
        "{\"language\":\"en-x-a#\",\"usageType\":\"SignIn\",\"contentType\":\"text/plain\",\"subject\":\"a\",\"content\":\"{{code}}\"},",
        "{\"language\":\"en\",\"usageType\":\"SignIn\",\"contentType\":\"text/plain\",\"subject\":\"a\",\"content\":\"{{code}}\"}]}]}",
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
    ("220 hi\r\n\x00", "250-a\r\n", "250 a\r\n\x00"),
    ("220 hi\r\n\x00", "250 a\r\n", ""),
    ("220 hi\r\n\x00250-a\r\n", "250-AUTH PLAIN ", "\r\n250 a\r\n\x00"),
    ("220 hi\r\n\x00250-a\r\n250 AUTH PLAIN\r\n\x00", "a", ""),
    ("220 hi\r\n\x00250-a\r\n250 AUTH PLAIN\r\n\x00235 a\r\n\x00550 ", "basic a ", "\r\n\x00"),
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

/// A target, what runs it, the numbers that stand in front of its inputs, and their shapes.
struct Work {
    target: &'static str,
    program: &'static str,
    numbers: Vec<Option<u8>>,
    shapes: &'static [Shape],
}

fn all() -> Vec<Work> {
    let plain = |target, program, shapes| Work { target, program, numbers: vec![None], shapes };
    let behind = |target, program, numbers: std::ops::Range<u8>, shapes| {
        let numbers = numbers.map(Some).collect();
        Work { target, program, numbers, shapes }
    };
    vec![
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

/// How many instructions the program takes for these inputs.
fn instructions(program: &str, folder: &Path, inputs: impl Iterator<Item = Vec<u8>>) -> u64 {
    let files = inputs.enumerate().map(|(number, input)| {
        let file = folder.join(number.to_string());
        fs::write(&file, input).unwrap();
        file
    });
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", program]).args(files);
    let ran = valgrind.output().expect("valgrind is installed, as by `cargo xtask test`");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{program}: {said}");
    let count = said.lines().find_map(|line| line.split_once("refs:").map(|(_, count)| count.trim().replace(',', "")));
    count.expect("it tells the count").parse().expect("a count is a number")
}

/// How many instructions `shapes` take, once in this length and once in twice that, without what each takes anyway.
fn once_and_twice(work: &Work, shapes: &[Shape], folder: &Path) -> (u64, u64) {
    let [none, once, twice] = [0, LENGTH, 2 * LENGTH].map(|length| {
        let numbered = work.numbers.iter().flat_map(|number| shapes.iter().map(move |shape| (*number, *shape)));
        instructions(work.program, folder, numbered.map(|(number, shape)| input(number, shape, length)))
    });
    (once.saturating_sub(none), twice.saturating_sub(none))
}

fn is_too_much((once, twice): (u64, u64)) -> bool {
    twice > once * 9 / 4 + SLACK
}

/// All shapes of a target together, as starting it takes longer than reading them; each alone where they took too much.
#[test]
fn twice_the_input_is_about_twice_the_work() {
    let all = all();
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(work) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            let folder = tempfile::tempdir().unwrap();
            if !is_too_much(once_and_twice(work, work.shapes, folder.path())) {
                continue;
            }
            let alone = work.shapes.iter().map(|shape| (shape, once_and_twice(work, &[*shape], folder.path())));
            let found = alone.filter(|(_, counts)| is_too_much(*counts));
            let named = found.map(|(shape, (once, twice))| format!("{} {shape:?}: {once}, then {twice}", work.target));
            faults.lock().unwrap().extend(named);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
