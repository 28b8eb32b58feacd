//! Strings as JSON text: what needs an escape, and writing it.
//!
//! See RFC 8259, section 7. Reading strings is the lexer's work.

/// How many bytes at the start of `bytes` stand in a JSON string as they are:
/// anything but a quote, a backslash and control characters.
#[inline]
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks();
    for (index, word) in words.iter().enumerate() {
        let found = special(*word);
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    // The last word overlaps the one before it, which has nothing to find.
    if let Some(word) = bytes.last_chunk() {
        let found = special(*word);
        return bytes.len() - 8 + found.trailing_zeros() as usize / 8;
    }
    let stop = tail.iter().position(|byte| needs_escape(*byte));
    stop.unwrap_or(tail.len())
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Sets the high bit of the first byte that needs an escape, and perhaps of some
/// after it: a subtraction borrows into that bit if the byte was smaller, and a
/// borrow can disturb only what comes later.
#[inline]
fn special(word: [u8; 8]) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    let word = u64::from_le_bytes(word);
    let quote = word ^ (ONES * u64::from(b'"'));
    let backslash = word ^ (ONES * u64::from(b'\\'));
    let found = (word.wrapping_sub(ONES * 0x20) & !word)
        | (quote.wrapping_sub(ONES) & !quote)
        | (backslash.wrapping_sub(ONES) & !backslash);
    found & (ONES << 7)
}

/// Writes a JSON string: in quotes, and escaped where it must be.
pub(crate) fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, special) = rest.split_at(plain_len(rest));
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else {
            break;
        };
        escape(out, *byte);
        rest = after;
    }
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
            return;
        }
    };
    out.extend([b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_special_byte_is_found_at_each_place() {
        for special in (0..0x20).chain([b'"', b'\\']) {
            for place in 0..40 {
                let mut bytes = vec![b'a'; 40];
                bytes[place] = special;
                assert_eq!(plain_len(&bytes), place);
            }
        }
    }

    #[test]
    fn all_other_bytes_are_plain() {
        let plain: Vec<u8> = (0x20..=0xff)
            .filter(|byte| !b"\"\\".contains(byte))
            .collect();
        assert_eq!(plain_len(&plain), plain.len());
    }

    #[test]
    fn quoted_text_reads_back_as_it_was() {
        let mut all: String = (0..0x3000).filter_map(char::from_u32).collect();
        all.push('🦀');
        let mut out = Vec::new();
        quote(&mut out, &all);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), all);
    }
}
