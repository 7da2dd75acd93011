//! The connector that a tenant's messages go through.

use std::{fmt, time::SystemTime};

use connector_kit::{EmailConnector, Error, Layered, Message, Receipt, SendContext, async_trait};
use uuid::Uuid;

use crate::Saved;

/// A connector, built with retry and deadline around it.
pub(crate) type Built = Layered<Box<dyn EmailConnector>>;

/// The active connector of a tenant, built and ready. It holds no configuration, only what the connector made of it.
pub struct ActiveConnector {
    id: Uuid,
    connector: String,
    activated_at: SystemTime,
    revision: u64,
    built: Built,
}

impl ActiveConnector {
    pub(crate) fn new(saved: &Saved, built: Built) -> Self {
        let Saved { id, connector, saved_at, activated_at, revision, .. } = saved;
        let activated_at = activated_at.unwrap_or(*saved_at);
        Self { id: *id, connector: connector.clone(), activated_at, revision: *revision, built }
    }

    /// The id of its configuration.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The connector's id.
    #[must_use]
    pub fn connector(&self) -> &str {
        &self.connector
    }

    /// When it was activated.
    #[must_use]
    pub fn activated_at(&self) -> SystemTime {
        self.activated_at
    }

    /// The tenant's revision that its activation made.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

#[async_trait]
impl EmailConnector for ActiveConnector {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        self.built.send(message, context).await
    }

    async fn usage(&self, from: SystemTime) -> Result<u64, Error> {
        self.built.usage(from).await
    }
}

impl fmt::Debug for ActiveConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveConnector")
            .field("id", &self.id)
            .field("connector", &self.connector)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}
