//! What an answer without success says of the message: one place, for every provider.

use http::{HeaderMap, StatusCode, header};

use crate::Delivery;

/// How much of a body is looked at, in bytes: a gateway's words are short.
const LOOKED_AT: usize = 16 * 1024;

/// Whether a message that was answered with this may have been accepted all the same. `body` is what is known of the
/// answer's body.
///
/// Success itself is [`Delivery::Unknown`] here: whether it means acceptance is for the connector to read.
///
#[doc = include_str!("delivery.md")]
///
/// # Examples
///
/// ```
/// use connector_kit::{Delivery, http::{HeaderMap, StatusCode, delivery_after}};
///
/// let none = HeaderMap::new();
/// assert_eq!(delivery_after(StatusCode::SEE_OTHER, &none, b""), Delivery::Unknown);
/// assert_eq!(delivery_after(StatusCode::SERVICE_UNAVAILABLE, &none, b"Down for maintenance"), Delivery::NotSent);
/// assert_eq!(delivery_after(StatusCode::SERVICE_UNAVAILABLE, &none, b"Backend fetch failed"), Delivery::Unknown);
/// ```
#[must_use]
pub fn delivery_after(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Delivery {
    let not_sent = match status.as_u16() {
        307 | 308 => true,
        408 => closes(headers) && !upstream_had_it(headers, body),
        460 | 499 => false,
        400..=499 => true,
        500 | 501 | 503 | 505..=508 | 510 | 511 | 529 => !upstream_had_it(headers, body),
        521 | 523 | 525 | 526 | 530 | 561 => true,
        _ => false,
    };
    if not_sent { Delivery::NotSent } else { Delivery::Unknown }
}

/// Whether the server gives the connection up, as one does that has not seen the end of a request.
fn closes(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CONNECTION).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|option| option.trim().eq_ignore_ascii_case("close"))
}

/// Why Envoy could not pass a request on, or the upstream would not begin with it.
const ENVOY_NOT_REACHED: [&str; 7] = [
    "connection failure",
    "remote connection failure",
    "local connection failure",
    "connection timeout",
    "overflow",
    "remote refused stream reset",
    "local refused stream reset",
];

/// What gateways, CDNs and runtimes say when somebody behind them had the request and did not answer it as it should.
const UPSTREAM_HAD_IT: [&str; 42] = [
    // Envoy, Istio and whatever is made of them.
    "disconnect/reset before headers",
    "connection termination",
    "upstream reset",
    "upstream request timeout",
    "stream timeout",
    "response timeout",
    // nginx's and OpenResty's reasons, where a page or an API repeats them.
    "upstream prematurely closed",
    "upstream timed out",
    "while reading response header",
    // Varnish and Fastly.
    "backend fetch failed",
    "backend read error",
    "backend write error",
    "first byte timeout",
    "between bytes timeout",
    "all backends failed",
    // Squid.
    "err_read_error",
    "err_read_timeout",
    "err_write_error",
    "err_zero_size_object",
    "zero sized reply",
    // Heroku says the same page of a request that timed out and of one that was never begun.
    "herokucdn.com/error-pages/application-error",
    "code=h12",
    "code=h13",
    "code=h18",
    // Google Cloud Run, Azure Front Door, Vercel.
    "malformed or connection to the instance had an error",
    "our services aren't available right now",
    "function_invocation_timeout",
    // Kong, Apache.
    "invalid response was received from the upstream",
    "error reading from remote server",
    // Frameworks whose own time was up while the handler went on: Go's TimeoutHandler, Spring and others.
    "<title>timeout",
    "timed out",
    "time-out",
    "took too long",
    // Whoever repeats what its own connection said.
    "connection reset",
    "reset by peer",
    "connection aborted",
    "closed the connection before",
    "connection closed before",
    "closed without",
    "socket hang up",
    "econnreset",
    "broken pipe",
];

/// Whether the words of an answer say that somebody behind the one who answered had the request.
fn upstream_had_it(headers: &HeaderMap, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)]).to_ascii_lowercase();
    if let Some((before, reason)) = text.split_once("reset reason: ") {
        let reason = reason.split([',', '\r', '\n', '"', '<']).next().unwrap_or_default().trim();
        // Of several attempts, only the last one's reason is told.
        return before.contains("retried") || !ENVOY_NOT_REACHED.contains(&reason);
    }
    // AWS's HTTP APIs say nothing but this when an integration takes too long, or fails after it began.
    let of_api_gateway = headers.contains_key("apigw-requestid")
        && ["service unavailable", "internal server error"].iter().any(|words| text.contains(words));
    of_api_gateway || UPSTREAM_HAD_IT.iter().any(|words| text.contains(words))
}
