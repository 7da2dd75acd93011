//! Where master keys come from.

use std::{
    env,
    fs::File,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use connector_registry::Secret;
use tokio::{io::AsyncReadExt as _, process::Command, time::timeout};
use zeroize::Zeroizing;

use super::{KeyError, Keys, text};

/// The most that is read from a file or a command, in bytes: room for hundreds of keys.
const TEXT_MAX: u64 = 64 * 1024;

/// How long a command may take, in seconds.
const COMMAND_MAX: u64 = 10;

/// Where master keys come from. Each source gives text: keys of 32 bytes in base64 (standard or URL-safe, padded or
/// not) or hex, separated by line breaks or commas; the first is the current one, the others are former ones. Lines
/// that begin with `#` are comments.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// The environment variable of this name.
    Environment(String),
    /// The file at this path. On Unix it must not be readable by others than its owner.
    File(PathBuf),
    /// What this command, run by `sh -c`, writes to its standard output within ten seconds.
    Command(String),
    /// This text.
    Given(Secret),
}

impl KeySource {
    pub(super) async fn read(&self) -> Result<Keys, KeyError> {
        match self {
            Self::Environment(name) => {
                let value = env::var(name).map_err(|_| KeyError::NoVariable { name: name.clone() })?;
                text::parse(&Zeroizing::new(value), &format!("the environment variable {name}"))
            }
            Self::File(path) => {
                let origin = format!("the key file {}", path.display());
                text::parse(&text::of_bytes(read_file(path, &origin)?, &origin)?, &origin)
            }
            Self::Command(command) => {
                let origin = "the key command's output";
                text::parse(&text::of_bytes(run(command, origin).await?, origin)?, origin)
            }
            Self::Given(keys) => text::parse(keys.expose(), "the text given"),
        }
    }
}

fn file_error<'p>(path: &'p Path, action: &'static str) -> impl Fn(io::Error) -> KeyError + 'p {
    move |cause| KeyError::File { path: path.display().to_string(), action, cause }
}

fn read_file(path: &Path, origin: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let file = File::open(path).map_err(file_error(path, "read"))?;
    for_its_owner_only(path, &file)?;
    // All at once: text that grows leaves copies of itself behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(TEXT_MAX as usize + 1));
    file.take(TEXT_MAX + 1).read_to_end(&mut bytes).map_err(file_error(path, "read"))?;
    bounded(bytes, origin)
}

fn bounded(bytes: Zeroizing<Vec<u8>>, origin: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if bytes.len() as u64 > TEXT_MAX {
        return Err(KeyError::TooLong { origin: origin.to_owned(), limit: TEXT_MAX });
    }
    Ok(bytes)
}

/// Asks the open file, not the path: between the two it could become another.
#[cfg(unix)]
fn for_its_owner_only(path: &Path, file: &File) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_err(file_error(path, "read"))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyError::OthersCanRead { path: path.display().to_string(), mode });
    }
    Ok(())
}

#[cfg(not(unix))]
fn for_its_owner_only(_: &Path, _: &File) -> Result<(), KeyError> {
    Ok(())
}

/// Makes the file under another name and gives it its own once it is whole, unless there is one of that name.
pub(super) fn create(path: &Path, key: &Secret) -> Result<(), KeyError> {
    let fault = file_error(path, "made");
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    // On Unix a temporary file has the mode 0600.
    let mut file = tempfile::Builder::new().prefix(".master-key-").tempfile_in(folder).map_err(&fault)?;
    let comment = "# Master key of the email connectors. Keep a copy: without it no stored secret can be read.";
    let text = Zeroizing::new(format!("{comment}\n{}\n", key.expose()));
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(&fault)?;
    file.persist_noclobber(path).map_err(|refused| fault(refused.error))?;
    #[cfg(unix)]
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(&fault)?;
    Ok(())
}

/// What the command writes to its standard output. What it writes to standard error may be anything, and is not read.
async fn run(command: &str, origin: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = shell.spawn().map_err(KeyError::Command)?;
    let answer = async {
        let mut bytes = Zeroizing::new(Vec::with_capacity(TEXT_MAX as usize + 1));
        if let Some(output) = child.stdout.take() {
            output.take(TEXT_MAX + 1).read_to_end(&mut bytes).await?;
        }
        Ok((bytes, child.wait().await?))
    };
    let limit = Duration::from_secs(COMMAND_MAX);
    let answer = timeout(limit, answer).await.map_err(|_| KeyError::CommandTooSlow(COMMAND_MAX))?;
    let (bytes, status) = answer.map_err(KeyError::Command)?;
    let bytes = bounded(bytes, origin)?;
    if status.success() { Ok(bytes) } else { Err(KeyError::CommandFailed(status)) }
}
