//! What sign-in relies on email for, and what that means for the connector.

use connector_registry::{Dependent, Error, SignInSettings};
use serde_json::{Value, json};

use crate::{TENANT, by, labelled, registry, set_up};

fn settings(json: Value) -> SignInSettings {
    serde_json::from_value(json).unwrap()
}

fn sign_up_by_email() -> SignInSettings {
    settings(json!({
        "signUp": { "identifiers": ["email"], "password": true, "verify": false }, "forgotPasswordMethods": []
    }))
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
    registry.put_sign_in(TENANT, settings(json!({})), &by()).await.unwrap();
}

/// What each of Logto's members, and what a later version may bring, is found to rely on.
#[test]
fn whatever_names_email_counts() {
    let mut username = json!({
        "signUp": { "identifiers": ["username"], "password": true, "verify": false },
        "signIn": { "methods": [{ "identifier": "username", "password": true, "verificationCode": false }] },
        "forgotPasswordMethods": []
    });
    for (member, relies) in [
        (json!({ "mfa": { "factors": ["Totp", "EmailVerificationCode"], "policy": "Mandatory" } }), &["mfa"][..]),
        (
            json!({ "signUp": { "secondaryIdentifiers": [{ "identifier": "email", "verify": true }] } }),
            &["secondary_identifier"],
        ),
        (
            json!({ "signUp": { "secondaryIdentifiers": [{ "identifier": "emailOrPhone" }] } }),
            &["secondary_identifier"],
        ),
        (json!({ "forgotPasswordMethods": null }), &["forgot_password"]),
        (
            json!({ "forgotPasswordMethods": null, "mfa": { "factors": ["EmailVerificationCode"] } }),
            &["forgot_password", "mfa"],
        ),
        (json!({ "passwordExpiration": { "enabled": true, "validPeriodDays": 90 } }), &["password_expiration"]),
        // Not understood, so named.
        (json!({ "forgotPasswordMethods": ["emailverificationcode"] }), &["/forgotPasswordMethods/0"]),
        (json!({ "forgotPasswordMethods": ["PhoneVerificationCode", "MagicLink"] }), &["/forgotPasswordMethods/1"]),
        (json!({ "mfa": { "factors": ["Totp", "EMAIL"] } }), &["/mfa/factors/1"]),
        (json!({ "mfa": { "factors": [], "fallback": { "e-mail": false } } }), &["/mfa/fallback/e-mail"]),
        (
            json!({ "signUp": { "secondaryIdentifiers": [{ "identifier": "Email" }] } }),
            &["/signUp/secondaryIdentifiers/0/identifier"],
        ),
        (json!({ "signUp": { "verifiedBy": ["sms", "email"] } }), &["/signUp/verifiedBy/1"]),
        (json!({ "signIn": { "passwordless": { "fallback": 1 } } }), &["/signIn/passwordless"]),
        (
            json!({ "signIn": { "methods": [{ "identifier": "username", "codeTo": "email" }] } }),
            &["/signIn/methods/0/codeTo"],
        ),
        (json!({ "adaptiveMfa": { "factors": ["EmailVerificationCode"] } }), &["/adaptiveMfa/factors/0"]),
        (json!({ "passwordExpiration": { "reminder": "byMail" } }), &["/passwordExpiration/reminder"]),
        (json!({ "accountCenter": { "fields": { "email": "Edit" } } }), &["/accountCenter/fields/email"]),
        (json!({ "a/b~c": [[{ "otp": true }]] }), &["/a~1b~0c/0/0/otp"]),
        (json!({ "magic_link": { "enabled": false } }), &["/magic_link"]),
        // Whatever it is set to, and in whichever spelling.
        (json!({ "emailOfTomorrow": {} }), &["/emailOfTomorrow"]),
        (json!({ "emailOtp": {} }), &["/emailOtp"]),
        (json!({ "email": [] }), &["/email"]),
        (json!({ "email": "" }), &["/email"]),
        (json!({ "email": null }), &["/email"]),
        (json!({ "signIn": { "loginOtp": true } }), &["/signIn/loginOtp"]),
        (json!({ "loginOTP": true }), &["/loginOTP"]),
        (json!({ "OTPLogin": true }), &["/OTPLogin"]),
        (json!({ "login_otps": [] }), &["/login_otps"]),
        (json!({ "loginotp": {} }), &["/loginotp"]),
        (json!({ "channels": ["loginOtp"] }), &["/channels/0"]),
        (json!({ "signIn": { "loginCode": {} } }), &["/signIn/loginCode"]),
        (json!({ "signInLinks": true }), &["/signInLinks"]),
        (json!({ "forgotPassword": true }), &["/forgotPassword"]),
        (json!({ "forgottenPassword": {} }), &["/forgottenPassword"]),
        (json!({ "resetPasswordMethods": [] }), &["/resetPasswordMethods"]),
        (json!({ "password-reset": null }), &["/password-reset"]),
        (json!({ "PASSWORDRESET": 1 }), &["/PASSWORDRESET"]),
        (json!({ "recovery": [{ "channel": "e-mail" }] }), &["/recovery/0/channel"]),
        (json!({ "recovery": [{ "channel": "any" }] }), &["/recovery"]),
        (json!({ "accountRecovery": { "enabled": true } }), &["/accountRecovery"]),
        (json!({ "signUp": { "invitations": {} } }), &["/signUp/invitations"]),
        // Empty, off, or about something else.
        (
            json!({ "mfa": { "factors": ["Totp", "WebAuthn", "BackupCode", "PhoneVerificationCode"], "policy": "NoPrompt" } }),
            &[],
        ),
        (json!({ "signUp": { "secondaryIdentifiers": [] } }), &[]),
        (json!({ "signUp": { "secondaryIdentifiers": [{ "identifier": "phone", "verify": true }] } }), &[]),
        (json!({ "passwordExpiration": { "enabled": false } }), &[]),
        (json!({ "passwordExpiration": {}, "adaptiveMfa": {} }), &[]),
        (
            json!({
                "adaptiveMfa": { "enabled": true, "factors": ["Totp", "WebAuthn", "BackupCode"] },
                "passkeySignIn": { "enabled": true, "showPasskeyButton": true, "allowAutofill": false },
                "socialSignIn": { "automaticAccountLinking": true, "skipRequiredIdentifiers": false },
                "sentinelPolicy": { "maxAttempts": 5, "lockoutDuration": 60 },
                "customContent": { "/forgot-password": "mail" }, "signUpProfileFields": [{ "name": "email" }],
                "googleOneTap": { "isEnabled": true }, "colorPreset": "blue", "countryCode": 49, "botProtection": {},
                "totp": {}, "preferredHOTP": true, "footprint": 1, "mfa": { "factors": [], "policy": "NoPrompt" }
            }),
            &[],
        ),
        (
            json!({ "supportEmail": "help@example.com", "emailBlocklistPolicy": { "customBlocklist": ["mail.example"] } }),
            &[],
        ),
        (
            json!({ "verificationCodePolicy": { "expirationDuration": 60 }, "socialSignInConnectorTargets": ["mailru"] }),
            &[],
        ),
        (json!({ "theme": "dark", "retries": 3 }), &[]),
    ] {
        let mut whole = username.clone();
        for (name, value) in member.as_object().unwrap() {
            match (whole.get_mut(name), value) {
                (Some(Value::Object(old)), Value::Object(new)) => old.extend(new.clone()),
                _ => whole[name] = value.clone(),
            }
        }
        let settings = settings(whole);
        assert_eq!(serde_json::to_value(settings.relies_on_email()).unwrap(), json!(relies), "{member}");
        let again: SignInSettings = serde_json::from_value(serde_json::to_value(&settings).unwrap()).unwrap();
        assert_eq!(again, settings, "nothing is lost");
    }
    assert!(SignInSettings::default().relies_on_email().is_empty());
    // A document that does not say how passwords are reset means every way, as `null` does.
    assert_eq!(settings(json!({})).relies_on_email(), [Dependent::ForgotPassword]);
    username.as_object_mut().unwrap().remove("forgotPasswordMethods");
    assert_eq!(settings(username).relies_on_email(), [Dependent::ForgotPassword]);
}

/// As Logto answers for a tenant that nobody has set up.
#[tokio::test]
async fn the_whole_of_logtos_sign_in_experience_is_kept() {
    let whole = json!({
        "tenantId": "default", "id": "default", "color": { "primaryColor": "#6139F6" }, "hideLogtoBranding": false,
        "languageInfo": { "autoDetect": true, "fallbackLanguage": "en" }, "agreeToTermsPolicy": "Automatic",
        "signIn": { "methods": [{
            "identifier": "username", "password": true, "verificationCode": false, "isPasswordPrimary": true
        }] },
        "signUp": { "identifiers": ["username"], "password": true, "verify": false },
        "socialSignIn": {}, "socialSignInConnectorTargets": [], "signInMode": "SignInAndRegister", "customCss": null,
        "passwordPolicy": {}, "mfa": { "factors": [], "policy": "UserControlled" }, "adaptiveMfa": {},
        "singleSignOnEnabled": false, "supportEmail": null, "captchaPolicy": {}, "sentinelPolicy": {},
        "emailBlocklistPolicy": {}, "verificationCodePolicy": {}, "forgotPasswordMethods": [], "passkeySignIn": {},
        "signUpProfileFields": null, "usernamePolicy": { "caseSensitive": true, "allowedChars": { "numbers": true } }
    });
    let registry = registry();
    let stored = registry.put_sign_in(TENANT, settings(whole.clone()), &by()).await.unwrap();
    assert!(stored.relies_on_email().is_empty(), "{:?}", stored.relies_on_email());
    assert_eq!(serde_json::to_value(&stored).unwrap(), whole);
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
