//! The packets of Socket.IO (socket.io-protocol, version 5), as far as they are
//! used here: without binary attachments.

use engineioxide::Str;
use portico_chassis::status::Error;
use serde_json::{Value, json};

/// Ends a connection, so that the client must sign in again.
pub(super) const DISCONNECT: &str = "1";

/// Tells a client that what it knows may be out of date.
pub(super) const RESYNC: &str = "2[\"resync\",{}]";

/// The namespace of all that is live.
const ROOT: &str = "/";

/// What a client sends.
#[derive(Debug, PartialEq)]
pub(super) enum Packet {
    /// It says who it is.
    Connect {
        auth: Value,
    },
    /// It asks for a namespace that there is not.
    Elsewhere {
        namespace: String,
    },
    Disconnect,
    Event {
        name: String,
        arguments: Vec<Value>,
        /// The number under which an acknowledgement is expected.
        ack: Option<u64>,
    },
}

impl Packet {
    /// Reads a packet; `None` for what is none, or none of these.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_at_checked(1)?;
        let (namespace, rest) = match rest.starts_with('/') {
            true => rest.split_once(',').unwrap_or((rest, "")),
            false => (ROOT, rest),
        };
        match kind {
            "0" if namespace != ROOT => Some(Self::Elsewhere {
                namespace: namespace.to_owned(),
            }),
            _ if namespace != ROOT => None,
            "0" => {
                let auth = if rest.is_empty() { "null" } else { rest };
                let auth = serde_json::from_str(auth).ok()?;
                Some(Self::Connect { auth })
            }
            "1" => Some(Self::Disconnect),
            "2" => Self::event(rest),
            _ => None,
        }
    }

    fn event(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (ack, array) = text.split_at(digits);
        let ack = match ack {
            "" => None,
            ack => Some(ack.parse().ok()?),
        };
        let mut arguments: Vec<Value> = serde_json::from_str(array).ok()?;
        if arguments.is_empty() {
            return None;
        }
        match arguments.remove(0) {
            Value::String(name) => Some(Self::Event {
                name,
                arguments,
                ack,
            }),
            _ => None,
        }
    }
}

/// The client is connected.
pub(super) fn connected(id: &str) -> Str {
    format!("0{}", json!({"sid": id})).into()
}

/// The client is refused.
pub(super) fn refused(error: &Error) -> Str {
    let (code, message) = (&error.reason, &error.message);
    format!("4{}", json!({"message": message, "data": {"code": code}})).into()
}

/// There is no such namespace.
pub(super) fn no_namespace(namespace: &str) -> Str {
    let error = json!({"message": "Invalid namespace"});
    format!("4{namespace},{error}").into()
}

/// What came of an event.
pub(super) fn acknowledged(ack: u64, outcome: &Result<(), Error>) -> Str {
    let outcome = match outcome {
        Ok(()) => json!({"success": true}),
        Err(error) => {
            let (code, message) = (&error.reason, &error.message);
            json!({"success": false, "error": {"code": code, "message": message}})
        }
    };
    format!("3{ack}[{outcome}]").into()
}

#[cfg(test)]
mod tests {
    use portico_chassis::status::Kind;

    use super::*;

    fn event(name: &str, arguments: Value, ack: Option<u64>) -> Packet {
        Packet::Event {
            name: name.to_owned(),
            arguments: arguments.as_array().expect("an array").clone(),
            ack,
        }
    }

    #[test]
    fn packets_are_read_as_the_protocol_has_them() {
        let auth = json!({"token": "t"});
        for (text, packet) in [
            ("0{\"token\":\"t\"}", Packet::Connect { auth }),
            ("0", Packet::Connect { auth: Value::Null }),
            ("1", Packet::Disconnect),
            ("2[\"a\"]", event("a", json!([]), None)),
            (
                "212[\"a\",\"b\",{}]",
                event("a", json!(["b", {}]), Some(12)),
            ),
            ("2/,[\"a\"]", event("a", json!([]), None)),
        ] {
            assert_eq!(Packet::parse(text), Some(packet), "{text}");
        }
        let namespace = "/admin".to_owned();
        let elsewhere = Packet::Elsewhere { namespace };
        assert_eq!(Packet::parse("0/admin,{}").as_ref(), Some(&elsewhere));
        assert_eq!(Packet::parse("0/admin"), Some(elsewhere));
    }

    #[test]
    fn what_is_no_packet_is_none() {
        let deep = format!("2[\"a\",{}", "[".repeat(10_000));
        for text in [
            "",
            "é",
            "9",
            "0{",
            "2",
            "2[]",
            "2[1]",
            "2{\"a\":1}",
            "2[\"a\"",
            "2/admin,[\"a\"]",
            "3",
            "31[]",
            "4{}",
            "51-[\"a\",{\"_placeholder\":true,\"num\":0}]",
            "299999999999999999999[\"a\"]",
            "2-1[\"a\"]",
            &deep,
        ] {
            assert_eq!(Packet::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_refusal_carries_its_code() {
        let error = Error::new(
            Kind::Unauthenticated,
            "TOKEN_EXPIRED",
            "It has \"expired\".",
        );
        let text = refused(&error);
        let expected = json!({"message": "It has \"expired\".", "data": {"code": "TOKEN_EXPIRED"}});
        let body: Value = serde_json::from_str(&text[1..]).expect("JSON");
        assert_eq!((&text[..1], body), ("4", expected));
        assert_eq!(&*acknowledged(7, &Ok(())), "37[{\"success\":true}]");
        let failed = acknowledged(8, &Err(error));
        assert!(
            failed.starts_with("38[{\"success\":false,\"error\":{\"code\":"),
            "{failed}"
        );
    }
}
