//! Portico from outside: everything here goes through the same start-up code
//! as the program, over REST and gRPC, in one process on SQLite and as separate
//! roles on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "what is unexpected fails the test")]

mod accounts;
mod api_keys;
mod audit;
mod changes;
mod conventions;
mod coverage;
mod factors;
mod grpc;
mod imports;
mod instance;
mod invitations;
mod links;
mod live;
mod mail_server;
mod mails;
mod parity;
mod passwords;
mod people;
mod privacy;
mod projects;
mod rest;
mod scopes;
mod security;
mod service_accounts;
mod stops;
mod support;

pub(crate) use self::instance::{Instance, Person};

/// Runs each case in both shapes of deployment, on a fresh installation, which
/// may have settings of its own: `with [("NAME", "value")]; a_case, another`.
macro_rules! in_both_shapes {
    ($($case:ident),+ $(,)?) => {
        $crate::in_both_shapes! { with []; $($case),+ }
    };
    (with $settings:expr; $($case:ident),+ $(,)?) => {
        mod in_one_process {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let portico = crate::Instance::in_one_process_with(&$settings).await;
                super::$case(&portico).await;
                portico.stop().await;
            })+
        }
        mod as_separate_roles {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let portico = crate::Instance::as_separate_roles_with(&$settings).await;
                super::$case(&portico).await;
                portico.stop().await;
            })+
        }
    };
}
pub(crate) use in_both_shapes;
