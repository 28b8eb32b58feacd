//! The contracts of Portico, compiled, and nothing else: messages, services,
//! clients, validators and the table of methods with their policies. The
//! source of truth is the `.proto` files beside this crate.

pub use prost_types as wkt;

/// Who may call a method and how it behaves, from its policy option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Method {
    /// The gRPC path, `/package.Service/Method`.
    pub path: &'static str,
    /// The kind of caller that the method needs.
    pub caller: CallerClass,
    /// The scope that an API key needs; empty: no API key may call it.
    pub scope: &'static str,
    /// Whether a call counts against the strict limit for credentials.
    pub credentials: bool,
    /// Whether a repeated call has no further effect.
    pub idempotent: bool,
    /// What a success is called.
    pub success: Success,
    /// Whether the method accepts an idempotency key.
    pub idempotency_key: bool,
    /// Whether the answer carries tokens and must never be cached.
    pub secret: bool,
    /// Whether the method reads or writes the refresh cookie of browsers.
    pub refresh_cookie: bool,
    /// Whether service accounts may call what is for people.
    pub service_accounts: bool,
    /// Whether an ADMIN who impersonates somebody may call it.
    pub impersonation: bool,
    /// Whether the method answers with a stream.
    pub is_stream: bool,
}

/// The kind of caller that a method needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerClass {
    /// Anybody, signed in or not.
    Public,
    /// A signed-in person.
    User,
    /// A signed-in person with the instance role ADMIN, or a service account.
    Admin,
    /// Another service of this installation, or a service account if there is a
    /// scope.
    Service,
}

/// What a success is called, which becomes an HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Success {
    /// 200 OK.
    Ok,
    /// 201 Created.
    Created,
    /// 202 Accepted.
    Accepted,
}

/// Every method of every service, in the order of the contracts.
pub const METHODS: &[Method] = include!(concat!(env!("OUT_DIR"), "/methods.rs"));

/// The contracts as an encoded `google.protobuf.FileDescriptorSet`, with
/// options.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The same with comments, for people: several times the size.
pub const COMMENTED_DESCRIPTOR_SET: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/commented.bin"));

/// Reports one violated rule: the field in its JSON spelling, the detail code
/// and what is expected.
pub type Report<'a> = &'a mut dyn FnMut(&str, &'static str, String);

/// A request that can check itself against the rules of its contract.
pub trait Validate {
    /// Reports every violated rule.
    fn validate(&self, report: Report<'_>) {
        self.validate_at("", report);
    }

    /// Reports every violated rule of a message that stands at `path` in
    /// another one, such as `checks[2].`.
    fn validate_at(&self, path: &str, report: Report<'_>);
}

#[expect(
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
mod portico {
    pub mod auth {
        pub mod v1 {
            tonic::include_proto!("portico.auth.v1");
        }
    }
    pub mod events {
        pub mod v1 {
            tonic::include_proto!("portico.events.v1");
        }
    }
    pub mod notifications {
        pub mod v1 {
            tonic::include_proto!("portico.notifications.v1");
        }
    }
    pub mod pagination {
        pub mod v1 {
            tonic::include_proto!("portico.pagination.v1");
        }
    }
    pub mod privacy {
        pub mod v1 {
            tonic::include_proto!("portico.privacy.v1");
        }
    }
    pub mod projects {
        pub mod v1 {
            tonic::include_proto!("portico.projects.v1");
        }
    }
    pub mod users {
        pub mod v1 {
            tonic::include_proto!("portico.users.v1");
        }
    }
}

#[expect(clippy::collapsible_if, reason = "generated code")]
mod validators {
    use crate::{Report, Validate, portico};

    include!(concat!(env!("OUT_DIR"), "/validators.rs"));
}

pub use portico::{
    auth::v1 as auth, events::v1 as events, notifications::v1 as notifications,
    pagination::v1 as pagination, privacy::v1 as privacy, projects::v1 as projects,
    users::v1 as users,
};
