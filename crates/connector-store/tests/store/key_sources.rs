//! Where keys come from: variables, files and commands, as they are on a real machine.

use std::{env, fs, path::Path, process::Command};

use connector_store::{KeyError, KeyRing, KeySource};

use crate::{key, refused, ring};

/// A process cannot change its own variables safely: this one starts itself once more with the variable set.
#[tokio::test]
async fn a_variable() {
    const NAME: &str = "CONNECTOR_STORE_TEST_KEY";
    let Ok(text) = env::var(NAME) else {
        let mut again = Command::new(env::current_exe().unwrap());
        let status = again.args(["--exact", "key_sources::a_variable"]).env(NAME, key()).status();
        return assert!(status.unwrap().success());
    };
    let loaded = KeyRing::load(KeySource::Environment(NAME.to_owned())).await.unwrap();
    assert_eq!(loaded.current(), ring(&text).await.current());
}

#[tokio::test]
async fn a_variable_without_a_key() {
    // Set for every test by cargo.
    let error = refused(KeySource::Environment("CARGO_PKG_NAME".into()), "connector-store").await;
    assert!(error.to_string().contains("the environment variable CARGO_PKG_NAME"), "{error}");
    let error = refused(KeySource::Environment("NO_SUCH_VARIABLE_4711".into()), "\0").await;
    assert!(error.to_string().contains("NO_SUCH_VARIABLE_4711 holds no master key"), "{error}");
}

#[tokio::test]
async fn a_command() {
    let text = key();
    let loaded = KeyRing::load(KeySource::Command(format!("echo noise >&2; echo {text}"))).await.unwrap();
    assert_eq!(loaded.current(), ring(&text).await.current());

    let error = refused(KeySource::Command("echo hush; echo hush >&2; exit 3".into()), "hush").await;
    assert!(matches!(error, KeyError::CommandFailed(_)) && error.to_string().contains("exit status: 3"), "{error}");
    let error = refused(KeySource::Command("true".into()), "\0").await;
    assert!(error.to_string().starts_with("the key command's output holds no master key"), "{error}");
    let error = refused(KeySource::Command("cat /dev/zero".into()), "\0").await;
    assert!(matches!(error, KeyError::TooLong { .. }), "{error}");
}

/// The clock is the test's: once nothing else can happen, tokio lets the ten seconds pass.
#[tokio::test(start_paused = true)]
async fn a_command_that_never_answers_is_stopped() {
    let error = refused(KeySource::Command("exec sleep 600".into()), "\0").await;
    assert_eq!(error.to_string(), "the key command was stopped: it gave no answer within 10 seconds");
}

#[tokio::test]
async fn a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let error = refused(KeySource::File(path.clone()), "\0").await;
    assert!(error.to_string().contains("master.key cannot be read"), "{error}");

    let text = key();
    write(&path, &format!("# ours\n{text}\n"), 0o600);
    let loaded = KeyRing::load(KeySource::File(path.clone())).await.unwrap();
    assert_eq!(loaded.current(), ring(&text).await.current());

    write(&path, &text[..20], 0o600);
    let error = refused(KeySource::File(path.clone()), &text[..20]).await.to_string();
    assert!(error.contains("master.key has 15 bytes, and must have 32"), "{error}");

    fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
    let error = refused(KeySource::File(path.clone()), "\0").await;
    assert!(matches!(error, KeyError::NotEncoded { .. }), "{error}");
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    #[cfg(not(unix))]
    let _ = mode;
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let text = key();
    for mode in [0o640, 0o604, 0o644, 0o620, 0o666] {
        write(&path, &text, mode);
        let error = refused(KeySource::File(path.clone()), &text).await.to_string();
        assert!(
            error.contains(&format!("chmod 600 {}", path.display())) && error.contains(&format!("{mode:o}")),
            "{error}"
        );
    }
    write(&path, &text, 0o400);
    KeyRing::load(KeySource::File(path)).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_made_is_for_its_owner_only_and_never_made_twice() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let made = KeyRing::create_file(&path).await.unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(KeyRing::load(KeySource::File(path.clone())).await.unwrap().ids(), made.ids());

    let error = KeyRing::create_file(&path).await.unwrap_err();
    let exists = matches!(&error, KeyError::File { cause, .. } if cause.kind() == std::io::ErrorKind::AlreadyExists);
    assert!(exists, "{error}");
    assert_eq!(KeyRing::load(KeySource::File(path)).await.unwrap().ids(), made.ids(), "it stays as it was");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");

    let error = KeyRing::create_file(folder.path().join("none/master.key")).await.unwrap_err();
    assert!(error.to_string().contains("master.key cannot be made"), "{error}");
}

/// Several processes that start at once end up with one key.
#[tokio::test]
async fn a_file_made_by_many_at_once_is_made_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
            std::thread::spawn(move || runtime().block_on(KeyRing::create_file(&path)).map(|ring| ring.current()))
        })
        .collect();
    let made: Vec<_> = tries.into_iter().filter_map(|one| one.join().unwrap().ok()).collect();
    assert_eq!(made, [KeyRing::load(KeySource::File(path)).await.unwrap().current()]);
}

#[tokio::test]
async fn asked_again_it_gives_every_clone_the_new_keys_or_leaves_the_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let (first, second) = (key(), key());
    write(&path, &first, 0o600);
    let loaded = KeyRing::load(KeySource::File(path.clone())).await.unwrap();
    let clone = loaded.clone();
    let old = loaded.current();

    write(&path, &format!("{second}\n{first}\n"), 0o600);
    loaded.reload().await.unwrap();
    assert_eq!(clone.ids(), [ring(&second).await.current(), old]);

    write(&path, "spoilt", 0o600);
    loaded.reload().await.unwrap_err();
    assert_eq!(clone.ids(), [ring(&second).await.current(), old]);
}
