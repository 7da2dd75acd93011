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
/// The memory that one tenant may take, and all, by the estimates below.
const TENANT_MEMORY: u64 = 64 * MIB;
const MEMORY: u64 = 320 * MIB;
/// How deep lists and objects may be nested: a configuration has 32 levels at most, in a tenant's list.
const DEPTH: u64 = 48;
/// How deep a tenant is in an export: in a list, in an object.
const TENANT_DEPTH: u64 = 3;

// How many bytes each part of an export comes to, by estimate: the whole process was measured to take at most 1.3 times as
// much as they add up to.
/// A value in a list or an object.
const VALUE: u64 = 160;
/// A name or a text, besides its length.
const NAME: u64 = 64;
/// A list.
const LIST: u64 = 320;
/// An object, or whatever is made of one.
const OBJECT: u64 = 640;
/// A tenant, and the plan for its import.
const TENANT: u64 = 4096;

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
    tenant_memory: u64,
    memory: u64,
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
            tenant_memory: 0,
            memory: 0,
            fault: None,
        }
    }

    /// Follows one byte. What is not JSON is for the parser to say.
    fn follow(&mut self, byte: u8) {
        self.is_blank = self.is_blank && byte.is_ascii_whitespace();
        if self.in_text {
            self.text += 1;
            self.takes(1);
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                (self.in_text, self.text) = (true, 0);
                self.takes(NAME);
            }
            b'[' | b'{' => {
                self.depth += 1;
                if self.depth == TENANT_DEPTH {
                    self.tenant_memory = 0;
                    self.takes(TENANT);
                }
                // Its first value has no comma before it.
                self.takes(VALUE + if byte == b'[' { LIST } else { OBJECT });
            }
            b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            b',' => self.takes(VALUE),
            _ => {}
        }
    }

    fn takes(&mut self, bytes: u64) {
        self.memory += bytes;
        self.tenant_memory += bytes;
    }

    fn exceeded(&self) -> Option<String> {
        let split = "export one tenant at a time, without --all";
        if self.read > FILE {
            Some(format!("is larger than {} MiB, the most that is read: {split}", FILE / MIB))
        } else if self.text > TEXT {
            Some(format!("has a text of more than {} MiB, the most that is read; is it the right file?", TEXT / MIB))
        } else if self.depth > DEPTH {
            Some(format!("is nested deeper than {DEPTH} levels, the most that is read; is it the right file?"))
        } else if self.depth >= TENANT_DEPTH && self.tenant_memory > TENANT_MEMORY {
            Some(format!(
                "has a tenant that takes more than {} MiB of memory, the most that is read; is it the right file?",
                TENANT_MEMORY / MIB
            ))
        } else if self.memory > MEMORY {
            Some(format!("takes more than {} MiB of memory, the most that is read: {split}", MEMORY / MIB))
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

    const TENANT_TO_X: &str = "{\"format\":1,\"tenants\":[{\"tenant\":\"a\",\"x\":";

    #[test]
    fn one_tenant_and_one_text_are_bounded() {
        let tenant = "has a tenant that takes more than 64 MiB of memory, the most that is read; is it the right file?";
        for (begin, again) in [
            ("{\"format\":1,\"tenants\":[{\"tenant\":\"a\",\"templates\":[{\"unknown\":[", "0,"),
            ("{\"format\":1,\"tenants\":[{\"tenant\":\"a\",\"unknown\":[", "0,"),
            ("{\"format\":1,\"tenants\":[{\"tenant\":\"a\",\"unknown\":[[],", "{},"),
            ("{\"format\":1,\"tenants\":[{\"tenant\":\"a\",\"unknown\":[[],", "[],"),
            ("{\"format\":1,\"tenants\":[{\"tenant\":\"a\",\"unknown\":[[],", "\"\","),
            ("{\"format\":1,\"tenants\":[{\"tenant\":\"a\",\"unknown\":{\"a\":0,", "\"a\":[{\"a\":0}],"),
        ] {
            let (read, fault) = refused(begin, again);
            assert_eq!((read < 1024 * 1024, fault.as_deref()), (true, Some(tenant)), "{begin}{again}");
        }
        let (read, fault) = refused("{\"format\":1,\"tenants\":[{\"tenant\":\"", "\\\"x");
        assert!(read < 3 * 1024 * 1024);
        assert_eq!(fault.unwrap(), "has a text of more than 2 MiB, the most that is read; is it the right file?");
    }

    #[test]
    fn what_is_nested_deep_is_refused_where_it_becomes_too_deep() {
        for again in ["[", "{\"a\":", "[0,{\"a\":"] {
            let (read, fault) = refused(TENANT_TO_X, again);
            let deep = "is nested deeper than 48 levels, the most that is read; is it the right file?";
            assert_eq!((read <= 16 * 1024, fault.as_deref()), (true, Some(deep)), "{again}");
        }
        // As deep as a configuration may be.
        let config = (0..32).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
        let export = export(&[serde_json::json!({ "tenant": "a", "configurations": [configuration(&config)] })]);
        assert_eq!(read_all(&export).0.tenants.len(), 1);
    }

    #[test]
    fn all_tenants_together_are_bounded() {
        let all =
            "takes more than 320 MiB of memory, the most that is read: export one tenant at a time, without --all";
        let begin = "{\"format\":1,\"tenants\":[";
        for (again, most) in [("{\"tenant\":\"a\"},", 2), ("{\"tenant\":\"a\",\"signIn\":{\"a\":[{},{},{}]}},", 4)] {
            let (read, fault) = refused(begin, again);
            assert_eq!((read < most * 1024 * 1024, fault.as_deref()), (true, Some(all)), "{again}");
        }
    }

    fn configuration(config: &serde_json::Value) -> serde_json::Value {
        serde_json::json!({
            "id": "00000000-0000-0000-0000-000000000001", "connector": "simple-mail-transfer-protocol",
            "savedAt": "2026-01-01T00:00:00Z", "config": config
        })
    }

    fn export(tenants: &[serde_json::Value]) -> String {
        serde_json::json!({ "format": 1, "tenants": tenants }).to_string()
    }

    /// The export, and how much of the memory that it may take it is taken to.
    fn read_all(export: &str) -> (Export, u64) {
        let mut bounded = Bounded::new(export.as_bytes());
        let read = serde_json::from_reader(&mut bounded);
        assert_eq!(bounded.fault, None);
        (read.unwrap(), bounded.memory)
    }

    /// A tenant with two configurations and so many templates of a page each.
    fn tenant(name: &str, templates: usize) -> serde_json::Value {
        let template = |usage: &str| serde_json::json!({ "usageType": usage, "contentType": "text/html", "subject": "s", "content": "<p>{{code}}</p>".repeat(40) });
        let required = ["SignIn", "Register", "ForgotPassword", "Generic"].map(template);
        let config = configuration(&serde_json::json!({
            "host": "smtp.example.com", "port": 587, "auth": { "user": "mailer", "pass": "******" },
            "fromEmail": "Example <no-reply@example.com>", "templates": required
        }));
        let own = (0..templates).map(|number| {
            let mut own = template(&format!("T{number}"));
            own["language"] = "pt-BR".into();
            own
        });
        serde_json::json!({
            "tenant": name, "active": null, "configurations": [config, config], "fallbackLanguage": "a,[\"{",
            "signIn": {
                "signUp": { "identifiers": ["email"], "password": true, "verify": true },
                "signIn": { "methods": [{ "identifier": "email", "password": true, "verificationCode": true }] },
                "forgotPasswordMethods": ["EmailVerificationCode"]
            },
            "templates": own.collect::<Vec<_>>()
        })
    }

    #[test]
    fn exports_as_they_are_made_are_read() {
        let tenants = |count: usize, templates: usize| -> Vec<_> {
            (0..count).map(|number| tenant(&format!("tenant-{number}"), templates)).collect()
        };
        // Ten thousand templates: as many as a tenant may have, or a few each.
        for (count, templates) in [(10, 1000), (100, 100), (1_000, 10)] {
            let (read, memory) = read_all(&export(&tenants(count, templates)));
            assert_eq!(read.tenants.len(), count);
            assert!(memory < MEMORY / 2, "{count} tenants: {memory}");
        }
    }
}
