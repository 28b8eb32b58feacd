//! Writes the table of methods. A method without a policy, or with an HTTP
//! rule that does not fit its policy, fails the build.

use anyhow::{Context as _, bail, ensure};
use prost_reflect::{DescriptorPool, MethodDescriptor};

use crate::options;

/// What API keys can be good for.
const SCOPES: [&str; 8] = [
    "account:read",
    "account:write",
    "users:read",
    "users:write",
    "projects:read",
    "projects:write",
    "events:read",
    "admin",
];

/// The table as the source of a slice of `Method`.
pub(crate) fn table(pool: &DescriptorPool) -> anyhow::Result<String> {
    let mut table = String::from("&[\n");
    for service in pool.services() {
        for method in service.methods() {
            let entry =
                entry(pool, &method).with_context(|| format!("method {}", method.full_name()))?;
            table.push_str(&entry);
        }
    }
    table.push(']');
    Ok(table)
}

fn entry(pool: &DescriptorPool, method: &MethodDescriptor) -> anyhow::Result<String> {
    let policy = options::get(pool, &method.options(), "portico.options.v1.policy")?
        .context("add `option (portico.options.v1.policy)`")?;
    let caller = match options::enum_name(&policy, "caller")?.as_str() {
        "PUBLIC" => "Public",
        "USER" => "User",
        "ADMIN" => "Admin",
        "SERVICE" => "Service",
        _ => bail!("the policy names no caller"),
    };
    let success = match options::enum_name(&policy, "success")?.as_str() {
        "CREATED" => "Created",
        "ACCEPTED" => "Accepted",
        _ => "Ok",
    };
    let has_http_rule = options::get(pool, &method.options(), "google.api.http")?.is_some();
    ensure!(
        has_http_rule != (caller == "Service"),
        "exactly the methods that are not for SERVICE have an HTTP rule"
    );
    let scope = options::text(&policy, "scope");
    ensure!(
        scope.is_empty() || SCOPES.contains(&scope.as_str()),
        "there is no scope `{scope}`"
    );
    let service_accounts = options::flag(&policy, "service_accounts");
    ensure!(
        !service_accounts || (caller == "User" && !scope.is_empty()),
        "service accounts are let in where people are, by a scope"
    );
    // What no key may do, or what changes the account itself, is the person's.
    let impersonation =
        options::flag(&policy, "impersonation") || !["", "account:write"].contains(&&*scope);
    Ok(format!(
        "Method {{ path: \"/{}/{}\", caller: CallerClass::{caller}, scope: {:?}, credentials: {}, \
         idempotent: {}, success: Success::{success}, idempotency_key: {}, secret: {}, refresh_cookie: {}, \
         service_accounts: {service_accounts}, impersonation: {impersonation}, is_stream: {} }},\n",
        method.parent_service().full_name(),
        method.name(),
        scope,
        options::enum_name(&policy, "rate_class")? == "CREDENTIALS",
        options::flag(&policy, "idempotent"),
        options::flag(&policy, "idempotency_key"),
        options::flag(&policy, "secret"),
        options::flag(&policy, "refresh_cookie"),
        method.is_server_streaming(),
    ))
}
