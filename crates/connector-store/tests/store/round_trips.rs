//! A change, and reading a tenant, take one round trip to PostgreSQL.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

use connector_registry::{ConnectorStore, Edit};

use crate::places::{Place, change, id, save};

/// How often the client has had the word after the server.
#[derive(Default)]
struct Turns {
    count: AtomicU32,
    client_has_the_word: AtomicBool,
}

impl Turns {
    fn takes_the_word(&self, client: bool) {
        if self.client_has_the_word.swap(client, Ordering::SeqCst) != client && client {
            self.count.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn taken(&self) -> u32 {
        self.count.swap(0, Ordering::SeqCst)
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, turns: &Turns, client: bool) {
    let mut bytes = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        turns.takes_the_word(client);
        if to.write_all(&bytes[..length]).is_err() {
            return;
        }
    }
}

/// Passes the first connection after those that opening takes on to the server. It ends with its client.
fn proxy(server: String, turns: Arc<Turns>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().take(16).map_while(Result::ok) {
            let upstream = TcpStream::connect(&server).unwrap();
            for socket in [&client, &upstream] {
                socket.set_nodelay(true).unwrap();
            }
            let (other_client, other_upstream) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
            let (up, down) = (Arc::clone(&turns), Arc::clone(&turns));
            thread::spawn(move || pass_on(client, upstream, &up, true));
            thread::spawn(move || pass_on(other_upstream, other_client, &down, false));
        }
    });
    port
}

// On one thread, what the pool does with a connection afterwards has not begun when the answer is there.
#[tokio::test]
async fn one_for_a_change_and_one_for_a_tenant() {
    let mut place = Place::postgres().await;
    let turns = Arc::new(Turns::default());
    let server = place.url.split(['@', '/']).find(|part| part.contains("127.0.0.1")).unwrap().to_owned();
    let port = proxy(server.clone(), Arc::clone(&turns));
    place.url = place.url.replace(&server, &format!("127.0.0.1:{port}"));
    let store = place.open().await;
    let mut news = store.changes();
    for n in 1..=3 {
        store.commit("acme", change([save(n), Edit::Activate(id(n))])).await.unwrap();
        store.tenant("acme").await.unwrap();
        // Once the news has come, and the pool has what it asks, the line is quiet.
        crate::places::told_of(&mut news, "acme").await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    turns.taken();
    store.commit("acme", change([save(4), Edit::Activate(id(4)), Edit::Tested(id(4))])).await.unwrap();
    assert_eq!(turns.taken(), 1);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    turns.taken();
    store.tenant("acme").await.unwrap();
    assert_eq!(turns.taken(), 1);
}
