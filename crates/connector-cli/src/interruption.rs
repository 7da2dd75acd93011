//! Ctrl-C and a request to end, while a store is open: it is closed before the process ends by them.

/// An interruption, which ends the process at once unless it is waited for.
pub use system::Interruption;

#[cfg(unix)]
mod system {
    use std::{
        io,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
    };

    use signal_hook::{
        consts::{SIGINT, SIGTERM},
        flag::register_conditional_default,
        low_level::emulate_default_handler,
    };
    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub struct Interruption {
        /// Whether a signal does what it does by default, which is to end the process.
        by_default: Arc<AtomicBool>,
        interrupt: Signal,
        terminate: Signal,
    }

    impl Interruption {
        /// One that nobody waits for yet.
        pub fn new() -> io::Result<Self> {
            let by_default = Arc::new(AtomicBool::new(true));
            for kind in [SIGINT, SIGTERM] {
                register_conditional_default(kind, Arc::clone(&by_default))?;
            }
            let interrupt = signal(SignalKind::interrupt())?;
            let terminate = signal(SignalKind::terminate())?;
            Ok(Self { by_default, interrupt, terminate })
        }

        /// Waits for it, and returns what ends the process by it. A second one ends the process at once.
        pub async fn happened(&mut self) -> impl FnOnce() + use<> {
            self.by_default.store(false, Ordering::Release);
            let kind = tokio::select! {
                _ = self.interrupt.recv() => SIGINT,
                _ = self.terminate.recv() => SIGTERM,
            };
            self.by_default.store(true, Ordering::Release);
            // Whoever waits for the process sees the signal, not an exit code: a shell then ends its script, too.
            move || drop(emulate_default_handler(kind))
        }
    }

    impl Drop for Interruption {
        fn drop(&mut self) {
            self.by_default.store(true, Ordering::Release);
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;

    pub struct Interruption(());

    impl Interruption {
        /// One that nobody waits for yet.
        pub fn new() -> io::Result<Self> {
            Ok(Self(()))
        }

        /// Waits for it, and returns what ends the process by it.
        pub async fn happened(&mut self) -> impl FnOnce() + use<> {
            if tokio::signal::ctrl_c().await.is_err() {
                // Nobody can be heard of.
                std::future::pending::<()>().await;
            }
            || {
                std::process::exit(130);
            }
        }
    }
}
