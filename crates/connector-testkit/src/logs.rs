//! Everything that is logged on the test's thread, to assert that secrets and codes never are.

use std::io;
use std::sync::{Arc, Mutex, Once};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

static LOG_BRIDGE: Once = Once::new();

/// Collects what `tracing` and `log` emit at every level on this thread, spans and their fields included, until it is
/// dropped. Use it with a single-threaded runtime: what other threads log is not seen.
pub struct LogCapture {
    written: Written,
    _guard: DefaultGuard,
}

impl LogCapture {
    /// Starts collecting.
    #[must_use]
    pub fn start() -> Self {
        // The bridge from `log` is one per process; it hands records to the subscriber of the thread they come from.
        LOG_BRIDGE.call_once(|| {
            let _ = tracing_log::LogTracer::init();
        });
        let written = Written::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
            .with_ansi(false)
            .with_writer(written.clone())
            .finish();
        Self { written, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// Everything so far, one event a line.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.0.lock().unwrap()).into_owned()
    }

    /// Asserts that none of these was logged, as it is or in base64.
    ///
    /// # Panics
    ///
    /// When one was, without repeating it.
    pub fn assert_free_of(&self, secrets: &[&str]) {
        let text = self.text();
        for (at, secret) in secrets.iter().enumerate().filter(|(_, secret)| !secret.is_empty()) {
            assert!(!text.contains(secret), "secret number {at} was logged");
            let encoded = crate::smtp_auth::encode(secret);
            assert!(!text.contains(encoded.trim_end_matches('=')), "secret number {at} was logged in base64");
        }
    }
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
