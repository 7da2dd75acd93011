//! Ctrl-C, a terminal that is closed and a request to end, while a store is open: it is closed before the process ends by them.

/// An interruption, which ends the process at once unless it is waited for.
pub use system::Interruption;

#[cfg(unix)]
mod system {
    use std::{
        fs, io,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        task::Poll,
    };

    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
        flag::{register_conditional_default, register_conditional_shutdown},
        low_level::emulate_default_handler,
    };
    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub struct Interruption {
        /// Whether a signal does what it does by default, which is to end the process.
        by_default: Arc<AtomicBool>,
        heard: Vec<(i32, Signal)>,
    }

    impl Interruption {
        /// One that nobody waits for yet.
        pub fn new() -> io::Result<Self> {
            let by_default = Arc::new(AtomicBool::new(true));
            let mut heard = Vec::new();
            let ignored = ignored();
            for kind in [SIGINT, SIGTERM, SIGQUIT, SIGHUP].into_iter().filter(|kind| !ignored(*kind)) {
                match is_init() {
                    true => register_conditional_shutdown(kind, exit_code(kind), Arc::clone(&by_default))?,
                    false => register_conditional_default(kind, Arc::clone(&by_default))?,
                };
                heard.push((kind, signal(SignalKind::from_raw(kind))?));
            }
            Ok(Self { by_default, heard })
        }

        /// Waits for it, and returns what ends the process by it. A second one ends the process at once, and so does the
        /// first when nobody waits any more.
        pub async fn happened(&mut self) -> impl FnOnce() + use<> {
            let _awaited = Awaited::begin(&self.by_default);
            let kind = std::future::poll_fn(|context| {
                let mut heard = self.heard.iter_mut();
                let came = heard.find_map(|(kind, signal)| signal.poll_recv(context).is_ready().then_some(*kind));
                came.map_or(Poll::Pending, Poll::Ready)
            });
            let kind = kind.await;
            // Whoever waits for the process sees the signal, not an exit code: a shell then ends its script, too.
            move || match is_init() {
                true => std::process::exit(exit_code(kind)),
                false => drop(emulate_default_handler(kind)),
            }
        }
    }

    /// While this is there, somebody waits for a signal, and it does nothing by itself.
    struct Awaited(Arc<AtomicBool>);

    impl Awaited {
        fn begin(by_default: &Arc<AtomicBool>) -> Self {
            by_default.store(false, Ordering::Release);
            Self(Arc::clone(by_default))
        }
    }

    impl Drop for Awaited {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }

    /// Whether this is a container's first process: by default signals do nothing to it, so it has to exit.
    fn is_init() -> bool {
        std::process::id() == 1
    }

    /// Which signals the parent has this process ignore, as `nohup` does SIGHUP: they stay so. Where that cannot be told,
    /// SIGHUP is taken for one of them.
    fn ignored() -> impl Fn(i32) -> bool {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
        let mask = mask.unwrap_or(1 << (SIGHUP - 1));
        move |kind| mask & (1 << (kind - 1)) != 0
    }

    /// As a shell gives it for whoever was ended by a signal.
    fn exit_code(signal: i32) -> i32 {
        128 + signal
    }

    #[cfg(test)]
    mod tests {
        #![allow(clippy::unwrap_used)]

        use super::*;

        /// Closing a store may take its time: whoever asks for an end then is heard at once.
        #[tokio::test]
        async fn a_signal_is_swallowed_only_while_somebody_waits_for_it() {
            let mut interruption = Interruption::new().unwrap();
            tokio::select! {
                biased;
                _ = interruption.happened() => panic!("nobody has sent any"),
                () = std::future::ready(()) => {}
            }
            assert!(interruption.by_default.load(Ordering::Acquire));
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
