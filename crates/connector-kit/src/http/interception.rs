//! Answers of what stands between this machine and the one that was asked: bot protection, sign-in pages, proxies.

use http::{HeaderMap, StatusCode, header};

use super::HttpResponse;
use crate::egress::SIGN_IN_HINT;

/// How much of a page is looked at, in bytes: it says at its head whose it is.
const LOOKED_AT: usize = 16 * 1024;

const CLOUDFLARE: &str = "Cloudflare stands between this machine and the endpoint and wants a browser to prove itself: let \
                          these requests skip the challenge, by a WAF rule with the action Skip";
const CLOUDFLARE_ACCESS: &str = "Cloudflare Access stands between this machine and the endpoint and asks for a sign-in: \
                                 exempt the endpoint's path from it";
const VERCEL_SIGN_IN: &str = "Vercel's deployment protection stands between this machine and the endpoint and asks for a \
                              sign-in: name a deployment that is public, or turn it off for this one";
const VERCEL_FIREWALL: &str = "Vercel's firewall stands between this machine and the endpoint and wants a browser to prove \
                               itself: let these requests bypass the challenge";
const AWS_WAF: &str = "AWS WAF stands between this machine and the endpoint and wants a browser to prove itself: exempt the \
                       endpoint's path from the challenge";
const GOOGLE_IAP: &str = "Google's Identity-Aware Proxy stands between this machine and the endpoint and asks for a sign-in: \
                          exempt the endpoint from it";
const AKAMAI: &str = "Akamai stands between this machine and the endpoint and denies access: allow these requests in its \
                      policy";
const IMPERVA: &str = "Imperva stands between this machine and the endpoint and takes this for a bot: allow these requests \
                       there";
const NGROK_WARNING: &str = "ngrok stands between this machine and the endpoint and warns browsers first: have the endpoint's \
                             tunnel leave the warning out";
const NGROK: &str = "ngrok stands between this machine and the endpoint and answers in its place: see whether the tunnel runs \
                     and the endpoint behind it";
const BOT_PROTECTION: &str = "bot protection stands between this machine and the endpoint: allow these requests there";
const SIGN_IN_PAGE: &str =
    "a sign-in page stands between this machine and the endpoint: exempt the endpoint's path from it";
const PROXY_DENIES: &str = "a proxy stands between this machine and the endpoint and denies access: have the endpoint's host \
                            allowed there";
/// Headers that only what stands in between sends, perhaps with what their value contains.
const BY_HEADER: [(&str, &str, &str); 10] = [
    ("cf-mitigated", "", CLOUDFLARE),
    ("cf-access-domain", "", CLOUDFLARE_ACCESS),
    ("x-vercel-mitigated", "", VERCEL_FIREWALL),
    ("set-cookie", "_vercel_sso_nonce", VERCEL_SIGN_IN),
    ("x-amzn-waf-action", "", AWS_WAF),
    ("x-goog-iap-generated-response", "", GOOGLE_IAP),
    ("ngrok-error-code", "err_ngrok_6024", NGROK_WARNING),
    ("x-squid-error", "access_denied", PROXY_DENIES),
    ("x-sucuri-block", "", BOT_PROTECTION),
    ("proxy-authenticate", "", SIGN_IN_HINT),
];

/// What the pages of such services say, in lower case.
const BY_PAGE: [(&str, &str); 19] = [
    ("<title>just a moment...", CLOUDFLARE),
    ("_cf_chl_opt", CLOUDFLARE),
    ("attention required! | cloudflare", CLOUDFLARE),
    ("cloudflareaccess.com", CLOUDFLARE_ACCESS),
    ("_vercel_sso_nonce", VERCEL_SIGN_IN),
    ("vercel.com/sso-api", VERCEL_SIGN_IN),
    ("vercel security checkpoint", VERCEL_FIREWALL),
    ("awswafcookiedomainlist", AWS_WAF),
    ("errors.edgesuite.net", AKAMAI),
    ("_incapsula_resource", IMPERVA),
    ("err_ngrok_6024", NGROK_WARNING),
    ("captcha-delivery.com", BOT_PROTECTION),
    ("px-captcha", BOT_PROTECTION),
    ("sucuri website firewall", BOT_PROTECTION),
    ("login.microsoftonline.com", SIGN_IN_PAGE),
    ("accounts.google.com/", SIGN_IN_PAGE),
    ("fortiguard", PROXY_DENIES),
    ("zscaler", PROXY_DENIES),
    ("err_access_denied", PROXY_DENIES),
];

impl HttpResponse {
    /// What to do about an answer that is not the one's that was asked, but of bot protection, a sign-in page or a proxy in
    /// between, and so says nothing of the credentials. `page` is what to do about any other page in HTML that comes with a
    /// 401 or 403 in place of an API's answer.
    #[must_use]
    pub fn interception(&self, page: &'static str) -> Option<&'static str> {
        let refused = matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        self.intercepted_by()
            .or_else(|| self.headers.contains_key("ngrok-error-code").then_some(NGROK))
            .or_else(|| (refused && self.is_page()).then_some(page))
    }

    /// What to do about an answer of something in between that has kept the request back, whatever its status.
    #[must_use]
    pub fn intercepted_by(&self) -> Option<&'static str> {
        if self.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Some(SIGN_IN_HINT);
        }
        by_header(&self.headers).or_else(|| {
            let page = if self.is_page() { self.content() } else { Default::default() };
            let page = String::from_utf8_lossy(&page[..page.len().min(LOOKED_AT)]).to_ascii_lowercase();
            // A page of the endpoint's own may name these, as in a link: they count only where the status refuses.
            let refuses = matches!(self.status.as_u16(), 300..=399 | 401 | 403 | 407);
            let counts = |hint: &str| refuses || ![SIGN_IN_PAGE, PROXY_DENIES].contains(&hint);
            BY_PAGE.iter().find(|(words, hint)| page.contains(words) && counts(hint)).map(|(_, hint)| *hint)
        })
    }

    /// Whether the headers alone say that something in between has kept the request back.
    #[must_use]
    pub fn was_kept_back(&self) -> bool {
        by_header(&self.headers).is_some()
    }

    /// Whether the body is a page for people.
    fn is_page(&self) -> bool {
        let start = self.content().trim_ascii_start();
        let begins = |with: &[u8]| start.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
        self.header(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("text/html"))
            || begins(b"<!doctype html")
            || begins(b"<html")
    }
}

fn by_header(headers: &HeaderMap) -> Option<&'static str> {
    let says = |name: &str, words: &str| {
        let mut values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
        values.any(|value| value.to_ascii_lowercase().contains(words))
    };
    BY_HEADER.iter().find(|(name, words, _)| says(name, words)).map(|(.., hint)| *hint)
}
