//! Which connectors there are, and by which names.

use connector_kit::{About, ConnectorFactory};
use connector_registry::Catalog;

use crate::{LABELLED, Labelled, about};

static ABOUT_SMTP: About = about("simple-mail-transfer-protocol");
static SECOND_SMTP: ConnectorFactory = ConnectorFactory::of::<Labelled>(&ABOUT_SMTP);

#[test]
fn a_catalog_holds_each_id_once_and_finds_by_every_name() {
    let refused = Catalog::builtin().with(&SECOND_SMTP).unwrap_err();
    assert_eq!(refused.id, "simple-mail-transfer-protocol");
    assert!(refused.to_string().contains("simple-mail-transfer-protocol"));

    let catalog = Catalog::builtin().with(&LABELLED).unwrap();
    let ids: Vec<&str> = catalog.iter().map(ConnectorFactory::id).collect();
    // Logto's ids: configurations are stored under them.
    let builtin = [
        "aliyun-direct-mail",
        "aws-ses-mail",
        "http-email",
        "logto-email",
        "mailgun-email",
        "postmark-mail",
        "sendgrid-email-service",
        "simple-mail-transfer-protocol",
    ];
    assert_eq!(ids.split_last(), Some((&"labelled", builtin.as_slice())));
    for name in ["sendgrid-email-service", "sendgrid", "sendgrid-mail"] {
        assert_eq!(catalog.find(name).unwrap().id(), "sendgrid-email-service");
    }
    assert_eq!(catalog.find("labels").unwrap().id(), "labelled");
}

#[test]
fn an_unknown_connector_is_reported_with_the_nearest() {
    let catalog = Catalog::builtin();
    // By id only, and the nearest is an id.
    let unknown = catalog.get("sendgrid").unwrap_err();
    assert_eq!((unknown.id.as_str(), unknown.nearest), ("sendgrid", Some("sendgrid-email-service")));
    let unknown = catalog.find("sendgird").unwrap_err();
    assert_eq!(unknown.nearest, Some("sendgrid"));
    assert_eq!(unknown.to_string(), "there is no connector `sendgird`; did you mean `sendgrid`?");
    assert_eq!(catalog.find("carrier-pigeon").unwrap_err().nearest, None);
    assert_eq!(Catalog::empty().find("smtp").unwrap_err().nearest, None);
}
