//! Other processes: this test program, run again for one test that is not run by itself.

use std::{
    ffi::OsStr,
    process::{Child, Command, Output, Stdio},
};

/// The variables through which a child learns where the store is and what its key is.
const URL: &str = "TEST_STORE_URL";
const KEY: &str = "TEST_STORE_KEY";
const WORD: &str = "TEST_STORE_WORD";

/// What a child is told.
pub struct Given {
    pub url: String,
    pub key: String,
    pub word: String,
}

/// What this process was told as a child; nothing when it is none.
pub fn given() -> Option<Given> {
    let read = |name| std::env::var(name).ok();
    Some(Given { url: read(URL)?, key: read(KEY)?, word: read(WORD)? })
}

/// Runs the ignored test of this name in a process of its own, by way of `wrapper`.
pub fn start(wrapper: &[&str], test: &str, Given { url, key, word }: Given) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut words = wrapper.iter().map(OsStr::new).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--ignored", "--exact", test, "--nocapture", "--test-threads", "1"]);
    command.env(URL, url).env(KEY, key).env(WORD, word);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits for a child, which must have succeeded.
pub fn finish(child: Child) {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(status.success() && stdout.contains("1 passed"), "{status}\n{stdout}\n{stderr}");
}
