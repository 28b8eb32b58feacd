//! What is counted: the parts of the gateway that every request needs, and whole
//! requests.

mod gateway;
mod request;
mod route;
mod token;
mod transcode;

/// Does an operation so many times.
pub(crate) type Work = Box<dyn FnMut(u32) -> anyhow::Result<()>>;

/// Something that is counted.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// How often it is done, so that what happens now and then counts with its
    /// share.
    pub(crate) times: u32,
    /// Makes ready to do it at most so often.
    pub(crate) prepare: fn(u32) -> anyhow::Result<Work>,
}

/// All of them.
pub(crate) const OPERATIONS: [Operation; 8] = [
    // The body of a request, to the message that a service takes.
    Operation {
        name: "json-to-wire",
        times: 1_000,
        prepare: transcode::parse,
    },
    // The message of an answer, to its body.
    Operation {
        name: "wire-to-json",
        times: 1_000,
        prepare: transcode::print,
    },
    Operation {
        name: "route",
        times: 1_000,
        prepare: route::find,
    },
    // A token that was never seen.
    Operation {
        name: "token-first",
        times: 200,
        prepare: token::first,
    },
    // And one that was.
    Operation {
        name: "token-again",
        times: 1_000,
        prepare: token::again,
    },
    // Whole requests over a connection that stands: a token that was seen, limits
    // counted in memory, a line in the log. Services in the same process…
    Operation {
        name: "read-local",
        times: 400,
        prepare: request::read_local,
    },
    Operation {
        name: "create-local",
        times: 400,
        prepare: request::create_local,
    },
    // …and behind the network.
    Operation {
        name: "read-remote",
        times: 400,
        prepare: request::read_remote,
    },
];

/// A project as the API shows it.
const PROJECT: &str = r#"{"id":"01a202fe-5fd4-7b48-b103-f268bea9e40c","name":"Apollo 11","slug":"apollo-11","description":"To the moon, and back before the decade is out","visibility":"PRIVATE","archivedAt":null,"myRole":"OWNER","memberCount":3,"createdAt":"2026-11-22T10:00:00.000Z","updatedAt":"2026-11-22T10:15:30.125Z","etag":"1.1-OWNER"}"#;
