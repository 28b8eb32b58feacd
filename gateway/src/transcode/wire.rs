//! The protobuf wire format: varints, tags, and lengths that are known only
//! after what they measure has been written.
//!
//! See <https://protobuf.dev/programming-guides/encoding/>. What fields mean
//! does not belong here.

/// How deep messages may be nested; the usual limit of protobuf's readers.
pub(crate) const MAX_NESTING: usize = 100;

/// Bytes that are not the wire format, or not of the message they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WireError(pub(crate) &'static str);

/// A value as it stands on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Writes bytes with their length before them.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Leaves room for a length; [`close`] fills it in.
#[must_use]
pub(crate) fn open(out: &mut Vec<u8>) -> usize {
    out.push(0);
    out.len()
}

/// Writes the length of everything after `start`. One byte was left for it: the
/// content moves only if it is longer than 127 bytes.
pub(crate) fn close(out: &mut Vec<u8>, start: usize) {
    let length = out.len() - start;
    if length < 0x80 {
        out[start - 1] = length as u8;
        return;
    }
    let mut prefix = Vec::with_capacity(5);
    put_varint(&mut prefix, length as u64);
    out.splice(start - 1..start, prefix);
}

/// Reads the fields of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(wire: &'a [u8]) -> Self {
        Self { rest: wire }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The number and value of the next field, in the order of the wire. Groups
    /// are skipped: no schema here knows any.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Raw<'a>)>, WireError> {
        while !self.rest.is_empty() {
            let (number, wire_type) = self.tag()?;
            match wire_type {
                3 => self.skip_group(number, MAX_NESTING)?,
                _ => return Ok(Some((number, self.value(wire_type)?))),
            }
        }
        Ok(None)
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, WireError> {
        if let [byte @ ..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        self.long_varint()
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0;
        for (place, byte) in self.rest.iter().enumerate().take(10) {
            // The tenth byte holds the 64th bit and nothing else.
            if place == 9 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                self.rest = &self.rest[place + 1..];
                return Ok(value);
            }
        }
        Err(WireError("a varint is too long or cut off"))
    }

    #[inline]
    fn fixed32(&mut self) -> Result<u32, WireError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(u32::from_le_bytes(*bytes))
    }

    #[inline]
    fn fixed64(&mut self) -> Result<u64, WireError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// The next value of a packed list.
    pub(crate) fn packed(&mut self, wire_type: u32) -> Result<Raw<'a>, WireError> {
        self.value(wire_type)
    }

    #[inline]
    fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let length = usize::try_from(self.varint()?).map_err(|_| CUT_OFF)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(CUT_OFF)?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    fn tag(&mut self) -> Result<(u32, u32), WireError> {
        let tag = u32::try_from(self.varint()?).map_err(|_| BAD_TAG)?;
        match tag >> 3 {
            0 => Err(BAD_TAG),
            number => Ok((number, tag & 7)),
        }
    }

    #[inline]
    fn value(&mut self, wire_type: u32) -> Result<Raw<'a>, WireError> {
        Ok(match wire_type {
            0 => Raw::Varint(self.varint()?),
            1 => Raw::Fixed64(self.fixed64()?),
            2 => Raw::Bytes(self.bytes()?),
            5 => Raw::Fixed32(self.fixed32()?),
            _ => return Err(BAD_TAG),
        })
    }

    /// Skips everything up to the end of the group whose start was just read.
    #[cold]
    fn skip_group(&mut self, number: u32, levels: usize) -> Result<(), WireError> {
        if levels == 0 {
            return Err(WireError("groups are nested too deep"));
        }
        loop {
            match self.tag()? {
                (end, 4) if end == number => return Ok(()),
                (inner, 3) => self.skip_group(inner, levels - 1)?,
                (_, wire_type) => {
                    self.value(wire_type)?;
                }
            }
        }
    }
}

const CUT_OFF: WireError = WireError("a value is cut off");
const BAD_TAG: WireError = WireError("a tag is invalid");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_survive_the_round_trip() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut reader = Reader::new(&out);
            assert_eq!(reader.varint().ok(), Some(value));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn overlong_and_truncated_varints_are_errors() {
        assert!(Reader::new(&[0xff; 11]).varint().is_err());
        assert!(
            Reader::new(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2])
                .varint()
                .is_err()
        );
        assert!(Reader::new(&[0x80]).varint().is_err());
        assert!(Reader::new(&[]).varint().is_err());
    }

    #[test]
    fn lengths_are_minimal_however_long_the_content_is() {
        for length in [0, 1, 127, 128, 16_383, 16_384] {
            let mut out = vec![0x0a];
            let start = open(&mut out);
            out.resize(start + length, 7);
            close(&mut out, start);
            let mut expected = vec![0x0a];
            put_bytes(&mut expected, &vec![7; length]);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn groups_are_skipped() {
        let wire = [0x0b, 0x10, 0x01, 0x13, 0x14, 0x0c, 0x08, 0x05];
        let mut reader = Reader::new(&wire);
        assert!(matches!(reader.next(), Ok(Some((1, Raw::Varint(5))))));
        assert!(matches!(reader.next(), Ok(None)));
    }

    #[test]
    fn broken_groups_and_tags_are_errors() {
        for wire in [
            &[0x0b][..],
            &[0x0b, 0x14],
            &[0x0c],
            &[0x00, 0x00],
            &[0x0e],
            &[0x0b; 200],
            &[0x0a, 5, 1],
        ] {
            assert!(Reader::new(wire).next().is_err(), "{wire:?}");
        }
    }
}
