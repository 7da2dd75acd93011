//! Which encoding a text is in that was expected to be UTF-8.

/// The encoding of `text` where it is not UTF-8 but, by its byte order mark or the NULs between its first characters,
/// UTF-16 or UTF-32, as some editors and shells save JSON. JSON begins with an ASCII character (RFC 8259, 2), so that no
/// mark is needed to tell.
#[must_use]
pub fn other_encoding(text: &[u8]) -> Option<&'static str> {
    match text {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] | [0, 0, 0, 1..=255, ..] | [1..=255, 0, 0, 0, ..] => {
            Some("UTF-32")
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..] => Some("UTF-16"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::other_encoding;

    #[test]
    fn utf_16_and_utf_32_are_told_with_and_without_a_mark() {
        let utf16 = |mark: &str| format!("{mark}{{ \"é\": 1 }}").encode_utf16().collect::<Vec<u16>>();
        let utf32 = |mark: &str| format!("{mark}[]").chars().map(u32::from).collect::<Vec<u32>>();
        for mark in ["", "\u{feff}"] {
            let (two, four) = (utf16(mark), utf32(mark));
            let all = [
                (two.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<u8>>(), "UTF-16"),
                (two.iter().flat_map(|unit| unit.to_be_bytes()).collect(), "UTF-16"),
                (four.iter().flat_map(|unit| unit.to_le_bytes()).collect(), "UTF-32"),
                (four.iter().flat_map(|unit| unit.to_be_bytes()).collect(), "UTF-32"),
            ];
            for (bytes, name) in all {
                assert_eq!(other_encoding(&bytes), Some(name), "{bytes:?}");
            }
            assert_eq!(other_encoding(format!("{mark}{{ \"é\": 1 }}").as_bytes()), None);
        }
        for other in [&b""[..], b"{", b"7", b"\0", b"\0\0\0\0"] {
            assert_eq!(other_encoding(other), None, "{other:?}");
        }
    }
}
