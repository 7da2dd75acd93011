//! curl's `--connect-to`: connects elsewhere than the URL says.

use std::str::FromStr;

/// `HOST1:PORT1:HOST2:PORT2`: what goes to HOST1:PORT1 connects to HOST2:PORT2.
///
/// An empty HOST1 or PORT1 means any, an empty HOST2 or PORT2 means unchanged. TLS name and `Host` header stay HOST1's.
/// An IPv6 address stands in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    from_host: Option<String>,
    from_port: Option<u16>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
}

impl ConnectTo {
    /// What goes to `host1:port1` connects to `host2:port2`.
    #[must_use]
    pub fn new(host1: &str, port1: u16, host2: &str, port2: u16) -> Self {
        Self {
            from_host: Some(host1.to_ascii_lowercase()),
            from_port: Some(port1),
            host: Some(host2.to_owned()),
            port: Some(port2),
        }
    }

    /// Whether the rule applies to a connection to `host:port`.
    #[must_use]
    pub fn matches(&self, host: &str, port: u16) -> bool {
        self.from_host.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(unbracketed(host)))
            && self.from_port.is_none_or(|wanted| wanted == port)
    }

    /// Where a connection to `host:port` goes under this rule.
    pub(crate) fn target<'a>(&'a self, host: &'a str, port: u16) -> (&'a str, u16) {
        (self.host.as_deref().unwrap_or(host), self.port.unwrap_or(port))
    }
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

impl FromStr for ConnectTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (from_host, rest) = host_and_rest(text)?;
        let (from_port, rest) = rest.split_once(':').ok_or_else(expected)?;
        let (host, port) = host_and_rest(rest)?;
        let port_of = |text: &str| match text {
            "" => Ok(None),
            _ => text.parse().map(Some).map_err(|_| format!("`{text}` is not a port; {}", expected())),
        };
        Ok(Self {
            from_host: from_host.map(|host| host.to_ascii_lowercase()),
            from_port: port_of(from_port)?,
            host,
            port: port_of(port)?,
        })
    }
}

fn expected() -> String {
    "expected HOST1:PORT1:HOST2:PORT2, an IPv6 address in brackets".to_owned()
}

fn host_and_rest(text: &str) -> Result<(Option<String>, &str), String> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => inner.split_once("]:").ok_or_else(expected)?,
        None => text.split_once(':').ok_or_else(expected)?,
    };
    Ok(((!host.is_empty()).then(|| host.to_owned()), rest))
}
