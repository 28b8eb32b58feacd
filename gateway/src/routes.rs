//! Which RPC an HTTP request is for: a table made from the `google.api.http`
//! rules in the descriptors.
//!
//! - `template`: what a path template says.
//! - `rules`: the rules of all methods, as routes.
//! - `table`: finding the route of a method and path.
//!
//! What is done with a request, once its RPC is known, does not belong here.

mod rules;
mod table;
mod template;

pub use rules::{Route, RouteError};
pub use table::{Lookup, Match, RouteTable};
