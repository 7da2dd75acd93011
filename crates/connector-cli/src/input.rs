//! Files given on the command line: read within a limit, and every fault told in a sentence that names the file.

use std::{
    convert::Infallible,
    fmt::{self, Write as _},
    fs::File,
    io::{self, Read},
    path::PathBuf,
    str::FromStr,
};

use connector_kit::{Problem, other_encoding};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use crate::failure::Failure;

const MIB: u64 = 1024 * 1024;
/// The most that is read of a file. Configurations and messages are a few KiB.
const LIMIT: u64 = MIB;

/// A file to read, or `-` for standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

impl Source {
    /// Whether it names nothing, as an environment variable that is empty.
    pub fn is_unset(&self) -> bool {
        matches!(self, Self::File(path) if path.as_os_str().is_empty())
    }

    /// The content, up to 1 MiB.
    ///
    /// # Errors
    /// A sentence for a person, when it cannot be read or is larger.
    pub fn read(&self) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        let length = self.open()?.take(LIMIT + 1).read_to_end(&mut content).map_err(|cause| self.unreadable(&cause))?;
        if length as u64 > LIMIT {
            let mib = LIMIT / MIB;
            return Err(format!("{self}: is larger than {mib} MiB, the most that is read; is it the right file?"));
        }
        Ok(content)
    }

    /// The content as it comes, without limit.
    ///
    /// # Errors
    /// A sentence for a person, when there is nothing to read.
    pub fn open(&self) -> Result<Box<dyn Read>, String> {
        match self {
            Self::Stdin => Ok(Box::new(io::stdin().lock())),
            Self::File(path) if path.is_dir() => Err(format!("{self}: is a directory; name a file in it")),
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                    Err(format!("{self}: there is no such file; check the path, or use - to read standard input"))
                }
                Err(cause) => Err(self.unreadable(&cause)),
            },
        }
    }

    /// What to say when reading fails.
    pub fn unreadable(&self, cause: &io::Error) -> String {
        format!("{self}: cannot be read: {cause}")
    }

    /// The content as JSON.
    ///
    /// # Errors
    /// A sentence for a person, without anything of the content.
    pub fn json(&self) -> Result<Value, String> {
        // Into a `Value`, serde_json's errors say what is wrong and where, and never quote.
        self.parse(&self.read()?)
    }

    /// The content as `T`, which holds nothing secret: the fault may quote it.
    ///
    /// # Errors
    /// A sentence for a person, with line and column, and the pointer to the value that does not fit.
    pub fn open_json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let of_file = |fault| Problem::new("", fault);
        let content = self.read().map_err(of_file)?;
        self.parse::<Value>(&content).map_err(of_file)?;
        let mut json = serde_json::Deserializer::from_slice(without_mark(&content));
        serde_path_to_error::deserialize(&mut json)
            .map_err(|fault| Problem::new(pointer(fault.path()), format!("{self}: {}", fault.inner())))
    }

    /// Refuses what begins in another encoding than UTF-8.
    ///
    /// # Errors
    /// A sentence for a person.
    pub fn check_encoding(&self, text: &[u8]) -> Result<(), String> {
        other_encoding(text).map_or(Ok(()), |encoding| {
            Err(format!("{self}: is not JSON in UTF-8: it is in {encoding}; save it in UTF-8"))
        })
    }

    /// What to say of a file with nothing in it.
    pub fn empty(&self) -> String {
        format!("{self}: is empty; a JSON object is expected")
    }

    fn parse<T: DeserializeOwned>(&self, content: &[u8]) -> Result<T, String> {
        let text = without_mark(content);
        if text.trim_ascii().is_empty() {
            return Err(self.empty());
        }
        self.check_encoding(text)?;
        serde_json::from_slice(text).map_err(|cause| format!("{self}: is not JSON: {cause}"))
    }
}

/// A path into a value, as a JSON pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        // Writing to a string does not fail.
        let _ = match segment {
            Segment::Seq { index } => write!(pointer, "/{index}"),
            Segment::Map { key } => write!(pointer, "/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { .. } | Segment::Unknown => Ok(()),
        };
    }
    pointer
}

/// Editors on Windows put a byte order mark in front.
pub fn without_mark(content: &[u8]) -> &[u8] {
    content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content)
}

/// Refuses a command line on which several files are standard input.
pub fn only_one_is_stdin(files: &[Option<&Source>]) -> Result<(), Failure> {
    if files.iter().flatten().filter(|file| ***file == Source::Stdin).count() > 1 {
        return Err(Failure::usage("only one of the files can be -, as there is one standard input"));
    }
    Ok(())
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
