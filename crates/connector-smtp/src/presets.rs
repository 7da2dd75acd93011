//! Servers that many people use: their host, port and TLS mode, as each provider documents them.

use serde_json::{Value, json};

/// The presets of the form's host field. Where a server takes both, STARTTLS on 587.
pub(crate) fn presets() -> Value {
    let server = |title: &str, host: &str, port: u16, more: Value| {
        let mut values = json!({ "host": host, "port": port, "secure": port == 465 });
        if let (Some(values), Some(more)) = (values.as_object_mut(), more.as_object()) {
            values.extend(more.clone());
        }
        json!({ "title": title, "values": values })
    };
    let tls = || json!({ "requireTLS": true });
    let user = |name: &str| json!({ "requireTLS": true, "auth.user": name });
    json!([
        server("Gmail / Google Workspace", "smtp.gmail.com", 587, tls()),
        server("Microsoft 365", "smtp.office365.com", 587, tls()),
        server("Amazon SES (us-east-1)", "email-smtp.us-east-1.amazonaws.com", 587, tls()),
        server("Mailgun", "smtp.mailgun.org", 587, tls()),
        server("Mailgun (EU)", "smtp.eu.mailgun.org", 587, tls()),
        server("SendGrid", "smtp.sendgrid.net", 587, user("apikey")),
        server("Postmark", "smtp.postmarkapp.com", 587, tls()),
        server("Aliyun Direct Mail", "smtpdm.aliyun.com", 465, json!({})),
        server("Mailpit (local testing)", "localhost", 1025, json!({})),
    ])
}
