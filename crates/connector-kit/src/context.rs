//! What a connector is built with.

use std::{fmt, sync::Arc};

use crate::{
    Error,
    egress::{Dialer, Egress, TlsOptions, client_config},
    http::{HttpClient, PooledClient},
};

/// What a connector is built with: an HTTP client and a dialer that both keep to the same [`Egress`].
///
/// Cheap to clone. Make one per process: it holds the connections, which all connectors built with it share. Threads and
/// tasks may share it freely, and so may several tokio runtimes, one after the other or at once: each opens connections of its
/// own, since a connection lives no longer than the runtime that opened it. Those of the eight runtimes used last are kept.
///
/// # Connections
///
/// A request takes an idle connection, and opens one where there is none. It does not wait for one that is about to become
/// idle, so a burst may open more connections than it has requests: up to half as many more, when 64 begin at once. They
/// serve the next ones, and are closed after 50 seconds without use. What a connector has under way at once is bounded by
/// [`AtOnce`](crate::AtOnce).
#[derive(Clone)]
pub struct Context {
    http: Arc<dyn HttpClient>,
    dialer: Dialer,
    ambient_credentials: bool,
}

impl Context {
    /// A context that connects as `egress` says.
    ///
    /// # Errors
    /// `InvalidConfig` when the settings contradict each other, or a certificate cannot be used.
    pub fn new(egress: Egress) -> Result<Self, Error> {
        egress.check()?;
        let tls = client_config(&egress.extra_roots, &TlsOptions::default())?;
        let http = Arc::new(PooledClient::new(&egress, &tls)?);
        let dialer = Dialer::new(Arc::new(egress), Arc::new(tls));
        Ok(Self { http, dialer, ambient_credentials: false })
    }

    /// The same context, in which a configuration without credentials of its own may use those of this process: what AWS's
    /// default chain finds in the environment, in files, or from the machine's services.
    ///
    /// Whoever writes such a configuration then sends in the process's name. Allow it where that is its operator, not where
    /// tenants write their own.
    #[must_use]
    pub fn with_ambient_credentials(mut self) -> Self {
        self.ambient_credentials = true;
        self
    }

    /// Whether a configuration without credentials may use those of this process. Unless allowed, it may not.
    #[must_use]
    pub fn ambient_credentials(&self) -> bool {
        self.ambient_credentials
    }

    /// The same context over another HTTP client: one's own, or a test's.
    #[must_use]
    pub fn with_http(mut self, http: Arc<dyn HttpClient>) -> Self {
        self.http = http;
        self
    }

    /// The HTTP client.
    #[must_use]
    pub fn http(&self) -> &Arc<dyn HttpClient> {
        &self.http
    }

    /// Opens connections for protocols other than HTTP.
    #[must_use]
    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}
