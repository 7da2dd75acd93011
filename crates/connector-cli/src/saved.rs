//! What is shown of a stored configuration: everything but its content.

use connector_registry::{Saved, rfc3339};
use serde::Serialize;

/// A stored configuration, as JSON has it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedConfiguration<'a> {
    pub id: String,
    pub connector: &'a str,
    pub saved_at: String,
    pub activated_at: Option<String>,
    pub tested_at: Option<String>,
}

impl<'a> From<&'a Saved> for SavedConfiguration<'a> {
    fn from(saved: &'a Saved) -> Self {
        let Saved { id, connector, saved_at, activated_at, tested_at, .. } = saved;
        Self {
            id: id.to_string(),
            connector,
            saved_at: rfc3339(*saved_at),
            activated_at: activated_at.map(rfc3339),
            tested_at: tested_at.map(rfc3339),
        }
    }
}

/// What has become of a configuration of `tenant`.
#[derive(Debug, Serialize)]
pub struct Became<'a> {
    status: &'static str,
    tenant: &'a str,
    #[serde(flatten)]
    configuration: SavedConfiguration<'a>,
}

impl<'a> Became<'a> {
    /// `saved` is `status` by now.
    pub fn new(status: &'static str, tenant: &'a str, saved: &'a Saved) -> Self {
        Self { status, tenant, configuration: saved.into() }
    }
}
