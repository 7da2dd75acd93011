//! Files given on the command line: read within a limit, and every fault told in a sentence that names the file.

use std::{
    convert::Infallible,
    fmt,
    fs::File,
    io::{self, Read},
    path::PathBuf,
    str::FromStr,
};

use serde_json::Value;

/// The most that is read of a file. Configurations and messages are a few KiB.
const LIMIT: u64 = 1024 * 1024;

/// A file to read, or `-` for standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// The content, up to 1 MiB.
    ///
    /// # Errors
    /// A sentence for a person, when it cannot be read or is larger.
    pub fn read(&self) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        let read = match self {
            Self::Stdin => io::stdin().lock().take(LIMIT + 1).read_to_end(&mut content),
            Self::File(path) if path.is_dir() => return Err(format!("{self}: is a directory; name a file in it")),
            Self::File(path) => File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut content)),
        };
        match read {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                Err(format!("{self}: there is no such file; check the path, or use - to read standard input"))
            }
            Err(cause) => Err(format!("{self}: cannot be read: {cause}")),
            Ok(length) if length as u64 > LIMIT => {
                Err(format!("{self}: is larger than 1 MiB, the most that is read; is it the right file?"))
            }
            Ok(_) => Ok(content),
        }
    }

    /// The content as JSON.
    ///
    /// # Errors
    /// A sentence for a person, without anything of the content.
    pub fn json(&self) -> Result<Value, String> {
        let content = self.read()?;
        // Editors on Windows put a byte order mark in front.
        let text = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&content);
        if text.trim_ascii().is_empty() {
            return Err(format!("{self}: is empty; a JSON object is expected"));
        }
        // Into a `Value`, serde_json's errors say what is wrong and where, and never quote.
        serde_json::from_slice(text).map_err(|cause| format!("{self}: is not JSON: {cause}"))
    }
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "-" { Self::Stdin } else { Self::File(text.into()) })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
