//! A change, and reading a tenant, take one round trip to PostgreSQL.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use connector_registry::{ConnectorStore, Edit};

use crate::places::{PATIENCE, Place, change, id, save};

/// How often a client has had the word after the server, over all connections.
type Turns = Arc<AtomicU32>;

fn pass_on(mut from: TcpStream, mut to: TcpStream, heard: impl Fn()) {
    let mut bytes = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        heard();
        if to.write_all(&bytes[..length]).is_err() {
            return;
        }
    }
}

/// Passes connections on to the server; a thread for each direction ends with its connection.
fn proxy(server: String, turns: Turns) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().take(16).map_while(Result::ok) {
            let upstream = TcpStream::connect(&server).unwrap();
            for socket in [&client, &upstream] {
                socket.set_nodelay(true).unwrap();
            }
            let (to_client, from_server) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
            let client_spoke = Arc::new(AtomicBool::new(false));
            let (turns, spoke) = (Arc::clone(&turns), Arc::clone(&client_spoke));
            thread::spawn(move || {
                pass_on(client, upstream, || {
                    if !spoke.swap(true, Ordering::SeqCst) {
                        turns.fetch_add(1, Ordering::SeqCst);
                    }
                });
            });
            thread::spawn(move || pass_on(from_server, to_client, || client_spoke.store(false, Ordering::SeqCst)));
        }
    });
    port
}

/// Whether what is asked comes to take one turn each time, once the statement is known to the server.
async fn take_one(turns: &Turns, mut ask: impl AsyncFnMut()) {
    let mut in_a_row = 0;
    for _ in 0..20 {
        turns.store(0, Ordering::SeqCst);
        ask().await;
        let taken = turns.swap(0, Ordering::SeqCst);
        in_a_row = if taken == 1 { in_a_row + 1 } else { 0 };
        if in_a_row == 3 {
            return;
        }
        // Then the pool asks whether the connection is still good.
        let asked = async {
            while turns.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.expect("the pool");
    }
    panic!("it never takes one turn three times in a row");
}

// On one thread, what the pool does with a connection afterwards has not begun when the answer is there.
#[tokio::test]
async fn one_for_a_change_and_one_for_a_tenant() {
    let mut place = Place::postgres().await;
    let turns = Turns::default();
    let server = place.url.split(['@', '/']).find(|part| part.contains("127.0.0.1")).unwrap().to_owned();
    let port = proxy(server.clone(), Arc::clone(&turns));
    place.url = place.url.replace(&server, &format!("127.0.0.1:{port}"));
    let store = place.open().await;
    let mut n = 0;
    take_one(&turns, async || {
        n += 1;
        store.commit("acme", change([save(n), Edit::Activate(id(n)), Edit::Tested(id(n))])).await.unwrap();
    })
    .await;
    take_one(&turns, async || assert!(store.tenant("acme").await.unwrap().is_some())).await;
}
