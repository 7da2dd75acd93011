//! Proxies' answers: whatever stands where a proxy should be, connecting ends, and the error does not show its password.

use std::{net::TcpListener as StdListener, sync::OnceLock};

use connector_kit::{Context, DialOptions, Egress};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::offline;

/// A listener, and for each kind of proxy a context that takes it for one.
struct Proxies {
    listener: StdListener,
    contexts: [Context; 3],
}

/// Making a context reads the system's root certificates, so there is one of each for all inputs.
fn proxies() -> &'static Proxies {
    static PROXIES: OnceLock<Proxies> = OnceLock::new();
    PROXIES.get_or_init(|| {
        let listener = StdListener::bind(("127.0.0.1", 0)).expect("loopback takes listeners");
        listener.set_nonblocking(true).expect("a socket need not block");
        let port = listener.local_addr().expect("a listener has an address").port();
        let contexts = ["http", "socks5", "socks5h"].map(|scheme| {
            let proxy = format!("{scheme}://mailer:{}@127.0.0.1:{port}", offline::SECRET);
            let proxy = Some(proxy.parse().expect("it is a proxy's URL"));
            Context::new(Egress { proxy, ..Egress::default() }).expect("nothing contradicts")
        });
        Proxies { listener, contexts }
    })
}

/// Reads `data` as a proxy's kind and what it says: parts that 0xAA bytes separate (a SOCKS answer holds NULs), each sent
/// when the client has said something.
pub fn run(data: &[u8]) {
    let Some((kind, said)) = data.split_first() else { return };
    let Proxies { listener, contexts } = proxies();
    let context = &contexts[usize::from(*kind) % contexts.len()];
    offline::runtime().block_on(async {
        let listener = listener.try_clone().and_then(TcpListener::from_std).expect("a listener can be shared");
        let answer = async {
            let (mut stream, _) = listener.accept().await.expect("somebody connects");
            let mut heard = [0; 4096];
            for part in said.split(|byte| *byte == 0xAA) {
                if !matches!(stream.read(&mut heard).await, Ok(1..)) || stream.write_all(part).await.is_err() {
                    break;
                }
            }
            drop(stream);
            std::future::pending::<()>().await;
        };
        let options = DialOptions::default();
        let outcome = tokio::select! {
            outcome = context.dialer().connect("smtp.example.com", 587, &options) => outcome,
            () = answer => unreachable!("the answer waits for ever"),
        };
        if let Err(error) = outcome {
            let said = format!("{error} {} {error:?}", error.hint().unwrap_or_default());
            assert!(!said.contains(offline::SECRET), "an error shows the proxy's password");
        }
    });
}
