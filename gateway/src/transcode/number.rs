//! Numbers as text: JSON's grammar, and exact conversion to the scalar types.
//!
//! ProtoJSON takes `1.0` and `1e2` for integers too; they are computed exactly,
//! never by way of a floating-point number.

use super::rejection::Code;
use super::schema::Kind;
use super::wire::put_varint;

/// The length of the JSON number (RFC 8259, section 6) at the start of `bytes`.
pub(crate) fn length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let is = |at: usize, these: &[u8]| bytes.get(at).is_some_and(|byte| these.contains(byte));
    let mut at = usize::from(is(0, b"-"));
    at += match digits(at) {
        0 => return None,
        // A leading zero stands alone.
        count if count > 1 && is(at, b"0") => return None,
        count => count,
    };
    if is(at, b".") {
        match digits(at + 1) {
            0 => return None,
            count => at += 1 + count,
        }
    }
    if is(at, b"eE") {
        let sign = usize::from(is(at + 1, b"+-"));
        match digits(at + 1 + sign) {
            0 => return None,
            count => at += 1 + sign + count,
        }
    }
    Some(at)
}

/// Whether the whole text is a JSON number.
pub(crate) fn is_number(text: &str) -> bool {
    length(text.as_bytes()) == Some(text.len())
}

/// Writes a number, given as the text of a JSON number, in the wire format of a
/// numeric kind.
pub(crate) fn put(out: &mut Vec<u8>, kind: Kind, text: &str) -> Result<(), Code> {
    match kind {
        Kind::Double => {
            out.extend_from_slice(&finite(text.parse().ok(), f64::is_finite)?.to_le_bytes())
        }
        Kind::Float => {
            out.extend_from_slice(&finite(text.parse().ok(), f32::is_finite)?.to_le_bytes())
        }
        Kind::Int32 => put_varint(out, i64::from(int32(text)?) as u64),
        Kind::Sint32 => {
            let value = int32(text)?;
            put_varint(out, u64::from((value << 1 ^ value >> 31) as u32));
        }
        Kind::Sfixed32 => out.extend_from_slice(&int32(text)?.to_le_bytes()),
        Kind::Uint32 => put_varint(out, u64::from(uint32(text)?)),
        Kind::Fixed32 => out.extend_from_slice(&uint32(text)?.to_le_bytes()),
        Kind::Int64 => put_varint(out, int64(text)? as u64),
        Kind::Sint64 => {
            let value = int64(text)?;
            put_varint(out, (value << 1 ^ value >> 63) as u64);
        }
        Kind::Sfixed64 => out.extend_from_slice(&int64(text)?.to_le_bytes()),
        Kind::Uint64 => put_varint(out, uint64(text)?),
        Kind::Fixed64 => out.extend_from_slice(&uint64(text)?.to_le_bytes()),
        _ => return Err(Code::WrongType),
    }
    Ok(())
}

/// Writes one of the three values of floating-point kinds that are no numbers.
pub(crate) fn put_special(out: &mut Vec<u8>, kind: Kind, text: &str) -> Result<(), Code> {
    let value = match text {
        "NaN" => f64::NAN,
        "Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        _ => return Err(Code::WrongType),
    };
    match kind {
        Kind::Double => out.extend_from_slice(&value.to_le_bytes()),
        Kind::Float => out.extend_from_slice(&(value as f32).to_le_bytes()),
        _ => return Err(Code::WrongType),
    }
    Ok(())
}

fn finite<F: Copy>(value: Option<F>, is_finite: fn(F) -> bool) -> Result<F, Code> {
    value
        .filter(|value| is_finite(*value))
        .ok_or(Code::OutOfRange)
}

/// An enum's number.
pub(crate) fn int32(text: &str) -> Result<i32, Code> {
    i32::try_from(int64(text)?).map_err(|_| Code::OutOfRange)
}

fn uint32(text: &str) -> Result<u32, Code> {
    u32::try_from(uint64(text)?).map_err(|_| Code::OutOfRange)
}

fn int64(text: &str) -> Result<i64, Code> {
    let (negative, magnitude) = integer(text)?;
    let value = i128::from(magnitude) * if negative { -1 } else { 1 };
    i64::try_from(value).map_err(|_| Code::OutOfRange)
}

fn uint64(text: &str) -> Result<u64, Code> {
    match integer(text)? {
        (true, 1..) => Err(Code::OutOfRange),
        (_, magnitude) => Ok(magnitude),
    }
}

/// Sign and magnitude of the text of a JSON number. A fraction other than zero
/// is the wrong type.
fn integer(text: &str) -> Result<(bool, u64), Code> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let mut magnitude = 0_u64;
    for byte in digits.bytes() {
        if !byte.is_ascii_digit() {
            return decimal(digits).map(|magnitude| (negative, magnitude));
        }
        let next = magnitude
            .checked_mul(10)
            .and_then(|ten| ten.checked_add(u64::from(byte - b'0')));
        match next {
            Some(next) => magnitude = next,
            // What comes after may still be a negative exponent.
            None => return decimal(digits).map(|magnitude| (negative, magnitude)),
        }
    }
    Ok((negative, magnitude))
}

/// The value of digits with a fraction or an exponent, if it is an integer.
fn decimal(text: &str) -> Result<u64, Code> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    let trailing_zeros = digits.len() - digits.trim_end_matches('0').len();
    // An exponent beyond any sense is as good as the largest sensible one.
    let limit = i64::MAX / 4;
    let exponent: i64 = exponent.parse().unwrap_or(if exponent.starts_with('-') {
        -limit
    } else {
        limit
    });
    let scale = exponent.clamp(-limit, limit) - fraction.len() as i64 + trailing_zeros as i64;
    let scale = u32::try_from(scale).map_err(|_| {
        if scale < 0 {
            Code::WrongType
        } else {
            Code::OutOfRange
        }
    })?;
    let value: u64 = significant.parse().map_err(|_| Code::OutOfRange)?;
    let scaled = 10_u64
        .checked_pow(scale)
        .and_then(|power| value.checked_mul(power));
    scaled.ok_or(Code::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_up_to_their_bounds() {
        assert_eq!(int64("9223372036854775807"), Ok(i64::MAX));
        assert_eq!(int64("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(uint64("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(int32("-2147483648"), Ok(i32::MIN));
        assert_eq!(uint32("4294967295"), Ok(u32::MAX));
        assert_eq!(uint64("-0"), Ok(0));
        assert_eq!(int64("9007199254740993.0"), Ok(9_007_199_254_740_993));
    }

    #[test]
    fn integers_beyond_their_bounds_are_out_of_range() {
        assert_eq!(int64("9223372036854775808"), Err(Code::OutOfRange));
        assert_eq!(int64("-9223372036854775809"), Err(Code::OutOfRange));
        assert_eq!(uint64("18446744073709551616"), Err(Code::OutOfRange));
        assert_eq!(uint64("-1"), Err(Code::OutOfRange));
        assert_eq!(int32("2147483648"), Err(Code::OutOfRange));
        assert_eq!(uint32("4294967296"), Err(Code::OutOfRange));
        assert_eq!(uint64("1e20"), Err(Code::OutOfRange));
        assert_eq!(uint64("1e99999999999999999999"), Err(Code::OutOfRange));
        assert_eq!(uint64(&"9".repeat(10_000)), Err(Code::OutOfRange));
    }

    #[test]
    fn integers_may_be_written_with_zero_fractions_and_exponents() {
        assert_eq!(int64("1.0"), Ok(1));
        assert_eq!(int64("-1e3"), Ok(-1000));
        assert_eq!(int64("1.25E2"), Ok(125));
        assert_eq!(int64("1200e-2"), Ok(12));
        assert_eq!(int64("0e99999999999999999999"), Ok(0));
        assert_eq!(int64("100000000000000000000e-19"), Ok(10));
    }

    #[test]
    fn fractions_are_no_integers() {
        for text in ["0.5", "1e-1", "1.25e1", "15e-1", "1e-99999999999999999999"] {
            assert_eq!(int64(text), Err(Code::WrongType), "{text}");
        }
    }

    #[test]
    fn huge_floats_are_out_of_range() {
        let mut out = Vec::new();
        assert_eq!(put(&mut out, Kind::Double, "1e999"), Err(Code::OutOfRange));
        assert_eq!(put(&mut out, Kind::Float, "1e39"), Err(Code::OutOfRange));
        assert_eq!(put(&mut out, Kind::Double, "1e-999"), Ok(()));
        assert_eq!(out, 0.0_f64.to_le_bytes());
    }

    #[test]
    fn only_json_numbers_are_numbers() {
        for text in ["0", "-0", "10", "1.5", "1e5", "1E+5", "-1.5e-5"] {
            assert!(is_number(text), "{text}");
        }
        for text in [
            "", "-", "01", "+1", "1.", ".1", "1e", "1e+", " 1", "1 ", "0x1", "1_0", "NaN",
        ] {
            assert!(!is_number(text), "{text}");
        }
    }
}
