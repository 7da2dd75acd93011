//! A message between DATA and its final dot, as it is on the wire.

use bytes::BytesMut;

const FINAL_DOT: &[u8] = b"\r\n.\r\n";

/// Takes a message up to its final dot, which alone counts: a dot between bare line feeds ends nothing. None while the dot
/// is still to come; `searched` remembers how far there is none.
pub(crate) fn take_message(buffer: &mut BytesMut, searched: &mut usize) -> Option<BytesMut> {
    if buffer.starts_with(b".\r\n") {
        let _ = buffer.split_to(3);
        return Some(BytesMut::new());
    }
    if let Some(at) = find(&buffer[*searched..], FINAL_DOT) {
        let message = buffer.split_to(*searched + at + 2);
        let _ = buffer.split_to(3);
        return Some(message);
    }
    *searched = buffer.len().saturating_sub(FINAL_DOT.len() - 1);
    None
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The message with the stuffed dots taken out.
pub(crate) fn unstuffed(wire: &[u8]) -> Vec<u8> {
    let mut source = Vec::with_capacity(wire.len());
    let mut at_line_start = true;
    let mut previous = 0;
    for byte in wire {
        if !(at_line_start && *byte == b'.') {
            source.push(*byte);
        }
        at_line_start = previous == b'\r' && *byte == b'\n';
        previous = *byte;
    }
    source
}
