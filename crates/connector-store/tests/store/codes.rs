//! One-time codes, by the suite that every store of them must pass.

use std::sync::Arc;

use verification_code::suite;

use crate::places::{Place, on_both};

on_both!(passes_the_suite);

async fn passes_the_suite(place: &Place) {
    suite::run(&Arc::new(place.open().await), str::to_owned).await;
}
