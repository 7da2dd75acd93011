//! A project of somebody else's, in an empty folder, that is built from the registry.

use super::{LOCAL, succeeds};
use e2e::{Checkout, Ran};
use std::path::PathBuf;

/// A service that sends one message to the port it is given.
pub struct Service<'c> {
    checkout: &'c Checkout,
}

impl<'c> Service<'c> {
    pub fn new(checkout: &'c Checkout) -> Self {
        let service = Self { checkout };
        std::fs::create_dir_all(service.folder().join("src")).unwrap();
        // The crates that this machine has from crates.io already.
        std::fs::copy(checkout.root().join("Cargo.lock"), service.folder().join("Cargo.lock")).unwrap();
        service
    }

    fn folder(&self) -> PathBuf {
        self.checkout.beside("service")
    }

    /// Writes it anew, over these crates of ours: each with what stands in its line besides the version.
    pub fn depend_on(&self, crates: &[(&str, &str)], main: &str) {
        let lines: String = crates
            .iter()
            .map(|(name, more)| format!("{name} = {{ version = \"0.1\", registry = \"{LOCAL}\"{more} }}\n"))
            .collect();
        let manifest = format!(
            "[package]\nname = \"service\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n{lines}\
             serde_json = \"1\"\ntokio = {{ version = \"1\", features = [\"macros\", \"rt\"] }}\n"
        );
        std::fs::write(self.folder().join("Cargo.toml"), manifest).unwrap();
        std::fs::write(self.folder().join("src/main.rs"), main).unwrap();
    }

    pub fn cargo(&self, arguments: &[&str]) -> Ran {
        succeeds(self.checkout.cargo(&self.folder(), arguments).unwrap())
    }

    /// Builds it, and has it send through this port.
    pub fn run(&self, port: u16) -> String {
        self.cargo(&["run", "--quiet", "--", &port.to_string()]).stdout
    }

    /// Our crates in its lock file, `connector-smtp 0.1.0`.
    pub fn locked(&self) -> Vec<String> {
        let lock = std::fs::read_to_string(self.folder().join("Cargo.lock")).unwrap();
        let value = |line: &str| line.split('"').nth(1).unwrap().to_owned();
        let mut found = Vec::new();
        for package in
            lock.split("[[package]]").filter(|package| package.contains("source = \"registry+http://127.0.0.1"))
        {
            let line = |key: &str| value(package.lines().find(|line| line.starts_with(key)).unwrap());
            found.push(format!("{} {}", line("name"), line("version")));
        }
        found
    }
}

/// Sends through connector-http-email alone.
pub const HTTP: &str = r#"
use connector_http_email::kit::{
    Context, Egress, EmailConnector, Message, Payload, SendContext, SendPolicy, UsageType, layered,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).unwrap_or_default();
    let config = serde_json::json!({ "endpoint": format!("http://127.0.0.1:{port}/mail") });
    let connector = connector_http_email::CONNECTOR.build(&config, &Context::new(Egress::default())?)?;
    let connector = layered(connector, SendPolicy::default());
    let payload = Payload::from_iter([("code".to_owned(), "123456".into())]);
    connector.send(&Message::new("user@example.org", UsageType::SignIn, payload), &SendContext::new()).await?;
    Ok(())
}
"#;

/// Sends through connector-smtp alone.
pub const SMTP: &str = r#"
use connector_smtp::kit::{
    Context, Egress, EmailConnector, Message, Payload, SendContext, SendPolicy, UsageType, layered,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).unwrap_or_default().parse()?;
    let template = |usage: &str| serde_json::json!({
        "usageType": usage, "contentType": "text/plain", "subject": "Your code", "content": "{{code}}"
    });
    let config = serde_json::json!({
        "host": "127.0.0.1", "port": port, "auth": {}, "fromEmail": "no-reply@example.com",
        "templates": (["SignIn", "Register", "ForgotPassword", "Generic"].map(template)),
    });
    let connector = connector_smtp::CONNECTOR.build(&config, &Context::new(Egress::default())?)?;
    let connector = layered(connector, SendPolicy::default());
    let payload = Payload::from_iter([("code".to_owned(), "123456".into())]);
    connector.send(&Message::new("user@example.org", UsageType::SignIn, payload), &SendContext::new()).await?;
    Ok(())
}
"#;

/// Sends through the registry, by the HTTP connector.
pub const REGISTRY: &str = r#"
use connector_registry::kit::{Context, Egress, Message, Payload, SendPolicy, UsageType};
use connector_registry::{Actor, Catalog, MemoryStore, Proposal, Registry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).unwrap_or_default();
    let catalog = Catalog::builtin();
    for factory in catalog.iter() {
        println!("{}: {}", factory.id(), factory.metadata().name["en"]);
    }
    let context = Context::new(Egress::default())?;
    let registry = Registry::new(catalog, context, SendPolicy::default(), MemoryStore::new());
    let config = serde_json::json!({ "endpoint": format!("http://127.0.0.1:{port}/mail") });
    registry.set_up("acme", Proposal::new("http-email", config), &Actor::new("ann", "her own service")).await?;
    let payload = Payload::from_iter([("code".to_owned(), "123456".into())]);
    registry.send("acme", &Message::new("user@example.org", UsageType::SignIn, payload)).await?;
    Ok(())
}
"#;
