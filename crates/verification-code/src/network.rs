//! Which networks an ip address belongs to, as far as limits count by them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The networks of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Networks {
    /// What one client is taken to have: an IPv4 address, or an IPv6 /64.
    pub(crate) client: Vec<u8>,
    /// What one organisation is taken to have: an IPv4 /24, or an IPv6 /48.
    pub(crate) site: Vec<u8>,
    /// What one holder of addresses is taken to have, such as a provider: an IPv4 /16, or an IPv6 /32.
    pub(crate) holder: Vec<u8>,
}

impl Networks {
    pub(crate) fn of(ip: IpAddr) -> Self {
        let ipv4 = match ip {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(ip) => embedded(ip),
        };
        // The lengths differ, so that no two networks are written the same.
        let of = |octets: &[u8], client: usize, site: usize, holder: usize| Self {
            client: octets[..client].to_vec(),
            site: octets[..site].to_vec(),
            holder: octets[..holder].to_vec(),
        };
        match (ipv4, ip) {
            (Some(ip), _) | (None, IpAddr::V4(ip)) => of(&ip.octets(), 4, 3, 2),
            (None, IpAddr::V6(ip)) => of(&ip.octets(), 8, 6, 4),
        }
    }
}

/// The IPv4 address that an IPv6 address stands for, where answers to the one can only reach the holder of the other.
///
/// ISATAP (`…:0:5efe:192.0.2.1`) is not among them: its IPv4 address is in the half that a host chooses freely, so
/// whoever has one /64 would have four thousand million IPv4 addresses.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let octets = ip.octets();
    let at = |places: [usize; 4]| Some(Ipv4Addr::from(places.map(|place| octets[place])));
    match ip.segments() {
        // Unspecified and loopback look like IPv4-compatible addresses.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Mapped and compatible (RFC 4291, 2.5.5), translated (RFC 2765, 2.1).
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => at([12, 13, 14, 15]),
        // NAT64 (RFC 6052, 2.1), and the prefix that a network may use for its own (RFC 8215).
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => at([12, 13, 14, 15]),
        [0x64, 0xff9b, 1, ..] => at(translated_at(&octets)),
        // 6to4 (RFC 3056, 2).
        [0x2002, ..] => at([2, 3, 4, 5]),
        // Teredo (RFC 4380, 4): the client's address, every bit of it inverted.
        [0x2001, 0, ..] => Some(Ipv4Addr::from(!u32::from_be_bytes([octets[12], octets[13], octets[14], octets[15]]))),
        _ => None,
    }
}

/// Where the IPv4 address is in a translated address of a prefix of unknown length (RFC 6052, 2.2): a prefix shorter than
/// 96 bits leaves octet 8 zero, as well as all that comes after the IPv4 address.
fn translated_at(octets: &[u8; 16]) -> [usize; 4] {
    match octets {
        [.., 0, _, _, _, _, 0, 0, 0] if octets[12] != 0 => [9, 10, 11, 12],
        [.., 0, _, _, _, 0, 0, 0, 0] if octets[11] != 0 => [7, 9, 10, 11],
        [.., 0, _, _, 0, 0, 0, 0, 0] if octets[10] != 0 => [6, 7, 9, 10],
        _ => [12, 13, 14, 15],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    fn of(ip: &str) -> Networks {
        Networks::of(ip.parse().unwrap())
    }

    #[test]
    fn addresses_of_one_client_are_one() {
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1").client, of("2001:db8:1:3::1").client);
        assert_ne!(of("192.0.2.1").client, of("192.0.2.2").client);
    }

    #[test]
    fn clients_of_one_site_share_it() {
        assert_eq!(of("2001:db8:1:2::1").site, of("2001:db8:1:ffff::1").site);
        assert_ne!(of("2001:db8:1:2::1").site, of("2001:db8:2:2::1").site);
        assert_eq!(of("192.0.2.1").site, of("192.0.2.255").site);
        assert_ne!(of("192.0.2.1").site, of("192.0.3.1").site);
    }

    #[test]
    fn every_spelling_of_an_ipv4_address_is_one() {
        for spelling in [
            "::ffff:192.0.2.1",
            "::ffff:0:192.0.2.1",
            "::192.0.2.1",
            "64:ff9b::192.0.2.1",
            // RFC 6052, 2.4, with the prefix of RFC 8215: /48, /56, /64, and two of /96.
            "64:ff9b:1:c000:2:100::",
            "64:ff9b:1:c0:0:201::",
            "64:ff9b:1:0:c0:2:100::",
            "64:ff9b:1::192.0.2.1",
            "64:ff9b:1:aaaa:bbbb:cccc:192.0.2.1",
            "2002:c000:201::1",
            "2002:c000:0201:ffff:1:2:3:4",
            "2001:0:4136:e378:8000:63bf:3fff:fdfe",
        ] {
            assert_eq!(of(spelling), of("192.0.2.1"), "{spelling}");
        }
        for other in [
            "64:ff9b:2::192.0.2.1",
            "2001:1::192.0.2.1",
            "2001:db8::5efe:192.0.2.1",
            "::1",
            "::",
            "fe80::5efe:192.0.2.1",
        ] {
            assert_ne!(of(other), of("192.0.2.1"), "{other}");
            assert_eq!(of(other).client.len(), 8, "{other}");
        }
    }
}
