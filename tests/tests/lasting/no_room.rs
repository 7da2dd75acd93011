//! A disk without room.

use super::databases::Database;
use connector_kit::{Context, Egress, SendPolicy};
use connector_registry::{Actor, Catalog, Error, Proposal, Registry};
use e2e::lasting;
use std::path::Path;
use std::process::Command;

const TENANT: &str = "acme";

/// A file system of its own with little room, unmounted when dropped.
struct SmallDisk<'f>(&'f Path);

impl<'f> SmallDisk<'f> {
    fn mount(folder: &'f Path, size: &str) -> Self {
        let options = format!("size={size},mode=700");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder).status().unwrap();
        assert!(status.success(), "mounting a small file system needs root, as Postfix's tests do");
        Self(folder)
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // Lazily: a connection that is being closed may still hold a file.
        Command::new("umount").arg("--lazy").arg(self.0).status().ok();
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_damages_nothing() {
    let database = Database::sqlite().await;
    let folder = database.folder.path().join("small");
    std::fs::create_dir(&folder).unwrap();
    let disk = SmallDisk::mount(&folder, "1500k");
    let url = format!("sqlite:{}", folder.join("store.db").display());
    let store = lasting::open(&url, &database.keys).await.unwrap();
    let context = Context::new(Egress::default()).unwrap();
    let registry = Registry::new(Catalog::builtin(), context, SendPolicy::default(), store);
    let by = Actor::new("alice", "a test");
    let proposal = |number| Proposal::new("http-email", lasting::configuration(TENANT, number));
    registry.set_up(TENANT, proposal(0), &by).await.unwrap();

    // Somebody else takes the room that is left; what the database has reserved for itself fills up.
    let filler = folder.join("filler");
    std::fs::write(&filler, vec![0; 4 * 1024 * 1024]).unwrap_err();
    let mut changes = 0;
    let refused = loop {
        match registry.change(TENANT, proposal(changes + 1), &by).await {
            Ok(_) => changes += 1,
            Err(refused) => break refused,
        }
        assert!(changes < 100_000, "the disk never fills up");
    };
    assert!(matches!(&refused, Error::StoreUnusable(_)), "{refused}");
    assert!(refused.to_string().contains("full"), "{refused}");
    assert_eq!(lasting::check(registry.store(), TENANT).await.unwrap(), changes + 1, "nothing is damaged");

    // With room again it goes on by itself.
    std::fs::remove_file(&filler).unwrap();
    registry.change(TENANT, proposal(changes + 1), &by).await.unwrap();
    drop(registry);
    let store = lasting::open(&url, &database.keys).await.unwrap();
    assert_eq!(lasting::check(&store, TENANT).await.unwrap(), changes + 2);
    drop((store, disk));
}
