//! The database itself holds the rule: no code path, not even SQL by hand, makes a second configuration active.

use connector_registry::{ConnectorStore, Edit};

use crate::places::{Place, assert_consistent, change, id, on_both, save};

on_both!(no_sql_breaks_the_rule);

async fn no_sql_breaks_the_rule(place: &Place) {
    let store = place.open().await;
    for tenant in ["acme", "umbrella"] {
        store.commit(tenant, change([save(1), save(2), Edit::Activate(id(1))])).await.unwrap();
    }
    store.commit("umbrella", change([save(3)])).await.unwrap();
    let before = store.status("acme").await.unwrap();
    for sql in [
        // One that is not there, or belongs to another tenant.
        "UPDATE tenants SET active = '00000000-0000-0000-0000-000000000009' WHERE name = 'acme'",
        "UPDATE tenants SET active = '00000000-0000-0000-0000-000000000003' WHERE name = 'acme'",
        // The active one cannot go while it is active.
        "DELETE FROM configurations WHERE tenant = 'acme' AND id = '00000000-0000-0000-0000-000000000001'",
        "UPDATE configurations SET tenant = 'umbrella', id = '00000000-0000-0000-0000-000000000007'
            WHERE tenant = 'acme' AND id = '00000000-0000-0000-0000-000000000001'",
        // A tenant is there once, and so is each revision.
        "INSERT INTO tenants SELECT * FROM tenants WHERE name = 'acme'",
        "INSERT INTO history SELECT * FROM history WHERE tenant = 'acme'",
        // Nothing is sealed under a key that is not known, and one that is in use stays.
        "UPDATE configurations SET sealed_under = 'ffffffffffffffff' WHERE tenant = 'acme'",
        "DELETE FROM sealing_keys",
        "DELETE FROM tenants WHERE name = 'acme'",
    ] {
        let refused = place.sql(sql).await.unwrap_err();
        assert!(refused.to_lowercase().contains("constraint"), "{sql}: {refused}");
        assert_eq!(store.status("acme").await.unwrap(), before, "{sql}");
    }
    assert_consistent(&store, "acme").await;
}
