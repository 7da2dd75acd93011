//! What a tenant's sign-in relies on, and its own templates.

use connector_kit::UsageType;
use serde_json::json;

use super::{Registry, lifecycle::entry, moment};
use crate::{
    Action, Actor, Change, ConnectorStore, Edit, Error, Expects, LanguageTag, LocalizedTemplate, SignInSettings,
    StoreError, TenantSettings, TenantState, template_set, tenant_name,
};

impl<S: ConnectorStore> Registry<S> {
    /// Everything the store has on a tenant but its kept configurations.
    ///
    /// # Errors
    /// [`Error::UnknownTenant`], [`Error::Store`].
    pub async fn tenant(&self, tenant: &str) -> Result<TenantState, Error> {
        let state = self.stored(tenant).await?;
        state.ok_or_else(|| Error::UnknownTenant { tenant: tenant.to_owned() })
    }

    /// What the tenant has besides its configurations. It can be read though the active configuration cannot.
    ///
    /// # Errors
    /// [`Error::UnknownTenant`], [`Error::Store`].
    pub async fn settings(&self, tenant: &str) -> Result<TenantSettings, Error> {
        let settings = self.stored_settings(tenant).await?;
        settings.ok_or_else(|| Error::UnknownTenant { tenant: tenant.to_owned() })
    }

    pub(super) async fn stored_settings(&self, tenant: &str) -> Result<Option<TenantSettings>, Error> {
        self.inner.store.settings(tenant).await.map_err(|cause| Error::of_store(tenant, cause))
    }

    /// Sets what sign-in relies on, completed by what follows from it, and returns that.
    ///
    /// # Errors
    /// [`Error::NeedsConnector`] when it relies on email and no connector is active. [`Error::InvalidTenant`],
    /// [`Error::Store`].
    pub async fn put_sign_in(
        &self,
        tenant: &str,
        settings: SignInSettings,
        by: &Actor,
    ) -> Result<SignInSettings, Error> {
        let settings = settings.completed();
        let dependents = settings.needs_connector();
        let expects = if dependents.is_empty() { Expects::Anything } else { Expects::OneActive };
        let details = json!({ "reliesOnEmail": settings.relies_on_email() });
        let edit = Edit::SignIn(Box::new(settings.clone()));
        match self.set(tenant, expects, edit, Action::SignIn, details, by).await {
            Ok(_) => Ok(settings),
            Err(Error::NoActiveConnector { tenant }) => Err(Error::NeedsConnector { tenant, dependents }),
            Err(other) => Err(other),
        }
    }

    /// Adds a template of the tenant's own, or replaces the one of its language and usage type. Returns the language tag in
    /// its canonical form.
    ///
    /// # Errors
    /// [`Error::InvalidLanguage`], [`Error::InvalidTemplate`], [`Error::TooManyTemplates`], [`Error::InvalidTenant`],
    /// [`Error::Store`].
    pub async fn put_template(&self, tenant: &str, template: LocalizedTemplate, by: &Actor) -> Result<String, Error> {
        tenant_name(tenant)?;
        let language = LanguageTag::parse(&template.language)?.to_string();
        template_set::check(tenant, &template)?;
        // Others may put some at the same moment: the limit is exceeded by those at most.
        let stored = self.stored_settings(tenant).await?.unwrap_or_default().templates;
        let all = stored.iter().map(|stored| (stored.language.as_str(), stored));
        template_set::check_all(tenant, all.chain([(language.as_str(), &template)]))?;
        let details = json!({ "language": language, "usageType": template.usage_type });
        let edit = Edit::PutTemplate(LocalizedTemplate { language: language.clone(), ..template });
        self.set(tenant, Expects::Anything, edit, Action::PutTemplate, details, by).await?;
        Ok(language)
    }

    /// Deletes a template of the tenant's own, whichever spelling of its language is given. Returns the language tag that it
    /// was stored under.
    ///
    /// # Errors
    /// [`Error::UnknownTemplate`], [`Error::UnknownTenant`], [`Error::InvalidLanguage`], [`Error::Store`].
    pub async fn remove_template(
        &self,
        tenant: &str,
        language: &str,
        usage_type: &UsageType,
        by: &Actor,
    ) -> Result<String, Error> {
        tenant_name(tenant)?;
        let settings = self.settings(tenant).await?;
        let language = match settings.template(language, usage_type)? {
            Some(stored) => stored.language.clone(),
            None => LanguageTag::parse(language)?.to_string(),
        };
        let details = json!({ "language": language, "usageType": usage_type });
        let edit = Edit::RemoveTemplate { language: language.clone(), usage_type: usage_type.to_string() };
        self.set(tenant, Expects::Anything, edit, Action::RemoveTemplate, details, by).await?;
        Ok(language)
    }

    /// Sets the language of templates where the tenant has none in the message's, or none at all.
    ///
    /// # Errors
    /// [`Error::InvalidLanguage`], [`Error::InvalidTenant`], [`Error::Store`].
    pub async fn set_fallback_language(&self, tenant: &str, language: Option<&str>, by: &Actor) -> Result<(), Error> {
        let language = language.map(LanguageTag::parse).transpose()?.map(|language| language.to_string());
        let details = json!({ "language": language });
        let edit = Edit::FallbackLanguage(language);
        self.set(tenant, Expects::Anything, edit, Action::FallbackLanguage, details, by).await.map(drop)
    }

    async fn set(
        &self,
        tenant: &str,
        expects: Expects,
        edit: Edit,
        action: Action,
        details: serde_json::Value,
        by: &Actor,
    ) -> Result<u64, Error> {
        tenant_name(tenant)?;
        // What only takes away, or needs a connector, makes no tenant.
        let creates = expects == Expects::Anything && action != Action::RemoveTemplate;
        let entry = entry(by, action, None, details);
        let change = Change { creates, expects, edits: vec![edit], entry, at: moment() };
        self.commit(tenant, change, None).await.map_err(|cause| match cause {
            // Nor has a tenant that does not exist an active connector.
            StoreError::UnknownTenant if expects == Expects::OneActive => {
                Error::NoActiveConnector { tenant: tenant.to_owned() }
            }
            other => Error::of_store(tenant, other),
        })
    }
}
