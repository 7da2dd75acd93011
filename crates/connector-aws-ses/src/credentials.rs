//! Where the credentials come from: the configured key or AWS's default chain, and the role that they assume.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    AwsSesConfig,
    clock::Clock,
    errors,
    http::{Failure, LastFailure, asking},
};
use aws_config::{
    BehaviorVersion, Region, SdkConfig, default_provider::credentials::DefaultCredentialsChain,
    provider_config::ProviderConfig, retry::RetryConfig, sts::AssumeRoleProvider,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use connector_kit::{Context, Error, ErrorKind, Problem, Redactor, Secret};

/// How long getting credentials may take: what the SDK itself allows, and well within a send's deadline.
const LOAD_TIMEOUT: Duration = Duration::from_secs(5);
/// What the SDK's cache allows: more, so that the error is ours.
pub(crate) const CACHE_TIMEOUT: Duration = Duration::from_secs(8);
/// What this connector calls itself to STS; it shows in CloudTrail.
const SESSION: &str = "email-connectors";

/// Why a configuration without keys is refused where nobody has allowed it the process's own.
pub(crate) fn not_allowed() -> Error {
    let words = "is required: this process's own AWS credentials are not for configurations to use here";
    Error::invalid_config(vec![Problem::new("/accessKeyId", words)]).with_hint(
        "give accessKeyId and accessKeySecret; or, if you run this process, allow its own credentials: \
         --ambient-credentials on the command line, Context::with_ambient_credentials in Rust",
    )
}

/// The provider of `config`'s credentials. Nothing is looked up before the first send; the SDK keeps what it finds until
/// shortly before it expires.
pub(crate) fn provider(config: &AwsSesConfig, context: &Context) -> SharedCredentialsProvider {
    let keys = config.access_key_id.as_ref().zip(config.access_key_secret.as_ref());
    let keys = keys.map(|(id, secret)| Credentials::new(id, secret.expose(), None, None, "connector-aws-ses"));
    match (keys, &config.role_arn) {
        (Some(keys), None) => SharedCredentialsProvider::new(keys),
        (keys, role) => {
            let failure = LastFailure::default();
            SharedCredentialsProvider::new(Lookup {
                keys,
                role: role.clone().map(|arn| Role { arn, external_id: config.external_id.clone() }),
                region: Region::new(config.region.clone()),
                http: asking(context.http().clone(), failure.clone()),
                failure,
                secret: config.access_key_secret.clone(),
                provider: Mutex::default(),
            })
        }
    }
}

/// Who is asked for credentials, as the error of a deadline names it.
pub(crate) fn asked(config: &AwsSesConfig) -> String {
    match (&config.access_key_id, &config.role_arn) {
        (Some(_), Some(_)) => {
            let region = &config.region;
            let china = if region.starts_with("cn-") { ".cn" } else { "" };
            format!("sts.{region}.amazonaws.com{china}")
        }
        (None, _) => "AWS's credential services".to_owned(),
        (Some(_), None) => errors::NAME.to_owned(),
    }
}

struct Role {
    arn: String,
    external_id: Option<String>,
}

/// Credentials that others have to be asked for.
struct Lookup {
    keys: Option<Credentials>,
    role: Option<Role>,
    region: Region,
    http: SharedHttpClient,
    failure: LastFailure,
    secret: Option<Secret>,
    /// Kept while it works: it remembers what files and services gave it, what was wrong with them included.
    provider: Mutex<Option<SharedCredentialsProvider>>,
}

impl Lookup {
    /// The SDK's provider. It is made at the first send: making it may read files.
    async fn build(&self) -> SharedCredentialsProvider {
        let base = match &self.keys {
            Some(keys) => SharedCredentialsProvider::new(keys.clone()),
            None => {
                let config = ProviderConfig::without_region()
                    .with_http_client(self.http.clone())
                    .with_region(Some(self.region.clone()))
                    .with_time_source(Clock)
                    .with_retry_config(RetryConfig::disabled());
                let chain = DefaultCredentialsChain::builder().region(self.region.clone()).configure(config);
                SharedCredentialsProvider::new(chain.build().await)
            }
        };
        let Some(role) = &self.role else { return base };
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .region(self.region.clone())
            .retry_config(RetryConfig::disabled())
            .time_source(Clock)
            .build();
        let mut assume = AssumeRoleProvider::builder(&role.arn).session_name(SESSION).configure(&config);
        if let Some(id) = &role.external_id {
            assume = assume.external_id(id);
        }
        SharedCredentialsProvider::new(assume.build_from_provider(base).await)
    }

    async fn load(&self) -> Result<Credentials, Error> {
        self.failure.take();
        let kept = self.kept().clone();
        let load = async {
            let provider = match kept.clone() {
                Some(provider) => provider,
                None => self.build().await,
            };
            let loaded = provider.provide_credentials().await;
            *self.kept() = loaded.is_ok().then_some(provider);
            loaded
        };
        match tokio::time::timeout(LOAD_TIMEOUT, load).await {
            Ok(loaded) => loaded.map_err(|error| self.explain(&error)),
            // Some services' last credentials outlive their service's trouble.
            Err(_) => kept.and_then(|provider| provider.fallback_on_interrupt()).ok_or_else(|| {
                let mut words = format!("AWS credentials were not there within {} s", LOAD_TIMEOUT.as_secs());
                match self.failure.take() {
                    Some(Failure::Network(last)) => words.push_str(&format!("; last, {last}")),
                    Some(Failure::Answer { host, response }) => {
                        words.push_str(&format!("; last, {host} answered {}", response.status));
                    }
                    None => {}
                }
                Error::new(ErrorKind::Unavailable, words).with_hint(NOT_FOUND)
            }),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Option<SharedCredentialsProvider>> {
        self.provider.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn explain(&self, error: &CredentialsError) -> Error {
        match (error, self.failure.take()) {
            // The machine's metadata service is asked last.
            (CredentialsError::CredentialsNotLoaded(_), Some(Failure::Network(silence)))
                if silence.kind() == ErrorKind::Unavailable =>
            {
                let words =
                    format!("no AWS credentials: the metadata service of this machine did not answer ({silence})");
                Error::new(ErrorKind::Unavailable, words).with_hint(NO_METADATA)
            }
            (CredentialsError::CredentialsNotLoaded(_), answer) if !matches!(&answer, Some(Failure::Answer { response, .. }) if response.status.is_server_error()) => {
                Error::new(ErrorKind::Unauthorized, "no AWS credentials were found").with_hint(NOT_FOUND)
            }
            (_, Some(Failure::Network(error))) => {
                let kept = Error::new(error.kind(), format!("getting AWS credentials: {error}"));
                match error.hint() {
                    Some(hint) => kept.with_hint(hint),
                    None => kept,
                }
            }
            (_, Some(Failure::Answer { host, response })) => {
                let redactor =
                    self.secret.iter().fold(Redactor::default(), |redactor, secret| redactor.and_secret(secret));
                let error = errors::of_credential_service(&host, &response, &redactor);
                // A machine's own service has nothing to give, or not yet.
                if host.starts_with("sts.") { error } else { error.with_hint(NOT_FOUND) }
            }
            (_, None) => {
                let cause = errors::causes(error).last().map(ToString::to_string).unwrap_or_default();
                let words = format!("AWS credentials cannot be used: {}", Redactor::default().clean(&cause));
                let kind = match error {
                    CredentialsError::InvalidConfiguration(_) => ErrorKind::InvalidConfig,
                    CredentialsError::ProviderTimedOut(_) => ErrorKind::Unavailable,
                    _ => ErrorKind::Unauthorized,
                };
                Error::new(kind, words).with_hint("check AWS's environment variables and files on this machine")
            }
        }
    }
}

const NO_METADATA: &str = "in a container on EC2, raise the instance's HttpPutResponseHopLimit to 2; anywhere else, set \
                           accessKeyId and accessKeySecret, or give this process credentials as AWS documents: \
                           environment variables, a profile, or a role of the container or pod";

const NOT_FOUND: &str = "set accessKeyId and accessKeySecret, or give this process credentials as AWS documents: \
                         environment variables, a profile, or a role of the machine, container or pod";

impl ProvideCredentials for Lookup {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        // Whatever became of this, the message is not sent.
        future::ProvideCredentials::new(async {
            self.load().await.map_err(|error| CredentialsError::provider_error(error.not_sent()))
        })
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup")
    }
}
