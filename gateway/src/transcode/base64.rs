//! `bytes` as text: base64 as in RFC 4648, sections 4 and 5.

use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

use super::rejection::Code;
use super::wire::put_bytes;

const STANDARD_ENGINE: GeneralPurpose = lenient(&STANDARD);
const URL_SAFE_ENGINE: GeneralPurpose = lenient(&URL_SAFE);

/// Takes what ProtoJSON's readers take: padding or none.
const fn lenient(alphabet: &Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config)
}

/// Writes the bytes that a text in either alphabet stands for, with their length.
pub(crate) fn put_decoded(out: &mut Vec<u8>, text: &str) -> Result<(), Code> {
    let url_safe = text.contains(['-', '_']);
    let engine = if url_safe {
        &URL_SAFE_ENGINE
    } else {
        &STANDARD_ENGINE
    };
    let bytes = engine.decode(text).map_err(|_| Code::WrongType)?;
    put_bytes(out, &bytes);
    Ok(())
}

/// Writes bytes as a JSON string in the standard alphabet.
pub(crate) fn quote(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(STANDARD_ENGINE.encode(bytes).as_bytes());
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_alphabets_are_read_with_and_without_padding() {
        for text in ["+/8=", "+/8", "-_8=", "-_8"] {
            let mut out = Vec::new();
            assert_eq!(put_decoded(&mut out, text), Ok(()), "{text}");
            assert_eq!(out, [2, 0xfb, 0xff], "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["a", "a===", "+_8=", "a b=", "ä", "YQ==YQ=="] {
            assert_eq!(
                put_decoded(&mut Vec::new(), text),
                Err(Code::WrongType),
                "{text}"
            );
        }
    }
}
