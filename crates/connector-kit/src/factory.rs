//! The static descriptor that a connector crate exports as `CONNECTOR`.

use std::{fmt, sync::OnceLock};

use jsonschema::Validator;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{About, Context, EmailConnector, Error, Metadata, Problem, Report, Secret, limits, schema, validate};

/// A connector's configuration: one struct from which schema, form, validation and masking come.
pub trait ConnectorConfig: DeserializeOwned + JsonSchema {
    /// Rules across fields, that a schema cannot say. `config` has not passed the schema yet: any field may be missing
    /// or of a wrong type, and is then reported already.
    fn rules(config: &Value, report: &mut Report) {
        let _ = (config, report);
    }
}

/// A connector that can be made from its configuration.
pub trait Connector: EmailConnector + Sized + 'static {
    /// Its configuration.
    type Config: ConnectorConfig;

    /// Makes it. What can be compiled or parsed once is, here and not in every send.
    ///
    /// # Errors
    /// `InvalidConfig` for what only shows now, such as a private key that cannot be read.
    fn new(config: Self::Config, context: &Context) -> Result<Self, Error>;
}

/// What a connector crate exports: metadata, configuration schema, and how to build the connector from JSON.
pub struct ConnectorFactory {
    about: &'static About,
    schema: fn() -> Value,
    rules: fn(&Value, &mut Report),
    build: Build,
    compiled: OnceLock<Compiled>,
}

type Build = fn(Value, &Context) -> Result<Box<dyn EmailConnector>, Error>;

/// What is derived from the config struct, once.
struct Compiled {
    schema: Value,
    /// An error is a fault of the config struct itself; the conformance suite finds it.
    validator: Result<Validator, String>,
}

impl ConnectorFactory {
    /// The descriptor of `C`.
    #[must_use]
    pub const fn of<C: Connector>(about: &'static About) -> Self {
        Self {
            about,
            schema: schema::schema_of::<C::Config>,
            rules: C::Config::rules,
            build: |config, context| {
                let config = serde_json::from_value::<C::Config>(config).map_err(|_| {
                    // Serde's own words may show the value, which may be secret.
                    let message = "does not fit, though the schema accepts it: please report this";
                    Error::invalid_config(vec![Problem::new("", message)])
                })?;
                Ok(Box::new(C::new(config, context)?))
            },
            compiled: OnceLock::new(),
        }
    }

    /// The connector's id: the key under which configurations are stored.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.about.id
    }

    /// Which provider it speaks to.
    #[must_use]
    pub const fn target(&self) -> &'static str {
        self.about.target
    }

    /// The constants it was made from.
    #[must_use]
    pub const fn about(&self) -> &'static About {
        self.about
    }

    /// Everything an admin UI needs to show the connector.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        Metadata::new(self.about, schema::form_items(self.config_schema()))
    }

    /// The JSON Schema (draft 2020-12) of its configuration.
    #[must_use]
    pub fn config_schema(&self) -> &Value {
        &self.compiled().schema
    }

    /// Everything that is wrong with `config`, and everything worth knowing of it. Opens no connection.
    #[must_use]
    pub fn validate(&self, config: &Value) -> Report {
        self.check_whole(&validate::as_meant(config, self.config_schema()))
    }

    fn check_whole(&self, config: &Value) -> Report {
        let (mut report, pasted) = self.check(config);
        report.problems.extend(pasted);
        report.sort(self.config_schema());
        report
    }

    /// The report of `config`, and apart from it what is pasted around its secrets.
    fn check(&self, config: &Value) -> (Report, Vec<Problem>) {
        let compiled = self.compiled();
        let mut report = Report::default();
        limits::of_config(config, &mut report);
        if !report.is_valid() {
            // What else is wrong is not worth the work.
            return (report, Vec::new());
        }
        let (mut report, pasted) = match &compiled.validator {
            Ok(validator) => validate::check(config, validator, &compiled.schema),
            Err(cause) => {
                let mut report = Report::default();
                report.problem("", format!("the connector's own schema is broken, please report this: {cause}"));
                (report, Vec::new())
            }
        };
        (self.rules)(config, &mut report);
        for pointer in self.masked_pointers(config) {
            // Whatever else is wrong with it is wrong with the mask.
            report.problems.retain(|problem| problem.pointer != pointer);
            report.problem(pointer, format!("is masked ({}): give the secret itself", Secret::MASK));
        }
        report.sort(&compiled.schema);
        (report, pasted)
    }

    /// Builds the connector of a configuration that somebody hands in: one attempt per send, without retry and deadline
    /// ([`crate::layered`] adds them).
    ///
    /// # Errors
    /// `InvalidConfig` with every problem.
    pub fn build(&self, config: &Value, context: &Context) -> Result<Box<dyn EmailConnector>, Error> {
        let config = validate::as_meant(config, self.config_schema());
        let report = self.check_whole(&config);
        self.make(config, report, context)
    }

    /// Builds the connector of a configuration that was stored before. What is pasted around a secret, which earlier
    /// versions took, does not stop its mail: it is returned, to be warned of.
    ///
    /// # Errors
    /// `InvalidConfig` with every other problem.
    pub fn build_stored(
        &self,
        config: &Value,
        context: &Context,
    ) -> Result<(Box<dyn EmailConnector>, Vec<Problem>), Error> {
        let config = validate::as_meant(config, self.config_schema());
        let (report, pasted) = self.check(&config);
        Ok((self.make(config, report, context)?, pasted))
    }

    fn make(&self, config: Value, report: Report, context: &Context) -> Result<Box<dyn EmailConnector>, Error> {
        if !report.is_valid() {
            return Err(Error::invalid_config(report.problems));
        }
        (self.build)(config, context)
    }

    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            let schema = (self.schema)();
            let validator = validate::compile(&schema);
            Compiled { schema, validator }
        })
    }
}

impl fmt::Debug for ConnectorFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorFactory").field("id", &self.about.id).finish_non_exhaustive()
    }
}
