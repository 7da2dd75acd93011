//! Comparing our request with the one that a provider's own client makes of the same message.

use super::Provider;
use connector_testkit::RecordedRequest;
use serde_json::{Value, json};
use std::collections::BTreeSet;

impl Provider {
    /// What the provider's own client sends.
    pub fn request_of_client(&self, mut order: Value) -> RecordedRequest {
        self.recorder.clear();
        order["connectTo"] = json!({ "host": self.host, "port": self.recorder.port() });
        e2e::node("provider_clients.cjs", &order, Some(&self.ca_file())).unwrap();
        self.recorder.only_request()
    }
}

/// What may differ, and why.
pub type Differences<'a> = &'a [(&'a str, &'a str)];

/// The headers that Node.js's HTTP makes different whatever is sent.
const OF_NODE: Differences<'_> = &[
    ("user-agent", "each names itself"),
    ("accept-encoding", "answers are a line long: we ask for no compression"),
    ("connection", "keep-alive is HTTP/1.1's default: we leave it unsaid"),
];

/// That both requests are the same up to their bodies, but for the headers in `accepted` and [`OF_NODE`], which really
/// differ.
pub fn assert_same_head(ours: &RecordedRequest, theirs: &RecordedRequest, accepted: Differences<'_>) {
    let target = |request: &RecordedRequest| (request.method.clone(), request.host.clone(), request.target.clone());
    assert_eq!(target(ours), target(theirs));
    let names: BTreeSet<String> =
        ours.headers.iter().chain(&theirs.headers).map(|(name, _)| name.to_lowercase()).collect();
    let differ: Vec<&str> = names
        .iter()
        .map(String::as_str)
        // It follows the body, which is compared.
        .filter(|name| *name != "content-length")
        .filter(|name| ours.header_values(name) != theirs.header_values(name))
        .collect();
    let mut expected: Vec<&str> = accepted.iter().chain(OF_NODE).map(|(name, _)| *name).collect();
    expected.sort_unstable();
    assert_eq!(differ, expected, "ours: {:#?}\ntheirs: {:#?}", ours.headers, theirs.headers);
}
