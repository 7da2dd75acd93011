//! An export, read as it comes: what is not one is refused at its first fault, whatever its size, and what is one within
//! limits.

use std::io::{self, BufReader, Read};

use connector_registry::Export;
use serde_json::error::Category;

use crate::input::{Source, without_mark};

const MIB: u64 = 1024 * 1024;
/// The most that is read of an export, which may be of a hundred thousand tenants.
const FILE: u64 = 512 * MIB;
/// The longest text in it, as it is written.
const TEXT: u64 = 2 * MIB;
/// The values of one tenant, and of all. A tenant with one connector has about fifty.
const TENANT_VALUES: u64 = 100_000;
const VALUES: u64 = 10_000_000;
/// How deep a tenant is in an export: in a list, in an object.
const TENANT_DEPTH: u64 = 3;

/// Reads an export.
///
/// # Errors
/// A sentence for a person, without anything of the content.
pub fn read(source: &Source) -> Result<Export, String> {
    let (mut file, mut start) = (source.open()?, Vec::new());
    file.by_ref().take(4).read_to_end(&mut start).map_err(|cause| source.unreadable(&cause))?;
    source.check_encoding(&start)?;
    let mut bounded = Bounded::new(BufReader::new(without_mark(&start).chain(file)));
    serde_json::from_reader(&mut bounded).map_err(|cause| match (&bounded.fault, cause.classify()) {
        (Some(fault), _) => format!("{source}: {fault}"),
        (None, Category::Eof) if bounded.is_blank => source.empty(),
        (None, Category::Io) => source.unreadable(&cause.into()),
        // Serde's own words may show a value, and what was filled in may be a secret.
        (None, Category::Data) => format!(
            "{source}: is not what `export` writes, from line {} column {} on; is it the right file?",
            cause.line(),
            cause.column()
        ),
        (None, Category::Syntax | Category::Eof) => format!("{source}: is not JSON: {cause}"),
    })
}

/// A reader of JSON that ends where its limits are exceeded, before anything is made of what it has read.
struct Bounded<R> {
    inner: R,
    read: u64,
    is_blank: bool,
    in_text: bool,
    is_escaped: bool,
    text: u64,
    depth: u64,
    tenant_values: u64,
    values: u64,
    fault: Option<String>,
}

impl<R> Bounded<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            read: 0,
            is_blank: true,
            in_text: false,
            is_escaped: false,
            text: 0,
            depth: 0,
            tenant_values: 0,
            values: 0,
            fault: None,
        }
    }

    /// Follows one byte. What is not JSON is for the parser to say.
    fn follow(&mut self, byte: u8) {
        self.is_blank = self.is_blank && byte.is_ascii_whitespace();
        if self.in_text {
            self.text += 1;
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => (self.in_text, self.text) = (true, 0),
            b'[' | b'{' => {
                self.depth += 1;
                if self.depth == TENANT_DEPTH {
                    self.tenant_values = 0;
                }
                self.count();
            }
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            b',' => self.count(),
            _ => {}
        }
    }

    fn count(&mut self) {
        self.values += 1;
        self.tenant_values += 1;
    }

    fn exceeded(&self) -> Option<String> {
        let split = "export one tenant at a time, without --all";
        if self.read > FILE {
            Some(format!("is larger than {} MiB, the most that is read: {split}", FILE / MIB))
        } else if self.text > TEXT {
            Some(format!("has a text of more than {} MiB, the most that is read; is it the right file?", TEXT / MIB))
        } else if self.depth >= TENANT_DEPTH && self.tenant_values > TENANT_VALUES {
            Some(format!(
                "has a tenant of more than {TENANT_VALUES} values, the most that is read; is it the right file?"
            ))
        } else if self.values > VALUES {
            Some(format!("has more than {VALUES} values, the most that is read: {split}"))
        } else {
            None
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        for byte in &buffer[..length] {
            self.follow(*byte);
        }
        self.read += length as u64;
        self.fault = self.exceeded();
        match &self.fault {
            Some(fault) => Err(io::Error::other(fault.clone())),
            None => Ok(length),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// JSON without end, of which what was read is counted.
    struct Endless {
        begin: &'static [u8],
        again: &'static [u8],
        read: usize,
    }

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            for byte in buffer.iter_mut() {
                let beyond = self.read.checked_sub(self.begin.len());
                *byte = beyond.map_or_else(|| self.begin[self.read], |beyond| self.again[beyond % self.again.len()]);
                self.read += 1;
            }
            Ok(buffer.len())
        }
    }

    /// How much of it is read before it is refused, and why.
    fn refused(begin: &'static str, again: &'static str) -> (usize, Option<String>) {
        let endless = Endless { begin: begin.as_bytes(), again: again.as_bytes(), read: 0 };
        let mut bounded = Bounded::new(BufReader::new(endless));
        serde_json::from_reader::<_, Export>(&mut bounded).unwrap_err();
        (bounded.inner.get_ref().read, bounded.fault)
    }

    /// 200 MiB of zeros took 7.4 GiB: all of it was made into values first.
    #[test]
    fn what_is_no_export_is_refused_at_its_first_fault() {
        for (begin, again) in [
            ("[", "0,"),
            ("", "["),
            ("{\"format\":1,\"tenants\":[", "0,"),
            ("{\"format\":1,\"tenants\":[{\"tenant\":[", "0,"),
            ("{\"format\":[", "0,"),
        ] {
            let (read, fault) = refused(begin, again);
            assert_eq!((read <= 64 * 1024, fault), (true, None), "{begin}{again}");
        }
    }

    #[test]
    fn one_tenant_and_one_text_are_bounded() {
        let tenant = "has a tenant of more than 100000 values, the most that is read; is it the right file?";
        for (begin, again) in [
            ("{\"format\":1,\"tenants\":[{\"tenant\":\"a\",\"templates\":[{\"unknown\":[", "0,"),
            ("{\"format\":1,\"tenants\":[{\"tenant\":\"a\",\"unknown\":[", "0,"),
            ("{\"format\":1,\"tenants\":[{\"tenant\":\"a\",\"unknown\":[[],", "{},"),
        ] {
            let (read, fault) = refused(begin, again);
            assert_eq!((read < 1024 * 1024, fault.as_deref()), (true, Some(tenant)), "{begin}{again}");
        }
        let (read, fault) = refused("{\"format\":1,\"tenants\":[{\"tenant\":\"", "\\\"x");
        assert!(read < 3 * 1024 * 1024);
        assert_eq!(fault.unwrap(), "has a text of more than 2 MiB, the most that is read; is it the right file?");
    }

    #[test]
    fn many_tenants_are_read() {
        let tenant = r#"{"tenant":"t","configurations":[],"signIn":{},"fallbackLanguage":"a,[\"{","templates":[]}"#;
        let all = vec![tenant; 100_000].join(",");
        let export = format!("{{\"format\":1,\"tenants\":[{all}]}}");
        let mut bounded = Bounded::new(export.as_bytes());
        assert_eq!(serde_json::from_reader::<_, Export>(&mut bounded).unwrap().tenants.len(), 100_000);
        assert!(bounded.values < VALUES / 10);
    }
}
