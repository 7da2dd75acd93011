//! What sign-in relies on email for, and what that means for the connector.

use connector_registry::{Dependent, Error, SignInSettings};
use serde_json::{Value, json};

use crate::{TENANT, by, labelled, registry, set_up};

fn settings(json: Value) -> SignInSettings {
    serde_json::from_value(json).unwrap()
}

fn sign_up_by_email() -> SignInSettings {
    settings(json!({ "signUp": { "identifiers": ["email"], "password": true, "verify": false } }))
}

#[tokio::test]
async fn email_at_sign_up_verifies_and_becomes_a_way_to_sign_in() {
    let registry = registry();
    set_up(&registry, labelled("one")).await;
    let stored = registry.put_sign_in(TENANT, sign_up_by_email(), &by()).await.unwrap();
    assert!(stored.sign_up.verify);
    let methods = serde_json::to_value(&stored.sign_in.methods).unwrap();
    let method = json!({
        "identifier": "email", "password": true, "verificationCode": true, "isPasswordPrimary": true
    });
    assert_eq!(methods, json!([method]));
    assert_eq!(registry.tenant(TENANT).await.unwrap().settings.sign_in, stored);

    // A method that is there stays as it is; a user name gets no code.
    let given = settings(json!({
        "signUp": { "identifiers": ["username", "email"], "password": true },
        "signIn": { "methods": [{ "identifier": "email", "password": true, "verificationCode": false }] }
    }));
    let stored = registry.put_sign_in(TENANT, given, &by()).await.unwrap();
    let methods: Vec<_> =
        stored.sign_in.methods.iter().map(|method| (method.identifier, method.verification_code)).collect();
    assert_eq!(serde_json::to_value(methods).unwrap(), json!([["email", false], ["username", false]]));
}

#[tokio::test]
async fn email_cannot_be_relied_on_without_a_connector() {
    let registry = registry();
    for (relies, dependent) in [
        (sign_up_by_email(), Dependent::SignUp),
        (
            settings(json!({ "signIn": { "methods": [{ "identifier": "email", "verificationCode": true }] } })),
            Dependent::SignIn,
        ),
        (settings(json!({ "forgotPasswordMethods": ["EmailVerificationCode"] })), Dependent::ForgotPassword),
    ] {
        let refused = registry.put_sign_in(TENANT, relies, &by()).await.unwrap_err();
        assert!(matches!(&refused, Error::NeedsConnector { dependents, .. } if dependents.contains(&dependent)));
        assert!(refused.to_string().contains(&dependent.to_string()), "{refused}");
    }
    assert!(matches!(registry.tenant(TENANT).await, Err(Error::UnknownTenant { .. })));
    // What needs no email needs no connector.
    let by_phone = settings(json!({
        "signUp": { "identifiers": ["phone"], "verify": true },
        // As Logto stores it where nobody has chosen.
        "forgotPasswordMethods": null
    }));
    registry.put_sign_in(TENANT, by_phone, &by()).await.unwrap();
}

#[tokio::test]
async fn what_sign_in_relies_on_is_removed_only_by_force_and_says_what_broke() {
    let registry = registry();
    let one = set_up(&registry, labelled("one")).await;
    registry.put_sign_in(TENANT, sign_up_by_email(), &by()).await.unwrap();
    let refused = registry.remove(TENANT, None, false, &by()).await.unwrap_err();
    let Error::ReliedOn { dependents, .. } = &refused else { panic!("{refused}") };
    assert_eq!(dependents, &[Dependent::SignUp, Dependent::SignIn]);
    assert_eq!(registry.active(TENANT).await.unwrap().id(), one.id);

    let removed = registry.remove(TENANT, Some(one.id), true, &by()).await.unwrap();
    assert_eq!((removed.was_active, removed.broke), (true, vec![Dependent::SignUp, Dependent::SignIn]));
    let entry = registry.history(TENANT, None, 1).await.unwrap().remove(0).entry;
    assert_eq!(entry.details, json!({ "wasActive": true, "broke": ["sign_up", "sign_in"] }));
}
